// `lance clone`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "command.h"
#include "flags.h"
#include "interrupt.h"
#include "lance/api.h"

namespace lance::cli {
namespace {

struct Args {
  Source source;
  std::string target;
  bool shallow = false;
};

arrow::Status Clone(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto clone,
                        WaitOrInterrupt<std::shared_ptr<Dataset>>([&](const arrow::StopToken& stop) {
                          return args.shallow ? dataset->ShallowCloneAsync(args.target, {}, stop)
                                              : dataset->DeepCloneAsync(args.target, {}, stop);
                        }));
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, clone->Version());
  return Print(fmt::format("{} is a {} clone of version {}\n", args.target, args.shallow ? "shallow" : "deep",
                           version));
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  app.add_option("TARGET", args->target, "A path or URI where there is no dataset yet")
      ->required()
      ->type_name("");
  app.add_flag("--shallow", args->shallow, "Copy no data: the clone reads the files of the dataset");
  app.footer(
      "Copies the latest version, or the one that is given. A shallow clone needs the files of the dataset: "
      "tag its\n"
      "version, and `lance cleanup` keeps them. Storage options are those of both places.\n\n"
      "Examples:\n"
      "  lance clone data/orders.lance backup/orders.lance\n"
      "  lance clone data/orders.lance trial.lance --shallow --tag stable");
  return [args] { return Clone(*args); };
}

const Registration kClone({.name = "clone",
                           .section = Section::kParts,
                           .rank = 7,
                           .help = "Make a dataset that is equal to a version",
                           .declare = Declare});

}  // namespace
}  // namespace lance::cli
