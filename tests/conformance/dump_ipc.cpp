// Reads a dataset through lance-cpp and writes an Arrow IPC stream, whose batches may have dictionaries of
// their own: dump_ipc URI FILE [KEY=VALUE]...
//
// Keys: version, tag, branch; take, positions with commas between; the options of a scan, whose count must
// agree. Numbers of a list have commas between, other items are lines, and the parts of an item have tabs
// between. `nearest` is an Arrow IPC stream of one column, which has the name of the column to search.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "ipc_program.h"
#include "lance/api.h"

namespace {

using lance_test::Arguments;

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::optional<std::string> Take(Arguments* arguments, const std::string& key) {
  const auto node = arguments->extract(key);
  if (node.empty()) return std::nullopt;
  return node.mapped();
}

std::vector<std::string> TakeLines(Arguments* arguments, const std::string& key) {
  return Split(Take(arguments, key).value_or(""), '\n');
}

std::vector<uint64_t> Numbers(const std::string& text) {
  std::vector<uint64_t> numbers;
  for (const std::string& number : Split(text, ',')) numbers.push_back(std::stoull(number));
  return numbers;
}

std::optional<std::vector<uint64_t>> TakeNumbers(Arguments* arguments, const std::string& key) {
  const auto text = Take(arguments, key);
  return text ? std::optional(Numbers(*text)) : std::nullopt;
}

std::optional<int64_t> TakeNumber(Arguments* arguments, const std::string& key) {
  const auto text = Take(arguments, key);
  if (!text) return std::nullopt;
  return std::stoll(*text);
}

template <typename Number>
std::optional<Number> TakeA(Arguments* arguments, const std::string& key) {
  const auto text = Take(arguments, key);
  if (!text) return std::nullopt;
  return static_cast<Number>(std::stod(*text));
}

bool TakeFlag(Arguments* arguments, const std::string& key, bool otherwise) {
  return TakeNumber(arguments, key).value_or(otherwise) != 0;
}

lance::AggregateFunction FunctionOf(const std::string& name) {
  static const std::map<std::string, lance::AggregateFunction> kFunctions = {
      {"count", lance::AggregateFunction::kCount}, {"sum", lance::AggregateFunction::kSum},
      {"avg", lance::AggregateFunction::kAvg},     {"min", lance::AggregateFunction::kMin},
      {"max", lance::AggregateFunction::kMax},
  };
  return kFunctions.at(name);
}

lance::Materialization MaterializationOf(const std::string& name) {
  static const std::map<std::string, lance::Materialization> kNames = {
      {"heuristic", lance::Materialization::kHeuristic},
      {"early", lance::Materialization::kEarly},
      {"late", lance::Materialization::kLate},
      {"early_except", lance::Materialization::kEarlyExcept},
  };
  return kNames.at(name);
}

lance::BlobHandling BlobHandlingOf(const std::string& name) {
  static const std::map<std::string, lance::BlobHandling> kNames = {
      {"descriptions", lance::BlobHandling::kDescriptions},
      {"bytes", lance::BlobHandling::kBytes},
      {"all_descriptions", lance::BlobHandling::kAllDescriptions},
  };
  return kNames.at(name);
}

lance::DistanceMetric MetricOf(const std::string& name) {
  static const std::map<std::string, lance::DistanceMetric> kNames = {
      {"default", lance::DistanceMetric::kDefault}, {"l2", lance::DistanceMetric::kL2},
      {"cosine", lance::DistanceMetric::kCosine},   {"dot", lance::DistanceMetric::kDot},
      {"hamming", lance::DistanceMetric::kHamming},
  };
  return kNames.at(name);
}

lance::ApproxMode ApproxOf(const std::string& name) {
  static const std::map<std::string, lance::ApproxMode> kNames = {{"normal", lance::ApproxMode::kNormal},
                                                                  {"fast", lance::ApproxMode::kFast},
                                                                  {"accurate", lance::ApproxMode::kAccurate}};
  return kNames.at(name);
}

lance::SearchFilter SearchFilterOf(const std::string& name) {
  static const std::map<std::string, lance::SearchFilter> kNames = {
      {"none", lance::SearchFilter::kNone},
      {"full_text", lance::SearchFilter::kFullText},
      {"nearest", lance::SearchFilter::kNearest}};
  return kNames.at(name);
}

arrow::Result<std::shared_ptr<lance::VectorQuery>> TakeNearest(Arguments* arguments,
                                                               const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
  ARROW_ASSIGN_OR_RAISE(const auto table, reader->ToTable());
  lance::VectorQueryOptions options;
  if (const auto k = TakeA<uint32_t>(arguments, "k")) options.k = *k;
  options.metric = MetricOf(Take(arguments, "metric").value_or("default"));
  options.minimum_nprobes = TakeA<uint32_t>(arguments, "minimum_nprobes");
  options.maximum_nprobes = TakeA<uint32_t>(arguments, "maximum_nprobes");
  options.search_effort = TakeA<double>(arguments, "search_effort");
  options.ef = TakeA<uint32_t>(arguments, "ef");
  options.refine_factor = TakeA<uint32_t>(arguments, "refine_factor");
  options.lower_bound = TakeA<double>(arguments, "lower_bound");
  options.upper_bound = TakeA<double>(arguments, "upper_bound");
  options.use_index = TakeFlag(arguments, "use_index", true);
  options.approx_mode = ApproxOf(Take(arguments, "approx_mode").value_or("normal"));
  options.query_parallelism = TakeA<int32_t>(arguments, "query_parallelism").value_or(0);
  return lance::VectorQuery::Make(table->field(0)->name(), table->column(0)->chunk(0), options);
}

arrow::Status TakeSearch(Arguments* arguments, lance::ScanOptions* scan) {
  if (const auto path = Take(arguments, "nearest")) {
    ARROW_ASSIGN_OR_RAISE(scan->nearest, TakeNearest(arguments, *path));
  }
  if (const auto json = Take(arguments, "full_text")) {
    const lance::TextQueryOptions bounds{.columns = TakeLines(arguments, "full_text_columns"),
                                         .limit = TakeNumber(arguments, "full_text_limit")};
    scan->full_text = lance::TextQuery::Json(*json).With(bounds);
  }
  scan->prefilter = TakeFlag(arguments, "prefilter", true);
  scan->fast_search = TakeFlag(arguments, "fast_search", false);
  scan->index_segments = TakeLines(arguments, "index_segments");
  scan->search_filter = SearchFilterOf(Take(arguments, "search_filter").value_or("none"));
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ReadFile(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const int64_t size, file->GetSize());
  return file->Read(size);
}

arrow::Result<lance::ScanOptions> TakeScan(Arguments* arguments) {
  lance::ScanOptions scan;
  if (const auto names = Take(arguments, "columns")) scan.columns = Split(*names, '\n');
  scan.filter = Take(arguments, "filter");
  scan.limit = TakeNumber(arguments, "limit");
  scan.offset = TakeNumber(arguments, "offset").value_or(0);
  scan.batch_size = TakeNumber(arguments, "batch_size");
  scan.with_row_id = TakeFlag(arguments, "row_id", false);
  scan.with_row_address = TakeFlag(arguments, "row_address", false);
  scan.ordered = TakeFlag(arguments, "ordered", true);
  for (const std::string& line : TakeLines(arguments, "expressions")) {
    const auto parts = Split(line, '\t');
    scan.expressions.emplace_back(parts.at(0), parts.at(1));
  }
  if (const auto path = Take(arguments, "substrait")) {
    ARROW_ASSIGN_OR_RAISE(scan.filter_substrait, ReadFile(*path));
  }
  for (const std::string& line : TakeLines(arguments, "order_by")) {
    const auto parts = Split(line, '\t');
    scan.order_by.push_back(
        {.column = parts.at(0), .descending = parts.at(1) == "desc", .nulls_first = parts.at(2) == "first"});
  }
  for (const std::string& line : TakeLines(arguments, "aggregates")) {
    const auto parts = Split(line, '\t');
    lance::Aggregate aggregate{.function = FunctionOf(parts.at(0))};
    if (parts.at(1) != "*") aggregate.column = parts[1];
    if (parts.size() > 2) aggregate.name = parts[2];
    scan.aggregates.push_back(aggregate);
  }
  scan.group_by = TakeLines(arguments, "group_by");
  scan.fragments = TakeNumbers(arguments, "fragments");
  for (const std::string& line : TakeLines(arguments, "slices")) {
    const auto numbers = Numbers(line);
    scan.slices.push_back(
        {.fragment = numbers.at(0), .first_row = numbers.at(1), .row_count = numbers.at(2)});
  }
  scan.row_ids = TakeNumbers(arguments, "row_ids");
  scan.excluded_row_ids = Numbers(Take(arguments, "excluded_row_ids").value_or(""));
  if (const auto bytes = TakeNumber(arguments, "batch_bytes")) scan.batch_bytes = *bytes;
  scan.strict_batch_size = TakeFlag(arguments, "strict", false);
  if (const auto fragments = TakeNumber(arguments, "fragment_readahead"))
    scan.fragment_readahead = *fragments;
  if (const auto parts = TakeNumber(arguments, "parallelism")) scan.parallelism = *parts;
  scan.materialization = MaterializationOf(Take(arguments, "materialization").value_or("heuristic"));
  scan.late_columns = TakeLines(arguments, "late_columns");
  scan.blob_handling = BlobHandlingOf(Take(arguments, "blobs").value_or("descriptions"));
  scan.include_deleted_rows = TakeFlag(arguments, "deleted", false);
  scan.use_scalar_index = TakeFlag(arguments, "scalar_index", true);
  scan.use_statistics = TakeFlag(arguments, "statistics", true);
  ARROW_RETURN_NOT_OK(TakeSearch(arguments, &scan));
  return scan;
}

/// What a scan returns, if its schema, its count and its batches agree.
arrow::Result<std::shared_ptr<arrow::Table>> Scan(const lance::Dataset& dataset,
                                                  const lance::ScanOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  ARROW_RETURN_NOT_OK(table->ValidateFull());
  if (!table->schema()->Equals(*scanner->schema())) {
    return arrow::Status::Invalid("announced ", scanner->schema()->ToString(), ", returned ",
                                  table->schema()->ToString());
  }
  ARROW_ASSIGN_OR_RAISE(const uint64_t rows, scanner->CountRows());
  if (rows != static_cast<uint64_t>(table->num_rows())) {
    return arrow::Status::Invalid("counted ", rows, " rows, returned ", table->num_rows());
  }
  return table;
}

arrow::Result<std::shared_ptr<arrow::Table>> TakeRows(
    const lance::Dataset& dataset, const std::string& rows,
    const std::optional<std::vector<std::string>>& columns) {
  ARROW_ASSIGN_OR_RAISE(const auto batch, dataset.Take(Numbers(rows), columns));
  ARROW_RETURN_NOT_OK(batch->ValidateFull());
  return arrow::Table::FromRecordBatches({batch});
}

arrow::Status Run(int argc, char** argv) {
  if (argc < 3) return arrow::Status::Invalid("usage: dump_ipc URI FILE [KEY=VALUE]...");
  Arguments arguments = lance_test::ParseArguments(3, argc, argv);
  lance::OpenOptions open;
  open.version = TakeNumber(&arguments, "version");
  open.tag = Take(&arguments, "tag");
  open.branch = Take(&arguments, "branch");
  ARROW_ASSIGN_OR_RAISE(const lance::ScanOptions scan, TakeScan(&arguments));
  const auto rows = Take(&arguments, "take");
  if (!arguments.empty()) return arrow::Status::Invalid("unknown argument ", arguments.begin()->first);

  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(argv[1], open));
  ARROW_ASSIGN_OR_RAISE(const auto table,
                        rows ? TakeRows(*dataset, *rows, scan.columns) : Scan(*dataset, scan));
  return lance_test::WriteIpc(*table, argv[2]);
}

}  // namespace

int main(int argc, char** argv) { return lance_test::ExitCode(Run(argc, argv)); }
