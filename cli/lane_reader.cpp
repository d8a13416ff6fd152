#include "lane_reader.h"

#include <utility>

#include "app.h"
#include "arrow/util/byte_size.h"
#include "first_rows.h"

namespace lance::cli {
LaneReader::LaneReader(std::shared_ptr<arrow::Schema> schema, std::vector<Piece> pieces, int64_t batch_rows,
                       Progress* progress, std::stop_token stop)
    : schema_(std::move(schema)),
      pieces_(std::move(pieces)),
      batch_rows_(batch_rows),
      progress_(progress),
      stop_(std::move(stop)) {}

arrow::Status LaneReader::ReadNext(std::shared_ptr<arrow::RecordBatch>* out) {
  ARROW_RETURN_NOT_OK(CheckInterrupt());
  if (stop_.stop_requested()) return arrow::Status::Cancelled("another table or lane has failed");
  while (rest_ == nullptr || rest_->num_rows() == 0) {
    if (reader_ == nullptr) {
      if (next_piece_ == pieces_.size()) {
        *out = nullptr;
        return arrow::Status::OK();
      }
      ARROW_ASSIGN_OR_RAISE(reader_, pieces_[next_piece_++]());
    }
    ARROW_RETURN_NOT_OK(reader_->ReadNext(&rest_));
    if (rest_ == nullptr) reader_ = nullptr;
  }
  // Pieces agree on columns, but not always on their metadata.
  ARROW_ASSIGN_OR_RAISE(
      *out, FirstRows(*arrow::RecordBatch::Make(schema_, rest_->num_rows(), rest_->columns()), batch_rows_));
  rest_ = rest_->Slice((*out)->num_rows());
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(**out));
  progress_->Add(static_cast<uint64_t>((*out)->num_rows()), static_cast<uint64_t>(bytes));
  return arrow::Status::OK();
}

}  // namespace lance::cli
