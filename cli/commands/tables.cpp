// `lance tables list`, `describe`, `create` and `drop`.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "names.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  NamespaceFlags in;
  /// An id as it was typed; "" for the outermost namespace.
  std::string name;
  Format format = Format::kTable;
};

arrow::Result<Namespace::Id> IdOf(const Args& args) {
  return args.name.empty() ? Namespace::Id() : ParseId(args.name);
}

arrow::Status List(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const Namespace::Id id, IdOf(args));
  ARROW_ASSIGN_OR_RAISE(const auto ns, args.in.Connect());
  ARROW_ASSIGN_OR_RAISE(const auto tables, ns->ListTables(id));
  ARROW_ASSIGN_OR_RAISE(const auto namespaces, ns->ListNamespaces(id));
  std::vector<std::pair<std::string, const char*>> entries;
  const auto add = [&](const std::vector<std::string>& names, const char* kind) {
    for (const std::string& name : names) {
      Namespace::Id whole = id;
      whole.push_back(name);
      entries.emplace_back(FormatId(whole), kind);
    }
  };
  add(tables, "table");
  add(namespaces, "namespace");
  if (args.format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const auto& [name, kind] : entries) json.push_back({{"name", name}, {"kind", kind}});
    return Print(json.dump(2) + "\n");
  }
  TextTable table({{"name"}, {"kind"}});
  for (const auto& [name, kind] : entries) table.AddRow({name, kind});
  return Print(table.ToString());
}

arrow::Status PrintTable(const TableDescription& table, Format format) {
  if (format == Format::kJson) {
    nlohmann::ordered_json json;
    json["location"] = table.location;
    json["version"] = table.version ? nlohmann::ordered_json(*table.version) : nlohmann::ordered_json();
    json["declared_only"] =
        table.is_declared_only ? nlohmann::ordered_json(*table.is_declared_only) : nlohmann::ordered_json();
    json["manages_versions"] = table.manages_versions;
    json["properties"] = table.properties;
    return Print(json.dump(2) + "\n");
  }
  std::vector<std::pair<std::string, std::string>> pairs = {{"location", table.location}};
  if (table.version) pairs.emplace_back("version", std::to_string(*table.version));
  if (table.is_declared_only) pairs.emplace_back("declared only", *table.is_declared_only ? "yes" : "no");
  pairs.emplace_back("manages versions", table.manages_versions ? "yes" : "no");
  pairs.insert(pairs.end(), table.properties.begin(), table.properties.end());
  return Print(FormatPairs(pairs));
}

arrow::Status Describe(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const Namespace::Id id, IdOf(args));
  ARROW_ASSIGN_OR_RAISE(const auto ns, args.in.Connect());
  ARROW_ASSIGN_OR_RAISE(const TableDescription table, ns->DescribeTable(id));
  return PrintTable(table, args.format);
}

arrow::Status Create(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const Namespace::Id id, IdOf(args));
  ARROW_ASSIGN_OR_RAISE(const auto ns, args.in.Connect());
  ARROW_ASSIGN_OR_RAISE(const TableDescription table, ns->DeclareTable(id));
  return PrintTable(table, args.format);
}

arrow::Status Drop(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const Namespace::Id id, IdOf(args));
  ARROW_ASSIGN_OR_RAISE(const auto ns, args.in.Connect());
  return ns->DropTable(id);
}

/// --namespace, which is required here, and an argument.
std::shared_ptr<Args> AddArgs(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddNamespace(app, args->in)->required();
  return args;
}

void AddTable(CLI::App& app, Args& args) {
  app.add_option("TABLE", args.name, "Its names with points between them; odd ones in backticks")
      ->required()
      ->type_name("");
}

const Registration kTables({.name = "tables",
                            .section = Section::kDescribe,
                            .rank = 3,
                            .help = "The tables of a namespace, in a directory or behind a server"});

const Registration kList(
    {.name = "tables list",
     .section = Section::kDescribe,
     .rank = 1,
     .help = "List the tables, and the namespaces within",
     .declare = [](CLI::App& app) -> Action {
       const auto args = AddArgs(app);
       app.add_option("NAMESPACE", args->name, "List this one (default: the outermost)")->type_name("");
       AddFormat(app, args->format);
       app.footer(
           "Examples:\n"
           "  lance tables list --namespace dir:data\n"
           "  lance tables list sales --namespace rest:https://lance.example \\\n"
           "    --property header.Authorization=\"Bearer $TOKEN\"");
       return [args] { return List(*args); };
     }});

const Registration kDescribe({.name = "tables describe",
                              .section = Section::kDescribe,
                              .rank = 2,
                              .help = "Show where a table is, and what is known of it",
                              .declare = [](CLI::App& app) -> Action {
                                const auto args = AddArgs(app);
                                AddTable(app, *args);
                                AddFormat(app, args->format);
                                app.footer("Examples:\n  lance tables describe orders --namespace dir:data");
                                return [args] { return Describe(*args); };
                              }});

const Registration kCreate(
    {.name = "tables create",
     .section = Section::kDescribe,
     .rank = 3,
     .help = "Declare a table, to be written by lance import",
     .declare = [](CLI::App& app) -> Action {
       const auto args = AddArgs(app);
       AddTable(app, *args);
       AddFormat(app, args->format);
       app.footer("Examples:\n  lance tables create sales.orders --namespace rest:http://localhost:2333");
       return [args] { return Create(*args); };
     }});

const Registration kDrop({.name = "tables drop",
                          .section = Section::kDescribe,
                          .rank = 4,
                          .help = "Drop a table with all its versions",
                          .declare = [](CLI::App& app) -> Action {
                            const auto args = AddArgs(app);
                            AddTable(app, *args);
                            app.footer("Examples:\n  lance tables drop orders --namespace dir:data");
                            return [args] { return Drop(*args); };
                          }});

}  // namespace
}  // namespace lance::cli
