// `lance restore`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "confirm.h"
#include "flags.h"
#include "interrupt.h"
#include "lance/api.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  RestoreOptions restore;
  Consent consent;
};

arrow::Status Restore(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, dataset->Version());
  ARROW_ASSIGN_OR_RAISE(const uint64_t latest, dataset->LatestVersion());
  const std::string what =
      fmt::format("version {} of {}, whose latest version is {}", version, args.source.uri, latest);
  if (args.consent.dry_run) {
    return Print(fmt::format("would restore {}, as version {} or later\n", what, latest + 1));
  }
  ARROW_RETURN_NOT_OK(Confirm(args.consent, "Restore " + what + "?"));
  ARROW_ASSIGN_OR_RAISE(const auto restored,
                        WaitOrInterrupt<std::shared_ptr<Dataset>>([&](const arrow::StopToken& stop) {
                          return dataset->RestoreAsync(args.restore, stop);
                        }));
  ARROW_ASSIGN_OR_RAISE(const uint64_t made, restored->Version());
  return Print(fmt::format("version {} is equal to version {}\n", made, version));
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddDataset(app, args->source.uri);
  OpenOptions& open = args->source.options;
  auto* version = app.add_option("--version", open.version, "Restore this version");
  auto* tag = app.add_option("--tag", open.tag, "Restore the version this tag points to");
  auto* branch = app.add_option("--branch", open.branch, "Of this branch, to which the new version is added");
  version->check(AtLeast(1))->type_name("N");
  tag->type_name("NAME")->excludes(version)->excludes(branch);
  branch->type_name("NAME");
  app.add_option("--message", args->restore.commit_message, "A message kept with the new version")
      ->type_name("TEXT");
  AddConsent(app, args->consent);
  AddStorage(app, open.storage);
  AddNamespace(app, args->source.in);
  app.footer(
      "Adds a version that is equal to an earlier one. No data is copied, and the versions in between stay "
      "until\n"
      "`lance cleanup` removes them.\n\n"
      "Examples:\n"
      "  lance restore data/orders.lance --version 3\n"
      "  lance restore data/orders.lance --tag stable --yes");
  return [args] {
    if (!args->source.options.version && !args->source.options.tag) {
      throw CLI::ValidationError("--version", "or --tag says what to restore");
    }
    RequireConsent(args->consent);
    return Restore(*args);
  };
}

const Registration kRestore({.name = "restore",
                             .section = Section::kParts,
                             .rank = 6,
                             .help = "Add a version that is equal to an earlier one",
                             .declare = Declare});

}  // namespace
}  // namespace lance::cli
