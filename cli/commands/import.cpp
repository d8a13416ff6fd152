// `lance import`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "command.h"
#include "flags.h"
#include "input_flags.h"
#include "inputs.h"
#include "load.h"

namespace lance::cli {
namespace {

struct Args {
  /// Files and patterns, and the dataset at the end.
  std::vector<std::string> paths;
  InputFlags inputs;
  WriteFlags write;
  NamespaceFlags in;
  Format format = Format::kTable;
};

/// Give each lane a contiguous run of parts, of about the same size.
std::vector<std::vector<Piece>> ShareOut(const std::vector<Input::Part>& parts, uint32_t jobs) {
  // Empty parts weigh something too.
  const auto weight = [](const Input::Part& part) { return part.bytes + 1; };
  uint64_t total = 0;
  for (const Input::Part& part : parts) total += weight(part);
  std::vector<std::vector<Piece>> lanes(jobs);
  uint64_t before = 0;
  for (const Input::Part& part : parts) {
    const uint64_t middle = before + weight(part) / 2;
    lanes[middle * jobs / total].push_back(part.open);
    before += weight(part);
  }
  std::erase_if(lanes, [](const auto& lane) { return lane.empty(); });
  // A file without any row group still makes a dataset.
  if (lanes.empty()) lanes.emplace_back();
  return lanes;
}

/// Half of what a writer takes by default, as readers of files hold row groups in memory too: 90 MB less, and
/// 2 to 4 % more time. One lane of few columns has its whole share; of many, that would be hundreds of MB.
uint64_t BytesInFlight(size_t lanes, const arrow::Schema& schema) {
  constexpr uint64_t kOfLane = 24 << 20;
  constexpr uint64_t kOfColumn = 256 << 10;
  return std::max(2 * kOfLane, lanes * std::max(kOfLane, schema.num_fields() * kOfColumn));
}

std::string NameOf(const std::string& uri) {
  const std::filesystem::path path(uri);
  return path.has_stem() ? path.stem().string() : uri;
}

arrow::Status Import(const Args& args) {
  WatchInterrupts();
  const std::string& target = args.paths.back();
  const WriteOptions& write = args.write.options;
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Namespace> ns, args.in.Connect());
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Dataset> dataset, CheckTarget(target, write, ns));
  Expected expected;
  if (write.mode == WriteMode::kAppend) {
    expected = {.schema = dataset->schema(), .of_dataset = true};
  }
  ARROW_ASSIGN_OR_RAISE(const Inputs inputs, InspectInputs({args.paths.begin(), args.paths.end() - 1},
                                                           args.inputs, args.write.batch_rows, expected));
  Load load{.label = NameOf(target),
            .uri = target,
            .ns = ns,
            .schema = inputs.schema,
            .schema_from = inputs.first,
            .lanes = ShareOut(inputs.parts, args.write.jobs),
            .batch_rows = args.write.batch_rows,
            .expected_rows = inputs.rows,
            .options = write,
            .uncommitted = args.write.uncommitted};
  SetPartName(args.write.part_name, load.options);
  load.options.max_bytes_in_flight = BytesInFlight(load.lanes.size(), *load.schema);
  ARROW_ASSIGN_OR_RAISE(LoadSummary summary, RunLoads({load}, args.write.jobs));
  return Report(std::move(summary), load.uncommitted, args.format);
}

/// Throw if the paths are not inputs and then a dataset.
void CheckUsage(const Args& args) {
  if (args.paths.size() < 2) {
    throw CLI::ValidationError("PATHS", "name at least one input, then the dataset");
  }
  if (LooksLikeInput(args.paths.back())) {
    throw CLI::ValidationError(
        "PATHS",
        fmt::format("the last one, {}, is a file or named like one; name the dataset after the inputs",
                    args.paths.back()));
  }
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  app.add_option("PATHS", args->paths, "INPUT... DATASET: files or quoted patterns, then the dataset")
      ->required()
      ->type_name("");
  AddInputs(app, args->inputs);
  AddWrite(app, args->write);
  AddNamespace(app, args->in);
  AddResultFormat(app, "--report", args->format);
  app.footer(
      std::string(kInputsHelp) +
      " Rows keep the order of the inputs. Text is UTF-8, and may be\n"
      "compressed (.gz .zst .lz4 .bz2). Columns are matched by name; an append casts them to the dataset's "
      "types.\n\n"
      "Examples:\n"
      "  lance import events.parquet events.lance\n"
      "  lance import 'logs/2026-*.csv' logs.lance --delimiter ';'\n"
      "  lance import more.jsonl events.lance --mode append\n"
      "  lance import day1.csv events.lance --mode append --uncommitted --id 'load 7, day 1' > day1.json");
  return [args] {
    CheckUsage(*args);
    return Import(*args);
  };
}

const Registration kImport({.name = "import",
                            .section = Section::kLoad,
                            .rank = 3,
                            .help = "Import Parquet, CSV, JSON lines or Arrow IPC files",
                            .declare = Declare});

}  // namespace
}  // namespace lance::cli
