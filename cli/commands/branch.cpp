// `lance branch list`, `create` and `delete`.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "confirm.h"
#include "flags.h"
#include "interrupt.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::string name;
  BranchOptions branch;
  bool force = false;
  Consent consent;
};

arrow::Status List(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto branches, dataset->Branches());
  if (format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const BranchInfo& branch : branches) {
      json.push_back({{"name", branch.name},
                      {"parent_branch", branch.parent_branch},
                      {"parent_version", branch.parent_version},
                      {"created", FormatTimestamp(branch.created_micros)},
                      {"metadata", branch.metadata}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"name"}, {"began on"}, {"at version", kRight}, {"created"}});
  for (const BranchInfo& branch : branches) {
    table.AddRow({branch.name, branch.parent_branch, std::to_string(branch.parent_version),
                  FormatTimestamp(branch.created_micros)});
  }
  return Print(table.ToString());
}

arrow::Status Create(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  return WaitOrInterrupt<std::shared_ptr<Dataset>>([&](const arrow::StopToken& stop) {
           return dataset->CreateBranchAsync(args.name, args.branch, stop);
         })
      .status();
}

arrow::Status Delete(const Args& args) {
  const std::string what = "branch " + args.name + " of " + args.source.uri + " with all its versions";
  if (args.consent.dry_run) return Print("would delete " + what + "\n");
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_RETURN_NOT_OK(Confirm(args.consent, "Delete " + what + "?"));
  return dataset->DeleteBranch(args.name, args.force);
}

Action DeclareCreate(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("NAME", args->name, "The new branch, such as trial or team/trial")
      ->required()
      ->type_name("");
  AddMetadata(app, args->branch.metadata);
  app.footer(
      "Begins at the latest version, or at the one that is given. No data is copied. What is written to the "
      "branch\n"
      "with --branch does not change the dataset.\n\n"
      "Examples:\n"
      "  lance branch create data/orders.lance trial\n"
      "  lance branch create data/orders.lance fix --tag stable");
  return [args] { return Create(*args); };
}

Action DeclareDelete(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddDataset(app, args->source.uri);
  app.add_option("NAME", args->name, "The branch")->required()->type_name("");
  app.add_flag("--force", args->force, "Delete also what is left of a deletion that was interrupted");
  AddConsent(app, args->consent);
  AddStorage(app, args->source.options.storage);
  AddNamespace(app, args->source.in);
  app.footer(
      "A branch that a tag points to, or another branch began from, is not deleted. Clones of it cannot be "
      "read any\n"
      "more.\n\n"
      "Examples:\n"
      "  lance branch delete data/orders.lance trial --yes");
  return [args] {
    RequireConsent(args->consent);
    return Delete(*args);
  };
}

const Registration kBranch({.name = "branch",
                            .section = Section::kParts,
                            .rank = 5,
                            .help = "Branches, which are lines of versions of their own"});

const Registration kList({.name = "branch list",
                          .section = Section::kParts,
                          .rank = 1,
                          .help = "List the branches",
                          .declare = [](CLI::App& app) {
                            app.footer("Examples:\n  lance branch list data/orders.lance");
                            return DeclareReport(app, List);
                          }});

const Registration kCreate({.name = "branch create",
                            .section = Section::kParts,
                            .rank = 2,
                            .help = "Begin a branch at a version",
                            .declare = DeclareCreate});

const Registration kDelete({.name = "branch delete",
                            .section = Section::kParts,
                            .rank = 3,
                            .help = "Delete a branch with its versions",
                            .declare = DeclareDelete});

}  // namespace
}  // namespace lance::cli
