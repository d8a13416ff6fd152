#include "model/check.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/compute/api_vector.h"
#include "support/datasets.h"
#include "support/generators.h"

namespace lance_test {
namespace {

using arrow::Status;

constexpr const char* kRowId = "_rowid";

template <typename... Words>
Status Wrong(const Words&... words) {
  return Status::Invalid("the model says otherwise: ", words...);
}

/// All of a column, without dictionaries.
arrow::Result<std::shared_ptr<arrow::Array>> Whole(const arrow::ChunkedArray& column) {
  arrow::ArrayVector chunks;
  for (const auto& chunk : column.chunks()) chunks.push_back(Plain(chunk));
  if (!chunks.empty()) return arrow::Concatenate(chunks);
  ARROW_ASSIGN_OR_RAISE(const auto empty, arrow::MakeEmptyArray(column.type()));
  return Plain(empty);
}

/// The places of the rows in the order of their keys.
std::shared_ptr<arrow::Array> Order(const std::vector<int64_t>& keys) {
  std::vector<int64_t> places(keys.size());
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(), [&](int64_t one, int64_t other) {
    return keys[static_cast<size_t>(one)] < keys[static_cast<size_t>(other)];
  });
  arrow::Int64Builder builder;
  ARROW_UNUSED(builder.AppendValues(places));
  return builder.Finish().ValueOrDie();
}

std::string Few(const std::vector<int64_t>& keys) {
  std::string text = std::to_string(keys.size()) + " rows:";
  for (size_t i = 0; i < keys.size() && i < 40; ++i) text += " " + std::to_string(keys[i]);
  return text;
}

std::vector<int64_t> KeysOf(const Table& table) {
  std::vector<int64_t> keys;
  for (const auto& [key, row] : table.rows) keys.push_back(key);
  return keys;
}

Status CheckKeys(std::vector<int64_t> found, const std::vector<int64_t>& expected, const std::string& what) {
  std::sort(found.begin(), found.end());
  return found == expected ? Status::OK() : Wrong(what, " finds ", Few(found), ", not ", Few(expected));
}

Status CheckSchema(const arrow::Schema& schema, const Table& expected) {
  if (schema.num_fields() != static_cast<int>(expected.columns.size())) {
    return Wrong("there are ", schema.num_fields(), " columns, not ", expected.columns.size(), ": ",
                 schema.ToString());
  }
  for (int i = 0; i < schema.num_fields(); ++i) {
    const auto wanted = FieldOf(expected.columns[static_cast<size_t>(i)]);
    if (!schema.field(i)->Equals(*wanted)) {
      return Wrong("column ", i, " is ", schema.field(i)->ToString(true), ", not ", wanted->ToString());
    }
  }
  return Status::OK();
}

/// `values` in the order of the keys.
Status CheckColumn(const Column& column, const arrow::Array& values, const Table& expected) {
  std::vector<Cell> cells;
  for (const auto& [key, row] : expected.rows) cells.push_back(CellOf(row, column.id));
  ARROW_ASSIGN_OR_RAISE(const auto made, ArrayOf(column.kind, cells));
  const auto wanted = Plain(made);
  if (values.Equals(*wanted)) return Status::OK();
  auto row = expected.rows.begin();
  for (int64_t i = 0; i < wanted->length(); ++i, ++row) {
    if (values.RangeEquals(i, i + 1, i, *wanted)) continue;
    return Wrong("column ", column.name, " of row ", row->first, " is ", values.Slice(i, 1)->ToString(),
                 ", not ", wanted->Slice(i, 1)->ToString());
  }
  return Wrong("column ", column.name, " is of type ", values.type()->ToString(), ", not ",
               wanted->type()->ToString());
}

/// The keys and row ids of a scan, in its order.
struct Scanned {
  std::vector<int64_t> keys;
  std::vector<uint64_t> row_ids;
};

arrow::Result<Scanned> CheckScan(const lance::Dataset& dataset, const Table& expected) {
  ARROW_RETURN_NOT_OK(CheckSchema(*dataset.schema(), expected));
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan({.with_row_id = true}));
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  Scanned scanned;
  scanned.keys = Int64s(*table->column(0));
  ARROW_RETURN_NOT_OK(CheckKeys(scanned.keys, KeysOf(expected), "a scan"));
  for (const auto& chunk : table->GetColumnByName(kRowId)->chunks()) {
    const auto& ids = static_cast<const arrow::UInt64Array&>(*chunk);
    scanned.row_ids.insert(scanned.row_ids.end(), ids.raw_values(), ids.raw_values() + ids.length());
  }
  const auto order = Order(scanned.keys);
  for (size_t i = 0; i < expected.columns.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto values, Whole(*table->column(static_cast<int>(i))));
    ARROW_ASSIGN_OR_RAISE(const auto sorted, arrow::compute::Take(*values, *order));
    ARROW_RETURN_NOT_OK(CheckColumn(expected.columns[i], *sorted, expected));
  }
  return scanned;
}

Status CheckFilter(const lance::Dataset& dataset, const Table& expected, Random& random) {
  const Predicate predicate = RandomPredicate(random, expected.columns);
  std::vector<int64_t> matching;
  for (const auto& [key, row] : expected.rows) {
    if (predicate.Holds(row)) matching.push_back(key);
  }
  ARROW_ASSIGN_OR_RAISE(const uint64_t count, dataset.CountRows(predicate.sql));
  if (count != matching.size()) return Wrong(predicate.sql, " counts ", count, ", not ", Few(matching));
  for (const bool use_index : {true, false}) {
    lance::ScanOptions options;
    options.columns = {{expected.columns.front().name}};
    options.filter = predicate.sql;
    options.use_scalar_index = use_index;
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    ARROW_RETURN_NOT_OK(CheckKeys(Int64s(*table->column(0)), matching,
                                  predicate.sql + (use_index ? " with indices" : " without indices")));
  }
  return Status::OK();
}

Status CheckTaken(const arrow::RecordBatch& taken, const Scanned& scanned,
                  const std::vector<uint64_t>& places, const char* how) {
  const auto& keys = static_cast<const arrow::Int64Array&>(*taken.column(0));
  if (keys.length() != static_cast<int64_t>(places.size())) {
    return Wrong("a take by ", how, " gives ", keys.length(), " rows, not ", places.size());
  }
  for (int64_t i = 0; i < keys.length(); ++i) {
    const int64_t expected = scanned.keys[places[static_cast<size_t>(i)]];
    if (keys.Value(i) != expected)
      return Wrong("a take by ", how, " gives row ", keys.Value(i), ", not ", expected);
  }
  return Status::OK();
}

Status CheckTakes(const lance::Dataset& dataset, const Scanned& scanned, Random& random) {
  if (scanned.keys.empty()) return Status::OK();
  std::vector<uint64_t> places;
  std::vector<uint64_t> row_ids;
  for (int i = 0; i < 5; ++i) {
    places.push_back(static_cast<uint64_t>(random.Below(static_cast<int64_t>(scanned.keys.size()))));
    row_ids.push_back(scanned.row_ids[places.back()]);
  }
  ARROW_ASSIGN_OR_RAISE(const auto by_position, dataset.Take(places));
  ARROW_RETURN_NOT_OK(CheckTaken(*by_position, scanned, places, "position"));
  ARROW_ASSIGN_OR_RAISE(const auto by_id, dataset.TakeRows(row_ids));
  return CheckTaken(*by_id, scanned, places, "row id");
}

}  // namespace

Status CheckContent(const lance::Dataset& dataset, const Table& expected) {
  return CheckScan(dataset, expected).status();
}

Status CheckReads(const lance::Dataset& dataset, const Table& expected, Random& random) {
  ARROW_ASSIGN_OR_RAISE(const Scanned scanned, CheckScan(dataset, expected));
  ARROW_ASSIGN_OR_RAISE(const auto info, dataset.Info());
  if (info.rows != expected.rows.size())
    return Wrong("there are ", info.rows, " rows, not ", expected.rows.size());
  ARROW_RETURN_NOT_OK(CheckFilter(dataset, expected, random));
  return CheckTakes(dataset, scanned, random);
}

}  // namespace lance_test
