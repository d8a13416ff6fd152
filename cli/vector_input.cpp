#include "vector_input.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "printable.h"

namespace lance::cli {
namespace {

using nlohmann::json;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using TablePtr = std::shared_ptr<arrow::Table>;

/// Whether the values are vectors, or lists of vectors.
bool AreVectors(const arrow::DataType& type) {
  if (type.id() == arrow::Type::LIST) {
    const auto& inside = *static_cast<const arrow::ListType&>(type).value_type();
    return inside.id() == arrow::Type::FIXED_SIZE_LIST && AreVectors(inside);
  }
  if (type.id() != arrow::Type::FIXED_SIZE_LIST) return false;
  const auto number = static_cast<const arrow::FixedSizeListType&>(type).value_type()->id();
  return arrow::is_floating(number) || number == arrow::Type::INT8 || number == arrow::Type::UINT8;
}

void AddVectorColumns(const arrow::FieldVector& fields, const std::string& before,
                      std::vector<std::string>* out) {
  for (const auto& field : fields) {
    const std::string name = before + field->name();
    if (AreVectors(*field->type())) out->push_back(name);
    if (field->type()->id() == arrow::Type::STRUCT)
      AddVectorColumns(field->type()->fields(), name + ".", out);
  }
}

arrow::Status NoVectors(const std::string& why) {
  return arrow::Status::Invalid("--vector: ", why,
                                "; it is [1, 2, 3], or [[1, 2, 3], [4, 5, 6]], or a file of that");
}

arrow::Status AppendNumbers(const json& numbers, arrow::DoubleBuilder* out) {
  if (!numbers.is_array()) return NoVectors("what is no list stands beside lists");
  for (const json& number : numbers) {
    if (!number.is_number()) return NoVectors(fmt::format("{} is no number", Printable(number.dump())));
    ARROW_RETURN_NOT_OK(out->Append(number.get<double>()));
  }
  return arrow::Status::OK();
}

/// A number alone is a position.
std::optional<uint64_t> ToPosition(const std::string& row) {
  uint64_t position = 0;
  const char* const end = row.data() + row.size();
  const auto [rest, error] = std::from_chars(row.data(), end, position);
  return error == std::errc() && rest == end ? std::optional(position) : std::nullopt;
}

arrow::Result<ArrayPtr> ValueOf(const arrow::Array& array, int64_t row) {
  if (array.type_id() == arrow::Type::LIST)
    return static_cast<const arrow::ListArray&>(array).value_slice(row);
  if (array.type_id() == arrow::Type::FIXED_SIZE_LIST) {
    return static_cast<const arrow::FixedSizeListArray&>(array).value_slice(row);
  }
  return arrow::Status::Invalid("--like: the column is of type ", array.type()->ToString(),
                                ", and not of vectors");
}

}  // namespace

arrow::Result<std::string> FindVectorColumn(const arrow::Schema& schema) {
  std::vector<std::string> names;
  AddVectorColumns(schema.fields(), "", &names);
  if (names.size() == 1) return names.front();
  if (names.empty()) return arrow::Status::Invalid("the dataset has no column of vectors");
  return arrow::Status::Invalid(
      "the dataset has several columns of vectors, of which --column is to name one: ",
      Printable(fmt::format("{}", fmt::join(names, ", "))));
}

arrow::Result<ArrayPtr> ReadVectors(const std::string& text) {
  std::string read = text;
  if (const size_t first = text.find_first_not_of(" \t\n");
      first == std::string::npos || text[first] != '[') {
    std::ifstream file(text, std::ios::binary);
    read.assign(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad()) return arrow::Status::IOError("cannot read ", text);
  }
  const json vectors = json::parse(read, nullptr, /*allow_exceptions=*/false);
  if (!vectors.is_array() || vectors.empty()) return NoVectors("not a list of numbers");
  const auto numbers = std::make_shared<arrow::DoubleBuilder>();
  if (!vectors.front().is_array()) {
    ARROW_RETURN_NOT_OK(AppendNumbers(vectors, numbers.get()));
    return numbers->Finish();
  }
  arrow::ListBuilder lists(arrow::default_memory_pool(), numbers);
  for (const json& vector : vectors) {
    ARROW_RETURN_NOT_OK(lists.Append());
    ARROW_RETURN_NOT_OK(AppendNumbers(vector, numbers.get()));
  }
  return lists.Finish();
}

arrow::Result<ArrayPtr> VectorsOfRow(const Dataset& dataset, const std::string& column,
                                     const std::string& row) {
  TablePtr found;
  if (const auto position = ToPosition(row)) {
    ARROW_ASSIGN_OR_RAISE(const auto taken, dataset.TakePositions({*position}, {.columns = {{column}}}));
    ARROW_ASSIGN_OR_RAISE(found, arrow::Table::FromRecordBatches({taken}));
  } else {
    // Of two, neither is the one.
    ARROW_ASSIGN_OR_RAISE(const auto scanner,
                          dataset.Scan({.columns = {{column}}, .filter = row, .limit = 2}));
    ARROW_ASSIGN_OR_RAISE(found, scanner->ToTable());
  }
  if (found->num_rows() != 1) {
    return arrow::Status::Invalid("--like: ", found->num_rows() == 0 ? "no row" : "more than one row",
                                  " passes the filter ", Printable(row));
  }
  const arrow::ChunkedArray& cells = *found->column(0);
  int index = 0;
  while (cells.chunk(index)->length() == 0) ++index;
  const arrow::Array& chunk = *cells.chunk(index);
  if (chunk.IsNull(0))
    return arrow::Status::Invalid("--like: the row has no vector in column ", Printable(column));
  return ValueOf(chunk, 0);
}

}  // namespace lance::cli
