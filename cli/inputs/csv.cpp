#include "inputs/csv.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "arrow/csv/options.h"
#include "arrow/csv/reader.h"
#include "arrow/extension_type.h"
#include "arrow/io/memory.h"
#include "arrow/type.h"
#include "inputs/names.h"
#include "inputs/text.h"

namespace lance::cli {
namespace {

using arrow::Status;

/// Find where a record ends: at the first line end outside of quotes. A quote opens only at the beginning of
/// a field, as for Arrow's parser.
class CsvRecordEnd {
 public:
  /// \param[in] beginning of the file, which tells what ends its lines
  CsvRecordEnd(char delimiter, std::string_view beginning)
      : delimiter_(delimiter), line_end_(beginning.find('\n') == std::string_view::npos ? '\r' : '\n') {}

  size_t operator()(std::string_view text, size_t from, bool last) const {
    constexpr size_t kNone = std::string_view::npos;
    size_t line_end = from;
    for (size_t at = from;;) {
      if (line_end <= at) line_end = text.find(line_end_, at);
      const size_t quote = text.substr(0, line_end).find('"', at);
      if (quote == kNone) {
        if (line_end != kNone) return line_end + 1;
        return last ? text.size() : kNone;
      }
      at = quote + 1;
      if (quote != from && !EndsField(text[quote - 1])) continue;
      const size_t close = FindClose(text, at);
      if (close == kNone || (close + 1 == text.size() && !last)) return kNone;
      at = close + 1;
    }
  }

 private:
  bool EndsField(char c) const { return c == delimiter_ || c == '\n' || c == '\r'; }

  /// A quote inside of quotes is doubled.
  static size_t FindClose(std::string_view text, size_t from) {
    size_t quote = text.find('"', from);
    while (quote != std::string_view::npos && quote + 1 < text.size() && text[quote + 1] == '"') {
      quote = text.find('"', quote + 2);
    }
    return quote;
  }

  char delimiter_;
  char line_end_;
};

/// Arrow counts from the beginning of what it is given, and columns by number.
std::string Reword(std::string message, const arrow::Schema* schema) {
  constexpr std::string_view kColumn = "In CSV column #";
  constexpr std::string_view kParse = "CSV parse error: ";
  constexpr std::string_view kRow = "Row #";
  std::string place;
  if (message.starts_with(kColumn)) {
    int column = 0;
    const char* const begin = message.data() + kColumn.size();
    const char* const end = std::from_chars(begin, message.data() + message.size(), column).ptr;
    message.erase(0, static_cast<size_t>(end - message.data()) + std::string_view(": ").size());
    place = schema != nullptr && column < schema->num_fields()
                ? "column \"" + schema->field(column)->name() + "\": "
                : "column " + std::to_string(column + 1) + ": ";
  } else if (message.starts_with(kParse)) {
    message.erase(0, kParse.size());
  }
  if (message.starts_with(kRow)) message.erase(0, message.find(": ") + 2);
  return place + message;
}

bool IsEmpty(std::string_view text) { return text.find_first_not_of("\r\n") == std::string_view::npos; }

/// Parses text of one file.
class CsvParser {
 public:
  CsvParser(char delimiter, bool has_header) : has_header_(has_header) {
    parse_.delimiter = delimiter;
    parse_.newlines_in_values = true;
  }

  /// Get the columns of the beginning of a file, its header included.
  arrow::Result<std::shared_ptr<arrow::Schema>> Infer(std::shared_ptr<arrow::Buffer> text) const {
    // A header has to end.
    if (const std::string_view view(*text); !view.ends_with('\n') && !view.ends_with('\r')) {
      text = arrow::Buffer::FromString(std::string(view) + "\n");
    }
    auto read = ReadOptions(*text);
    read.autogenerate_column_names = !has_header_;
    const auto reader = Open(text, read, parse_, ConvertOptions());
    if (!reader.ok()) return reader.status().WithMessage(Reword(reader.status().message(), nullptr));
    return (*reader)->schema();
  }

  /// Parse records as these columns.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Parse(
      const std::shared_ptr<arrow::Buffer>& text, const std::shared_ptr<arrow::Schema>& schema) const {
    std::shared_ptr<arrow::RecordBatch> batch;
    // An empty line is a value where there is one column.
    auto parse = parse_;
    parse.ignore_empty_lines = schema->num_fields() != 1;
    if (text->size() == 0 || (parse.ignore_empty_lines && IsEmpty(std::string_view(*text)))) return batch;
    const auto read = NumberedColumns(*text, *schema);
    auto convert = ConvertOptions();
    for (int i = 0; i < schema->num_fields(); ++i) {
      convert.column_types[read.column_names[static_cast<size_t>(i)]] = schema->field(i)->type();
    }
    const auto reader = Open(text, read, parse, convert);
    // One block has one batch.
    const Status status = reader.ok() ? (*reader)->ReadNext(&batch) : reader.status();
    if (!status.ok()) return status.WithMessage(Reword(status.message(), schema.get()));
    return batch == nullptr ? batch : arrow::RecordBatch::Make(schema, batch->num_rows(), batch->columns());
  }

  /// Infer the types of the columns that have none.
  arrow::Result<std::shared_ptr<arrow::Schema>> InferNulls(const std::shared_ptr<arrow::Buffer>& text,
                                                           std::shared_ptr<arrow::Schema> schema) const {
    const auto read = NumberedColumns(*text, *schema);
    auto convert = ConvertOptions();
    std::vector<int> columns;
    for (int i = 0; i < schema->num_fields(); ++i) {
      if (schema->field(i)->type()->id() != arrow::Type::NA) continue;
      columns.push_back(i);
      convert.include_columns.push_back(read.column_names[static_cast<size_t>(i)]);
    }
    ARROW_ASSIGN_OR_RAISE(const auto reader, Open(text, read, parse_, convert));
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto& type = reader->schema()->field(static_cast<int>(i))->type();
      ARROW_ASSIGN_OR_RAISE(schema, schema->SetField(columns[i], schema->field(columns[i])->WithType(type)));
    }
    return schema;
  }

  /// Whether all values of a column are of this type.
  bool Holds(const std::shared_ptr<arrow::Buffer>& text, const arrow::Schema& schema, int column,
             const std::shared_ptr<arrow::DataType>& type) const {
    const auto read = NumberedColumns(*text, schema);
    auto convert = ConvertOptions();
    convert.include_columns = {std::to_string(column)};
    convert.column_types[std::to_string(column)] = type;
    return Open(text, read, parse_, convert).ok();
  }

 private:
  static arrow::csv::ReadOptions ReadOptions(const arrow::Buffer& text) {
    auto read = arrow::csv::ReadOptions::Defaults();
    read.use_threads = false;
    read.block_size = static_cast<int32_t>(text.size());
    return read;
  }

  /// Names may occur twice; numbers do not.
  static arrow::csv::ReadOptions NumberedColumns(const arrow::Buffer& text, const arrow::Schema& schema) {
    auto read = ReadOptions(text);
    for (int i = 0; i < schema.num_fields(); ++i) read.column_names.push_back(std::to_string(i));
    return read;
  }

  static arrow::csv::ConvertOptions ConvertOptions() {
    auto convert = arrow::csv::ConvertOptions::Defaults();
    // Else text of another encoding becomes binary. It is checked with everything else.
    convert.check_utf8 = false;
    return convert;
  }

  static arrow::Result<std::shared_ptr<arrow::csv::StreamingReader>> Open(
      const std::shared_ptr<arrow::Buffer>& text, const arrow::csv::ReadOptions& read,
      const arrow::csv::ParseOptions& parse, const arrow::csv::ConvertOptions& convert) {
    return arrow::csv::StreamingReader::Make(arrow::io::default_io_context(),
                                             std::make_shared<arrow::io::BufferReader>(text), read, parse,
                                             convert);
  }

  arrow::csv::ParseOptions parse_ = arrow::csv::ParseOptions::Defaults();
  bool has_header_;
};

/// A file that is read up to its first record.
struct OpenedCsv {
  std::unique_ptr<TextReader> reader;
  RecordEnd record_end;
  /// The first block, with the header and without.
  std::shared_ptr<arrow::Buffer> beginning;
  TextChunk first;
};

arrow::Result<OpenedCsv> Open(const std::string& path, char delimiter, const InputOptions& options) {
  OpenedCsv csv;
  ARROW_ASSIGN_OR_RAISE(csv.reader, TextReader::Open(path, options.block_bytes));
  csv.record_end = CsvRecordEnd(delimiter, csv.reader->beginning());
  ARROW_ASSIGN_OR_RAISE(const auto chunk, csv.reader->Next(csv.record_end, UINT64_MAX));
  if (!chunk || IsEmpty(std::string_view(*chunk->text))) return Status::Invalid("Empty CSV file");
  csv.beginning = chunk->text;
  csv.first = *chunk;
  if (!options.has_header) return csv;
  const std::string_view text(*chunk->text);
  const size_t end = csv.record_end(text, text.find_first_not_of("\r\n"), /*last=*/true);
  csv.first.text = arrow::SliceBuffer(chunk->text, static_cast<int64_t>(end));
  csv.first.first_line += static_cast<uint64_t>(std::count(text.begin(), text.begin() + end, '\n'));
  return csv;
}

/// The type as which a column is parsed, to be cast after.
std::shared_ptr<arrow::DataType> ParsedType(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::DICTIONARY:
      return ParsedType(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::EXTENSION:
      return ParsedType(static_cast<const arrow::ExtensionType&>(*type).storage_type());
    case arrow::Type::HALF_FLOAT:
      return arrow::float32();
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    default:
      return type;
  }
}

/// Get names and types. Where the first block has no value in a column, those after it tell the type.
arrow::Result<std::shared_ptr<arrow::Schema>> InferSchema(OpenedCsv csv, const CsvParser& parser,
                                                          const ColumnTypes& types) {
  auto inferred = parser.Infer(csv.beginning);
  if (!inferred.ok()) {
    return AtLine(
        {csv.beginning, 1}, csv.record_end, inferred.status(),
        [&](const auto& text) { return parser.Infer(text).status(); },
        [](const auto&, const Status& failure) { return failure; });
  }
  std::shared_ptr<arrow::Schema> schema = *std::move(inferred);
  const bool has_wide_integer = HasWideInteger(std::string_view(*csv.first.text));
  const std::vector<std::string> names = UniqueNames(schema->field_names());
  for (int i = 0; i < schema->num_fields(); ++i) {
    const auto given = types.find(names[static_cast<size_t>(i)]);
    auto type = given == types.end() ? schema->field(i)->type() : ParsedType(given->second);
    if (given == types.end() && has_wide_integer && type->id() == arrow::Type::DOUBLE &&
        parser.Holds(csv.first.text, *schema, i, arrow::uint64())) {
      type = arrow::uint64();
    }
    ARROW_ASSIGN_OR_RAISE(schema, schema->SetField(i, schema->field(i)->WithType(std::move(type))));
  }
  const auto is_null = [](const auto& field) { return field->type()->id() == arrow::Type::NA; };
  while (std::ranges::any_of(schema->fields(), is_null)) {
    auto chunk = csv.reader->Next(csv.record_end, MostRecords(*schema));
    // What is wrong here is reported when it is read in turn.
    if (!chunk.ok() || !*chunk) break;
    auto more = parser.InferNulls((*chunk)->text, schema);
    if (!more.ok()) break;
    schema = *std::move(more);
  }
  return schema;
}

}  // namespace

Status InspectCsv(const std::string& path, const InputOptions& options, const ColumnTypes& types,
                  const std::string& hint, Input* input) {
  const char delimiter = options.delimiter.value_or(path.find(".tsv") == std::string::npos ? ',' : '\t');
  const CsvParser parser(delimiter, options.has_header);
  ARROW_ASSIGN_OR_RAISE(auto opened, Open(path, delimiter, options));
  ARROW_ASSIGN_OR_RAISE(input->schema, InferSchema(std::move(opened), parser, types));
  const auto open = [=,
                     schema = input->schema]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
    ARROW_ASSIGN_OR_RAISE(auto csv, Open(path, delimiter, options));
    return std::make_shared<TextBatches>(
        schema, std::move(csv.reader), std::move(csv.first), std::move(csv.record_end),
        [=](const auto& text) { return parser.Parse(text, schema); },
        [=](const auto&, const Status& failure) { return failure.WithMessage(failure.message(), hint); });
  };
  input->parts.push_back({.open = open});
  return Status::OK();
}

}  // namespace lance::cli
