// `lance compact`.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "compaction.h"
#include "flags.h"
#include "lance/api.h"
#include "lines.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  CompactOptions compact;
  bool dry_run = false;
  std::optional<std::string> plan;
  std::optional<std::string> task;
  std::vector<std::string> commit;
  Format format = Format::kTable;
};

arrow::Status Report(const CompactResult& result, Format format) {
  if (format == Format::kJson) {
    ARROW_ASSIGN_OR_RAISE(const uint64_t version, result.dataset->Version());
    const nlohmann::ordered_json json = {{"version", version},
                                         {"rows", result.rows},
                                         {"fragments_removed", result.fragments_removed},
                                         {"fragments_added", result.fragments_added},
                                         {"files_removed", result.files_removed},
                                         {"files_added", result.files_added},
                                         {"bytes_removed", result.bytes_removed},
                                         {"bytes_added", result.bytes_added}};
    return Print(json.dump(2) + "\n");
  }
  ARROW_ASSIGN_OR_RAISE(const std::string text, Describe(result));
  return Print(text);
}

/// Print what would be done.
arrow::Status Show(const std::vector<CompactionTask>& tasks, Format format) {
  if (format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const CompactionTask& task : tasks) {
      json.push_back({{"fragments", task.fragments}, {"rows", task.rows}, {"bytes", task.bytes}});
    }
    return Print(json.dump(2) + "\n");
  }
  if (tasks.empty()) return Print("nothing to compact\n");
  using enum TextTable::Align;
  TextTable table({{"task", kRight}, {"fragments", kRight}, {"rows", kRight}, {"size", kRight}});
  for (size_t i = 0; i < tasks.size(); ++i) {
    table.AddRow({FormatCount(i + 1), FormatCount(tasks[i].fragments), FormatCount(tasks[i].rows),
                  FormatBytes(tasks[i].bytes)});
  }
  return Print(table.ToString());
}

arrow::Status Save(const std::vector<CompactionTask>& tasks, const std::string& path) {
  std::vector<std::string> lines;
  for (const CompactionTask& task : tasks) lines.push_back(task.text);
  return WriteLines(lines, path);
}

/// Execute the tasks of a file, and print what each has written.
arrow::Status Execute(const Dataset& dataset, const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto tasks, ReadLines({*args.task}));
  for (const std::string& task : tasks) {
    ARROW_ASSIGN_OR_RAISE(const std::string result,
                          ExecuteShown(dataset, task, {.encoding_profile = args.compact.encoding_profile}));
    ARROW_RETURN_NOT_OK(Print(result + "\n"));
  }
  return arrow::Status::OK();
}

arrow::Status Commit(const Dataset& dataset, const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto results, ReadLines(args.commit));
  const CommitCompactionOptions options = {.index_remap = args.compact.index_remap,
                                           .commit_message = args.compact.commit_message};
  ARROW_ASSIGN_OR_RAISE(const CompactResult result, dataset.CommitCompaction(results, options));
  return Report(result, args.format);
}

arrow::Status Compact(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  if (args.task.has_value()) return Execute(*dataset, args);
  if (!args.commit.empty()) return Commit(*dataset, args);
  if (args.dry_run || args.plan.has_value()) {
    ARROW_ASSIGN_OR_RAISE(const auto tasks, dataset->PlanCompaction(args.compact));
    if (args.plan.has_value()) ARROW_RETURN_NOT_OK(Save(tasks, *args.plan));
    return Show(tasks, args.format);
  }
  ARROW_ASSIGN_OR_RAISE(const CompactResult result, CompactShown(*dataset, args.compact));
  return Report(result, args.format);
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddCompaction(app, args->compact);
  CLI::Option* dry_run =
      app.add_flag("--dry-run", args->dry_run, "Write nothing, and print what would be done");
  CLI::Option* plan =
      app.add_option("--plan", args->plan, "Write the tasks to this file, one a line, and do nothing else")
          ->type_name("FILE");
  CLI::Option* task =
      app.add_option("--task", args->task, "Execute the tasks of this file, and print a result of each")
          ->type_name("FILE")
          ->excludes(dry_run)
          ->excludes(plan);
  app.add_option("--commit", args->commit, "Commit the results of these files")
      ->type_name("FILE...")
      ->excludes(dry_run)
      ->excludes(plan)
      ->excludes(task);
  AddFormat(app, args->format);
  app.footer(
      "Joins small fragments and frees what deleted rows take. The files of before stay for older versions,\n"
      "until `lance cleanup` removes those.\n\n"
      "Examples:\n"
      "  lance compact data/orders.lance\n"
      "  lance compact data/orders.lance --dry-run --target-rows 4000000\n"
      "  lance compact data/orders.lance --plan tasks.json && split -l 1 tasks.json task-\n"
      "  lance compact data/orders.lance --task task-aa > result-aa\n"
      "  lance compact data/orders.lance --commit result-*");
  return [args] { return Compact(*args); };
}

const Registration kCompact({.name = "compact",
                             .section = Section::kMaintain,
                             .rank = 3,
                             .help = "Join small fragments, and free what deleted rows take",
                             .declare = Declare});

}  // namespace
}  // namespace lance::cli
