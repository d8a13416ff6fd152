// `lance versions`.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

/// Format a number that the engine has recorded of a version, if it has.
std::string FormatRecorded(const VersionInfo& version, const std::string& key,
                           std::string (*format)(uint64_t)) {
  const auto found = version.metadata.find(key);
  if (found == version.metadata.end()) return "-";
  uint64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? format(value) : text;
}

arrow::Status ListVersions(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto versions, dataset->Versions());
  if (format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const VersionInfo& version : versions) {
      json.push_back({{"version", version.version},
                      {"timestamp", FormatTimestamp(version.timestamp_micros)},
                      {"metadata", version.metadata}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"version", kRight}, {"created"}, {"rows", kRight}, {"size", kRight}});
  for (const VersionInfo& version : versions) {
    table.AddRow({std::to_string(version.version), FormatTimestamp(version.timestamp_micros),
                  FormatRecorded(version, "total_rows", FormatCount),
                  FormatRecorded(version, "total_files_size", FormatBytes)});
  }
  return Print(table.ToString());
}

const Registration kVersions({.name = "versions",
                              .section = Section::kParts,
                              .rank = 1,
                              .help = "List the versions",
                              .declare = [](CLI::App& app) {
                                app.footer("Examples:\n  lance versions data/orders.lance");
                                return DeclareReport(app, ListVersions);
                              }});

}  // namespace
}  // namespace lance::cli
