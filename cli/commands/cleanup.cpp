// `lance cleanup`.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/maintenance.h"
#include "render.h"

namespace lance::cli {
namespace {

constexpr char kClonesWarning[] =
    "Shallow clones neither below nor beside the dataset lose these files: tag what they read.\n";

struct Args {
  std::string dataset;
  CleanupOptions cleanup;
  bool explain = false;
  Format format = Format::kTable;
};

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return c == '_' ? ' ' : static_cast<char>(std::tolower(c)); });
  return text;
}

/// Print what would be removed or stay, and why.
arrow::Status Explain(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const CleanupPlan plan, ExplainCleanup(args.dataset, args.cleanup));
  if (args.format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const CleanupItem& item : plan.items) {
      json.push_back({{"removed", item.removed},
                      {"kind", Lower(CleanupItemKindName(item.kind))},
                      {"version", item.version ? nlohmann::ordered_json(*item.version) : nullptr},
                      {"path", item.path},
                      {"bytes", item.bytes},
                      {"reason", item.reason}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"action"}, {"what"}, {"size", kRight}, {"reason"}, {"path"}});
  for (const CleanupItem& item : plan.items) {
    const std::string kind = Lower(CleanupItemKindName(item.kind));
    table.AddRow({item.removed ? "remove" : "keep",
                  item.version ? kind + " " + std::to_string(*item.version) : kind, FormatBytes(item.bytes),
                  item.reason, item.path});
  }
  return Print(table.ToString());
}

/// Remove, and print how much.
arrow::Status Cleanup(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const CleanupResult result, CleanupDataset(args.dataset, args.cleanup));
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {
        {"dry_run", args.cleanup.dry_run},           {"versions", result.versions},
        {"data_files", result.data_files},           {"other_files", result.other_files},
        {"temporary_files", result.temporary_files}, {"bytes", result.bytes}};
    return Print(json.dump(2) + "\n");
  }
  const bool dry_run = args.cleanup.dry_run;
  const std::string heading = dry_run ? "would be removed:\n" : "removed:\n";
  const std::string warning = dry_run && result.versions > 0 ? kClonesWarning : "";
  return Print(heading +
               FormatPairs({{"versions", FormatCount(result.versions)},
                            {"data files", FormatCount(result.data_files)},
                            {"other files", FormatCount(result.other_files)},
                            {"temporary files", FormatCount(result.temporary_files)},
                            {"size", FormatBytes(result.bytes)}}) +
               warning);
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  CleanupOptions& cleanup = args->cleanup;
  AddDataset(app, args->dataset);
  AddAge(app, "--older-than", cleanup.older_than, "Remove versions older than this");
  app.add_option("--keep", cleanup.keep_versions, "Remove all but so many of the newest versions")
      ->check(AtLeast(1))
      ->type_name("N");
  CLI::Option* age = AddAge(app, "--orphans-older-than", cleanup.orphan_min_age,
                            "Remove files that belong to no version when older than this (default: 7d)");
  app.add_flag_callback(
         "--no-writers-active", [&cleanup] { cleanup.orphan_min_age = std::chrono::seconds(0); },
         "Nobody is writing: remove files that belong to no version at any age")
      ->excludes(age);
  app.add_flag("--dry-run", cleanup.dry_run, "Remove nothing, and print what would be removed");
  app.add_flag("--explain", args->explain, "Remove nothing, and print each version and file with the reason");
  AddStorage(app, cleanup.storage);
  AddFormat(app, args->format);
  app.footer(
      "An AGE is a number with a unit: s, min, h, d or w. Versions are removed only when --older-than or "
      "--keep is\n"
      "given; with both, those that both allow. The latest version stays, and so do tagged ones and those "
      "that a\n"
      "branch needs. Shallow clones are found below the dataset and beside it. One elsewhere loses the files "
      "that\n"
      "go: tag the version it was made from, and these stay.\n\n"
      "Examples:\n"
      "  lance cleanup data/orders.lance --dry-run --older-than 2w --keep 10\n"
      "  lance cleanup data/orders.lance --explain --keep 3\n"
      "  lance cleanup data/orders.lance --no-writers-active");
  return [args] { return args->explain ? Explain(*args) : Cleanup(*args); };
}

const Registration kCleanup({.name = "cleanup",
                             .section = Section::kMaintain,
                             .rank = 2,
                             .help = "Remove old versions and what crashed writers left behind",
                             .declare = Declare});

}  // namespace
}  // namespace lance::cli
