// `lance upsert`.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "command.h"
#include "confirm.h"
#include "flags.h"
#include "input_flags.h"
#include "lance/api.h"
#include "lane_reader.h"
#include "progress.h"
#include "render.h"

namespace lance::cli {
namespace {

const std::map<std::string, WhenMatched> kMatched = {{"update", WhenMatched::kUpdateAll},
                                                     {"keep", WhenMatched::kDoNothing},
                                                     {"fail", WhenMatched::kFail},
                                                     {"delete", WhenMatched::kDelete}};
const std::map<std::string, WhenNotMatched> kNotMatched = {{"insert", WhenNotMatched::kInsert},
                                                           {"skip", WhenNotMatched::kDoNothing}};
const std::map<std::string, WhenNotMatchedBySource> kNotMatchedBySource = {
    {"keep", WhenNotMatchedBySource::kKeep}, {"delete", WhenNotMatchedBySource::kDelete}};
const std::map<std::string, MergeInsertWriteMode> kWriteModes = {
    {"auto", MergeInsertWriteMode::kAuto},
    {"rows", MergeInsertWriteMode::kRewriteRows},
    {"columns", MergeInsertWriteMode::kRewriteColumns}};
const std::map<std::string, SourceDuplicates> kDuplicates = {{"fail", SourceDuplicates::kFail},
                                                             {"first", SourceDuplicates::kFirst}};

struct Args {
  std::string dataset;
  std::vector<std::string> files;
  InputFlags inputs;
  int32_t batch_rows = 8192;
  MergeInsertOptions merge;
  StorageOptions storage;
  NamespaceFlags in;
  Consent consent;
  bool explain = false;
  Format report = Format::kTable;
};

/// What the rows of the dataset may lose, or "".
std::string Loss(const Args& args) {
  std::string loss;
  if (args.merge.when_matched == WhenMatched::kDelete) loss = "rows whose keys are in the input";
  switch (args.merge.when_not_matched_by_source) {
    case WhenNotMatchedBySource::kKeep:
      return loss;
    case WhenNotMatchedBySource::kDelete:
      return loss.empty() ? "rows whose keys are not in the input" : "all rows";
    case WhenNotMatchedBySource::kDeleteIf:
      return (loss.empty() ? "" : loss + ", and ") + "rows whose keys are not in the input where " +
             *args.merge.by_source_condition;
  }
  return loss;
}

arrow::Status PrintResult(const MergeInsertResult& result, uint64_t version, double seconds, Format format) {
  if (format == Format::kJson) {
    const nlohmann::ordered_json json = {{"version", version},
                                         {"inserted_rows", result.inserted_rows},
                                         {"updated_rows", result.updated_rows},
                                         {"deleted_rows", result.deleted_rows},
                                         {"skipped_duplicates", result.skipped_duplicates},
                                         {"attempts", result.attempts},
                                         {"files_written", result.files_written},
                                         {"bytes_written", result.bytes_written},
                                         {"seconds", seconds}};
    return Print(json.dump(2) + "\n");
  }
  return Print(FormatPairs({{"version", FormatCount(version)},
                            {"inserted rows", FormatCount(result.inserted_rows)},
                            {"updated rows", FormatCount(result.updated_rows)},
                            {"deleted rows", FormatCount(result.deleted_rows)},
                            {"skipped duplicates", FormatCount(result.skipped_duplicates)},
                            {"attempts", FormatCount(result.attempts)},
                            {"written", FormatBytes(result.bytes_written)}}));
}

arrow::Status Upsert(const Args& args) {
  WatchInterrupts();
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Namespace> ns, args.in.Connect());
  OpenOptions open;
  open.storage = args.storage;
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Dataset> dataset, OpenDataset(ns, args.dataset, open));
  ARROW_ASSIGN_OR_RAISE(Inputs inputs,
                        InspectInputs(args.files, args.inputs, args.batch_rows,
                                      {.schema = dataset->schema(), .of_dataset = true, .partly = true}));
  if (args.explain) {
    ARROW_ASSIGN_OR_RAISE(const std::string plan, dataset->ExplainMergeInsert(args.merge, inputs.schema));
    return Print(plan.ends_with('\n') ? plan : plan + "\n");
  }
  const std::string loss = Loss(args);
  if (!loss.empty()) {
    ARROW_RETURN_NOT_OK(Confirm(args.consent, "Delete " + loss + " from " + args.dataset + "?"));
  }
  std::vector<Piece> pieces;
  for (Input::Part& part : inputs.parts) pieces.push_back(std::move(part.open));
  ProgressDisplay display;
  Progress progress(display, args.dataset, inputs.rows);
  const auto reader = std::make_shared<LaneReader>(inputs.schema, std::move(pieces), args.batch_rows,
                                                   &progress, std::stop_token());
  ARROW_ASSIGN_OR_RAISE(const MergeInsertResult result, dataset->MergeInsert(reader, args.merge));
  const double seconds = progress.seconds();
  progress.Finish();
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, result.dataset->Version());
  return PrintResult(result, version, seconds, args.report);
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  MergeInsertOptions& merge = args->merge;
  AddDataset(app, args->dataset);
  app.add_option("FILES", args->files, "Files or quoted patterns")->required()->type_name("");
  app.add_option_function<std::vector<std::string>>(
         "--on", [&merge](const std::vector<std::string>& names) { merge.on = names; },
         "The columns that are the key (default: the primary key)")
      ->delimiter(',')
      ->type_name("A,B,...");
  CLI::Option* matched = AddChoice(app, "--when-matched", merge.when_matched, kMatched,
                                   "What to do with rows whose key is there (default: update)");
  app.add_option_function<std::string>(
         "--update-if",
         [&merge](const std::string& condition) {
           merge.when_matched = WhenMatched::kUpdateIf;
           merge.when_matched_condition = condition;
         },
         "Update rows where this is true, e.g. \"source.at > target.at\"")
      ->excludes(matched)
      ->type_name("SQL");
  AddChoice(app, "--when-not-matched", merge.when_not_matched, kNotMatched,
            "What to do with rows whose key is new (default: insert)");
  CLI::Option* by_source =
      AddChoice(app, "--not-matched-by-source", merge.when_not_matched_by_source, kNotMatchedBySource,
                "What to do with rows of the dataset that are not in the input (default: keep)");
  app.add_option_function<std::string>(
         "--delete-if",
         [&merge](const std::string& condition) {
           merge.when_not_matched_by_source = WhenNotMatchedBySource::kDeleteIf;
           merge.by_source_condition = condition;
         },
         "Delete rows of the dataset that are not in the input where this is true")
      ->excludes(by_source)
      ->type_name("SQL");
  AddChoice(app, "--duplicates", merge.source_duplicates, kDuplicates,
            "What to do when a key comes twice in the input: fail, or take the first (default: fail)");
  AddChoice(app, "--write-mode", merge.write_mode, kWriteModes,
            "Write whole rows, or columns of the input alone (default: auto)");
  app.add_flag_callback(
      "--no-index", [&merge] { merge.use_index = false; }, "Do not look keys up in indices");
  app.add_option("--retries", merge.conflict_retries,
                 "How often to do it again when another writer is in the way")
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--message", merge.commit_message, "A message kept with the version")->type_name("TEXT");
  AddInputs(app, args->inputs);
  app.add_option("--batch-rows", args->batch_rows, "The most rows of a batch")
      ->capture_default_str()
      ->check(AtLeast(1))
      ->type_name("N");
  AddYes(app, args->consent);
  app.add_flag("--explain", args->explain, "Change nothing, and print the plan");
  AddStorage(app, args->storage);
  AddNamespace(app, args->in);
  AddResultFormat(app, "--report", args->report);
  app.footer(
      std::string(kInputsHelp) +
      "\nColumns are matched by name and cast to the dataset's types; those that the input lacks keep their "
      "values in rows\n"
      "that are updated. A key is never doubled, whoever else upserts at the same time.\n\n"
      "Examples:\n"
      "  lance upsert events.lance news.parquet --on id\n"
      "  lance upsert prices.lance today.csv --on shop,item --update-if 'source.at > target.at'\n"
      "  lance upsert stock.lance all.jsonl --on id --not-matched-by-source delete --yes");
  return [args] {
    if (!args->explain && !Loss(*args).empty()) RequireConsent(args->consent);
    return Upsert(*args);
  };
}

const Registration kUpsert({.name = "upsert",
                            .section = Section::kLoad,
                            .rank = 4,
                            .help = "Merge files into a dataset by a key: update rows and insert others",
                            .declare = Declare});

}  // namespace
}  // namespace lance::cli
