#include "support/datasets.h"

#include <numeric>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/generators.h"

namespace lance_test {

arrow::Result<lance::CommitResult> WriteBatches(
    const std::string& uri, const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
    const lance::WriteOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(uri, batches.front()->schema(), options));
  for (const auto& batch : batches) ARROW_RETURN_NOT_OK(writer->Write(*batch));
  return writer->Finish();
}

arrow::Result<lance::CommitResult> WriteSimple(const std::string& uri, int64_t first_id, int64_t rows,
                                               const lance::WriteOptions& options) {
  return WriteBatches(uri, {SimpleBatch(first_id, rows)}, options);
}

arrow::Result<std::shared_ptr<arrow::Table>> ReadAll(const std::string& uri) {
  ARROW_ASSIGN_OR_RAISE(auto dataset, lance::Dataset::Open(uri));
  ARROW_ASSIGN_OR_RAISE(auto scanner, dataset->Scan());
  return scanner->ToTable();
}

std::vector<int64_t> Int64s(const arrow::ChunkedArray& column) {
  std::vector<int64_t> values;
  for (const auto& chunk : column.chunks()) {
    const auto& array = static_cast<const arrow::Int64Array&>(*chunk);
    values.insert(values.end(), array.raw_values(), array.raw_values() + array.length());
  }
  return values;
}

std::vector<int64_t> ReadIds(const std::string& uri) {
  const auto table = ReadAll(uri).ValueOrDie();
  return Int64s(*table->GetColumnByName("id"));
}

std::vector<int64_t> Range(int64_t first, int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

}  // namespace lance_test
