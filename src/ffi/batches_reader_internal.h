/// \file batches_reader_internal.h
/// Batches of a scan as futures, and as a reader that can be stopped while it waits.
#pragma once

#include <memory>

#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "ffi/handle_internal.h"

namespace lance::inline v0::internal {

using BatchesHandle = Handle<LanceBatches, lance_batches_free>;

/// A scan under way. One batch at a time may be asked for.
class BatchesReader : public arrow::RecordBatchReader {
 public:
  static arrow::Result<std::shared_ptr<BatchesReader>> Make(BatchesHandle batches,
                                                            const arrow::StopToken& stop);

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  /// Ask for the next batch, which is NULL after the last.
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> NextAsync();

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;
  arrow::Status Close() override;

 private:
  BatchesReader(BatchesHandle batches, std::shared_ptr<arrow::Schema> schema, arrow::StopToken stop);

  std::shared_ptr<LanceBatches> batches_;
  std::shared_ptr<arrow::Schema> schema_;
  arrow::StopToken stop_;
};

}  // namespace lance::inline v0::internal
