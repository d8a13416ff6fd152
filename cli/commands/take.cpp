// `lance take`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
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
  std::vector<uint64_t> positions;
  std::vector<uint64_t> row_ids;
  std::vector<uint64_t> addresses;
  std::vector<RowRange> ranges;
  std::optional<uint64_t> sample;
  std::optional<uint64_t> seed;
  TakeOptions take;
  Format format = Format::kTable;
};

/// FIRST..END, of which END is the position behind the last row.
RowRange ParseRange(const std::string& text) {
  uint64_t first = 0;
  uint64_t end = 0;
  const char* const behind = text.data() + text.size();
  const auto [dots, no_first] = std::from_chars(text.data(), behind, first);
  const bool has_dots = no_first == std::errc() && behind - dots > 2 && dots[0] == '.' && dots[1] == '.';
  const auto [rest, no_end] =
      has_dots ? std::from_chars(dots + 2, behind, end) : std::from_chars_result{text.data(), std::errc()};
  if (!has_dots || no_end != std::errc() || rest != behind || end < first) {
    throw CLI::ValidationError(
        "--range", fmt::format("{} is no range; one looks like 10..20, without the last row", text));
  }
  return {.first_row = first, .row_count = end - first};
}

/// The rows that one of the ways to name some asks for.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Read(const Dataset& dataset, const Args& args) {
  if (!args.ranges.empty()) return dataset.TakeRanges(args.ranges, args.take);
  const auto read = [&] {
    if (args.sample) return dataset.Sample(*args.sample, args.seed, args.take);
    if (!args.row_ids.empty()) return dataset.TakeRowIds(args.row_ids, args.take);
    if (!args.addresses.empty()) return dataset.TakeAddresses(args.addresses, args.take);
    return dataset.TakePositions(args.positions, args.take);
  };
  ARROW_ASSIGN_OR_RAISE(const auto batch, read());
  return arrow::RecordBatchReader::Make({batch});
}

arrow::Status Take(const Args& args) {
  const int ways = static_cast<int>(!args.positions.empty()) + static_cast<int>(!args.row_ids.empty()) +
                   static_cast<int>(!args.addresses.empty()) + static_cast<int>(!args.ranges.empty()) +
                   static_cast<int>(args.sample.has_value());
  constexpr const char* kWays = "--rows, --row-id, --address, --range and --sample";
  if (ways == 0) throw CLI::RequiredError(fmt::format("one of {}", kWays));
  if (ways > 1) throw CLI::ValidationError("take", fmt::format("give only one of {}", kWays));
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto reader, Read(*dataset, args));
  return PrintRows(*reader, args.format).status();
}

void AddRows(CLI::App& app, const std::string& flag, std::vector<uint64_t>& rows, const std::string& help) {
  app.add_option(flag, rows, help)->check(AtLeast(0))->delimiter(',')->type_name("I,J,...");
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddRowFormat(app, args->format);
  AddRows(app, "--rows", args->positions, "Positions, the first row being 0");
  AddRows(app, "--row-id", args->row_ids, "Values of the column _rowid");
  AddRows(app, "--address", args->addresses, "Values of the column _rowaddr");
  app.add_option_function<std::vector<std::string>>(
         "--range",
         [args](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) args->ranges.push_back(ParseRange(text));
         },
         "Ranges of positions, without the last")
      ->delimiter(',')
      ->type_name("A..B,...");
  auto* const sample = app.add_option("--sample", args->sample, "So many rows chosen at random");
  sample->check(AtLeast(0))->type_name("N");
  app.add_option("--seed", args->seed, "Choose the same rows each time")
      ->needs(sample)
      ->check(AtLeast(0))
      ->type_name("N");
  AddColumns(app, args->take.columns);
  AddExpressions(app, args->take.expressions, "A SQL expression to print; may be repeated");
  app.footer(
      "Examples:\n"
      "  lance take data/part.lance --rows 5,1,9\n"
      "  lance take data/part.lance --range 100..110,0..3\n"
      "  lance take data/part.lance --sample 5 --seed 1");
  return [args] { return Take(*args); };
}

const Registration kTake({.name = "take",
                          .section = Section::kRows,
                          .rank = 4,
                          .help = "Print rows by their positions, ids or addresses, or some at random",
                          .declare = Declare});

}  // namespace
}  // namespace lance::cli
