// `lance delete`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "command.h"
#include "confirm.h"
#include "flags.h"
#include "interrupt.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::optional<std::string> filter;
  std::vector<uint64_t> row_ids;
  std::vector<uint64_t> addresses;
  bool all = false;
  DeleteOptions options;
  Consent consent;
  Format format = Format::kTable;
};

void CheckWays(const Args& args) {
  const int ways = static_cast<int>(args.filter.has_value()) + static_cast<int>(!args.row_ids.empty()) +
                   static_cast<int>(!args.addresses.empty()) + static_cast<int>(args.all);
  constexpr const char* kWays = "--where, --row-id, --address and --all";
  if (ways == 0) throw CLI::RequiredError(fmt::format("one of {}", kWays));
  if (ways > 1) throw CLI::ValidationError("delete", fmt::format("give only one of {}", kWays));
}

/// How many rows are meant.
arrow::Result<uint64_t> Count(const Dataset& dataset, const Args& args) {
  if (args.all || args.filter.has_value()) return dataset.CountRows(args.filter);
  const TakeOptions take = {.columns = std::vector<std::string>{"_rowaddr"}};
  auto rows = args.row_ids.empty() ? args.addresses : args.row_ids;
  std::ranges::sort(rows);
  rows.erase(std::ranges::unique(rows).begin(), rows.end());
  ARROW_ASSIGN_OR_RAISE(const auto found, args.row_ids.empty() ? dataset.TakeAddresses(rows, take)
                                                               : dataset.TakeRowIds(rows, take));
  return static_cast<uint64_t>(found->num_rows());
}

arrow::Future<DeleteResult> Start(const Dataset& dataset, const Args& args, const arrow::StopToken& stop) {
  if (args.all) return dataset.TruncateAsync(args.options, stop);
  if (args.filter.has_value()) return dataset.DeleteAsync(*args.filter, args.options, stop);
  if (args.row_ids.empty()) return dataset.DeleteAddressesAsync(args.addresses, args.options, stop);
  return dataset.DeleteRowIdsAsync(args.row_ids, args.options, stop);
}

arrow::Status Report(const Args& args, uint64_t rows, uint64_t version) {
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {
        {"dry_run", args.consent.dry_run}, {"deleted_rows", rows}, {"version", version}};
    return Print(json.dump(2) + "\n");
  }
  if (args.consent.dry_run) return Print(fmt::format("would delete {} rows\n", FormatCount(rows)));
  return Print(fmt::format("deleted {} rows: version {}\n", FormatCount(rows), version));
}

arrow::Status Delete(const Args& args) {
  CheckWays(args);
  RequireConsent(args.consent);
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  if (!args.consent.yes) {
    ARROW_ASSIGN_OR_RAISE(const DatasetInfo info, dataset->Info());
    ARROW_ASSIGN_OR_RAISE(const uint64_t rows, Count(*dataset, args));
    if (args.consent.dry_run) return Report(args, rows, info.version);
    ARROW_RETURN_NOT_OK(Confirm(args.consent, fmt::format("Delete {} of {} rows of {}?", FormatCount(rows),
                                                          FormatCount(info.rows), args.source.uri)));
  }
  ARROW_ASSIGN_OR_RAISE(const DeleteResult result,
                        WaitOrInterrupt<DeleteResult>(
                            [&](const arrow::StopToken& stop) { return Start(*dataset, args, stop); }));
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, result.dataset->Version());
  return Report(args, result.deleted_rows, version);
}

void AddRows(CLI::App& app, const std::string& flag, std::vector<uint64_t>& rows, const std::string& help) {
  app.add_option(flag, rows, help)->check(AtLeast(0))->delimiter(',')->type_name("I,J,...");
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("--where", args->filter, "Delete the rows that pass this SQL expression")->type_name("SQL");
  AddRows(app, "--row-id,--row-ids", args->row_ids, "Delete rows by their _rowid");
  AddRows(app, "--address", args->addresses, "Delete rows by their _rowaddr");
  app.add_flag("--all", args->all, "Delete all rows");
  AddRetries(app, args->options.conflict_retries);
  AddMessage(app, args->options.commit_message);
  AddConsent(app, args->consent);
  AddFormat(app, args->format);
  app.footer(
      "The rows are gone from the new version; older versions have them until `lance cleanup` removes "
      "those.\n\n"
      "Examples:\n"
      "  lance delete data/orders.lance --where \"o_orderstatus = 'F'\" --dry-run\n"
      "  lance delete data/orders.lance --where \"o_orderdate < date '1993-01-01'\" --yes");
  return [args] { return Delete(*args); };
}

const Registration kDelete(
    {.name = "delete", .section = Section::kChange, .rank = 1, .help = "Delete rows", .declare = Declare});

}  // namespace
}  // namespace lance::cli
