// `lance head`.

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
#include "rows.h"

namespace lance::cli {
namespace {

constexpr int64_t kDefaultRows = 10;

struct Args {
  Source source;
  ScanOptions scan;
  Format format = Format::kTable;
};

arrow::Status Head(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan(args.scan));
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner->ToReader());
  return PrintRows(*reader, args.format).status();
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  args->scan.limit = kDefaultRows;
  AddSource(app, args->source);
  AddRowFormat(app, args->format);
  app.add_option("-n,--rows", args->scan.limit, fmt::format("How many (default: {})", kDefaultRows))
      ->check(AtLeast(0))
      ->type_name("N");
  AddColumns(app, args->scan.columns);
  app.footer("Examples:\n  lance head data/orders.lance -n 3 --columns o_orderkey,o_totalprice");
  return [args] { return Head(*args); };
}

const Registration kHead({.name = "head",
                          .section = Section::kRows,
                          .rank = 1,
                          .help = "Print the first rows",
                          .declare = Declare});

}  // namespace
}  // namespace lance::cli
