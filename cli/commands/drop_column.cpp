// `lance drop-column`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "arrow/util/cancel.h"
#include "command.h"
#include "confirm.h"
#include "flags.h"
#include "interrupt.h"
#include "lance/api.h"
#include "printable.h"

namespace lance::cli {
namespace {

using DatasetPtr = std::shared_ptr<Dataset>;

struct Args {
  Source source;
  std::vector<std::string> columns;
  Consent consent;
  Format format = Format::kTable;
};

std::string Counted(const Args& args) {
  return fmt::format("{} column{}", args.columns.size(), args.columns.size() == 1 ? "" : "s");
}

/// Tell which columns would be left.
arrow::Status ReportPlan(const Args& args, const arrow::Schema& left) {
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {{"dry_run", true}, {"columns", left.field_names()}};
    return Print(json.dump(2) + "\n");
  }
  std::string text = fmt::format("would drop {}, and leave\n", Counted(args));
  for (const auto& field : left.fields()) text += "  " + Printable(field->ToString()) + "\n";
  return Print(text);
}

arrow::Status Drop(const Args& args) {
  RequireConsent(args.consent);
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto left, dataset->PlanDropColumns(args.columns));
  if (args.consent.dry_run) return ReportPlan(args, *left);
  ARROW_RETURN_NOT_OK(Confirm(args.consent, fmt::format("Drop {} of {}: {}?", Counted(args), args.source.uri,
                                                        fmt::join(args.columns, ", "))));
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr changed,
                        WaitOrInterrupt<DatasetPtr>([&](const arrow::StopToken& stop) {
                          return dataset->DropColumnsAsync(args.columns, stop);
                        }));
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, changed->Version());
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {
        {"dry_run", false}, {"columns", changed->schema()->field_names()}, {"version", version}};
    return Print(json.dump(2) + "\n");
  }
  return Print(fmt::format("dropped {}: version {}\n", Counted(args), version));
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("COLUMN", args->columns, "Columns, or fields of them such as a.b")
      ->required()
      ->type_name("");
  AddConsent(app, args->consent);
  AddFormat(app, args->format);
  app.footer(
      "Their data stays for older versions, until `lance compact` and `lance cleanup` remove it.\n\n"
      "Examples:\n"
      "  lance drop-column data/orders.lance o_comment --dry-run\n"
      "  lance drop-column data/orders.lance o_comment o_clerk --yes");
  return [args] { return Drop(*args); };
}

const Registration kDropColumn({.name = "drop-column",
                                .section = Section::kParts,
                                .rank = 6,
                                .help = "Drop columns",
                                .declare = Declare});

}  // namespace
}  // namespace lance::cli
