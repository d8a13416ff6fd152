/// \file status.h
/// What a failed call tells beyond arrow::StatusCode.
#pragma once

#include <memory>
#include <string>

#include "arrow/status.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// The exact cause of a failure. Values are frozen and equal those of the C ABI.
enum class ErrorCode : int {
  kOk = 0,
  /// A bad argument, option, URI, SQL expression or Arrow structure.
  kInvalidArgument = 1,
  /// The object was finished, aborted or moved from.
  kInvalidState = 2,
  kNotFound = 3,
  kDatasetNotFound = 4,
  kVersionNotFound = 5,
  /// A tag or a branch does not exist.
  kRefNotFound = 6,
  kFieldNotFound = 7,
  kIndexNotFound = 8,
  kAlreadyExists = 9,
  /// The data's schema does not fit the dataset's, or a type cannot be stored.
  kSchemaMismatch = 10,
  /// Another writer won and the retries are used up: commit again.
  kCommitConflict = 11,
  /// Another writer changed what this operation read: redo it on the new version.
  kCommitConflictRetryable = 12,
  /// Another writer did something this operation can never follow: do not retry.
  kIncompatibleTransaction = 13,
  kContention = 14,
  /// The commit may or may not have landed: look at the dataset before trying again.
  kCommitStatusUnknown = 15,
  kTimeout = 16,
  kFailedPrecondition = 17,
  kNotSupported = 18,
  kIO = 19,
  /// A file is damaged, or shorter than its manifest says.
  kCorrupt = 20,
  kArrow = 21,
  kExecution = 22,
  kIndex = 23,
  kNamespace = 24,
  kResourceExhausted = 25,
  kFenced = 26,
  kCancelled = 27,
  /// A reader or callback supplied by the caller failed.
  kCallback = 28,
  /// The process was forked after the library was first used.
  kForked = 29,
  /// A bug in the library or the engine was contained.
  kPanic = 30,
  kInternal = 31,
};

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
