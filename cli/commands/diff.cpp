// `lance diff`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/record_batch.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"
#include "rows.h"

namespace lance::cli {
namespace {

const std::map<std::string, DeltaKind> kKinds = {{"inserted", DeltaKind::kInserted},
                                                 {"updated", DeltaKind::kUpdated},
                                                 {"upserted", DeltaKind::kUpserted},
                                                 {"deleted", DeltaKind::kDeleted}};

struct Args {
  Source source;
  DeltaOptions delta;
  std::optional<DeltaKind> kind;
  Format format = Format::kTable;
};

arrow::Result<uint64_t> CountRows(arrow::RecordBatchReader& reader) {
  uint64_t rows = 0;
  for (const auto& maybe_batch : reader) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, maybe_batch);
    rows += static_cast<uint64_t>(batch->num_rows());
  }
  return rows;
}

/// How many rows have changed, of each kind.
arrow::Result<std::vector<std::pair<std::string, uint64_t>>> CountChanges(const Dataset& dataset,
                                                                          DeltaOptions delta) {
  std::vector<std::pair<std::string, uint64_t>> counts;
  for (const std::string name : {"inserted", "updated", "deleted"}) {
    delta.kind = kKinds.at(name);
    ARROW_ASSIGN_OR_RAISE(const auto reader, dataset.Delta(delta));
    ARROW_ASSIGN_OR_RAISE(const uint64_t rows, CountRows(*reader));
    counts.emplace_back(name, rows);
  }
  return counts;
}

/// Print which rows have changed, as numbers where rows are known, and what made each version.
arrow::Status Summarize(const Dataset& dataset, const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const DatasetInfo info, dataset.Info());
  const uint64_t from = *args.delta.from_version;
  if (from > info.version) {
    return arrow::Status::Invalid(fmt::format("version {} is newer than version {}", from, info.version));
  }
  ARROW_ASSIGN_OR_RAISE(const auto history, dataset.Transactions());
  std::vector<std::pair<std::string, uint64_t>> counts;
  if (info.stable_row_ids) {
    ARROW_ASSIGN_OR_RAISE(counts, CountChanges(dataset, args.delta));
  }
  if (args.format == Format::kJson) {
    nlohmann::ordered_json json = {{"from", from}, {"to", info.version}};
    for (const auto& [name, rows] : counts) json[name] = rows;
    json["transactions"] = nlohmann::ordered_json::array();
    for (const TransactionInfo& made : history) {
      if (made.version > from) {
        json["transactions"].push_back({{"version", made.version}, {"operation", made.operation}});
      }
    }
    return Print(json.dump(2) + "\n");
  }
  std::string text;
  if (!counts.empty()) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [name, rows] : counts) pairs.emplace_back(name, FormatCount(rows));
    text = FormatPairs(pairs) + "\n";
  }
  using enum TextTable::Align;
  TextTable table({{"version", kRight}, {"committed"}, {"operation"}});
  for (const TransactionInfo& made : history) {
    if (made.version > from) {
      table.AddRow({std::to_string(made.version), FormatTimestamp(made.timestamp_micros), made.operation});
    }
  }
  return Print(text + table.ToString());
}

arrow::Status Diff(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  if (!args.kind) return Summarize(*dataset, args);
  DeltaOptions delta = args.delta;
  delta.kind = *args.kind;
  ARROW_ASSIGN_OR_RAISE(const auto reader, dataset->Delta(delta));
  return PrintRows(*reader, args.format).status();
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddDataset(app, args->source.uri);
  OpenOptions& open = args->source.options;
  app.add_option("--from", args->delta.from_version, "Since this version; 0 is before the first")
      ->check(AtLeast(0))
      ->required()
      ->type_name("N");
  app.add_option("--to", open.version, "Up to this version (default: the latest)")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--branch", open.branch, "Of this branch")->type_name("NAME");
  AddChoice(app, "--kind", args->kind, kKinds, "Print these rows, or the ids of deleted ones");
  AddStorage(app, open.storage);
  AddNamespace(app, args->source.in);
  AddRowFormat(app, args->format);
  app.footer(
      "Without --kind, tells what made the versions in between and, where the dataset has stable row ids, "
      "how many\n"
      "rows have changed. Rows are known in several versions by such ids only.\n\n"
      "Examples:\n"
      "  lance diff data/orders.lance --from 3\n"
      "  lance diff data/orders.lance --from 3 --to 5 --kind inserted --format csv");
  return [args] {
    if (!args->kind && args->format == Format::kCsv) {
      throw CLI::ValidationError("--format", "csv is for rows: say which with --kind");
    }
    return Diff(*args);
  };
}

const Registration kDiff({.name = "diff",
                          .section = Section::kRows,
                          .rank = 7,
                          .help = "Print what has changed between two versions",
                          .declare = Declare});

}  // namespace
}  // namespace lance::cli
