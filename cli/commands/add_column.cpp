// `lance add-column`.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "arrow/type.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "command.h"
#include "flags.h"
#include "inputs/type_name.h"
#include "interrupt.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

using DatasetPtr = std::shared_ptr<Dataset>;

struct Args {
  Source source;
  std::vector<std::pair<std::string, std::string>> expressions;
  arrow::FieldVector nulls;
  AddColumnsOptions options;
  Format format = Format::kTable;
};

/// Shows on a terminal how far it is.
class Rows {
 public:
  ~Rows() {
    if (is_shown_) Say("\r\x1b[K");
  }

  std::function<void(const AddColumnsProgress&)> Callback() {
    if (isatty(STDERR_FILENO) != 1) return nullptr;
    return [this](const AddColumnsProgress& progress) {
      is_shown_ = true;
      Say(fmt::format("\r\x1b[K{} of {} rows", FormatCount(progress.rows), FormatCount(progress.total_rows)));
    };
  }

 private:
  bool is_shown_ = false;
};

arrow::Status Report(const Args& args, size_t columns, const Dataset& dataset) {
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, dataset.Version());
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {{"added_columns", columns}, {"version", version}};
    return Print(json.dump(2) + "\n");
  }
  return Print(fmt::format("added {} column{}: version {}\n", columns, columns == 1 ? "" : "s", version));
}

arrow::Status Add(Args args) {
  if (args.expressions.empty() == args.nulls.empty()) {
    throw CLI::ValidationError("add-column", "give columns as NAME=EXPR or by --null, and not both");
  }
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr dataset, args.source.Open());
  Rows rows;
  args.options.progress = rows.Callback();
  const auto start = [&](const arrow::StopToken& stop) -> arrow::Future<DatasetPtr> {
    if (args.nulls.empty()) return dataset->AddColumnsAsync(args.expressions, args.options, stop);
    return dataset->AddNullColumnsAsync(arrow::schema(args.nulls), stop);
  };
  ARROW_ASSIGN_OR_RAISE(const DatasetPtr changed, WaitOrInterrupt<DatasetPtr>(start));
  return Report(args, args.expressions.size() + args.nulls.size(), *changed);
}

/// The text before and after the first of these characters.
std::pair<std::string, std::string> Split(const std::string& text, char separator, const char* flag,
                                          const char* shape) {
  const size_t at = text.find(separator);
  if (at == 0 || at == std::string::npos) {
    throw CLI::ValidationError(flag, fmt::format("a column must look like {}", shape));
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  const auto add_expressions = [args](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      args->expressions.push_back(Split(text, '=', "COLUMN", "NAME=EXPR"));
    }
  };
  app.add_option_function<std::vector<std::string>>("COLUMN", add_expressions,
                                                    "New columns, each with an SQL expression: NAME=EXPR")
      ->type_name("");
  const auto add_nulls = [args](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const auto [name, type_name] = Split(text, ':', "--null", "NAME:TYPE");
      const auto type = TypeByName(type_name);
      if (type == nullptr) throw CLI::ValidationError("--null", "there is no type " + type_name);
      args->nulls.push_back(arrow::field(name, type));
    }
  };
  app.add_option_function<std::vector<std::string>>("--null", add_nulls,
                                                    "A column that is null in every row; may be repeated")
      ->type_name("NAME:TYPE")
      ->allow_extra_args(false);
  app.add_option("--jobs", args->options.parallelism,
                 "Fragments written at once (default: the number of cores)")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N");
  app.add_option("--checkpoint", args->options.checkpoint,
                 "A directory that keeps what is finished, for the same command to go on after an interrupt")
      ->type_name("DIR");
  AddFormat(app, args->format);
  app.footer(
      "Types are called as `lance schema` prints them; lists and structs cannot be given.\n\n"
      "Examples:\n"
      "  lance add-column data/lineitem.lance 'price=l_extendedprice * (1 - l_discount)'\n"
      "  lance add-column data/lineitem.lance --null note:string");
  return [args] { return Add(*args); };
}

const Registration kAddColumn({.name = "add-column",
                               .section = Section::kParts,
                               .rank = 4,
                               .help = "Add columns: computed, or null",
                               .declare = Declare});

}  // namespace
}  // namespace lance::cli
