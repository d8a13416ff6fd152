#include "first_rows.h"

#include <algorithm>

#include "arrow/array.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/byte_size.h"

namespace lance::cli {
namespace {

constexpr int64_t kMostBytes = 16 << 20;

template <typename ArrayType>
int64_t LongestOf(const arrow::Array& values) {
  const auto& texts = static_cast<const ArrayType&>(values);
  int64_t longest = 0;
  for (int64_t i = 0; i < texts.length(); ++i) longest = std::max<int64_t>(longest, texts.value_length(i));
  return longest;
}

int64_t LongestValue(const arrow::Array& values) {
  switch (values.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return LongestOf<arrow::BinaryArray>(values);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return LongestOf<arrow::LargeBinaryArray>(values);
    default:
      return 0;
  }
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> FirstRows(const arrow::RecordBatch& batch,
                                                             int64_t max_rows) {
  int64_t decoded = 0;
  for (const auto& column : batch.columns()) {
    if (column->type_id() != arrow::Type::DICTIONARY) continue;
    decoded += LongestValue(*static_cast<const arrow::DictionaryArray&>(*column).dictionary());
  }
  // What comes with any number of rows, such as dictionaries.
  ARROW_ASSIGN_OR_RAISE(const int64_t shared, arrow::util::ReferencedBufferSize(*batch.Slice(0, 0)));
  auto rows = batch.Slice(0, max_rows);
  while (rows->num_rows() > 1) {
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(*rows));
    if (bytes - shared + rows->num_rows() * decoded <= kMostBytes) break;
    rows = rows->Slice(0, rows->num_rows() / 2);
  }
  return rows;
}

}  // namespace lance::cli
