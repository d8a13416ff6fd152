/// \file batches_reader_internal.h
/// Batches of a scan as futures, and as a reader that can be stopped while it waits.
#pragma once

#include <atomic>
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
  /// `needs` is kept as long as a batch may come.
  static arrow::Result<std::shared_ptr<BatchesReader>> Make(BatchesHandle batches,
                                                            const arrow::StopToken& stop,
                                                            std::shared_ptr<const void> needs = nullptr);

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  /// Ask for the next batch, which is NULL after the last.
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> NextAsync();

  /// After a failure it fails in the same way again: what is stopped must not look complete.
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;
  arrow::Status Close() override;

 private:
  BatchesReader(BatchesHandle batches, std::shared_ptr<arrow::Schema> schema, arrow::StopToken stop,
                std::shared_ptr<const void> needs);

  const std::shared_ptr<const void> needs_;
  std::shared_ptr<LanceBatches> batches_;
  std::shared_ptr<arrow::Schema> schema_;
  arrow::StopToken stop_;
  /// Set after the last batch and after a failure.
  std::shared_ptr<std::atomic<bool>> has_ended_ = std::make_shared<std::atomic<bool>>(false);
  /// The first one of ReadNext().
  arrow::Status failure_;
};

}  // namespace lance::inline v0::internal
