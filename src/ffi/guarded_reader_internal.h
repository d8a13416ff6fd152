/// \file guarded_reader_internal.h
/// A caller's reader, made safe to be driven by the Rust library.
#pragma once

#include <memory>
#include <string>

#include "arrow/c/abi.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "ffi/thread_edge_internal.h"

namespace lance::inline v0::internal {

/// Drives a reader as an ArrowArrayStream. Its exceptions become errors, its first error is remembered,
/// and its batches are checked and exported like those of a direct write.
class GuardedReader : public std::enable_shared_from_this<GuardedReader> {
 public:
  explicit GuardedReader(std::shared_ptr<arrow::RecordBatchReader> reader);

  /// The reader's schema, or NULL when asking for it failed.
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  /// The first error of the reader.
  const arrow::Status& status() const {
    edge_.Enter();
    return status_;
  }

  /// Export as a stream, which shares ownership of this object.
  void Export(ArrowArrayStream* out);

 private:
  static int GetSchema(ArrowArrayStream* stream, ArrowSchema* out);
  static int GetNext(ArrowArrayStream* stream, ArrowArray* out);
  static const char* GetLastError(ArrowArrayStream* stream);
  static void Release(ArrowArrayStream* stream);

  /// Run a step unless an earlier one failed; return 0 or an errno value.
  template <typename Step>
  int Guard(Step&& step) noexcept;

  /// The same for a step of a stream, which may be on another thread than the one before.
  template <typename Step>
  int Continue(Step&& step) noexcept;

  arrow::Status Next(ArrowArray* out);

  std::shared_ptr<arrow::RecordBatchReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  arrow::Status status_;
  /// While there is a stream.
  std::shared_ptr<GuardedReader> self_;
  ThreadEdge edge_;
};

/// The failure of a call that was driving a reader, whose own error says more than what came back through the
/// stream.
inline arrow::Status WithReaderError(const arrow::Status& failure, const GuardedReader& reader) {
  return reader.status().ok() ? failure : reader.status();
}

}  // namespace lance::inline v0::internal
