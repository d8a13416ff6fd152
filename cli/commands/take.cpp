// `lance take`.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/record_batch.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "rows.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::vector<uint64_t> rows;
  std::optional<std::vector<std::string>> columns;
  Format format = Format::kTable;
};

arrow::Status Take(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto batch, dataset->Take(args.rows, args.columns));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({batch}));
  return PrintRows(*reader, args.format).status();
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddRowFormat(app, args->format);
  app.add_option("--rows", args->rows, "Positions, the first row being 0")
      ->required()
      ->check(AtLeast(0))
      ->delimiter(',')
      ->type_name("I,J,...");
  AddColumns(app, args->columns);
  app.footer("Examples:\n  lance take data/part.lance --rows 5,1,9");
  return [args] { return Take(*args); };
}

const Registration kTake({.name = "take",
                          .section = Section::kRows,
                          .rank = 4,
                          .help = "Print rows by their positions",
                          .declare = Declare});

}  // namespace
}  // namespace lance::cli
