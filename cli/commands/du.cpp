// `lance du`.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

/// Everything that is told.
struct Facts {
  DiskUsage usage;
  std::vector<ColumnSize> columns;
  std::vector<IndexInfo> indices;
};

arrow::Result<Facts> Measure(const Source& source) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  Facts facts;
  ARROW_ASSIGN_OR_RAISE(facts.usage, MeasureDiskUsage(dataset->uri(), {.storage = source.options.storage}));
  ARROW_ASSIGN_OR_RAISE(facts.columns, dataset->ColumnSizes());
  ARROW_ASSIGN_OR_RAISE(facts.indices, dataset->Indices());
  return facts;
}

std::string ToJson(const Facts& facts) {
  const DiskUsage& usage = facts.usage;
  nlohmann::ordered_json json = {{"bytes", usage.bytes},
                                 {"latest_bytes", usage.latest_bytes},
                                 {"old_bytes", usage.old_bytes},
                                 {"orphan_bytes", usage.orphan_bytes},
                                 {"outside_bytes", usage.outside_bytes},
                                 {"data_bytes", usage.data_bytes},
                                 {"deletion_bytes", usage.deletion_bytes},
                                 {"index_bytes", usage.index_bytes},
                                 {"transaction_bytes", usage.transaction_bytes},
                                 {"manifest_bytes", usage.manifest_bytes}};
  const auto list = [&json](const char* name, const auto& items, auto make) {
    auto& array = json[name] = nlohmann::ordered_json::array();
    for (const auto& item : items) array.push_back(make(item));
  };
  using Json = nlohmann::ordered_json;
  list("columns", facts.columns, [](const ColumnSize& column) {
    return Json{{"column", column.column}, {"type", column.data_type}, {"bytes", column.bytes}};
  });
  list("indices", facts.indices, [](const IndexInfo& index) {
    return Json{{"name", index.name}, {"bytes", index.bytes ? Json(*index.bytes) : Json()}};
  });
  list("versions", usage.versions, [](const VersionUsage& version) {
    return Json{{"branch", version.branch},
                {"version", version.version},
                {"files", version.files},
                {"bytes", version.bytes},
                {"own_bytes", version.own_bytes}};
  });
  list("orphans", usage.orphans, [](const OrphanFile& orphan) {
    return Json{{"path", orphan.path}, {"temporary", orphan.is_temporary}, {"bytes", orphan.bytes}};
  });
  return json.dump(2) + "\n";
}

std::string ToText(const Facts& facts) {
  using enum TextTable::Align;
  const DiskUsage& usage = facts.usage;
  std::string text = FormatPairs({{"in all", FormatBytes(usage.bytes)},
                                  {"latest version", FormatBytes(usage.latest_bytes)},
                                  {"other versions only", FormatBytes(usage.old_bytes)},
                                  {"no version", FormatBytes(usage.orphan_bytes)},
                                  {"read in other places", FormatBytes(usage.outside_bytes)}});
  TextTable columns({{"column"}, {"type"}, {"size", kRight}});
  for (const ColumnSize& column : facts.columns) {
    columns.AddRow({column.column, column.data_type, FormatBytes(column.bytes)});
  }
  text += "\n" + columns.ToString();
  if (!facts.indices.empty()) {
    TextTable indices({{"index"}, {"size", kRight}});
    for (const IndexInfo& index : facts.indices) {
      indices.AddRow({index.name, index.bytes ? FormatBytes(*index.bytes) : "unknown"});
    }
    text += "\n" + indices.ToString();
  }
  TextTable versions({{"version"}, {"files", kRight}, {"size", kRight}, {"its own", kRight}});
  for (const VersionUsage& version : usage.versions) {
    const std::string branch = version.branch.empty() ? "" : version.branch + " ";
    versions.AddRow({branch + FormatCount(version.version), FormatCount(version.files),
                     FormatBytes(version.bytes), FormatBytes(version.own_bytes)});
  }
  text += "\n" + versions.ToString();
  if (usage.orphans.empty()) return text;
  TextTable orphans({{"file of no version"}, {"size", kRight}});
  for (const OrphanFile& orphan : usage.orphans) orphans.AddRow({orphan.path, FormatBytes(orphan.bytes)});
  return text + "\n" + orphans.ToString();
}

arrow::Status Show(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const Facts facts, Measure(source));
  return Print(format == Format::kJson ? ToJson(facts) : ToText(facts));
}

const Registration kDu({.name = "du",
                        .section = Section::kMaintain,
                        .rank = 5,
                        .help = "What a dataset takes: columns, indices, versions",
                        .declare = [](CLI::App& app) {
                          app.footer(
                              "A version's own files are freed when it alone goes; `lance cleanup` removes "
                              "versions, and files of no\n"
                              "version. Columns and indices are those of the version that is opened.\n\n"
                              "Examples:\n  lance du data/orders.lance\n"
                              "  lance du data/orders.lance --format json");
                          return DeclareReport(app, Show);
                        }});

}  // namespace
}  // namespace lance::cli
