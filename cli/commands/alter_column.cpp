// `lance alter-column`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "arrow/util/cancel.h"
#include "command.h"
#include "flags.h"
#include "inputs/type_name.h"
#include "interrupt.h"
#include "lance/api.h"
#include "lance/evolution.h"

namespace lance::cli {
namespace {

using DatasetPtr = std::shared_ptr<Dataset>;

const std::map<std::string, Nullability> kNullable = {{"yes", Nullability::kNullable},
                                                      {"no", Nullability::kRequired}};

struct Args {
  Source source;
  ColumnAlteration alteration;
  Format format = Format::kTable;
};

arrow::Status Alter(const Args& args) {
  const ColumnAlteration& it = args.alteration;
  if (!it.rename.has_value() && it.type == nullptr && it.nullability == Nullability::kKeep) {
    throw CLI::RequiredError("one of --rename, --type and --nullable");
  }
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr changed,
                        WaitOrInterrupt<DatasetPtr>([&](const arrow::StopToken& stop) {
                          return dataset->AlterColumnsAsync({it}, stop);
                        }));
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, changed->Version());
  if (args.format == Format::kJson) {
    return Print(nlohmann::ordered_json{{"version", version}}.dump(2) + "\n");
  }
  return Print(fmt::format("altered 1 column: version {}\n", version));
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("COLUMN", args->alteration.column, "A column, or a field of one such as a.b")
      ->required()
      ->type_name("");
  app.add_option("--rename", args->alteration.rename, "Its new name")->type_name("NAME");
  const auto set_type = [args](const std::string& name) {
    args->alteration.type = TypeByName(name);
    if (args->alteration.type == nullptr) {
      throw CLI::ValidationError("--type", "there is no type " + name);
    }
  };
  app.add_option_function<std::string>("--type", set_type, "Cast it to this type")->type_name("TYPE");
  AddChoice(app, "--nullable", args->alteration.nullability, kNullable, "Whether it may have NULLs");
  AddFormat(app, args->format);
  app.footer(
      "Types are called as `lance schema` prints them; lists and structs cannot be given. A cast that a "
      "value does not survive fails.\n\n"
      "Examples:\n"
      "  lance alter-column data/orders.lance o_comment --rename comment\n"
      "  lance alter-column data/orders.lance o_shippriority --type int64 --nullable yes");
  return [args] { return Alter(*args); };
}

const Registration kAlterColumn({.name = "alter-column",
                                 .section = Section::kParts,
                                 .rank = 5,
                                 .help = "Rename a column, cast it, or change whether it may be null",
                                 .declare = Declare});

}  // namespace
}  // namespace lance::cli
