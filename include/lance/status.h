/// \file status.h
/// What a failed call tells beyond arrow::StatusCode.
#pragma once

#include <memory>
#include <string>

#include "arrow/status.h"
#include "lance/error_code.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// The detail that every failed arrow::Status of this library carries.
class LANCE_EXPORT LanceStatusDetail : public arrow::StatusDetail {
 public:
  LanceStatusDetail(ErrorCode code, std::string origin);

  const char* type_id() const override;
  std::string ToString() const override;

  /// The exact cause.
  ErrorCode code() const { return code_; }
  /// Where it happened inside the engine, or "". For bug reports.
  const std::string& origin() const { return origin_; }

  /// Get the detail of a status, or NULL when it did not come from this library.
  static std::shared_ptr<LanceStatusDetail> UnwrapStatus(const arrow::Status& status);

 private:
  ErrorCode code_;
  std::string origin_;
};

/// Get the exact cause of a status: kOk when it is OK, kInternal when it did not come from this library.
LANCE_EXPORT ErrorCode GetErrorCode(const arrow::Status& status);

/// Get the arrow::StatusCode of the statuses with this code, which says what a caller who knows only Arrow
/// can do:
///
/// - KeyError: what was named does not exist (`...NotFound`)
/// - AlreadyExists: kAlreadyExists
/// - Invalid: the same call fails again (kInvalidArgument, kInvalidState, kSchemaMismatch,
/// kFailedPrecondition,
///   kIncompatibleTransaction, kFenced, kArrow, kExecution, kIndex, kForked)
/// - IOError: the store, another writer or the caller's own reader is to blame, and it may work later (kIO,
/// kTimeout,
///   kCorrupt, kCommitConflict, kCommitConflictRetryable, kContention, kCommitStatusUnknown, kNamespace,
///   kCallback)
/// - NotImplemented: kNotSupported
/// - CapacityError: kResourceExhausted
/// - Cancelled: kCancelled
/// - UnknownError: a bug (kPanic, kInternal)
LANCE_EXPORT arrow::StatusCode ArrowStatusCode(ErrorCode code);

/// Get the name of a code, for example "COMMIT_CONFLICT".
LANCE_EXPORT const char* ErrorCodeName(ErrorCode code);

}  // namespace v0
}  // namespace lance
