// `lance tag list`, `create`, `move` and `delete`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "confirm.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::string name;
  TagOptions tag;
  Consent consent;
};

std::string FormatTime(const std::optional<int64_t>& micros) {
  return micros ? FormatTimestamp(*micros) : "-";
}

nlohmann::ordered_json JsonTime(const std::optional<int64_t>& micros) {
  return micros ? nlohmann::ordered_json(FormatTimestamp(*micros)) : nullptr;
}

arrow::Status List(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto tags, dataset->Tags());
  if (format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const TagInfo& tag : tags) {
      json.push_back({{"name", tag.name},
                      {"branch", tag.branch},
                      {"version", tag.version},
                      {"created", JsonTime(tag.created_micros)},
                      {"updated", JsonTime(tag.updated_micros)},
                      {"metadata", tag.metadata}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"name"}, {"branch"}, {"version", kRight}, {"updated"}});
  for (const TagInfo& tag : tags) {
    table.AddRow({tag.name, tag.branch, std::to_string(tag.version), FormatTime(tag.updated_micros)});
  }
  return Print(table.ToString());
}

/// A tag is one small file, so a change of it goes to its end: the exit code says whether it was made. A
/// second interrupt ends the program at once.
void OutlastInterrupt() { WatchInterrupts(); }

arrow::Status Create(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  OutlastInterrupt();
  return dataset->CreateTag(args.name, args.tag);
}

arrow::Status Move(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  OutlastInterrupt();
  return dataset->UpdateTag(args.name);
}

arrow::Status Delete(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto tags, dataset->Tags());
  const auto tag = std::ranges::find(tags, args.name, &TagInfo::name);
  std::string what = "tag " + args.name;
  if (tag != tags.end()) what += fmt::format(" of version {} on branch {}", tag->version, tag->branch);
  // One that does not exist is an error without a question.
  if (tag != tags.end()) {
    if (args.consent.dry_run) return Print("would delete " + what + "\n");
    ARROW_RETURN_NOT_OK(Confirm(args.consent, "Delete " + what + "?"));
  }
  OutlastInterrupt();
  return dataset->DeleteTag(args.name);
}

void AddName(CLI::App& app, std::string& name) {
  app.add_option("NAME", name, "The tag")->required()->type_name("");
}

Action DeclareCreate(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddName(app, args->name);
  AddMetadata(app, args->tag.metadata);
  app.footer(
      "Tags the latest version, or the one that is given. `lance cleanup` keeps versions that have a tag.\n\n"
      "Examples:\n"
      "  lance tag create data/orders.lance stable\n"
      "  lance tag create data/orders.lance january --at-version 7 --metadata owner=sales");
  return [args] { return Create(*args); };
}

Action DeclareMove(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddName(app, args->name);
  app.footer(
      "Has the tag point to the latest version, or to the one that is given.\n\n"
      "Examples:\n"
      "  lance tag move data/orders.lance stable --at-version 9");
  return [args] { return Move(*args); };
}

Action DeclareDelete(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddName(app, args->name);
  AddConsent(app, args->consent);
  app.footer(
      "Its version stays until `lance cleanup` removes it.\n\n"
      "Examples:\n"
      "  lance tag delete data/orders.lance january --yes");
  return [args] {
    RequireConsent(args->consent);
    return Delete(*args);
  };
}

const Registration kTag(
    {.name = "tag", .section = Section::kParts, .rank = 4, .help = "Tags, which are names of versions"});

const Registration kList({.name = "tag list",
                          .section = Section::kParts,
                          .rank = 1,
                          .help = "List the tags",
                          .declare = [](CLI::App& app) {
                            app.footer("Examples:\n  lance tag list data/orders.lance");
                            return DeclareReport(app, List);
                          }});

const Registration kCreate({.name = "tag create",
                            .section = Section::kParts,
                            .rank = 2,
                            .help = "Give a version a name",
                            .declare = DeclareCreate});

const Registration kMove({.name = "tag move",
                          .section = Section::kParts,
                          .rank = 3,
                          .help = "Have a tag point to another version",
                          .declare = DeclareMove});

const Registration kDelete({.name = "tag delete",
                            .section = Section::kParts,
                            .rank = 4,
                            .help = "Delete a tag",
                            .declare = DeclareDelete});

}  // namespace
}  // namespace lance::cli
