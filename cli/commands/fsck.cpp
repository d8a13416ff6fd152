// `lance fsck`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/maintenance.h"
#include "printable.h"
#include "progress.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  std::string dataset;
  CheckOptions check;
  Format format = Format::kTable;
};

arrow::Result<CheckReport> Check(const Args& args) {
  if (!args.check.deep) return CheckDataset(args.dataset, args.check);
  ProgressDisplay display;
  Progress progress(display, args.dataset, std::nullopt);
  CheckOptions options = args.check;
  options.progress = [&progress, last = CheckProgress()](const CheckProgress& now) mutable {
    progress.Add(now.rows_decoded - last.rows_decoded, now.bytes_decoded - last.bytes_decoded);
    last = now;
  };
  ARROW_ASSIGN_OR_RAISE(auto report, CheckDataset(args.dataset, options));
  progress.Finish();
  return report;
}

nlohmann::ordered_json ToJson(const CheckReport& report) {
  auto problems = nlohmann::ordered_json::array();
  for (const Problem& problem : report.problems) {
    nlohmann::ordered_json json = {{"kind", ProblemKindName(problem.kind)}};
    json["version"] = problem.version ? nlohmann::ordered_json(*problem.version) : nullptr;
    json["path"] = problem.path;
    json["message"] = problem.message;
    problems.push_back(json);
  }
  return {{"problems", problems},
          {"manifests", report.manifests},
          {"versions", report.versions},
          {"data_files", report.data_files},
          {"deletion_files", report.deletion_files},
          {"index_files", report.index_files},
          {"rows", report.rows},
          {"bytes", report.bytes},
          {"missing_transactions", report.missing_transactions},
          {"orphans", report.orphans},
          {"orphan_bytes", report.orphan_bytes},
          {"temporary_files", report.temporary_files},
          {"temporary_bytes", report.temporary_bytes}};
}

std::string FormatFiles(uint64_t files, uint64_t bytes) {
  return files == 0 ? "0" : fmt::format("{}, {}", FormatCount(files), FormatBytes(bytes));
}

std::string ToText(const CheckReport& report) {
  std::string text;
  for (const Problem& problem : report.problems) {
    text += fmt::format("{}: {}\n", Printable(problem.path), Printable(problem.message));
  }
  return text +
         FormatPairs({{"problems", FormatCount(report.problems.size())},
                      {"versions", FormatCount(report.versions)},
                      {"data files", FormatCount(report.data_files)},
                      {"deletion files", FormatCount(report.deletion_files)},
                      {"index files", FormatCount(report.index_files)},
                      {"rows", FormatCount(report.rows)},
                      {"size", FormatBytes(report.bytes)},
                      {"missing transactions", FormatCount(report.missing_transactions)},
                      {"orphans", FormatFiles(report.orphans, report.orphan_bytes)},
                      {"temporary files", FormatFiles(report.temporary_files, report.temporary_bytes)}});
}

/// Print what is wrong. Problems are a failure.
arrow::Status Fsck(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const CheckReport report, Check(args));
  ARROW_RETURN_NOT_OK(Print(args.format == Format::kJson ? ToJson(report).dump(2) + "\n" : ToText(report)));
  if (report.problems.empty()) return arrow::Status::OK();
  return arrow::Status::IOError(args.dataset, " is damaged, see the list of problems");
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddDataset(app, args->dataset);
  app.add_flag("--deep", args->check.deep, "Decode every row of every column, too");
  app.add_option("--at-version", args->check.version, "Check this version only (default: all)")
      ->check(AtLeast(1))
      ->type_name("N");
  AddStorage(app, args->check.storage);
  AddFormat(app, args->format);
  app.footer(
      "Prints a line for each problem, then totals. Orphans and temporary files are no problem: crashed "
      "writers\n"
      "leave them behind, and `lance cleanup` removes them. The exit code is 1 if there are problems.\n\n"
      "Examples:\n"
      "  lance fsck data/orders.lance\n"
      "  lance fsck s3://bucket/orders.lance --deep --format json");
  return [args] { return Fsck(*args); };
}

const Registration kFsck({.name = "fsck",
                          .section = Section::kMaintain,
                          .rank = 1,
                          .help = "Find damaged and missing files",
                          .declare = Declare});

}  // namespace
}  // namespace lance::cli
