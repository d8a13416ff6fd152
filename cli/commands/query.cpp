// `lance query`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app.h"
#include "arrow/record_batch.h"
#include "arrow/status.h"
#include "clauses.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"
#include "rows.h"

namespace lance::cli {
namespace {

/// The rows of a table that was asked for without a limit.
constexpr int64_t kPreviewRows = 50;

/// What to do with the scan.
enum class Show { kRows, kPlan, kAnalysis };

struct Args {
  Source source;
  ScanOptions scan;
  Format format = Format::kTable;
  Show show = Show::kRows;
};

arrow::Status ShowPlan(const Scanner& scanner, bool analyze) {
  ARROW_ASSIGN_OR_RAISE(const std::string plan, analyze ? scanner.Analyze() : scanner.Explain());
  return Print(plan);
}

/// Print the rows of a scan. A table without a limit shows the first rows and says how many there are.
arrow::Status Query(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  const bool is_preview = args.format == Format::kTable && !args.scan.limit && args.show == Show::kRows;
  ScanOptions shown = args.scan;
  if (is_preview) shown.limit = kPreviewRows;
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan(shown));
  if (args.show != Show::kRows) return ShowPlan(*scanner, args.show == Show::kAnalysis);
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner->ToReader());
  ARROW_ASSIGN_OR_RAISE(const int64_t rows, PrintRows(*reader, args.format));
  if (!is_preview || rows < kPreviewRows) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto whole, dataset->Scan(args.scan));
  ARROW_ASSIGN_OR_RAISE(const uint64_t all, whole->CountRows());
  if (const auto seen = static_cast<uint64_t>(rows); seen < all) {
    Say(fmt::format("… {} more rows; --limit N shows more, --format json or csv all\n",
                    FormatCount(all - seen)));
  }
  return arrow::Status::OK();
}

/// What is computed of rows, and in which order they come.
void AddClauses(CLI::App& app, ScanOptions& scan) {
  const auto each = [&scan](void (*add)(std::string_view, ScanOptions*)) {
    return [&scan, add](const std::vector<std::string>& texts) {
      for (const std::string& text : texts) add(text, &scan);
    };
  };
  app.add_option_function<std::vector<std::string>>(
         "--select", each(AddExpression), "A SQL expression to print or to group by; may be repeated")
      ->type_name("EXPR as NAME")
      ->allow_extra_args(false);
  auto* aggregate = app.add_option_function<std::vector<std::string>>(
                           "--aggregate", each(AddAggregate),
                           "Print count(*), or count, sum, avg, min or max of an expression; may be repeated")
                        ->type_name("FUNCTION(EXPR) as NAME")
                        ->allow_extra_args(false)
                        ->excludes("--columns");
  app.add_option("--group-by", scan.group_by, "Columns that make a group of --aggregate")
      ->delimiter(',')
      ->type_name("A,B,...")
      ->needs(aggregate);
  app.add_option_function<std::vector<std::string>>(
         "--order-by",
         [&scan](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) scan.order_by.push_back(ParseSortKey(text));
         },
         "Columns to sort by, each with asc or desc, and nulls first or nulls last")
      ->delimiter(',')
      ->type_name("A,B desc,...");
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  ScanOptions& scan = args->scan;
  AddSource(app, args->source);
  AddRowFormat(app, args->format);
  AddColumns(app, scan.columns);
  app.add_option("--filter", scan.filter, "A SQL expression")->type_name("SQL");
  AddClauses(app, scan);
  app.add_option("--limit", scan.limit, "The most rows to print")->check(AtLeast(0))->type_name("N");
  app.add_option("--offset", scan.offset, "Rows to skip first")->check(AtLeast(0))->type_name("N");
  app.add_option_function<std::vector<uint64_t>>(
         "--fragment", [&scan](const std::vector<uint64_t>& ids) { scan.fragments = ids; },
         "Fragments to read (default: all)")
      ->check(AtLeast(0))
      ->delimiter(',')
      ->type_name("N,...");
  auto* explain = app.add_flag_callback(
      "--explain", [args = args.get()] { args->show = Show::kPlan; }, "Print the query plan instead of rows");
  app.add_flag_callback(
         "--analyze", [args = args.get()] { args->show = Show::kAnalysis; },
         "Run the query, and print its plan with what each step took")
      ->excludes(explain);
  app.footer(
      "Examples:\n"
      "  lance query data/orders.lance --filter \"o_totalprice > 400000\" --limit 5\n"
      "  lance query data/nation.lance --columns n_name --format csv > nations.csv\n"
      "  lance query data/lineitem.lance --group-by l_returnflag --order-by l_returnflag \\\n"
      "    --aggregate \"count(*)\" --aggregate \"sum(l_extendedprice * (1 - l_discount)) as revenue\"");
  return [args] { return Query(*args); };
}

const Registration kQuery(
    {.name = "query",
     .section = Section::kRows,
     .rank = 3,
     .help = "Print rows that match a filter",
     .example = "lance query data/lineitem.lance --filter \"l_quantity > 49\" --limit 5",
     .declare = Declare});

}  // namespace
}  // namespace lance::cli
