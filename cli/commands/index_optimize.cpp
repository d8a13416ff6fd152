// `lance index optimize`.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "command.h"
#include "flags.h"
#include "index_build.h"
#include "interrupt.h"
#include "lance/api.h"
#include "lines.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  OptimizeIndicesOptions optimize;
  std::optional<std::string> plan;
  std::optional<std::string> task;
  std::vector<std::string> results;
  std::vector<std::string> commit;
};

/// Write the parts to a file, and show them.
arrow::Status Plan(const Dataset& dataset, const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto parts, dataset.PlanOptimizeIndices(args.optimize));
  std::vector<std::string> lines;
  using enum TextTable::Align;
  TextTable table({{"index"}, {"part"}, {"fragments", kRight}});
  for (const OptimizePart& part : parts) {
    lines.push_back(part.text);
    table.AddRow(
        {part.index, part.is_merge ? "merge" : "task", part.is_merge ? "" : FormatCount(part.fragments)});
  }
  ARROW_RETURN_NOT_OK(WriteLines(lines, *args.plan));
  return Print(parts.empty() ? "nothing to optimise\n" : table.ToString());
}

bool IsMerge(const std::string& part) {
  const auto json = nlohmann::json::parse(part, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("merge");
}

/// Execute the tasks of a file, or its merges where there are results of tasks, and print what each has
/// built.
arrow::Status Execute(const Dataset& dataset, const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto parts, ReadLines({*args.task}));
  ARROW_ASSIGN_OR_RAISE(const auto results, ReadLines(args.results));
  for (const std::string& part : parts) {
    if (IsMerge(part) == args.results.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(const std::string result,
                          WaitOrInterrupt<std::string>([&](const arrow::StopToken& stop) {
                            return dataset.ExecuteOptimizeIndicesAsync(part, results, stop);
                          }));
    ARROW_RETURN_NOT_OK(Print(result + "\n"));
  }
  return arrow::Status::OK();
}

arrow::Status Commit(const Dataset& dataset, const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto results, ReadLines(args.commit));
  return dataset.CommitOptimizeIndices(results).status();
}

arrow::Status Optimize(Args args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  if (args.plan.has_value()) return Plan(*dataset, args);
  if (args.task.has_value()) return Execute(*dataset, args);
  if (!args.commit.empty()) return Commit(*dataset, args);
  Stages stages;
  args.optimize.progress = stages.Callback();
  return WaitOrInterrupt<std::shared_ptr<Dataset>>(
             [&](const arrow::StopToken& stop) { return dataset->OptimizeIndicesAsync(args.optimize, stop); })
      .status();
}

void AddParts(CLI::App& app, Args& args) {
  CLI::Option* plan =
      app.add_option("--plan", args.plan, "Write the parts to this file, one a line, and do nothing else")
          ->type_name("FILE");
  CLI::Option* task =
      app.add_option(
             "--task", args.task,
             "Execute the tasks of this file, or its merges with --results, and print a result of each")
          ->type_name("FILE")
          ->excludes(plan);
  app.add_option("--results", args.results, "What the tasks have printed, for merges")
      ->type_name("FILE...")
      ->needs(task);
  app.add_option("--commit", args.commit, "Commit what the merges have printed")
      ->type_name("FILE...")
      ->excludes(plan)
      ->excludes(task);
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  OptimizeIndicesOptions& optimize = args->optimize;
  AddSource(app, args->source);
  app.add_option("--name", optimize.names, "Only this index; may be repeated (default: all)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  CLI::Option* merge =
      app.add_option("--merge", optimize.merge_segments, "Merge so many of the newest segments, too")
          ->check(AtLeast(0))
          ->type_name("N");
  app.add_flag("--retrain", optimize.retrain, "Learn vector indices anew from all rows");
  app.add_flag("--rebalance", optimize.rebalance, "With --merge, split and join partitions of vector indices")
      ->needs(merge);
  app.add_option("--max-rows", optimize.max_rows_per_segment, "The most rows of a new segment")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--task-rows", optimize.max_rows_per_task, "The most rows that are indexed at once")
      ->check(AtLeast(1))
      ->type_name("N");
  AddParts(app, *args);
  app.footer(
      "Indexes the rows that were added since. Nothing is written when there are none.\n\n"
      "Examples:\n"
      "  lance index optimize data/orders.lance\n"
      "  lance index optimize data/photos.lance --name embedding_idx --retrain\n"
      "  lance index optimize data/orders.lance --task-rows 1000000 --plan parts\n"
      "  lance index optimize data/orders.lance --task parts > built\n"
      "  lance index optimize data/orders.lance --task parts --results built > merged\n"
      "  lance index optimize data/orders.lance --commit merged");
  return [args] { return Optimize(*args); };
}

const Registration kOptimize({.name = "index optimize",
                              .section = Section::kParts,
                              .rank = 4,
                              .help = "Index the rows that were added since",
                              .declare = Declare});

}  // namespace
}  // namespace lance::cli
