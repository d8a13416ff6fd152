/// \file arrow_bridge_internal.h
/// Arrow C++ objects across the C ABI, by the move of the Arrow C Data Interface: the shell is ours and on
/// the stack, its contents belong to whoever holds a non-NULL `release`.
#pragma once

#include <memory>
#include <tuple>
#include <utility>

#include "arrow/c/abi.h"
#include "arrow/c/bridge.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "ffi/call_internal.h"
#include "ffi/error_internal.h"

namespace lance::inline v0::internal {

/// The shell of an Arrow C struct; releases what it still holds.
template <typename T>
class CShell {
 public:
  CShell() = default;
  CShell(const CShell&) = delete;
  CShell& operator=(const CShell&) = delete;
  ~CShell() {
    if (shell_.release != nullptr) shell_.release(&shell_);
  }

  T* get() { return &shell_; }

  /// Move the contents out.
  T Take() { return std::exchange(shell_, T{}); }

  /// Pass on the outcome of a call that had to consume the contents.
  ///
  /// Contents that are still here have two possible owners. A release could be the second one, so they are
  /// leaked and the broken promise is reported.
  arrow::Status AfterConsumedBy(arrow::Status status) {
    if (std::exchange(shell_.release, nullptr) == nullptr) return status;
    return MakeStatus(ErrorCode::kInternal, "liblance_ffi did not consume an Arrow struct (call returned: " +
                                                status.ToString() + ")");
  }

 private:
  T shell_{};
};

using CArray = CShell<ArrowArray>;
using CSchema = CShell<ArrowSchema>;
using CStream = CShell<ArrowArrayStream>;

/// Export a batch as a struct array, without a copy. `out` must be empty.
arrow::Status batch_to_ffi(const arrow::RecordBatch& batch, CArray* out);

/// An array and its type, both consumed by one call.
struct ArrayShells {
  arrow::Status Export(const arrow::Array& values);
  arrow::Status AfterConsumedBy(arrow::Status status) {
    return type.AfterConsumedBy(array.AfterConsumedBy(std::move(status)));
  }

  CArray array;
  CSchema type;
};

/// An output that is a batch with its schema.
struct BatchOut {
  auto pointers() { return std::make_tuple(array.get(), schema.get()); }

  CArray array;
  CSchema schema;
};

/// What is made of that.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToBatch(BatchOut& out);

/// Call a function that hands out a schema.
template <typename HandleT>
arrow::Result<std::shared_ptr<arrow::Schema>> CallForSchema(
    LanceStatusCode (*function)(const HandleT*, ArrowSchema*, LanceError**), const HandleT* handle) {
  CSchema schema;
  ARROW_RETURN_NOT_OK(Call(function, handle, schema.get()));
  return WithCode(arrow::ImportSchema(schema.get()), ErrorCode::kArrow);
}

}  // namespace lance::inline v0::internal
