// `lance index list`, `stats` and `prewarm`.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::string name;
};

template <typename T>
nlohmann::ordered_json OrNull(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nullptr;
}

/// What the engine has as JSON, or as another text where it is none.
nlohmann::ordered_json Parsed(const std::string& text) {
  auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  return json.is_discarded() ? nlohmann::ordered_json(text) : json;
}

arrow::Status List(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto indices, dataset->Indices());
  if (format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const IndexInfo& index : indices) {
      json.push_back({{"name", index.name},
                      {"type", index.index_type},
                      {"column", index.column},
                      {"segments", index.segments},
                      {"rows", index.rows},
                      {"unindexed_rows", index.unindexed_rows},
                      {"bytes", OrNull(index.bytes)},
                      {"created_micros", OrNull(index.created_micros)},
                      {"details", Parsed(index.details)}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"name"},
                   {"type"},
                   {"column"},
                   {"segments", kRight},
                   {"rows", kRight},
                   {"unindexed rows", kRight},
                   {"size", kRight}});
  for (const IndexInfo& index : indices) {
    table.AddRow({index.name, index.index_type, index.column, FormatCount(index.segments),
                  FormatCount(index.rows), FormatCount(index.unindexed_rows),
                  index.bytes ? FormatBytes(*index.bytes) : "unknown"});
  }
  return Print(table.ToString());
}

arrow::Status Stats(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const std::string statistics, dataset->IndexStatistics(args.name));
  return Print(Parsed(statistics).dump(2) + "\n");
}

arrow::Status Prewarm(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  return dataset->PrewarmIndex(args.name);
}

std::shared_ptr<Args> AddArgs(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("NAME", args->name, "The name of the index")->required()->type_name("");
  return args;
}

const Registration kList({.name = "index list",
                          .section = Section::kParts,
                          .rank = 2,
                          .help = "List the indices",
                          .declare = [](CLI::App& app) {
                            app.footer("Examples:\n  lance index list data/orders.lance --format json");
                            return DeclareReport(app, List);
                          }});

const Registration kStats({.name = "index stats",
                           .section = Section::kParts,
                           .rank = 3,
                           .help = "Print what is known of an index, as JSON",
                           .declare = [](CLI::App& app) -> Action {
                             const auto args = AddArgs(app);
                             app.footer("Examples:\n  lance index stats data/photos.lance embedding_idx");
                             return [args] { return Stats(*args); };
                           }});

const Registration kPrewarm(
    {.name = "index prewarm",
     .section = Section::kParts,
     .rank = 5,
     .help = "Read all of an index",
     .declare = [](CLI::App& app) -> Action {
       const auto args = AddArgs(app);
       app.footer(
           "Brings it into the page cache of this machine, and shows whether it can be read.\n\n"
           "Examples:\n  lance index prewarm data/photos.lance embedding_idx");
       return [args] { return Prewarm(*args); };
     }});

}  // namespace
}  // namespace lance::cli
