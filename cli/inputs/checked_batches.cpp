#include "inputs/checked_batches.h"

#include <ranges>
#include <utility>

#include "arrow/array.h"
#include "arrow/type.h"
#include "first_rows.h"

namespace lance::cli {
namespace {

using arrow::Status;

Status CheckColumn(const arrow::Array& column) {
  const Status status = column.ValidateFull();
  if (status.message().find("UTF8") == std::string::npos) return status;
  return Status::Invalid(
      "not UTF-8; text of another encoding can be converted, for example with iconv -f LATIN1 -t UTF-8");
}

int64_t FirstBadRow(const arrow::Array& column);

template <typename ListArray>
int64_t FirstBadList(const arrow::Array& column) {
  const auto& lists = static_cast<const ListArray&>(column);
  const int64_t value = FirstBadRow(*lists.values());
  if (value < 0) return -1;
  const auto rows = std::views::iota(int64_t{0}, column.length());
  const auto row =
      std::ranges::partition_point(rows, [&](int64_t i) { return lists.value_offset(i + 1) <= value; });
  return row == rows.end() ? -1 : *row;
}

/// Get the row of a column that fails, or -1 if it is not due to one. A slice of a nested column is checked
/// with all that is below it, so that the search goes down.
int64_t FirstBadRow(const arrow::Array& column) {
  // Then the buffers are as large as the search needs them.
  if (!column.Validate().ok()) return -1;
  switch (column.type_id()) {
    case arrow::Type::LIST:
      return FirstBadList<arrow::ListArray>(column);
    case arrow::Type::LARGE_LIST:
      return FirstBadList<arrow::LargeListArray>(column);
    case arrow::Type::FIXED_SIZE_LIST:
      return FirstBadList<arrow::FixedSizeListArray>(column);
    case arrow::Type::MAP:
      return FirstBadList<arrow::MapArray>(column);
    case arrow::Type::STRUCT:
      for (const auto& child : static_cast<const arrow::StructArray&>(column).fields()) {
        if (const int64_t row = FirstBadRow(*child); row >= 0) return row;
      }
      return -1;
    default:
      return FirstFailing(column, CheckColumn);
  }
}

}  // namespace

CheckedBatches::CheckedBatches(std::string path, std::shared_ptr<arrow::Schema> announced,
                               std::shared_ptr<const Fit> fit, Input::Part part)
    : path_(std::move(path)),
      announced_(std::move(announced)),
      fit_(std::move(fit)),
      part_(std::move(part)),
      next_row_(part_.first_row) {}

Status CheckedBatches::ReadNext(std::shared_ptr<arrow::RecordBatch>* out) {
  *out = nullptr;
  return InFile(path_, Guarded([&] { return Read(out); }));
}

Status CheckedBatches::Read(std::shared_ptr<arrow::RecordBatch>* out) {
  while (rest_ == nullptr || rest_->num_rows() == 0) {
    ARROW_RETURN_NOT_OK(ReadChecked());
    if (rest_ == nullptr) return Status::OK();
  }
  // Some casts make more of a value, and a type may hold less than the batch has.
  ARROW_ASSIGN_OR_RAISE(const auto rows, FirstRows(*rest_, rest_->num_rows()));
  ARROW_ASSIGN_OR_RAISE(*out, fit_->Apply(*rows, next_row_));
  next_row_ += static_cast<uint64_t>(rows->num_rows());
  rest_ = rest_->Slice(rows->num_rows());
  return Status::OK();
}

Status CheckedBatches::ReadChecked() {
  if (reader_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(reader_, part_.open());
  }
  ARROW_RETURN_NOT_OK(reader_->ReadNext(&rest_));
  return rest_ == nullptr ? Status::OK() : Check(*rest_);
}

Status CheckedBatches::Check(const arrow::RecordBatch& batch) const {
  if (batch.num_columns() != announced_->num_fields()) {
    return Status::Invalid("damaged: a batch has ", batch.num_columns(), " columns, its schema ",
                           announced_->num_fields());
  }
  for (int i = 0; i < batch.num_columns(); ++i) {
    const std::string& name = fit_->from()->field(i)->name();
    const arrow::DataType& type = *announced_->field(i)->type();
    const arrow::ArrayData& data = *batch.column_data(i);
    if (!data.type->Equals(type)) {
      return InColumn(name, Status::TypeError("announced as \"", type.ToString(), "\", but of type \"",
                                              data.type->ToString(), "\""));
    }
    if (data.length != batch.num_rows()) {
      return InColumn(
          name, Status::Invalid("damaged: has ", data.length, " rows in a batch of ", batch.num_rows()));
    }
    const std::shared_ptr<arrow::Array> column = batch.column(i);
    if (const Status status = CheckColumn(*column); !status.ok()) {
      return InColumn(name, InRow(FirstBadRow(*column), next_row_, status));
    }
  }
  return Status::OK();
}

}  // namespace lance::cli
