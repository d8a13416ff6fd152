// `lance info` and `lance schema`.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "printable.h"
#include "render.h"

namespace lance::cli {
namespace {

nlohmann::ordered_json ToJson(const arrow::Schema& schema) {
  auto fields = nlohmann::ordered_json::array();
  for (const auto& field : schema.fields()) {
    fields.push_back(
        {{"name", field->name()}, {"type", field->type()->ToString()}, {"nullable", field->nullable()}});
  }
  return fields;
}

std::string ToText(const arrow::Schema& schema, const std::string& indent) {
  std::string text;
  for (const auto& field : schema.fields()) {
    text.append(indent).append(Printable(field->ToString())).append("\n");
  }
  return text;
}

arrow::Status ShowInfo(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const DatasetInfo info, dataset->Info());
  if (format == Format::kJson) {
    nlohmann::ordered_json json;
    json["uri"] = dataset->uri();
    json["version"] = info.version;
    json["rows"] = info.rows;
    json["deleted_rows"] = info.deleted_rows;
    json["fragments"] = info.fragments;
    json["data_files"] = info.data_files;
    json["data_bytes"] = info.data_bytes;
    json["data_storage_version"] = info.data_storage_version;
    json["stable_row_ids"] = info.stable_row_ids;
    json["schema"] = ToJson(*dataset->schema());
    return Print(json.dump(2) + "\n");
  }
  return Print(FormatPairs({{"uri", dataset->uri()},
                            {"version", std::to_string(info.version)},
                            {"rows", FormatCount(info.rows)},
                            {"deleted rows", FormatCount(info.deleted_rows)},
                            {"fragments", FormatCount(info.fragments)},
                            {"data files", FormatCount(info.data_files)},
                            {"size", FormatBytes(info.data_bytes)},
                            {"storage version", info.data_storage_version},
                            {"stable row ids", info.stable_row_ids ? "yes" : "no"}}) +
               "schema\n" + ToText(*dataset->schema(), "  "));
}

arrow::Status ShowSchema(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  return Print(format == Format::kJson ? ToJson(*dataset->schema()).dump(2) + "\n"
                                       : ToText(*dataset->schema(), ""));
}

const Registration kInfo({.name = "info",
                          .section = Section::kDescribe,
                          .rank = 1,
                          .help = "Show facts about a dataset",
                          .example = "lance info data/lineitem.lance",
                          .declare = [](CLI::App& app) {
                            app.footer("Examples:\n  lance info data/lineitem.lance");
                            return DeclareReport(app, ShowInfo);
                          }});

const Registration kSchema({.name = "schema",
                            .section = Section::kDescribe,
                            .rank = 2,
                            .help = "Show the columns",
                            .declare = [](CLI::App& app) {
                              app.footer("Examples:\n  lance schema data/lineitem.lance");
                              return DeclareReport(app, ShowSchema);
                            }});

}  // namespace
}  // namespace lance::cli
