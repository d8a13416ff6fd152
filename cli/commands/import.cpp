// `lance import`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "command.h"
#include "flags.h"
#include "inputs.h"
#include "inputs/type_name.h"
#include "load.h"
#include "printable.h"

namespace lance::cli {
namespace {

const std::map<std::string, InputFormat> kInputFormats = {{"parquet", InputFormat::kParquet},
                                                          {"csv", InputFormat::kCsv},
                                                          {"jsonl", InputFormat::kJsonLines},
                                                          {"arrow", InputFormat::kArrow}};

struct Args {
  /// Files and patterns, and the dataset at the end.
  std::vector<std::string> paths;
  /// How to read; the batches and blocks are set from what follows.
  InputOptions read;
  int32_t block_mebibytes = 2;
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
/// 2 to 4 % more time.
uint64_t BytesInFlight(size_t lanes, const arrow::Schema& schema) {
  constexpr uint64_t kOfLane = 24 << 20;
  constexpr uint64_t kOfColumn = 256 << 10;
  return std::max<size_t>(lanes, 2) * std::max(kOfLane, schema.num_fields() * kOfColumn);
}

std::string NameOf(const std::string& uri) {
  const std::filesystem::path path(uri);
  return path.has_stem() ? path.stem().string() : uri;
}

arrow::Status Import(const Args& args) {
  WatchInterrupts();
  const std::string& target = args.paths.back();
  const WriteOptions& write = args.write.options;
  InputOptions read = args.read;
  read.batch_rows = args.write.batch_rows;
  read.block_bytes = args.block_mebibytes << 20;
  ARROW_ASSIGN_OR_RAISE(const std::vector<std::string> paths,
                        ExpandInputs({args.paths.begin(), args.paths.end() - 1}));
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Namespace> ns, args.in.Connect());
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Dataset> dataset, CheckTarget(target, write, ns));
  Expected expected;
  if (write.mode == WriteMode::kAppend) {
    expected = {.schema = dataset->schema(), .of_dataset = true};
  }
  std::vector<Input::Part> parts;
  std::optional<uint64_t> rows = 0;
  for (const std::string& path : paths) {
    ARROW_RETURN_NOT_OK(CheckInterrupt());
    ARROW_ASSIGN_OR_RAISE(Input input, InspectInput(path, read, expected));
    for (const std::string& note : input.notes) Say("lance: " + PrintableLine(path + ": " + note) + "\n");
    if (expected.schema == nullptr) expected.schema = input.schema;
    std::move(input.parts.begin(), input.parts.end(), std::back_inserter(parts));
    rows = rows && input.rows ? std::make_optional(*rows + *input.rows) : std::nullopt;
  }
  Load load{.label = NameOf(target),
            .uri = target,
            .ns = ns,
            .schema = expected.schema,
            .schema_from = paths.front(),
            .lanes = ShareOut(parts, args.write.jobs),
            .batch_rows = read.batch_rows,
            .expected_rows = rows,
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

void AddTypes(CLI::App& app, ColumnTypes& types) {
  app.add_option_function<std::vector<std::string>>(
         "--type",
         [&types](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             const size_t equals = text.find('=');
             auto type = equals == std::string::npos ? nullptr : TypeByName(text.substr(equals + 1));
             if (type == nullptr) {
               throw CLI::ValidationError(
                   "--type", fmt::format("\"{}\" is not COLUMN=TYPE, such as price=decimal(12,2)", text));
             }
             types[text.substr(0, equals)] = std::move(type);
           }
         },
         "Give a column a type, e.g. zip=string, at=timestamp[us]; may be repeated")
      ->type_name("COLUMN=TYPE")
      ->allow_extra_args(false);
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  InputOptions& read = args->read;
  app.add_option("PATHS", args->paths, "INPUT... DATASET: files or quoted patterns, then the dataset")
      ->required()
      ->type_name("");
  AddChoice(app, "--format", read.format, kInputFormats, "The format of the inputs (default: by extension)");
  app.add_option("--delimiter", read.delimiter, "CSV: between fields (default: comma, tab for .tsv)")
      ->type_name("CHAR");
  app.add_flag_callback(
      "--no-header", [&read] { read.has_header = false; },
      "CSV: the first line is data; columns are named f0, f1, ...");
  app.add_option("--block-size", args->block_mebibytes,
                 "CSV and JSON: MiB parsed at a time; types come from the first block")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("MIB");
  AddTypes(app, read.types);
  AddWrite(app, args->write);
  AddNamespace(app, args->in);
  AddResultFormat(app, "--report", args->format);
  app.footer(
      "Parquet: .parquet .pq; CSV: .csv .tsv; JSON lines: .jsonl .ndjson .json;\n"
      "Arrow IPC: .arrow .arrows .feather .ipc. Rows keep the order of the inputs. Text is UTF-8, and may "
      "be\n"
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
