#include "lance/status.h"

#include <string_view>
#include <utility>

#include "lance/c/lance.h"

namespace lance::inline v0 {
namespace {

constexpr const char* kTypeId = "lance::LanceStatusDetail";

}  // namespace

LanceStatusDetail::LanceStatusDetail(ErrorCode code, std::string origin)
    : code_(code), origin_(std::move(origin)) {}

const char* LanceStatusDetail::type_id() const { return kTypeId; }

std::string LanceStatusDetail::ToString() const {
  const std::string name = ErrorCodeName(code_);
  return origin_.empty() ? name : name + " (" + origin_ + ")";
}

std::shared_ptr<LanceStatusDetail> LanceStatusDetail::UnwrapStatus(const arrow::Status& status) {
  // By id, not by RTTI, which can fail between shared libraries.
  const std::shared_ptr<arrow::StatusDetail>& detail = status.detail();
  if (detail == nullptr || std::string_view(detail->type_id()) != kTypeId) return nullptr;
  return std::static_pointer_cast<LanceStatusDetail>(detail);
}

ErrorCode GetErrorCode(const arrow::Status& status) {
  if (status.ok()) return ErrorCode::kOk;
  const auto detail = LanceStatusDetail::UnwrapStatus(status);
  return detail == nullptr ? ErrorCode::kInternal : detail->code();
}

arrow::StatusCode ArrowStatusCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk:
      return arrow::StatusCode::OK;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidState:
    case ErrorCode::kSchemaMismatch:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kIncompatibleTransaction:
    case ErrorCode::kFenced:
    case ErrorCode::kArrow:
    case ErrorCode::kExecution:
    case ErrorCode::kIndex:
    case ErrorCode::kForked:
      return arrow::StatusCode::Invalid;
    case ErrorCode::kNotFound:
    case ErrorCode::kDatasetNotFound:
    case ErrorCode::kVersionNotFound:
    case ErrorCode::kRefNotFound:
    case ErrorCode::kFieldNotFound:
    case ErrorCode::kIndexNotFound:
      return arrow::StatusCode::KeyError;
    case ErrorCode::kAlreadyExists:
      return arrow::StatusCode::AlreadyExists;
    case ErrorCode::kNotSupported:
      return arrow::StatusCode::NotImplemented;
    case ErrorCode::kCommitConflict:
    case ErrorCode::kCommitConflictRetryable:
    case ErrorCode::kContention:
    case ErrorCode::kCommitStatusUnknown:
    case ErrorCode::kTimeout:
    case ErrorCode::kIO:
    case ErrorCode::kCorrupt:
    case ErrorCode::kNamespace:
    case ErrorCode::kCallback:
      return arrow::StatusCode::IOError;
    case ErrorCode::kResourceExhausted:
      return arrow::StatusCode::CapacityError;
    case ErrorCode::kCancelled:
      return arrow::StatusCode::Cancelled;
    case ErrorCode::kPanic:
    case ErrorCode::kInternal:
      break;
  }
  // Also a code that a newer C library may send.
  return arrow::StatusCode::UnknownError;
}

const char* ErrorCodeName(ErrorCode code) { return lance_status_name(static_cast<LanceStatusCode>(code)); }

}  // namespace lance::inline v0
