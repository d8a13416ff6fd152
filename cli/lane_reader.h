/// \file lane_reader.h
/// The batches of one lane of a table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "progress.h"

namespace lance::cli {

/// Opens one piece of a stream.
using Piece = std::function<arrow::Result<std::shared_ptr<arrow::RecordBatchReader>>()>;

/// Reads piece after piece, each opened when it is its turn. Fails when a signal or `stop` asks to stop.
class LaneReader : public arrow::RecordBatchReader {
 public:
  /// \param[in] batch_rows the most rows of a batch
  /// \param[in] progress what is read is added to this; it outlives the reader
  LaneReader(std::shared_ptr<arrow::Schema> schema, std::vector<Piece> pieces, int64_t batch_rows,
             Progress* progress, std::stop_token stop);

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Piece> pieces_;
  int64_t batch_rows_;
  Progress* progress_;
  std::stop_token stop_;
  size_t next_piece_ = 0;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  std::shared_ptr<arrow::RecordBatch> rest_;
};

}  // namespace lance::cli
