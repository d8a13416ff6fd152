// `lance count`.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::optional<std::string> filter;
};

arrow::Status Count(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const uint64_t rows, dataset->CountRows(args.filter));
  return Print(std::to_string(rows) + "\n");
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("--filter", args->filter, "Count the rows that match")->type_name("SQL");
  app.footer(
      "Examples:\n"
      "  lance count data/lineitem.lance\n"
      "  lance count data/lineitem.lance --filter \"l_shipdate < date '1995-01-01'\"");
  return [args] { return Count(*args); };
}

const Registration kCount(
    {.name = "count", .section = Section::kRows, .rank = 2, .help = "Count rows", .declare = Declare});

}  // namespace
}  // namespace lance::cli
