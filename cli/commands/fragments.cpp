// `lance fragments`.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

arrow::Status ListFragments(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto fragments, dataset->Fragments());
  if (format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const FragmentInfo& fragment : fragments) {
      json.push_back({{"id", fragment.id},
                      {"rows", fragment.rows},
                      {"deleted_rows", fragment.deleted_rows},
                      {"data_files", fragment.data_files},
                      {"data_bytes", fragment.data_bytes}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table(
      {{"id", kRight}, {"rows", kRight}, {"deleted rows", kRight}, {"data files", kRight}, {"size", kRight}});
  for (const FragmentInfo& fragment : fragments) {
    table.AddRow({std::to_string(fragment.id), FormatCount(fragment.rows), FormatCount(fragment.deleted_rows),
                  FormatCount(fragment.data_files), FormatBytes(fragment.data_bytes)});
  }
  return Print(table.ToString());
}

const Registration kFragments({.name = "fragments",
                               .section = Section::kParts,
                               .rank = 2,
                               .help = "List the fragments",
                               .declare = [](CLI::App& app) {
                                 app.footer("Examples:\n  lance fragments data/orders.lance --format json");
                                 return DeclareReport(app, ListFragments);
                               }});

}  // namespace
}  // namespace lance::cli
