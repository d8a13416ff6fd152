// `lance query`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>

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

/// The rows of a table that was asked for without a limit.
constexpr int64_t kPreviewRows = 50;

struct Args {
  Source source;
  ScanOptions scan;
  Format format = Format::kTable;
};

/// Print the rows of a scan. A table without a limit shows the first rows and says how many there are.
arrow::Status Query(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  const bool is_preview = args.format == Format::kTable && !args.scan.limit;
  ScanOptions shown = args.scan;
  if (is_preview) shown.limit = kPreviewRows;
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan(shown));
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner->ToReader());
  ARROW_ASSIGN_OR_RAISE(const int64_t rows, PrintRows(*reader, args.format));
  if (!is_preview || rows < kPreviewRows) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const uint64_t all, dataset->CountRows(args.scan.filter));
  if (const uint64_t seen = static_cast<uint64_t>(args.scan.offset + rows); seen < all) {
    Say(fmt::format("… {} more rows; --limit N shows more, --format json or csv all\n",
                    FormatCount(all - seen)));
  }
  return arrow::Status::OK();
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  ScanOptions& scan = args->scan;
  AddSource(app, args->source);
  AddRowFormat(app, args->format);
  AddColumns(app, scan.columns);
  app.add_option("--filter", scan.filter, "A SQL expression")->type_name("SQL");
  app.add_option("--limit", scan.limit, "The most rows to print")->check(AtLeast(0))->type_name("N");
  app.add_option("--offset", scan.offset, "Rows to skip first")->check(AtLeast(0))->type_name("N");
  app.footer(
      "Examples:\n"
      "  lance query data/orders.lance --filter \"o_totalprice > 400000\" --limit 5\n"
      "  lance query data/nation.lance --columns n_name --format csv > nations.csv");
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
