// Compares prepared searches of a dataset with scans: searches URI COLUMN [KEY=VALUE]...
//
// With `values` (numbers, with commas between) they are looked up in the column, which is compared with a
// scan that has a filter. Otherwise vectors are searched.
//
// Keys: `seed` and `queries` (how many, each a stored vector with some noise), `k`, `metric`, `refine`,
// `minimum` and `maximum` (partitions), `effort`, `ef`, `lower`, `upper`, `use_index`, `fast`, `filter`,
// `prefilter`, `columns` (one a line), `row_ids`, `held_bytes`, `gather`, `threads`, and `ties`: rows that
// are as far as the farthest one found may be others in a batch. Prints whether searches were prepared, and
// how many rows were found.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "ipc_program.h"
#include "lance/api.h"

namespace {

using lance_test::Arguments;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using QueryPtr = std::shared_ptr<lance::VectorQuery>;

std::optional<std::string> Get(const Arguments& arguments, const std::string& key) {
  const auto found = arguments.find(key);
  return found == arguments.end() ? std::nullopt : std::optional(found->second);
}

std::optional<uint32_t> Number(const Arguments& arguments, const std::string& key) {
  const auto text = Get(arguments, key);
  return text ? std::optional(static_cast<uint32_t>(std::stoul(*text))) : std::nullopt;
}

std::optional<double> Real(const Arguments& arguments, const std::string& key) {
  const auto text = Get(arguments, key);
  return text ? std::optional(std::stod(*text)) : std::nullopt;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Comparison {
 public:
  Comparison(std::string column, Arguments arguments)
      : column_(std::move(column)),
        arguments_(std::move(arguments)),
        random_(std::stoull(Get(arguments_, "seed").value_or("0"))) {}

  arrow::Status Run(const std::string& uri) {
    ARROW_ASSIGN_OR_RAISE(dataset_, lance::Dataset::Open(uri));
    ARROW_ASSIGN_OR_RAISE(const auto vectors, Vectors(Number(arguments_, "queries").value_or(10)));
    ARROW_ASSIGN_OR_RAISE(options_.nearest, Query(vectors.front()));
    options_.filter = Get(arguments_, "filter");
    options_.prefilter = Get(arguments_, "prefilter") != "0";
    options_.fast_search = Get(arguments_, "fast") == "1";
    options_.with_row_id = Get(arguments_, "row_ids") == "1";
    if (const auto columns = Get(arguments_, "columns")) options_.columns = Lines(*columns);
    lance::SearcherOptions searcher_options;
    if (const auto bytes = Get(arguments_, "held_bytes")) searcher_options.held_bytes = std::stoull(*bytes);
    searcher_options.gather_milliseconds = Number(arguments_, "gather");
    ARROW_ASSIGN_OR_RAISE(searcher_, lance::Searcher::Open(*dataset_, options_, searcher_options));
    for (const ArrayPtr& vector : vectors) ARROW_RETURN_NOT_OK(CompareOne(vector));
    ARROW_RETURN_NOT_OK(CompareAtOnce(vectors));
    ARROW_RETURN_NOT_OK(CompareBatch(vectors));
    std::cout << "prepared=" << searcher_->is_prepared() << " rows=" << rows_ << "\n";
    return arrow::Status::OK();
  }

 private:
  /// Stored vectors, each a little off.
  arrow::Result<std::vector<ArrayPtr>> Vectors(uint32_t count) {
    ARROW_ASSIGN_OR_RAISE(const uint64_t rows, dataset_->CountRows());
    std::uniform_int_distribution<uint64_t> row(0, rows - 1);
    std::vector<ArrayPtr> vectors;
    while (vectors.size() < count) {
      ARROW_ASSIGN_OR_RAISE(const auto batch, dataset_->Take({row(random_)}, {{column_}}));
      const auto& stored = static_cast<const arrow::FixedSizeListArray&>(*batch->column(0));
      if (stored.IsNull(0)) continue;
      ARROW_ASSIGN_OR_RAISE(const ArrayPtr vector, Noisy(*stored.value_slice(0)));
      vectors.push_back(vector);
    }
    return vectors;
  }

  arrow::Result<ArrayPtr> Noisy(const arrow::Array& stored) {
    if (stored.type_id() == arrow::Type::UINT8) {
      arrow::UInt8Builder bits;
      for (int64_t i = 0; i < stored.length(); ++i) {
        const auto flipped = static_cast<uint8_t>(1U << (random_() % 8U));
        const uint8_t byte = static_cast<const arrow::UInt8Array&>(stored).Value(i);
        ARROW_RETURN_NOT_OK(bits.Append(static_cast<uint8_t>(byte ^ flipped)));
      }
      return bits.Finish();
    }
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum numbers, arrow::compute::Cast(stored, arrow::float32()));
    std::normal_distribution<float> noise(0, 0.1F);
    arrow::FloatBuilder vector;
    for (int64_t i = 0; i < stored.length(); ++i) {
      const float number = numbers.array_as<arrow::FloatArray>()->Value(i);
      ARROW_RETURN_NOT_OK(vector.Append(number + noise(random_)));
    }
    return vector.Finish();
  }

  arrow::Result<QueryPtr> Query(const ArrayPtr& vectors) const {
    lance::VectorQueryOptions options;
    options.k = Number(arguments_, "k").value_or(10);
    options.refine_factor = Number(arguments_, "refine");
    options.minimum_nprobes = Number(arguments_, "minimum");
    options.maximum_nprobes = Number(arguments_, "maximum");
    options.search_effort = Real(arguments_, "effort");
    options.ef = Number(arguments_, "ef");
    options.lower_bound = Real(arguments_, "lower");
    options.upper_bound = Real(arguments_, "upper");
    options.use_index = Get(arguments_, "use_index") != "0";
    const std::string metric = Get(arguments_, "metric").value_or("");
    if (metric == "l2") options.metric = lance::DistanceMetric::kL2;
    if (metric == "cosine") options.metric = lance::DistanceMetric::kCosine;
    if (metric == "dot") options.metric = lance::DistanceMetric::kDot;
    return lance::VectorQuery::Make(column_, vectors, options);
  }

  arrow::Result<std::shared_ptr<arrow::Table>> Scan(const ArrayPtr& vectors) const {
    lance::ScanOptions options = options_;
    ARROW_ASSIGN_OR_RAISE(options.nearest, Query(vectors));
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset_->Scan(options));
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    return table->CombineChunks();
  }

  static arrow::Status Differ(const arrow::Table& scanned, const BatchPtr& found) {
    return arrow::Status::Invalid("a scan finds ", scanned.ToString(), "\nand a search ", found->ToString());
  }

  arrow::Status Compare(const ArrayPtr& vectors, const BatchPtr& found) {
    ARROW_RETURN_NOT_OK(found->ValidateFull());
    ARROW_ASSIGN_OR_RAISE(const auto scanned, Scan(vectors));
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({found}));
    if (!table->schema()->Equals(*scanned->schema(), /*check_metadata=*/true) || !table->Equals(*scanned)) {
      return Differ(*scanned, found);
    }
    return arrow::Status::OK();
  }

  arrow::Status CompareOne(const ArrayPtr& vector) {
    ARROW_ASSIGN_OR_RAISE(const BatchPtr found, searcher_->Search(vector));
    rows_ += found->num_rows();
    return Compare(vector, found);
  }

  /// On several threads.
  arrow::Status CompareAtOnce(const std::vector<ArrayPtr>& vectors) {
    std::vector<arrow::Result<BatchPtr>> found(vectors.size(), arrow::Status::UnknownError("not run"));
    std::atomic<size_t> next = 0;
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < Number(arguments_, "threads").value_or(4); ++i) {
      threads.emplace_back([&] {
        for (size_t query = next++; query < vectors.size(); query = next++) {
          found[query] = searcher_->Search(vectors[query]);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < vectors.size(); ++i) {
      ARROW_RETURN_NOT_OK(found[i].status());
      if (Get(arguments_, "gather") && Get(arguments_, "ties") == "1") {
        ARROW_RETURN_NOT_OK(CompareButTies(vectors[i], *found[i]));
      } else {
        ARROW_RETURN_NOT_OK(Compare(vectors[i], *found[i]));
      }
    }
    return arrow::Status::OK();
  }

  arrow::Status CompareBatch(const std::vector<ArrayPtr>& vectors) {
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr numbers, arrow::Concatenate(vectors));
    const auto length = static_cast<int32_t>(vectors.front()->length());
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr lists, arrow::FixedSizeListArray::FromArrays(numbers, length));
    ARROW_ASSIGN_OR_RAISE(const BatchPtr found, searcher_->Search(lists));
    if (Get(arguments_, "ties") == "1") return CompareButTies(lists, found);
    return Compare(lists, found);
  }

  /// All are as far, and rows are the same that are nearer than the farthest of their query. In which order
  /// rows come that are as far as each other is not promised.
  arrow::Status CompareButTies(const ArrayPtr& vectors, const BatchPtr& found) const {
    ARROW_RETURN_NOT_OK(found->ValidateFull());
    ARROW_ASSIGN_OR_RAISE(const auto scanned, Scan(vectors));
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({found}));
    const bool same_schema = table->schema()->Equals(*scanned->schema(), /*check_metadata=*/true);
    if (!same_schema || table->num_rows() != scanned->num_rows()) return Differ(*scanned, found);
    const auto distances = found->GetColumnByName("_distance");
    if (distances == nullptr || found->num_rows() == 0) return arrow::Status::OK();
    if (!distances->Equals(*scanned->GetColumnByName("_distance")->chunk(0))) return Differ(*scanned, found);
    const auto queries = found->GetColumnByName("query_index");
    const auto is_same_query = [&](int64_t row, int64_t other) {
      return queries == nullptr || queries->RangeEquals(*queries, row, row + 1, other);
    };
    for (int64_t i = 0, end = 0; i < found->num_rows(); i = end) {
      while (end < found->num_rows() && distances->RangeEquals(*distances, i, i + 1, end) &&
             is_same_query(i, end)) {
        ++end;
      }
      const bool is_farthest = end == found->num_rows() || !is_same_query(i, end);
      if (!is_farthest && !SameRows(*table, *scanned, i, end)) return Differ(*scanned, found);
    }
    return arrow::Status::OK();
  }

  /// Whether the rows from `begin` to `end` are the same, in any order.
  static bool SameRows(const arrow::Table& left, const arrow::Table& right, int64_t begin, int64_t end) {
    const auto rows = [&](const arrow::Table& table) {
      std::vector<std::shared_ptr<arrow::Table>> rows;
      for (int64_t row = begin; row < end; ++row) rows.push_back(table.Slice(row, 1));
      return rows;
    };
    return std::ranges::is_permutation(
        rows(left), rows(right), [](const auto& row, const auto& other) { return row->Equals(*other); });
  }

  const std::string column_;
  const Arguments arguments_;
  std::mt19937_64 random_;
  std::shared_ptr<lance::Dataset> dataset_;
  lance::ScanOptions options_;
  std::shared_ptr<lance::Searcher> searcher_;
  int64_t rows_ = 0;
};

/// Look values up, all at once and as bounds.
arrow::Status LookUp(const std::string& uri, const std::string& column, const std::string& values) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(uri));
  ARROW_ASSIGN_OR_RAISE(const auto lookup, lance::Lookup::Open(*dataset, column));
  arrow::Int64Builder builder;
  std::istringstream stream(values);
  for (std::string value; std::getline(stream, value, ',');) {
    ARROW_RETURN_NOT_OK(builder.Append(std::stoll(value)));
  }
  ARROW_ASSIGN_OR_RAISE(const ArrayPtr among, builder.Finish());
  const auto compare = [&](const std::string& filter, const BatchPtr& found,
                           uint64_t count) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan({.filter = filter}));
    ARROW_ASSIGN_OR_RAISE(const auto scanned, scanner->ToTable());
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({found}));
    if (!table->Equals(*scanned) || count != static_cast<uint64_t>(scanned->num_rows())) {
      return arrow::Status::Invalid("a scan finds ", scanned->ToString(), "\nand a lookup ",
                                    table->ToString());
    }
    return arrow::Status::OK();
  };
  ARROW_ASSIGN_OR_RAISE(const BatchPtr found, lookup->Take(among));
  ARROW_ASSIGN_OR_RAISE(const uint64_t count, lookup->Count(among));
  ARROW_RETURN_NOT_OK(compare(column + " IN (" + values + ")", found, count));
  const ArrayPtr bounds = among->Slice(0, 2);
  ARROW_ASSIGN_OR_RAISE(const BatchPtr between, lookup->TakeBetween(bounds));
  ARROW_ASSIGN_OR_RAISE(const uint64_t between_count, lookup->CountBetween(bounds));
  const auto& numbers = static_cast<const arrow::Int64Array&>(*bounds);
  const std::string filter =
      column + " BETWEEN " + std::to_string(numbers.Value(0)) + " AND " + std::to_string(numbers.Value(1));
  ARROW_RETURN_NOT_OK(compare(filter, between, between_count));
  std::cout << "prepared=" << lookup->is_prepared() << " rows=" << count << "\n";
  return arrow::Status::OK();
}

arrow::Status Run(int argc, char** argv) {
  if (argc < 3) return arrow::Status::Invalid("usage: searches URI COLUMN [KEY=VALUE]...");
  const Arguments arguments = lance_test::ParseArguments(3, argc, argv);
  if (const auto values = Get(arguments, "values")) return LookUp(argv[1], argv[2], *values);
  return Comparison(argv[2], arguments).Run(argv[1]);
}

}  // namespace

int main(int argc, char** argv) { return lance_test::ExitCode(Run(argc, argv)); }
