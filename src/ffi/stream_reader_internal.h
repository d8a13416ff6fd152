/// \file stream_reader_internal.h
/// A stream of the Rust library as a reader.
#pragma once

#include <memory>

#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "ffi/arrow_bridge_internal.h"

namespace lance::inline v0::internal {

/// Reads as Arrow's own import does, but its errors keep their code and detail.
class StreamReader : public arrow::RecordBatchReader {
 public:
  /// `stream` is moved out of its shell, and `needs` is kept as long as it may be read.
  static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Make(
      CStream* stream, std::shared_ptr<const void> needs = nullptr);

  StreamReader(CStream* stream, std::shared_ptr<const void> needs);
  ~StreamReader() override;

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;
  arrow::Status Close() override;

 private:
  /// The error behind a callback that failed.
  arrow::Status LastError() const;

  const std::shared_ptr<const void> needs_;
  ArrowArrayStream stream_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace lance::inline v0::internal
