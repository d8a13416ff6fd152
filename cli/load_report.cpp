#include "load_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "printable.h"
#include "render.h"

namespace lance::cli {
namespace {

uint64_t RowsPerSecond(const LoadResult& result) {
  return result.seconds > 0 ? static_cast<uint64_t>(static_cast<double>(result.rows) / result.seconds) : 0;
}

LoadResult Total(const LoadSummary& summary) {
  LoadResult total{.label = "total", .uri = {}, .seconds = summary.seconds, .disk_bytes = {}, .version = {}};
  for (const LoadResult& result : summary.tables) {
    total.rows += result.rows;
    total.batches += result.batches;
    if (result.disk_bytes) total.disk_bytes = total.disk_bytes.value_or(0) + *result.disk_bytes;
    total.peak_memory_bytes = std::max(total.peak_memory_bytes, result.peak_memory_bytes);
  }
  return total;
}

nlohmann::ordered_json ToJson(const LoadResult& result) {
  nlohmann::ordered_json json;
  json["table"] = result.label;
  if (!result.uri.empty()) json["uri"] = result.uri;
  if (result.version) json["version"] = *result.version;
  json["rows"] = result.rows;
  json["batches"] = result.batches;
  if (result.disk_bytes) json["disk_bytes"] = *result.disk_bytes;
  json["seconds"] = result.seconds;
  json["rows_per_second"] = RowsPerSecond(result);
  json["peak_memory_bytes"] = result.peak_memory_bytes;
  return json;
}

std::vector<std::string> ToCells(const LoadResult& result) {
  return {result.label,
          FormatCount(result.rows),
          FormatCount(result.batches),
          result.disk_bytes ? FormatBytes(*result.disk_bytes) : "-",
          fmt::format("{:.2f}", result.seconds),
          FormatCount(RowsPerSecond(result)),
          FormatBytes(result.peak_memory_bytes)};
}

arrow::Status PrintSummary(const LoadSummary& summary, Format format) {
  const LoadResult total = Total(summary);
  if (format == Format::kJson) {
    nlohmann::ordered_json json;
    json["tables"] = nlohmann::ordered_json::array();
    for (const LoadResult& result : summary.tables) json["tables"].push_back(ToJson(result));
    json["total"] = ToJson(total);
    json["total"].erase("table");
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"table"},
                   {"rows", kRight},
                   {"batches", kRight},
                   {"bytes on disk", kRight},
                   {"seconds", kRight},
                   {"rows/s", kRight},
                   {"peak memory", kRight}});
  for (const LoadResult& result : summary.tables) table.AddRow(ToCells(result));
  if (summary.tables.size() > 1) table.AddRow(ToCells(total));
  return Print(table.ToString());
}

arrow::Status PrintTransactions(const LoadSummary& summary) {
  std::string lines;
  for (const LoadResult& result : summary.tables) {
    ARROW_ASSIGN_OR_RAISE(const std::string json, result.transaction->ToJson());
    lines += json + "\n";
  }
  return Print(lines);
}

}  // namespace

arrow::Status Report(LoadSummary summary, bool uncommitted, Format format) {
  if (!uncommitted) return PrintSummary(summary, format);
  const arrow::Status status = PrintTransactions(summary);
  if (!status.ok()) DiscardTransactions(summary.tables);
  return status;
}

void DiscardTransactions(std::vector<LoadResult>& results) {
  for (LoadResult& result : results) {
    if (!result.transaction) continue;
    const arrow::Status status = result.transaction->Discard();
    if (!status.ok())
      Say("lance: " + PrintableLine("files of " + result.uri + " stay: " + DescribeError(status)) + "\n");
  }
}

}  // namespace lance::cli
