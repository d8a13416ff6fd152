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

const char* ErrorCodeName(ErrorCode code) { return lance_status_name(static_cast<LanceStatusCode>(code)); }

}  // namespace lance::inline v0
