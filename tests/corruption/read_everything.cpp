// Reads a dataset in every way there is, to the last value:
//
//   read_everything DATASET [FILTER|column=NAME|near=NAME|words=NAME|similar=NAME]...
//
// Prints a line `STEP <tab> OUTCOME <tab> MESSAGE` for each step, where the outcome is the name of an error
// code, or INVALID when a step succeeded but gave away arrays that are not well-formed. A step that fails
// does not stop the others. Memory is limited, so that a damaged length cannot take the machine down.

#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"

namespace {

constexpr rlim_t kMemoryLimit = rlim_t{4} << 30;
constexpr std::string_view kColumn = "column=";
constexpr std::string_view kNear = "near=";
constexpr std::string_view kWords = "words=";
constexpr std::string_view kSimilar = "similar=";

void Report(const std::string& step, const char* outcome, const std::string& message) {
  std::printf("%s\t%s\t%s\n", step.c_str(), outcome, message.c_str());
  std::fflush(stdout);
}

void Report(const std::string& step, const arrow::Status& status) {
  Report(step, lance::ErrorCodeName(lance::GetErrorCode(status)), status.ok() ? "" : status.message());
}

template <typename T>
std::optional<T> Report(const std::string& step, arrow::Result<T> result) {
  Report(step, result.status());
  return result.ok() ? std::optional<T>(std::move(result).ValueUnsafe()) : std::nullopt;
}

/// Whether some values of a type mean nothing, such as the time 25:00. A damaged file may well hold those.
bool HasMeaninglessValues(const arrow::DataType& type) {
  return arrow::is_decimal(type.id()) || arrow::is_time(type.id()) || type.id() == arrow::Type::DATE64;
}

/// Expects what a reader of the arrays relies on: lengths, offsets and indices in bounds, UTF-8.
void CheckArrays(const std::string& step, const arrow::RecordBatch& batch) {
  for (const auto& column : batch.columns()) {
    const arrow::Status valid =
        HasMeaninglessValues(*column->type()) ? column->Validate() : column->ValidateFull();
    if (!valid.ok()) Report(step, "INVALID", valid.message());
  }
}

arrow::Status ReadAll(const std::string& step, const lance::Scanner& scanner) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner.ToReader());
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader->Next());
    if (batch == nullptr) return arrow::Status::OK();
    CheckArrays(step, *batch);
  }
}

void Scan(const std::string& step, const lance::Dataset& dataset, const lance::ScanOptions& options) {
  if (const auto scanner = Report(step + " open", dataset.Scan(options)))
    Report(step, ReadAll(step, **scanner));
}

void Take(const std::string& step, arrow::Result<std::shared_ptr<arrow::RecordBatch>> taken) {
  if (const auto batch = Report(step, std::move(taken))) CheckArrays(step, **batch);
}

/// Row ids of a dataset, which its rows alone need not tell.
arrow::Result<std::vector<uint64_t>> RowIds(const lance::Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(const auto scanner,
                        dataset.Scan({.columns = std::vector<std::string>{}, .with_row_id = true}));
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  std::vector<uint64_t> ids;
  for (const auto& chunk : table->column(0)->chunks()) {
    const auto& values = static_cast<const arrow::UInt64Array&>(*chunk);
    ids.insert(ids.end(), values.raw_values(), values.raw_values() + values.length());
  }
  return ids;
}

/// Reads one column in every way.
void ReadColumn(const lance::Dataset& dataset, const std::string& column) {
  const std::vector<std::string> columns = {column};
  Scan("scan " + column, dataset, {.columns = columns});
  Take("take " + column, dataset.Take({0}, columns));
  Take("take rows " + column, dataset.TakeRows({0}, columns));
}

/// A vector for a column of floats.
arrow::Result<std::shared_ptr<arrow::Array>> Vector(const lance::Dataset& dataset,
                                                    const std::string& column) {
  const auto field = dataset.schema()->GetFieldByName(column);
  if (field == nullptr || field->type()->id() != arrow::Type::FIXED_SIZE_LIST) {
    return arrow::Status::KeyError("no vectors: ", column);
  }
  arrow::FloatBuilder numbers;
  const int length = static_cast<const arrow::FixedSizeListType&>(*field->type()).list_size();
  for (int i = 0; i < length; ++i) ARROW_RETURN_NOT_OK(numbers.Append(static_cast<float>(i)));
  return numbers.Finish();
}

/// Searches a column of vectors, by a scan and prepared.
void SearchVectors(const lance::Dataset& dataset, const std::string& column) {
  const auto vector = Report("vector " + column, Vector(dataset, column));
  if (!vector) return;
  const auto query = Report("query " + column, lance::VectorQuery::Make(column, *vector, {.k = 20}));
  if (!query) return;
  const lance::ScanOptions scan = {.columns = std::vector<std::string>{"id", "_distance"}, .nearest = *query};
  Scan("near " + column, dataset, scan);
  if (const auto searcher = Report("searcher " + column, lance::Searcher::Open(dataset, scan)))
    Take("search " + column, (*searcher)->Search(*vector));
}

void SearchWords(const lance::Dataset& dataset, const std::string& column) {
  Scan("words " + column, dataset,
       {.limit = 20, .full_text = lance::TextQuery::Match("words row", {.column = column})});
  Scan("phrase " + column, dataset,
       {.limit = 20, .full_text = lance::TextQuery::Phrase("words of row", {.column = column})});
}

/// One of what the arguments ask for, or a filter.
void ReadAsAsked(const lance::Dataset& dataset, const std::string& argument) {
  const std::string column = argument.substr(argument.find('=') + 1);
  if (argument.starts_with(kColumn)) {
    ReadColumn(dataset, column);
  } else if (argument.starts_with(kNear)) {
    SearchVectors(dataset, column);
  } else if (argument.starts_with(kWords)) {
    SearchWords(dataset, column);
  } else if (argument.starts_with(kSimilar)) {
    Scan("similar " + column, dataset,
         {.similar_text = "the words of row 7 and 7", .similar_text_column = column});
  } else {
    Scan("where " + argument, dataset, {.filter = argument});
    Report("count where " + argument, dataset.CountRows(argument));
  }
}

void Read(const lance::Dataset& dataset, const std::vector<std::string>& arguments) {
  Report("info", dataset.Info());
  Report("versions", dataset.Versions());
  Report("fragments", dataset.Fragments());
  const auto rows = Report("count", dataset.CountRows());
  Scan("scan", dataset, {});
  for (const auto& argument : arguments) ReadAsAsked(dataset, argument);
  if (rows && *rows > 0) Take("take", dataset.Take({*rows - 1, 0, *rows / 2}));
  if (const auto ids = Report("row ids", RowIds(dataset)); ids && !ids->empty())
    Take("take rows", dataset.TakeRows({ids->back(), ids->front(), (*ids)[ids->size() / 2]}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const rlimit limit{.rlim_cur = kMemoryLimit, .rlim_max = kMemoryLimit};
  if (setrlimit(RLIMIT_AS, &limit) != 0) return 2;
  if (const auto dataset = Report("open", lance::Dataset::Open(argv[1])))
    Read(**dataset, std::vector<std::string>(argv + 2, argv + argc));
  Report("check", lance::CheckDataset(argv[1], {.deep = true}));
  // The first version may be whole where the newest is damaged.
  if (const auto first = Report("open 1", lance::Dataset::Open(argv[1], {.version = 1}))) Read(**first, {});
}
