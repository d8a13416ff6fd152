// `lance tpch generate` and `lance tpcds generate`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/c/abi.h"
#include "arrow/c/bridge.h"
#include "arrow/record_batch.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "load.h"
#include "suggest.h"
#include "tpcgen/tpcgen.h"

namespace lance::cli {
namespace {

struct Args {
  /// TPCGEN_TPCH or TPCGEN_TPCDS.
  int32_t benchmark = 0;
  double scale = 1;
  /// The directory or URI prefix for `<table>.lance`.
  std::string output;
  /// Default: all tables.
  std::vector<std::string> tables;
  /// Generate slice `part` of `parts`.
  int32_t parts = 1;
  int32_t part = 1;
  WriteFlags write;
  /// Generate, but write nothing.
  bool discard = false;
  Format format = Format::kTable;
};

/// A slice of at least this many rows is generated in units that lanes share out. How a slice is cut must
/// not depend on the number of lanes: slices made on different machines have to fit together.
constexpr uint64_t kUnitRows = 500'000;
constexpr int32_t kUnits = 64;

/// Less than what a writer takes by default, as batches of even size come at a steady rate: 130 MB less
/// memory, and 2 to 3 % more time for TPC-H, which keeps 300 MB of text anyway.
uint64_t LaneBytesInFlight(int32_t benchmark) { return benchmark == TPCGEN_TPCH ? 18 << 20 : 12 << 20; }

arrow::Status ToStatus(int32_t code, char* error) {
  if (code == 0) return arrow::Status::OK();
  const std::unique_ptr<char, void (*)(char*)> message(error, tpcgen_string_free);
  return arrow::Status::Invalid(message.get());
}

TpcgenRequest MakeRequest(const Args& args, const std::string& table, int32_t part, int32_t part_count) {
  return {.benchmark = args.benchmark,
          .table = table.c_str(),
          .scale_factor = args.scale,
          .part = part,
          .part_count = part_count,
          .batch_rows = args.write.batch_rows};
}

arrow::Result<uint64_t> CountRows(const Args& args, const std::string& table, int32_t part,
                                  int32_t part_count) {
  const TpcgenRequest request = MakeRequest(args, table, part, part_count);
  uint64_t rows = 0;
  char* error = nullptr;
  const int32_t code = tpcgen_row_count(&request, &rows, nullptr, &error);
  ARROW_RETURN_NOT_OK(ToStatus(code, error));
  return rows;
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> OpenPart(const Args& args, const std::string& table,
                                                                  int32_t part, int32_t part_count) {
  const TpcgenRequest request = MakeRequest(args, table, part, part_count);
  ArrowArrayStream stream;
  char* error = nullptr;
  const int32_t code = tpcgen_open(&request, &stream, &error);
  ARROW_RETURN_NOT_OK(ToStatus(code, error));
  return arrow::ImportRecordBatchReader(&stream);
}

/// Plan how a table is generated: its slice is cut into units, and lanes take contiguous runs of them.
arrow::Result<Load> PlanTable(const Args& args, const std::string& table, std::string uri) {
  ARROW_ASSIGN_OR_RAISE(const uint64_t table_rows, CountRows(args, table, 1, 1));
  ARROW_ASSIGN_OR_RAISE(const uint64_t slice_rows, CountRows(args, table, args.part, args.parts));
  const bool is_large = table_rows / static_cast<uint64_t>(args.parts) >= kUnitRows &&
                        args.parts <= std::numeric_limits<int32_t>::max() / kUnits;
  const int32_t units = is_large ? kUnits : 1;
  const int32_t first_unit = (args.part - 1) * units + 1;
  const auto open_unit = [args, table, units](int32_t unit) {
    return OpenPart(args, table, unit, args.parts * units);
  };
  ARROW_ASSIGN_OR_RAISE(const auto sample, open_unit(first_unit));
  Load load{.label = table,
            .uri = std::move(uri),
            .schema = sample->schema(),
            .lanes = std::vector<std::vector<Piece>>(std::min<size_t>(args.write.jobs, units)),
            .batch_rows = args.write.batch_rows,
            .expected_rows = slice_rows,
            .options = args.write.options,
            .discard = args.discard,
            .uncommitted = args.write.uncommitted};
  if (!args.write.part_name.empty()) {
    const std::string part = fmt::format("{} {} {}/{}", args.write.part_name, table, args.part, args.parts);
    SetPartName(part, load.options);
  }
  load.options.max_bytes_in_flight = load.lanes.size() * LaneBytesInFlight(args.benchmark);
  for (int32_t unit = 0; unit < units; ++unit) {
    load.lanes[unit * load.lanes.size() / units].emplace_back(
        [open_unit, unit = first_unit + unit] { return open_unit(unit); });
  }
  return load;
}

/// Get the names of a benchmark's tables.
std::vector<std::string> TableNames(int32_t benchmark) {
  const int32_t count = tpcgen_table_count(benchmark);
  std::vector<std::string> names;
  names.reserve(count);
  for (int32_t i = 0; i < count; ++i) {
    names.emplace_back(tpcgen_table_name(benchmark, i));
  }
  return names;
}

std::vector<std::string> TablesOf(const Args& args) {
  return args.tables.empty() ? TableNames(args.benchmark) : args.tables;
}

std::string TableUri(const std::string& output, const std::string& table) {
  return output + (output.ends_with('/') ? "" : "/") + table + ".lance";
}

/// Check what is asked for, before any work.
arrow::Status CheckRequest(const Args& args) {
  const std::vector<std::string> tables = TablesOf(args);
  for (auto table = tables.begin(); table != tables.end(); ++table) {
    ARROW_RETURN_NOT_OK(CountRows(args, *table, args.part, args.parts));
    if (std::find(tables.begin(), table, *table) != table) {
      return arrow::Status::Invalid("table \"", *table, "\" is named twice");
    }
  }
  return arrow::Status::OK();
}

arrow::Status Generate(const Args& args) {
  WatchInterrupts();
  const std::vector<std::string> tables = TablesOf(args);
  if (!args.discard) {
    for (const std::string& table : tables) {
      ARROW_RETURN_NOT_OK(CheckTarget(TableUri(args.output, table), args.write.options));
    }
  }
  std::vector<Load> loads;
  for (const std::string& table : tables) {
    ARROW_ASSIGN_OR_RAISE(Load load, PlanTable(args, table, TableUri(args.output, table)));
    loads.push_back(std::move(load));
  }
  ARROW_ASSIGN_OR_RAISE(LoadSummary summary, RunLoads(loads, args.write.jobs));
  return Report(std::move(summary), args.write.uncommitted, args.format);
}

CLI::Validator IsTable(int32_t benchmark) {
  const auto check = [benchmark](const std::string& text) -> std::string {
    const std::vector<std::string> tables = TableNames(benchmark);
    return std::ranges::count(tables, text) > 0 ? std::string() : DescribeUnknown("table", text, tables);
  };
  return CLI::Validator(check, "");
}

/// Throw if the arguments do not fit together.
void CheckUsage(const Args& args) {
  if (args.part > args.parts) {
    throw CLI::ValidationError("--part", fmt::format("there is no part {} of {}", args.part, args.parts));
  }
  if (args.output.empty() && !args.discard) throw CLI::RequiredError("--output");
  const arrow::Status request = CheckRequest(args);
  if (!request.ok()) throw CLI::ValidationError(request.message());
}

Action Declare(CLI::App& app, int32_t benchmark) {
  auto args = std::make_shared<Args>();
  args->benchmark = benchmark;
  app.add_option("--output", args->output, "The directory or URI to write to")->type_name("DIR");
  app.add_option("--scale", args->scale, "The scale factor; fractions are fine")
      ->capture_default_str()
      ->check(CLI::Number.description(""))
      ->type_name("SF");
  app.add_option("--tables", args->tables, "Tables to generate (default: all)")
      ->check(IsTable(benchmark))
      ->delimiter(',')
      ->type_name("A,B,...");
  auto* parts = app.add_option("--parts", args->parts, "Cut each table into so many slices ...");
  auto* part = app.add_option("--part", args->part, "... and generate this one, counted from 1");
  parts->check(AtLeast(1))->type_name("N")->needs(part);
  part->check(AtLeast(1))->type_name("K")->needs(parts);
  AddWrite(app, args->write);
  app.add_flag("--discard", args->discard, "Generate only, write nothing: a measure of the generator")
      ->excludes("--uncommitted");
  AddResultFormat(app, "--format", args->format);
  app.footer(fmt::format(
      "Examples:\n"
      "  lance {0} generate --scale 1 --output data\n"
      "  lance {0} generate --scale 100 --output s3://bucket/{0} --parts 4 --part 1\n"
      "  lance {0} generate --output data --tables customer --parts 4 --part 1 --uncommitted > 1.json\n"
      "  lance {0} generate --scale 10 --tables customer --discard",
      app.get_parent()->get_name()));
  return [args] {
    CheckUsage(*args);
    return Generate(*args);
  };
}

constexpr char kGenerateHelp[] = "Generate tables into Lance datasets, DIR/TABLE.lance";

const Registration kTpch({.name = "tpch",
                          .section = Section::kLoad,
                          .rank = 1,
                          .help = "The TPC-H tables",
                          .example = "lance tpch generate --scale 1 --output data"});
const Registration kTpchGenerate({.name = "tpch generate",
                                  .section = Section::kLoad,
                                  .rank = 1,
                                  .help = kGenerateHelp,
                                  .declare = [](CLI::App& app) { return Declare(app, TPCGEN_TPCH); }});

const Registration kTpcds(
    {.name = "tpcds", .section = Section::kLoad, .rank = 2, .help = "The TPC-DS tables"});
const Registration kTpcdsGenerate({.name = "tpcds generate",
                                   .section = Section::kLoad,
                                   .rank = 1,
                                   .help = kGenerateHelp,
                                   .declare = [](CLI::App& app) { return Declare(app, TPCGEN_TPCDS); }});

}  // namespace
}  // namespace lance::cli
