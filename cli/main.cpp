// The `lance` program: what the command line means.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "allocator.h"
#include "app.h"
#include "arrow/config.h"
#include "arrow/status.h"
#include "commands/cleanup.h"
#include "commands/count.h"
#include "commands/fragments.h"
#include "commands/fsck.h"
#include "commands/generate.h"
#include "commands/import.h"
#include "commands/info.h"
#include "commands/query.h"
#include "commands/versions.h"
#include "inputs/type_name.h"
#include "lance/api.h"
#include "printable.h"
#include "tpcgen/tpcgen.h"

namespace lance::cli {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitSignal = 128;

constexpr int32_t kBatchRows = 8192;
constexpr int64_t kHeadRows = 10;
constexpr int32_t kBlockMebibytes = 2;

const std::map<std::string, WriteMode> kModes = {
    {"create", WriteMode::kCreate}, {"append", WriteMode::kAppend}, {"overwrite", WriteMode::kOverwrite}};
const std::map<std::string, InputFormat> kInputFormats = {{"parquet", InputFormat::kParquet},
                                                          {"csv", InputFormat::kCsv},
                                                          {"jsonl", InputFormat::kJsonLines},
                                                          {"arrow", InputFormat::kArrow}};
const std::vector<std::string> kStorageVersions = {"2.0", "2.1", "2.2", "2.3", "stable", "next"};
const std::map<std::string, Format> kReportFormats = {{"table", Format::kTable}, {"json", Format::kJson}};
const std::map<std::string, Format> kRowFormats = {
    {"table", Format::kTable}, {"json", Format::kJson}, {"csv", Format::kCsv}};

size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

/// Describe a word that is none of the names there are.
std::string DescribeUnknown(const std::string& kind, const std::string& word,
                            const std::vector<std::string>& names) {
  const auto distance = [&word](const std::string& name) { return EditDistance(word, name); };
  const auto nearest = std::ranges::min_element(names, {}, distance);
  if (nearest != names.end() && distance(*nearest) <= 2) {
    return fmt::format("unknown {} \"{}\"; did you mean \"{}\"?", kind, word, *nearest);
  }
  return fmt::format("unknown {} \"{}\"; there are {}", kind, word, fmt::join(names, ", "));
}

uint32_t DefaultJobs() { return std::max(1u, std::thread::hardware_concurrency()); }

/// The command that was chosen.
using Action = std::function<arrow::Status()>;

template <typename T>
CLI::Option* AddChoice(CLI::App* app, const std::string& name, T* value,
                       const std::map<std::string, T>& choices, const std::string& help) {
  std::string names;
  for (const auto& [choice, _] : choices) names += (names.empty() ? "" : "|") + choice;
  return app
      ->add_option_function<std::string>(
          name, [value, &choices](const std::string& choice) { *value = choices.at(choice); }, help)
      ->check(CLI::IsMember(&choices).description(""))
      ->type_name(names);
}

/// The number must be whole, too; that is checked where it is converted.
CLI::Validator AtLeast(int minimum) {
  const auto check = [minimum](const std::string& text) -> std::string {
    double value = 0;
    if (!CLI::detail::lexical_cast(text, value) || !(value >= minimum)) {
      return fmt::format("{} is not a number of {} or more", text, minimum);
    }
    // The conversion would take the greatest number there is.
    int64_t whole = 0;
    const auto [_, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    return error == std::errc::result_out_of_range ? text + " is too large" : std::string();
  };
  return CLI::Validator(check, "");
}

CLI::Validator IsTable(int32_t benchmark) {
  const auto check = [benchmark](const std::string& text) -> std::string {
    const std::vector<std::string> tables = TableNames(benchmark);
    return std::ranges::count(tables, text) > 0 ? std::string() : DescribeUnknown("table", text, tables);
  };
  return CLI::Validator(check, "");
}

void AddStorage(CLI::App* app, StorageOptions* storage) {
  app->add_option_function<std::vector<std::string>>(
         "--storage-option",
         [storage](const std::vector<std::string>& options) {
           for (const std::string& option : options) {
             const size_t equals = option.find('=');
             // The text may hold a secret, so it is not repeated.
             if (equals == std::string::npos || equals == 0) {
               throw CLI::ValidationError("--storage-option", "an option must look like KEY=VALUE");
             }
             storage->Set(option.substr(0, equals), option.substr(equals + 1));
           }
         },
         "An option of the object store, e.g. aws_endpoint=...; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

std::shared_ptr<Source> AddSource(CLI::App* app) {
  auto source = std::make_shared<Source>();
  app->add_option("DATASET", source->uri, "A path or URI")->required()->type_name("");
  auto* version = app->add_option("--at-version", source->options.version, "Read this version");
  auto* tag = app->add_option("--tag", source->options.tag, "Read the version this tag points to");
  auto* branch = app->add_option("--branch", source->options.branch, "Read this branch");
  version->check(AtLeast(1))->type_name("N");
  tag->type_name("NAME")->excludes(version)->excludes(branch);
  branch->type_name("NAME");
  AddStorage(app, &source->options.storage);
  return source;
}

std::shared_ptr<Format> AddFormat(CLI::App* app, const std::map<std::string, Format>& formats) {
  auto format = std::make_shared<Format>(Format::kTable);
  const bool prints_rows = formats.contains("csv");
  AddChoice(app, "--format", format.get(), formats,
            prints_rows ? "How to print rows; json is one object per line (default: table)"
                        : "How to print (default: table)");
  return format;
}

void AddColumns(CLI::App* app, std::optional<std::vector<std::string>>* columns) {
  app->add_option_function<std::vector<std::string>>(
         "--columns", [columns](const std::vector<std::string>& names) { *columns = names; },
         "Columns to read, nested ones as a.b (default: all)")
      ->delimiter(',')
      ->type_name("A,B,...");
}

void AddWrite(CLI::App* app, WriteOptions* write, uint32_t* jobs, int32_t* batch_rows) {
  AddChoice(app, "--mode", &write->mode, kModes, "What to do with an existing dataset (default: create)");
  app->add_option("--batch-rows", *batch_rows, "The most rows of a batch")
      ->capture_default_str()
      ->check(AtLeast(1))
      ->type_name("N");
  app->add_option("--jobs", *jobs, "Threads that feed the writer (default: the number of cores)")
      ->check(CLI::Range(1u, 1024u).description(""))
      ->type_name("N");
  app->add_option("--data-storage-version", write->data_storage_version, "Lance file format, e.g. 2.1")
      ->check(CLI::IsMember(kStorageVersions).description(""))
      ->type_name("VERSION");
  app->add_flag("--durable", write->durable,
                "Sync files and directories, so that a commit survives a power failure");
  AddStorage(app, &write->storage);
}

void AddGenerate(CLI::App* app, Action* action, int32_t benchmark, const std::string& name) {
  CLI::App* suite = app->add_subcommand(name, name == "tpch" ? "The TPC-H tables" : "The TPC-DS tables");
  suite->require_subcommand(1);
  CLI::App* command =
      suite->add_subcommand("generate", "Generate tables into Lance datasets, DIR/TABLE.lance");
  auto args = std::make_shared<GenerateArgs>();
  args->benchmark = benchmark;
  args->batch_rows = kBatchRows;
  args->jobs = DefaultJobs();
  command->add_option("--output", args->output, "The directory or URI to write to")->type_name("DIR");
  command->add_option("--scale", args->scale, "The scale factor; fractions are fine")
      ->capture_default_str()
      ->check(CLI::Number.description(""))
      ->type_name("SF");
  command->add_option("--tables", args->tables, "Tables to generate (default: all)")
      ->check(IsTable(benchmark))
      ->delimiter(',')
      ->type_name("A,B,...");
  auto* parts = command->add_option("--parts", args->parts, "Cut each table into so many slices ...");
  auto* part = command->add_option("--part", args->part, "... and generate this one, counted from 1");
  parts->check(AtLeast(1))->type_name("N")->needs(part);
  part->check(AtLeast(1))->type_name("K")->needs(parts);
  AddWrite(command, &args->write, &args->jobs, &args->batch_rows);
  command->add_flag("--discard", args->discard, "Generate only, write nothing: a measure of the generator");
  AddChoice(command, "--format", &args->format, kReportFormats, "How to print the result (default: table)");
  command->footer(
      fmt::format("Examples:\n"
                  "  lance {0} generate --scale 1 --output data\n"
                  "  lance {0} generate --scale 100 --output s3://bucket/{0} --parts 4 --part 1\n"
                  "  lance {0} generate --scale 10 --tables customer --discard",
                  name));
  command->callback([args, action] {
    if (args->part > args->parts) {
      throw CLI::ValidationError("--part", fmt::format("there is no part {} of {}", args->part, args->parts));
    }
    if (args->output.empty() && !args->discard) throw CLI::RequiredError("--output");
    const arrow::Status request = CheckRequest(*args);
    if (!request.ok()) throw CLI::ValidationError(request.message());
    *action = [args] { return Generate(*args); };
  });
}

void AddImport(CLI::App* app, Action* action) {
  CLI::App* command = app->add_subcommand("import", "Import Parquet, CSV, JSON lines or Arrow IPC files");
  auto args = std::make_shared<ImportArgs>();
  auto paths = std::make_shared<std::vector<std::string>>();
  auto batch_rows = std::make_shared<int32_t>(kBatchRows);
  auto block_mebibytes = std::make_shared<int32_t>(kBlockMebibytes);
  auto format = std::make_shared<InputFormat>();
  auto no_header = std::make_shared<bool>(false);
  args->jobs = DefaultJobs();
  command->add_option("PATHS", *paths, "INPUT... DATASET: files or quoted patterns, then the dataset")
      ->required()
      ->type_name("");
  auto* format_option = AddChoice(command, "--format", format.get(), kInputFormats,
                                  "The format of the inputs (default: by extension)");
  command
      ->add_option("--delimiter", args->read.delimiter, "CSV: between fields (default: comma, tab for .tsv)")
      ->type_name("CHAR");
  command->add_flag("--no-header", *no_header, "CSV: the first line is data; columns are named f0, f1, ...");
  command
      ->add_option("--block-size", *block_mebibytes,
                   "CSV and JSON: MiB parsed at a time; types come from the first block")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("MIB");
  command
      ->add_option_function<std::vector<std::string>>(
          "--type",
          [args](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              const size_t equals = text.find('=');
              auto type = equals == std::string::npos ? nullptr : TypeByName(text.substr(equals + 1));
              if (type == nullptr) {
                throw CLI::ValidationError(
                    "--type", fmt::format("\"{}\" is not COLUMN=TYPE, such as price=decimal(12,2)", text));
              }
              args->read.types[text.substr(0, equals)] = std::move(type);
            }
          },
          "Give a column a type, e.g. zip=string, at=timestamp[us]; may be repeated")
      ->type_name("COLUMN=TYPE")
      ->allow_extra_args(false);
  AddWrite(command, &args->write, &args->jobs, batch_rows.get());
  AddChoice(command, "--report", &args->format, kReportFormats, "How to print the result (default: table)");
  command->footer(
      "Parquet: .parquet .pq; CSV: .csv .tsv; JSON lines: .jsonl .ndjson .json;\n"
      "Arrow IPC: .arrow .arrows .feather .ipc. Rows keep the order of the inputs. Text is UTF-8, and may "
      "be\n"
      "compressed (.gz .zst .lz4 .bz2). Columns are matched by name; an append casts them to the dataset's "
      "types.\n\n"
      "Examples:\n"
      "  lance import events.parquet events.lance\n"
      "  lance import 'logs/2026-*.csv' logs.lance --delimiter ';'\n"
      "  lance import more.jsonl events.lance --mode append");
  command->callback([=] {
    if (paths->size() < 2) throw CLI::ValidationError("PATHS", "name at least one input, then the dataset");
    args->dataset = paths->back();
    if (LooksLikeInput(args->dataset)) {
      throw CLI::ValidationError(
          "PATHS",
          fmt::format("the last one, {}, is a file or named like one; name the dataset after the inputs",
                      args->dataset));
    }
    args->inputs.assign(paths->begin(), paths->end() - 1);
    if (format_option->count() > 0) args->read.format = *format;
    args->read.has_header = !*no_header;
    args->read.batch_rows = *batch_rows;
    args->read.block_bytes = *block_mebibytes << 20;
    *action = [args] { return Import(*args); };
  });
}

/// Add a command that takes a dataset and a format, and no more.
void AddReport(CLI::App* app, Action* action, const std::string& name, const std::string& help,
               const std::string& example, arrow::Status (*show)(const Source&, Format)) {
  CLI::App* command = app->add_subcommand(name, help);
  const auto source = AddSource(command);
  const auto format = AddFormat(command, kReportFormats);
  command->footer("Examples:\n  " + example);
  command->callback([=] { *action = [=] { return show(*source, *format); }; });
}

void AddHead(CLI::App* app, Action* action) {
  CLI::App* command = app->add_subcommand("head", "Print the first rows");
  const auto source = AddSource(command);
  const auto format = AddFormat(command, kRowFormats);
  auto scan = std::make_shared<ScanOptions>();
  scan->limit = kHeadRows;
  command->add_option("-n,--rows", scan->limit, fmt::format("How many (default: {})", kHeadRows))
      ->check(AtLeast(0))
      ->type_name("N");
  AddColumns(command, &scan->columns);
  command->footer("Examples:\n  lance head data/orders.lance -n 3 --columns o_orderkey,o_totalprice");
  command->callback([=] { *action = [=] { return Query(*source, *scan, *format); }; });
}

void AddCount(CLI::App* app, Action* action) {
  CLI::App* command = app->add_subcommand("count", "Count rows");
  const auto source = AddSource(command);
  auto filter = std::make_shared<std::optional<std::string>>();
  command->add_option("--filter", *filter, "Count the rows that match")->type_name("SQL");
  command->footer(
      "Examples:\n"
      "  lance count data/lineitem.lance\n"
      "  lance count data/lineitem.lance --filter \"l_shipdate < date '1995-01-01'\"");
  command->callback([=] { *action = [=] { return Count(*source, *filter); }; });
}

void AddQuery(CLI::App* app, Action* action) {
  CLI::App* command = app->add_subcommand("query", "Print rows that match a filter");
  const auto source = AddSource(command);
  const auto format = AddFormat(command, kRowFormats);
  auto scan = std::make_shared<ScanOptions>();
  AddColumns(command, &scan->columns);
  command->add_option("--filter", scan->filter, "A SQL expression")->type_name("SQL");
  command->add_option("--limit", scan->limit, "The most rows to print")->check(AtLeast(0))->type_name("N");
  command->add_option("--offset", scan->offset, "Rows to skip first")->check(AtLeast(0))->type_name("N");
  command->footer(
      "Examples:\n"
      "  lance query data/orders.lance --filter \"o_totalprice > 400000\" --limit 5\n"
      "  lance query data/nation.lance --columns n_name --format csv > nations.csv");
  command->callback([=] { *action = [=] { return Query(*source, *scan, *format); }; });
}

void AddTake(CLI::App* app, Action* action) {
  CLI::App* command = app->add_subcommand("take", "Print rows by their positions");
  const auto source = AddSource(command);
  const auto format = AddFormat(command, kRowFormats);
  auto rows = std::make_shared<std::vector<uint64_t>>();
  auto columns = std::make_shared<std::optional<std::vector<std::string>>>();
  command->add_option("--rows", *rows, "Positions, the first row being 0")
      ->required()
      ->check(AtLeast(0))
      ->delimiter(',')
      ->type_name("I,J,...");
  AddColumns(command, columns.get());
  command->footer("Examples:\n  lance take data/part.lance --rows 5,1,9");
  command->callback([=] { *action = [=] { return Take(*source, *rows, *columns, *format); }; });
}

void AddFsck(CLI::App* app, Action* action) {
  CLI::App* command = app->add_subcommand("fsck", "Find damaged and missing files");
  auto args = std::make_shared<FsckArgs>();
  command->add_option("DATASET", args->dataset, "A path or URI")->required()->type_name("");
  command->add_flag("--deep", args->check.deep, "Decode every row of every column, too");
  command->add_option("--at-version", args->check.version, "Check this version only (default: all)")
      ->check(AtLeast(1))
      ->type_name("N");
  AddStorage(command, &args->check.storage);
  AddChoice(command, "--format", &args->format, kReportFormats, "How to print (default: table)");
  command->footer(
      "Prints a line for each problem, then totals. Orphans and temporary files are no problem: crashed "
      "writers\n"
      "leave them behind, and `lance cleanup` removes them. The exit code is 1 if there are problems.\n\n"
      "Examples:\n"
      "  lance fsck data/orders.lance\n"
      "  lance fsck s3://bucket/orders.lance --deep --format json");
  command->callback([=] { *action = [=] { return Fsck(*args); }; });
}

/// Add an option whose value is a number with a unit of time.
template <typename Set>
CLI::Option* AddAge(CLI::App* app, const std::string& name, const std::string& help, Set set) {
  const std::map<std::string, int64_t> units = {
      {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 24 * 3600}, {"w", 7 * 24 * 3600}};
  return app
      ->add_option_function<int64_t>(
          name, [set](int64_t seconds) { set(std::chrono::seconds(seconds)); }, help)
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED).description(""))
      ->check(AtLeast(0))
      ->type_name("AGE");
}

void AddCleanup(CLI::App* app, Action* action) {
  CLI::App* command =
      app->add_subcommand("cleanup", "Remove old versions and what crashed writers left behind");
  auto args = std::make_shared<CleanupArgs>();
  CleanupOptions* cleanup = &args->cleanup;
  command->add_option("DATASET", args->dataset, "A path or URI")->required()->type_name("");
  AddAge(command, "--older-than", "Remove versions older than this",
         [cleanup](std::chrono::seconds age) { cleanup->older_than = age; });
  command->add_option("--keep", cleanup->keep_versions, "Remove all but so many of the newest versions")
      ->check(AtLeast(1))
      ->type_name("N");
  CLI::Option* age = AddAge(command, "--orphans-older-than",
                            "Remove files that belong to no version when older than this (default: 7d)",
                            [cleanup](std::chrono::seconds age) { cleanup->orphan_min_age = age; });
  command
      ->add_flag_callback(
          "--no-writers-active", [cleanup] { cleanup->orphan_min_age = std::chrono::seconds(0); },
          "Nobody is writing: remove files that belong to no version at any age")
      ->excludes(age);
  command->add_flag("--dry-run", cleanup->dry_run, "Remove nothing, and print what would be removed");
  AddStorage(command, &cleanup->storage);
  AddChoice(command, "--format", &args->format, kReportFormats, "How to print (default: table)");
  command->footer(
      "An AGE is a number with a unit: s, min, h, d or w. Versions are removed only when --older-than or "
      "--keep is\n"
      "given; with both, those that both allow. The latest version stays, and so do tagged ones and those "
      "that a\n"
      "branch needs. Shallow clones are found below the dataset and beside it. One elsewhere loses the files "
      "that\n"
      "go: tag the version it was made from, and these stay.\n\n"
      "Examples:\n"
      "  lance cleanup data/orders.lance --dry-run --older-than 2w --keep 10\n"
      "  lance cleanup data/orders.lance --no-writers-active");
  command->callback([=] { *action = [=] { return Cleanup(*args); }; });
}

std::string VersionText() {
  return fmt::format("lance-cpp {} (Lance {}, Arrow C++ {})", Version(), EngineVersion(),
                     arrow::GetBuildInfo().version_string);
}

/// Help with less notation than CLI11's own.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = option->get_type_name().empty() ? "" : " " + option->get_type_name();
    if (!option->get_default_str().empty()) text += "=" + option->get_default_str();
    return option->get_required() ? text + " (required)" : text;
  }
};

void AddCommands(CLI::App* app, Action* action) {
  app->formatter(std::make_shared<HelpFormatter>());
  app->set_version_flag("--version", VersionText(), "Print versions and exit");
  app->require_subcommand(0, 1);
  AddGenerate(app, action, TPCGEN_TPCH, "tpch");
  AddGenerate(app, action, TPCGEN_TPCDS, "tpcds");
  AddImport(app, action);
  AddReport(app, action, "info", "Show facts about a dataset", "lance info data/lineitem.lance", ShowInfo);
  AddReport(app, action, "schema", "Show the columns", "lance schema data/lineitem.lance", ShowSchema);
  AddHead(app, action);
  AddCount(app, action);
  AddQuery(app, action);
  AddTake(app, action);
  AddReport(app, action, "versions", "List the versions", "lance versions data/orders.lance", ListVersions);
  AddReport(app, action, "fragments", "List the fragments", "lance fragments data/orders.lance --format json",
            ListFragments);
  AddFsck(app, action);
  AddCleanup(app, action);
  app->footer(
      "Run `lance COMMAND --help` for the options of a command.\n\n"
      "Examples:\n"
      "  lance tpch generate --scale 1 --output data\n"
      "  lance info data/lineitem.lance\n"
      "  lance query data/lineitem.lance --filter \"l_quantity > 49\" --limit 5");
}

/// Describe a word that should be a command and is not.
std::optional<std::string> FindUnknownCommand(const CLI::App* app, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty() || word.starts_with('-')) return std::nullopt;
    const auto found = std::ranges::find(commands, word, &CLI::App::get_name);
    if (found == commands.end()) {
      std::vector<std::string> names;
      for (const CLI::App* command : commands) names.push_back(command->get_name());
      return DescribeUnknown("command", word, names);
    }
    app = *found;
  }
  return std::nullopt;
}

/// The words of the command that was being parsed, for example "lance tpch generate".
std::string CommandName(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app.get_name() : app.get_name() + " " + CommandName(*parsed.front());
}

void PrintError(std::string_view message) {
  // An argument, or a name in a file, may hold what would move the cursor or colour the terminal.
  Say(fmt::format("lance: error: {}\n", PrintableLine(message)));
}

int FinishAction(const arrow::Status& status) {
  if (status.ok() || IsClosedPipe(status)) return 0;
  if (const int signal = InterruptSignal(); signal != 0 && !status.ok()) {
    Say("lance: interrupted; what was not committed is removed\n");
    return kExitSignal + signal;
  }
  PrintError(DescribeError(status));
  return kExitFailure;
}

int Main(int argc, char** argv) {
  ReserveStandardDescriptors();
  BoundFreeMemory(DefaultJobs());
  // For the width of characters; messages and numbers stay as they are.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  // A closed pipe is then an error of write().
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Generate, import, inspect and query Lance datasets.", "lance");
  Action action;
  AddCommands(&app, &action);
  if (const auto message = FindUnknownCommand(&app, {argv + 1, argv + argc})) {
    PrintError(*message);
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" of code 0.
    if (error.get_exit_code() == 0) return app.exit(error);
    PrintError(fmt::format("{}; see `{} --help`", error.what(), CommandName(app)));
    return kExitUsage;
  }
  if (!action) {
    fmt::print("{}", app.help());
    return 0;
  }
  return FinishAction(action());
}

}  // namespace
}  // namespace lance::cli

int main(int argc, char** argv) {
  try {
    return lance::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    lance::cli::PrintError(error.what());
    return lance::cli::kExitFailure;
  }
}
