// `lance optimize`.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "compaction.h"
#include "confirm.h"
#include "flags.h"
#include "interrupt.h"
#include "lance/api.h"
#include "printable.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  CompactOptions compact;
  CleanupOptions cleanup;
  Consent consent;

  bool Removes() const { return cleanup.older_than.has_value() || cleanup.keep_versions.has_value(); }
};

using DatasetPtr = std::shared_ptr<Dataset>;

/// Compact, bring the indices up to date, and remove what is not needed any more where that is asked for.
arrow::Status Optimize(const Args& args) {
  if (args.Removes()) RequireConsent(args.consent);
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  if (args.Removes()) {
    ARROW_RETURN_NOT_OK(Confirm(
        args.consent, "Compact " + Printable(dataset->uri()) + ", and then remove old versions of it?"));
  }
  ARROW_ASSIGN_OR_RAISE(const CompactResult compacted, CompactShown(*dataset, args.compact));
  ARROW_ASSIGN_OR_RAISE(std::string text, Describe(compacted));
  ARROW_RETURN_NOT_OK(Print(text));
  ARROW_ASSIGN_OR_RAISE(const uint64_t before, compacted.dataset->Version());
  ARROW_ASSIGN_OR_RAISE(const auto indexed, WaitOrInterrupt<DatasetPtr>([&](const arrow::StopToken& stop) {
                          return compacted.dataset->OptimizeIndicesAsync({}, stop);
                        }));
  ARROW_ASSIGN_OR_RAISE(const uint64_t after, indexed->Version());
  ARROW_RETURN_NOT_OK(Print(after == before
                                ? "the indices cover all rows\n"
                                : "indexed what was added, version " + FormatCount(after) + "\n"));
  if (!args.Removes()) return arrow::Status::OK();
  CleanupOptions cleanup = args.cleanup;
  cleanup.storage = args.source.options.storage;
  ARROW_ASSIGN_OR_RAISE(const CleanupResult removed, CleanupDataset(indexed->uri(), cleanup));
  return Print("removed " + FormatCount(removed.versions) + " versions, freed " + FormatBytes(removed.bytes) +
               "\n");
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddCompaction(app, args->compact);
  AddAge(app, "--older-than", args->cleanup.older_than, "Then remove versions older than this");
  app.add_option("--keep", args->cleanup.keep_versions, "Then remove all but so many of the newest versions")
      ->check(AtLeast(1))
      ->type_name("N");
  AddYes(app, args->consent);
  app.footer(
      "Does what keeps a dataset fast: `lance compact`, `lance index optimize`, and with --older-than or "
      "--keep\n"
      "`lance cleanup`, of which an AGE is a number with a unit: s, min, h, d or w.\n\n"
      "Examples:\n"
      "  lance optimize data/orders.lance\n"
      "  lance optimize data/orders.lance --older-than 2w --keep 10 --yes");
  return [args] { return Optimize(*args); };
}

const Registration kOptimize({.name = "optimize",
                              .section = Section::kMaintain,
                              .rank = 4,
                              .help = "Compact, bring indices up to date, and clean up",
                              .declare = Declare});

}  // namespace
}  // namespace lance::cli
