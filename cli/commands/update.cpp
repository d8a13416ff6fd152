// `lance update`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "clauses.h"
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
  std::vector<std::pair<std::string, std::string>> assignments;
  UpdateOptions options;
  Consent consent;
  Format format = Format::kTable;
};

arrow::Status Report(const Args& args, uint64_t rows, uint64_t version) {
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {
        {"dry_run", args.consent.dry_run}, {"updated_rows", rows}, {"version", version}};
    return Print(json.dump(2) + "\n");
  }
  if (args.consent.dry_run) return Print(fmt::format("would update {} rows\n", FormatCount(rows)));
  return Print(fmt::format("updated {} rows: version {}\n", FormatCount(rows), version));
}

/// Look up the columns and the expressions: what is wrong with them is told before the question.
arrow::Status Check(const Dataset& dataset, const Args& args) {
  std::vector<std::string> columns;
  for (const auto& [column, _] : args.assignments) columns.push_back(column);
  ARROW_RETURN_NOT_OK(dataset.Scan({.columns = columns}));
  return dataset.Scan({.filter = args.options.filter, .expressions = args.assignments}).status();
}

arrow::Status Update(const Args& args) {
  RequireConsent(args.consent);
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  if (!args.consent.yes) {
    ARROW_RETURN_NOT_OK(Check(*dataset, args));
    ARROW_ASSIGN_OR_RAISE(const DatasetInfo info, dataset->Info());
    ARROW_ASSIGN_OR_RAISE(const uint64_t rows, dataset->CountRows(args.options.filter));
    if (args.consent.dry_run) return Report(args, rows, info.version);
    ARROW_RETURN_NOT_OK(Confirm(args.consent, fmt::format("Update {} of {} rows of {}?", FormatCount(rows),
                                                          FormatCount(info.rows), args.source.uri)));
  }
  ARROW_ASSIGN_OR_RAISE(const UpdateResult result,
                        WaitOrInterrupt<UpdateResult>([&](const arrow::StopToken& stop) {
                          return dataset->UpdateAsync(args.assignments, args.options, stop);
                        }));
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, result.dataset->Version());
  return Report(args, result.updated_rows, version);
}

void AddAssignments(CLI::App& app, std::vector<std::pair<std::string, std::string>>& assignments) {
  const auto add = [&assignments](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) assignments.push_back(ParseAssignment(text));
  };
  app.add_option_function<std::vector<std::string>>(
         "--set", add, "A column and a SQL expression for it, which sees the row as it was; may be repeated")
      ->required()
      ->type_name("COLUMN=EXPR")
      ->allow_extra_args(false);
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddAssignments(app, args->assignments);
  app.add_option("--where", args->options.filter,
                 "Update the rows that pass this SQL expression (default: all)")
      ->type_name("SQL");
  AddRetries(app, args->options.conflict_retries);
  AddMessage(app, args->options.commit_message);
  AddConsent(app, args->consent);
  AddFormat(app, args->format);
  app.footer(
      "Examples:\n"
      "  lance update data/orders.lance --set \"o_orderstatus='F'\" --where \"o_orderkey = 7\"\n"
      "  lance update data/part.lance --set \"p_retailprice=p_retailprice * 1.1\" --dry-run");
  return [args] { return Update(*args); };
}

const Registration kUpdate({.name = "update",
                            .section = Section::kChange,
                            .rank = 2,
                            .help = "Give columns new values",
                            .declare = Declare});

}  // namespace
}  // namespace lance::cli
