// Reads a dataset in parts through lance-cpp, and writes an Arrow IPC stream: parts URI FILE [KEY=VALUE]...
//
// Keys: columns and expressions (NAME=SQL; one a line), filter, fragments (with commas between) of a scan,
// which is cut into each of the numbers of parts that `counts` has; the parts, opened by their texts in
// another process or in this one, must be what the scan returns. Or `by` (positions, row_ids, addresses) and
// `rows` of a take, its `ranges` (FIRST+COUNT), or `sample` and `seed`. Or `shards` and `seed`, also
// `block_rows`, of an epoch, whose shards come one after another, each with a break in the middle.

#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "ipc_program.h"
#include "lance/api.h"

namespace {

using lance_test::Arguments;
using TablePtr = std::shared_ptr<arrow::Table>;

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<uint64_t> Numbers(const std::string& text) {
  std::vector<uint64_t> numbers;
  for (const std::string& number : Split(text, ',')) numbers.push_back(std::stoull(number));
  return numbers;
}

std::optional<std::string> Get(const Arguments& arguments, const std::string& key) {
  const auto found = arguments.find(key);
  return found == arguments.end() ? std::nullopt : std::optional(found->second);
}

/// The columns that a scan or a take returns.
template <typename Options>
Options Columns(const Arguments& arguments) {
  Options options;
  if (const auto names = Get(arguments, "columns")) options.columns = Split(*names, '\n');
  for (const std::string& pair : Split(Get(arguments, "expressions").value_or(""), '\n')) {
    const size_t equals = pair.find('=');
    options.expressions.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return options;
}

arrow::Result<TablePtr> ToTable(const std::shared_ptr<arrow::RecordBatch>& batch) {
  ARROW_RETURN_NOT_OK(batch->ValidateFull());
  return arrow::Table::FromRecordBatches({batch});
}

/// The parts of a scan, read side by side.
arrow::Result<TablePtr> ReadParts(const std::vector<lance::ScanSplit>& splits) {
  std::vector<std::shared_ptr<arrow::RecordBatchReader>> parts;
  for (const auto& split : splits) {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, lance::Scanner::OpenSplit(split.text));
    ARROW_ASSIGN_OR_RAISE(parts.emplace_back(), scanner->ToReader());
  }
  ARROW_ASSIGN_OR_RAISE(const auto reader, lance::MergeOrdered(std::move(parts), {.parts_ahead = 3}));
  return reader->ToTable();
}

arrow::Result<TablePtr> Scan(const lance::Dataset& dataset, const Arguments& arguments) {
  auto options = Columns<lance::ScanOptions>(arguments);
  options.filter = Get(arguments, "filter");
  if (const auto fragments = Get(arguments, "fragments")) options.fragments = Numbers(*fragments);
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(const auto whole, scanner->ToTable());
  for (const uint64_t count : Numbers(arguments.at("counts"))) {
    ARROW_ASSIGN_OR_RAISE(const auto splits, scanner->Splits(count));
    uint64_t rows = 0;
    for (const auto& split : splits) {
      rows += split.rows;
      if (split.rows == 0 && splits.size() > 1) return arrow::Status::Invalid("an empty part of ", count);
    }
    if (splits.empty() || splits.size() > count || rows < static_cast<uint64_t>(whole->num_rows())) {
      return arrow::Status::Invalid(splits.size(), " parts of ", rows, " rows in place of ", count);
    }
    ARROW_ASSIGN_OR_RAISE(const auto parts, ReadParts(splits));
    if (!parts->Equals(*whole)) return arrow::Status::Invalid(count, " parts are not the whole");
  }
  return whole;
}

arrow::Result<TablePtr> Shuffle(const lance::Dataset& dataset, const Arguments& arguments) {
  auto options = Columns<lance::ShuffleOptions>(arguments);
  options.filter = Get(arguments, "filter");
  options.seed = std::stoull(arguments.at("seed"));
  options.shard_count = std::stoull(arguments.at("shards"));
  options.batch_size = 100;
  if (const auto rows = Get(arguments, "block_rows")) options.block_rows = std::stoull(*rows);
  arrow::RecordBatchVector batches;
  std::shared_ptr<arrow::Schema> schema;
  for (; options.shard_index < options.shard_count; ++options.shard_index) {
    ARROW_ASSIGN_OR_RAISE(const auto shuffler, dataset.Shuffle(options));
    schema = shuffler->schema();
    ARROW_ASSIGN_OR_RAISE(const auto reader, shuffler->ToReader(1));
    for (uint64_t i = 0; i < shuffler->info().batches / 2; ++i) {
      ARROW_ASSIGN_OR_RAISE(batches.emplace_back(), reader->Next());
    }
    ARROW_ASSIGN_OR_RAISE(const auto state, reader->State());
    ARROW_ASSIGN_OR_RAISE(const auto resumed, lance::Shuffler::Resume(state));
    ARROW_ASSIGN_OR_RAISE(const auto rest, resumed->ToRecordBatches());
    batches.insert(batches.end(), rest.begin(), rest.end());
  }
  return arrow::Table::FromRecordBatches(schema, batches);
}

arrow::Result<TablePtr> Take(const lance::Dataset& dataset, const Arguments& arguments) {
  const auto options = Columns<lance::TakeOptions>(arguments);
  if (const auto texts = Get(arguments, "ranges")) {
    std::vector<lance::RowRange> ranges;
    for (const std::string& text : Split(*texts, ',')) {
      const auto ends = Split(text, '+');
      ranges.push_back({std::stoull(ends.at(0)), std::stoull(ends.at(1))});
    }
    ARROW_ASSIGN_OR_RAISE(const auto reader, dataset.TakeRanges(ranges, options));
    return reader->ToTable();
  }
  const auto take = [&] {
    if (const auto rows = Get(arguments, "sample")) {
      return dataset.Sample(std::stoull(*rows), std::stoull(arguments.at("seed")), options);
    }
    const auto rows = Numbers(arguments.at("rows"));
    const std::string by = arguments.at("by");
    if (by == "row_ids") return dataset.TakeRowIds(rows, options);
    if (by == "addresses") return dataset.TakeAddresses(rows, options);
    return dataset.TakePositions(rows, options);
  };
  ARROW_ASSIGN_OR_RAISE(const auto batch, take());
  return ToTable(batch);
}

arrow::Result<TablePtr> Read(const lance::Dataset& dataset, const Arguments& arguments) {
  if (arguments.contains("counts")) return Scan(dataset, arguments);
  return arguments.contains("shards") ? Shuffle(dataset, arguments) : Take(dataset, arguments);
}

arrow::Status Run(int argc, char** argv) {
  if (argc < 3) return arrow::Status::Invalid("usage: parts URI FILE [KEY=VALUE]...");
  const Arguments arguments = lance_test::ParseArguments(3, argc, argv);
  ARROW_ASSIGN_OR_RAISE(const auto opened, lance::Dataset::Open(argv[1]));
  // As another process gets it.
  ARROW_ASSIGN_OR_RAISE(const auto bytes, opened->Serialize());
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Deserialize(*bytes));
  ARROW_ASSIGN_OR_RAISE(const auto table, Read(*dataset, arguments));
  ARROW_RETURN_NOT_OK(table->ValidateFull());
  return lance_test::WriteIpc(*table, argv[2]);
}

}  // namespace

int main(int argc, char** argv) { return lance_test::ExitCode(Run(argc, argv)); }
