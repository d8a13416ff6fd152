// `lance log`.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::optional<uint64_t> limit;
  Format format = Format::kTable;
};

arrow::Status Log(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto transactions, dataset->Transactions(args.limit));
  if (args.format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const TransactionInfo& made : transactions) {
      json.push_back(
          {{"version", made.version},
           {"timestamp", FormatTimestamp(made.timestamp_micros)},
           {"operation", made.operation},
           {"uuid", made.uuid},
           {"read_version", made.read_version ? nlohmann::ordered_json(*made.read_version) : nullptr},
           {"message", made.message},
           {"properties", made.properties}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"version", kRight}, {"committed"}, {"operation"}, {"from", kRight}, {"message"}});
  for (const TransactionInfo& made : transactions) {
    table.AddRow({std::to_string(made.version), FormatTimestamp(made.timestamp_micros),
                  made.operation.empty() ? "-" : made.operation,
                  made.read_version ? std::to_string(*made.read_version) : "-", made.message});
  }
  return Print(table.ToString());
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("-n,--limit", args->limit, "The most that are listed (default: all)")
      ->check(AtLeast(1))
      ->type_name("N");
  AddFormat(app, args->format);
  app.footer(
      "Lists what made each version, the newest first.\n\n"
      "Examples:\n"
      "  lance log data/orders.lance -n 10\n"
      "  lance log data/orders.lance --branch trial --format json");
  return [args] { return Log(*args); };
}

const Registration kLog({.name = "log",
                         .section = Section::kParts,
                         .rank = 1,
                         .help = "List what made the versions",
                         .declare = Declare});

}  // namespace
}  // namespace lance::cli
