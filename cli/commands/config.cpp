// `lance config list`, `set`, `unset` and `primary-key`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

using DatasetPtr = std::shared_ptr<Dataset>;
using Pairs = std::map<std::string, std::string>;

/// Whose key-values are meant.
struct Place {
  bool table = false;
  bool schema = false;
  std::optional<std::string> column;

  arrow::Result<Pairs> Get(const Dataset& dataset) const {
    if (column.has_value()) return dataset.FieldMetadata(*column);
    if (schema) return dataset.SchemaMetadata();
    return table ? dataset.Metadata() : dataset.Config();
  }

  arrow::Result<DatasetPtr> Update(const Dataset& dataset, const std::vector<MetadataUpdate>& updates) const {
    if (column.has_value()) return dataset.UpdateFieldMetadata(*column, updates);
    if (schema) return dataset.UpdateSchemaMetadata(updates);
    return table ? dataset.UpdateMetadata(updates) : dataset.UpdateConfig(updates);
  }
};

struct Args {
  Source source;
  Place place;
  std::vector<MetadataUpdate> updates;
  std::vector<std::string> columns;
  Format format = Format::kTable;
};

arrow::Status List(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const Pairs pairs, args.place.Get(*dataset));
  if (args.format == Format::kJson) return Print(nlohmann::ordered_json(pairs).dump(2) + "\n");
  return Print(FormatPairs({pairs.begin(), pairs.end()}));
}

arrow::Status ReportVersion(const Args& args, const Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, dataset.Version());
  if (args.format == Format::kJson) {
    return Print(nlohmann::ordered_json{{"version", version}}.dump(2) + "\n");
  }
  return Print(fmt::format("version {}\n", version));
}

arrow::Status Update(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr changed, args.place.Update(*dataset, args.updates));
  return ReportVersion(args, *changed);
}

arrow::Status PrimaryKey(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr dataset, args.source.Open());
  if (!args.columns.empty()) {
    ARROW_ASSIGN_OR_RAISE(const DatasetPtr changed, dataset->SetPrimaryKey(args.columns));
    return ReportVersion(args, *changed);
  }
  ARROW_ASSIGN_OR_RAISE(const auto key, dataset->PrimaryKey());
  if (args.format == Format::kJson) return Print(nlohmann::ordered_json(key).dump(2) + "\n");
  return Print(fmt::format("{}{}", fmt::join(key, "\n"), key.empty() ? "" : "\n"));
}

std::shared_ptr<Args> AddArgs(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  Place& place = args->place;
  CLI::Option* table = app.add_flag("--table", place.table, "Metadata of the table in place of its config");
  CLI::Option* schema = app.add_flag("--schema", place.schema, "Metadata of the schema")->excludes(table);
  app.add_option("--column", place.column, "Metadata of a column, or of a field of one such as a.b")
      ->type_name("COLUMN")
      ->excludes(table)
      ->excludes(schema);
  AddFormat(app, args->format);
  return args;
}

Action DeclareList(CLI::App& app) {
  auto args = AddArgs(app);
  app.footer(
      "Examples:\n"
      "  lance config list data/orders.lance\n"
      "  lance config list data/orders.lance --column o_orderkey --format json");
  return [args] { return List(*args); };
}

Action DeclareSet(CLI::App& app) {
  auto args = AddArgs(app);
  const auto add = [args](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const size_t at = text.find('=');
      if (at == 0 || at == std::string::npos) {
        throw CLI::ValidationError("SETTING", "a setting must look like KEY=VALUE");
      }
      args->updates.push_back({text.substr(0, at), text.substr(at + 1)});
    }
  };
  app.add_option_function<std::vector<std::string>>("SETTING", add, "What to set: KEY=VALUE")
      ->required()
      ->type_name("");
  app.footer(
      "Examples:\n"
      "  lance config set data/orders.lance lance.auto_cleanup.interval=20\n"
      "  lance config set data/orders.lance --table owner=sales");
  return [args] { return Update(*args); };
}

Action DeclareUnset(CLI::App& app) {
  auto args = AddArgs(app);
  const auto add = [args](const std::vector<std::string>& keys) {
    for (const std::string& key : keys) args->updates.push_back({key, std::nullopt});
  };
  app.add_option_function<std::vector<std::string>>("KEY", add, "What to remove")->required()->type_name("");
  app.footer(
      "Examples:\n"
      "  lance config unset data/orders.lance lance.auto_cleanup.interval");
  return [args] { return Update(*args); };
}

Action DeclarePrimaryKey(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("COLUMN", args->columns, "The columns of the key, which is declared for good")
      ->type_name("");
  AddFormat(app, args->format);
  app.footer(
      "Without columns it prints the key. Upserts look for rows by it; nothing else enforces it.\n\n"
      "Examples:\n"
      "  lance config primary-key data/orders.lance\n"
      "  lance config primary-key data/lineitem.lance l_orderkey l_linenumber");
  return [args] { return PrimaryKey(*args); };
}

const Registration kConfig({.name = "config",
                            .section = Section::kParts,
                            .rank = 7,
                            .help = "Settings, metadata and the primary key"});

const Registration kList({.name = "config list",
                          .section = Section::kParts,
                          .rank = 1,
                          .help = "List settings or metadata",
                          .declare = DeclareList});

const Registration kSet({.name = "config set",
                         .section = Section::kParts,
                         .rank = 2,
                         .help = "Set some of them",
                         .declare = DeclareSet});

const Registration kUnset({.name = "config unset",
                           .section = Section::kParts,
                           .rank = 3,
                           .help = "Remove some of them",
                           .declare = DeclareUnset});

const Registration kPrimaryKey({.name = "config primary-key",
                                .section = Section::kParts,
                                .rank = 4,
                                .help = "Print or declare the primary key",
                                .declare = DeclarePrimaryKey});

}  // namespace
}  // namespace lance::cli
