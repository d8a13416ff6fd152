#include "ffi/error_internal.h"

#include <memory>

#include "ffi/handle_internal.h"

namespace lance::inline v0::internal {
namespace {

#define LANCE_ASSERT_CODE(cpp, c) static_assert(static_cast<int>(ErrorCode::cpp) == (c))
LANCE_ASSERT_CODE(kOk, LANCE_OK);
LANCE_ASSERT_CODE(kInvalidArgument, LANCE_INVALID_ARGUMENT);
LANCE_ASSERT_CODE(kInvalidState, LANCE_INVALID_STATE);
LANCE_ASSERT_CODE(kNotFound, LANCE_NOT_FOUND);
LANCE_ASSERT_CODE(kDatasetNotFound, LANCE_DATASET_NOT_FOUND);
LANCE_ASSERT_CODE(kVersionNotFound, LANCE_VERSION_NOT_FOUND);
LANCE_ASSERT_CODE(kRefNotFound, LANCE_REF_NOT_FOUND);
LANCE_ASSERT_CODE(kFieldNotFound, LANCE_FIELD_NOT_FOUND);
LANCE_ASSERT_CODE(kIndexNotFound, LANCE_INDEX_NOT_FOUND);
LANCE_ASSERT_CODE(kAlreadyExists, LANCE_ALREADY_EXISTS);
LANCE_ASSERT_CODE(kSchemaMismatch, LANCE_SCHEMA_MISMATCH);
LANCE_ASSERT_CODE(kCommitConflict, LANCE_COMMIT_CONFLICT);
LANCE_ASSERT_CODE(kCommitConflictRetryable, LANCE_COMMIT_CONFLICT_RETRYABLE);
LANCE_ASSERT_CODE(kIncompatibleTransaction, LANCE_INCOMPATIBLE_TRANSACTION);
LANCE_ASSERT_CODE(kContention, LANCE_CONTENTION);
LANCE_ASSERT_CODE(kCommitStatusUnknown, LANCE_COMMIT_STATUS_UNKNOWN);
LANCE_ASSERT_CODE(kTimeout, LANCE_TIMEOUT);
LANCE_ASSERT_CODE(kFailedPrecondition, LANCE_FAILED_PRECONDITION);
LANCE_ASSERT_CODE(kNotSupported, LANCE_NOT_SUPPORTED);
LANCE_ASSERT_CODE(kIO, LANCE_IO);
LANCE_ASSERT_CODE(kCorrupt, LANCE_CORRUPT);
LANCE_ASSERT_CODE(kArrow, LANCE_ARROW);
LANCE_ASSERT_CODE(kExecution, LANCE_EXECUTION);
LANCE_ASSERT_CODE(kIndex, LANCE_INDEX);
LANCE_ASSERT_CODE(kNamespace, LANCE_NAMESPACE);
LANCE_ASSERT_CODE(kResourceExhausted, LANCE_RESOURCE_EXHAUSTED);
LANCE_ASSERT_CODE(kFenced, LANCE_FENCED);
LANCE_ASSERT_CODE(kCancelled, LANCE_CANCELLED);
LANCE_ASSERT_CODE(kCallback, LANCE_CALLBACK);
LANCE_ASSERT_CODE(kForked, LANCE_FORKED);
LANCE_ASSERT_CODE(kPanic, LANCE_PANIC);
LANCE_ASSERT_CODE(kInternal, LANCE_INTERNAL);
#undef LANCE_ASSERT_CODE

}  // namespace

arrow::Status MakeStatus(ErrorCode code, std::string message, std::string origin) {
  return {ArrowStatusCode(code), std::move(message),
          std::make_shared<LanceStatusDetail>(code, std::move(origin))};
}

arrow::Status ToStatus(LanceError* error) {
  const ErrorHandle owner(error);
  return MakeStatus(static_cast<ErrorCode>(lance_error_code(error)), lance_error_message(error),
                    lance_error_detail(error));
}

arrow::Status WithCode(arrow::Status status, ErrorCode code) {
  if (status.ok() || status.detail() != nullptr) return status;
  return status.WithDetail(std::make_shared<LanceStatusDetail>(code, ""));
}

}  // namespace lance::inline v0::internal
