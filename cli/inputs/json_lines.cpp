#include "inputs/json_lines.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "arrow/array.h"
#include "arrow/extension_type.h"
#include "arrow/json/options.h"
#include "arrow/json/reader.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "inputs/names.h"
#include "inputs/text.h"

namespace lance::cli {
namespace {

using arrow::Status;
using SchemaPtr = std::shared_ptr<arrow::Schema>;

constexpr int kDeepest = 64;

/// Strings have no line ends in them.
size_t JsonRecordEnd(std::string_view text, size_t from, bool last) {
  const size_t line_end = text.find('\n', from);
  if (line_end != std::string_view::npos) return line_end + 1;
  return last ? text.size() : line_end;
}

/// Refuse what Arrow's parser does not survive or misunderstands: deep nesting, values that are no object,
/// and objects over several lines.
Status CheckShape(std::string_view text) {
  constexpr std::string_view kNotOneObject =
      "one object a line is expected; other JSON can be converted, for example with jq -c";
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '{':
      case '[':
        if (text[i] == '[' && depth == 0) {
          return Status::Invalid(
              "an array, but one object a line is expected; convert it, for example with "
              "jq -c '.[]'");
        }
        if (++depth > kDeepest) return Status::Invalid("nested more than ", kDeepest, " deep");
        break;
      case '}':
      case ']':
        if (--depth < 0) return Status::Invalid("a bracket is closed that is not open");
        break;
      case '\n':
        if (depth > 0) return Status::Invalid("an object goes on beyond its line, but ", kNotOneObject);
        break;
      case ' ':
      case '\t':
      case '\r':
        break;
      default:
        if (depth == 0) return Status::Invalid("not an object, but ", kNotOneObject);
        if (text[i] != '"') break;
        for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i) {
          if (text[i] == '\\') ++i;
        }
        if (i >= text.size() || text[i] == '\n') return Status::Invalid("a string is not closed on its line");
    }
  }
  return depth == 0 ? Status::OK() : Status::Invalid("the last object is not complete");
}

/// Arrow counts rows from the beginning of what it is given, and writes columns as "Column(/a/b)".
std::string Reword(std::string message) {
  constexpr std::string_view kParse = "JSON parse error: ";
  constexpr std::string_view kColumn = "Column(/";
  if (const size_t row = message.rfind(" in row "); row != std::string::npos) message.erase(row);
  if (!message.starts_with(kParse)) return message;
  message.erase(0, kParse.size());
  const size_t end = message.find(')');
  if (!message.starts_with(kColumn) || end == std::string::npos) return "not valid JSON: " + message;
  std::string column = message.substr(kColumn.size(), end - kColumn.size());
  std::ranges::replace(column, '/', '.');
  return "column \"" + column + "\"" + message.substr(end + 1);
}

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// Arrow counts the nulls of all lists that have nothing else as one for each list.
std::shared_ptr<arrow::ArrayData> WithAllNulls(const std::shared_ptr<arrow::ArrayData>& data) {
  auto out = data->Copy();
  for (auto& child : out->child_data) child = WithAllNulls(child);
  if (data->type->id() == arrow::Type::LIST && out->child_data[0]->type->id() == arrow::Type::NA) {
    out->child_data[0] = arrow::NullArray(data->GetValues<int32_t>(1)[data->length]).data();
  }
  return out;
}

/// Parse records. What is not in the schema is inferred.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Parse(const std::shared_ptr<arrow::Buffer>& text,
                                                         const SchemaPtr& schema) {
  if (IsBlank(std::string_view(*text))) return nullptr;
  ARROW_RETURN_NOT_OK(CheckShape(std::string_view(*text)));
  auto options = arrow::json::ParseOptions::Defaults();
  options.explicit_schema = schema;
  const auto parsed = arrow::json::ParseOne(options, text);
  if (!parsed.ok()) return parsed.status().WithMessage(Reword(parsed.status().message()));
  const arrow::RecordBatch& batch = **parsed;
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  for (const auto& column : batch.column_data()) columns.push_back(WithAllNulls(column));
  return arrow::RecordBatch::Make(batch.schema(), batch.num_rows(), std::move(columns));
}

/// Parse records that have no other fields than those of the schema.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ParseAs(const std::shared_ptr<arrow::Buffer>& text,
                                                           const SchemaPtr& schema) {
  ARROW_ASSIGN_OR_RAISE(auto batch, Parse(text, schema));
  if (batch == nullptr) return batch;
  for (const auto& field : batch->schema()->fields()) {
    const auto known = schema->GetFieldByName(field->name());
    if (known == nullptr) return Status::TypeError("column \"", field->name(), "\" is new");
    if (!known->type()->Equals(*field->type())) {
      return Status::TypeError("column \"", field->name(), "\" is \"", field->type()->ToString(),
                               "\" and no longer \"", known->type()->ToString(), "\"");
    }
  }
  return batch;
}

/// Parse one column of records.
Status ParseColumn(const std::shared_ptr<arrow::Buffer>& text, const std::shared_ptr<arrow::Field>& field) {
  auto options = arrow::json::ParseOptions::Defaults();
  options.explicit_schema = arrow::schema({field});
  options.unexpected_field_behavior = arrow::json::UnexpectedFieldBehavior::Ignore;
  return arrow::json::ParseOne(options, text).status();
}

/// Arrow does not tell the column of a value that does not become its type.
Status NameColumn(const std::shared_ptr<arrow::Buffer>& record, const arrow::Schema& schema,
                  const Status& failure) {
  if (failure.message().find("convert JSON") == std::string::npos) return failure;
  for (const auto& field : schema.fields()) {
    if (!ParseColumn(record, field).ok()) return InColumn(field->name(), failure);
  }
  return failure;
}

/// Whether a type is not known yet, as there was no value, or only empty lists and objects.
bool IsOpen(const arrow::DataType& type) {
  if (type.id() == arrow::Type::NA) return true;
  if (type.id() == arrow::Type::STRUCT && type.num_fields() == 0) return true;
  return std::ranges::any_of(type.fields(), [](const auto& field) { return IsOpen(*field->type()); });
}

/// The type as which a column is parsed, to be cast after. Arrow reads days and times as numbers.
std::shared_ptr<arrow::DataType> ParsedType(const std::shared_ptr<arrow::DataType>& type) {
  const auto of_field = [](const std::shared_ptr<arrow::Field>& field) {
    return arrow::field(field->name(), ParsedType(field->type()));
  };
  switch (type->id()) {
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return arrow::binary();
    case arrow::Type::HALF_FLOAT:
      return arrow::float32();
    case arrow::Type::DURATION:
      return arrow::int64();
    case arrow::Type::DICTIONARY:
      return ParsedType(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::EXTENSION:
      return ParsedType(static_cast<const arrow::ExtensionType&>(*type).storage_type());
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::MAP:
      return arrow::list(of_field(type->field(0)));
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const auto& field : type->fields()) fields.push_back(of_field(field));
      return arrow::struct_(std::move(fields));
    }
    default:
      return type;
  }
}

/// Give columns the type uint64 whose integers are too large for int64.
arrow::Result<SchemaPtr> WidenIntegers(const std::shared_ptr<arrow::Buffer>& text, SchemaPtr schema,
                                       const ColumnTypes& types) {
  if (!HasWideInteger(std::string_view(*text))) return schema;
  for (int i = 0; i < schema->num_fields(); ++i) {
    const auto& field = schema->field(i);
    if (field->type()->id() != arrow::Type::DOUBLE || types.contains(field->name())) continue;
    const auto wide = field->WithType(arrow::uint64());
    if (!ParseColumn(text, wide).ok()) continue;
    ARROW_ASSIGN_OR_RAISE(schema, schema->SetField(i, wide));
  }
  return schema;
}

/// How many records of a file may be parsed at a time: less than a block where they are short, and of many
/// columns.
uint64_t MostFirstRecords(const std::string& path, const InputOptions& options, const SchemaPtr& schema) {
  constexpr uint64_t kProbe = 1000;
  const auto reader = TextReader::Open(path, options.block_bytes);
  if (!reader.ok()) return kProbe;
  const auto chunk = (*reader)->Next(JsonRecordEnd, kProbe);
  if (!chunk.ok() || !*chunk) return kProbe;
  const auto batch = Parse((*chunk)->text, schema);
  return batch.ok() && *batch != nullptr ? MostRecords(*(*batch)->schema()) : kProbe;
}

/// Get the names in the first object, in its order, or none if there is none.
std::vector<std::string> FirstNames(const std::string& path, const InputOptions& options) {
  const auto reader = TextReader::Open(path, options.block_bytes);
  while (reader.ok()) {
    const auto record = (*reader)->Next(JsonRecordEnd, 1);
    if (!record.ok() || !*record) break;
    const auto batch = Parse((*record)->text, nullptr);
    if (!batch.ok()) break;
    if (*batch != nullptr) return (*batch)->schema()->field_names();
  }
  return {};
}

arrow::Result<SchemaPtr> InferSchema(const std::string& path, const InputOptions& options,
                                     const ColumnTypes& types, bool partly) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, TextReader::Open(path, options.block_bytes));
  const std::vector<std::string> names = FirstNames(path, options);
  // Types are those of columns whose names have been repaired.
  const std::vector<std::string> repaired = UniqueNames(names);
  arrow::FieldVector given;
  for (const auto& [column, type] : types) {
    const auto found = std::ranges::find(repaired, column);
    const std::string& name =
        found == repaired.end() ? column : names[static_cast<size_t>(found - repaired.begin())];
    // Arrow adds a column that is not there.
    if (found == repaired.end() && (partly || options.types.contains(column)) &&
        reader->beginning().find("\"" + name + "\"") == std::string_view::npos) {
      if (!options.types.contains(column)) continue;
      return Status::Invalid("has no column \"", column, "\" to give a type to");
    }
    given.push_back(arrow::field(name, ParsedType(type)));
  }
  const SchemaPtr explicit_schema = arrow::schema(std::move(given));
  const uint64_t max_records = MostFirstRecords(path, options, explicit_schema);
  SchemaPtr schema;
  while (schema == nullptr || IsOpen(*arrow::struct_(schema->fields()))) {
    auto chunk = reader->Next(JsonRecordEnd, max_records);
    if (schema == nullptr) ARROW_RETURN_NOT_OK(chunk.status());
    // What is wrong beyond the first block is reported when it is read in turn.
    if (!chunk.ok() || !*chunk) break;
    const auto batch = Parse((*chunk)->text, explicit_schema);
    if (!batch.ok() && schema != nullptr) break;
    if (!batch.ok()) {
      return AtLine(
          **chunk, JsonRecordEnd, batch.status(),
          [&](const auto& text) { return Parse(text, explicit_schema).status(); },
          [&](const auto& record, const Status& failure) {
            return NameColumn(record, *explicit_schema, failure);
          });
    }
    if (*batch == nullptr) continue;
    if (schema == nullptr) {
      ARROW_ASSIGN_OR_RAISE(schema, WidenIntegers((*chunk)->text, (*batch)->schema(), types));
      continue;
    }
    auto merged = arrow::UnifySchemas({schema, (*batch)->schema()}, arrow::Field::MergeOptions::Permissive());
    if (!merged.ok()) break;
    schema = *std::move(merged);
  }
  if (schema == nullptr) return Status::Invalid("Empty JSON file");
  // Arrow puts the columns that it is told of first.
  arrow::FieldVector fields = schema->fields();
  std::ranges::stable_sort(fields, {},
                           [&names](const auto& field) { return std::ranges::find(names, field->name()); });
  return arrow::schema(std::move(fields));
}

}  // namespace

Status InspectJsonLines(const std::string& path, const InputOptions& options, const ColumnTypes& types,
                        bool partly, const std::string& hint, Input* input) {
  ARROW_ASSIGN_OR_RAISE(input->schema, InferSchema(path, options, types, partly));
  const auto open = [=,
                     schema = input->schema]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
    ARROW_ASSIGN_OR_RAISE(auto reader, TextReader::Open(path, options.block_bytes));
    return std::make_shared<TextBatches>(
        schema, std::move(reader), std::nullopt, JsonRecordEnd,
        [=](const auto& text) { return ParseAs(text, schema); },
        [=](const auto& record, const Status& failure) {
          return failure.WithMessage(NameColumn(record, *schema, failure).message(), hint);
        });
  };
  input->parts.push_back({.open = open});
  return Status::OK();
}

}  // namespace lance::cli
