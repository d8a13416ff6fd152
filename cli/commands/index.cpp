// `lance index create`, `optimize` and `drop`.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "command.h"
#include "flags.h"
#include "interrupt.h"
#include "lance/api.h"
#include "printable.h"
#include "render.h"
#include "suggest.h"

namespace lance::cli {
namespace {

struct CreateArgs {
  Source source;
  std::string column;
  IndexType type = IndexType::kBtree;
  IndexOptions index;
  bool definition_only = false;
};

struct OptimizeArgs {
  Source source;
  OptimizeIndicesOptions optimize;
};

struct DropArgs {
  Source source;
  std::string name;
};

/// Shows the stages on a terminal, in one line.
class Stages {
 public:
  ~Stages() {
    if (is_shown_) Say("\r\x1b[K");
  }

  std::function<void(const IndexProgress&)> Callback() {
    if (isatty(STDERR_FILENO) != 1) return nullptr;
    return [this](const IndexProgress& progress) {
      is_shown_ = true;
      std::string line = progress.stage;
      if (progress.total.has_value()) {
        line += fmt::format(": {} of {} {}", FormatCount(progress.completed), FormatCount(*progress.total),
                            progress.unit);
      } else if (progress.completed > 0) {
        line += fmt::format(": {} {}", FormatCount(progress.completed), progress.unit);
      }
      Say("\r\x1b[K" + Printable(line));
    };
  }

 private:
  bool is_shown_ = false;
};

using DatasetPtr = std::shared_ptr<Dataset>;

arrow::Status Create(CreateArgs args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  Stages stages;
  args.index.progress = stages.Callback();
  args.index.train = !args.definition_only;
  return WaitOrInterrupt<DatasetPtr>([&](const arrow::StopToken& stop) {
           return dataset->CreateIndexAsync(args.column, args.type, args.index, stop);
         })
      .status();
}

arrow::Status Optimize(OptimizeArgs args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  Stages stages;
  args.optimize.progress = stages.Callback();
  return WaitOrInterrupt<DatasetPtr>(
             [&](const arrow::StopToken& stop) { return dataset->OptimizeIndicesAsync(args.optimize, stop); })
      .status();
}

arrow::Status Drop(const DropArgs& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  return dataset->DropIndex(args.name).status();
}

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The kinds, as they are typed.
std::vector<std::string> Kinds() {
  std::vector<std::string> kinds;
  for (int value = 1; value <= static_cast<int>(IndexType::kIvfHnswPq); ++value) {
    kinds.push_back(Lower(IndexTypeName(static_cast<IndexType>(value))));
  }
  return kinds;
}

void AddType(CLI::App& app, IndexType& type) {
  const auto set = [&type](const std::string& name) {
    const auto parsed = ParseIndexType(name);
    if (!parsed.ok()) {
      throw CLI::ValidationError("--type", DescribeUnknown("kind of index", name, Kinds()));
    }
    type = *parsed;
  };
  app.add_option_function<std::string>("--type", set, "What kind of index")->required()->type_name("KIND");
}

Action DeclareCreate(CLI::App& app) {
  auto args = std::make_shared<CreateArgs>();
  AddSource(app, args->source);
  app.add_option("COLUMN", args->column, "A column, or a field of one such as a.b")
      ->required()
      ->type_name("");
  AddType(app, args->type);
  AddParameters(app, args->index.parameters);
  app.add_option("--name", args->index.name, "Its name (default: the column's with _idx behind it)")
      ->type_name("NAME");
  app.add_flag("--replace", args->index.replace, "Replace the index of this name");
  app.add_flag("--definition-only", args->definition_only,
               "Index no rows yet; `lance index optimize` does that");
  app.footer(
      "Kinds:\n"
      "  numbers, texts, dates  btree, bitmap (few values), zonemap (sorted), bloom_filter\n"
      "  parts of texts         ngram, fm\n"
      "  words of texts         inverted, minhash (near duplicates)\n"
      "  lists                  label_list\n"
      "  JSON, geometries       json, rtree\n"
      "  vectors                ivf_flat, ivf_sq, ivf_pq, ivf_rq, ivf_hnsw_flat, ivf_hnsw_sq, ivf_hnsw_pq\n\n"
      "Examples:\n"
      "  lance index create data/orders.lance o_orderkey --type btree\n"
      "  lance index create data/photos.lance embedding --type ivf_pq --param metric=cosine \\\n"
      "    --param num_partitions=256");
  return [args] { return Create(*args); };
}

Action DeclareOptimize(CLI::App& app) {
  auto args = std::make_shared<OptimizeArgs>();
  AddSource(app, args->source);
  app.add_option("--name", args->optimize.names, "Only this index; may be repeated (default: all)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--merge", args->optimize.merge_segments, "Merge so many of the newest segments, too")
      ->check(AtLeast(0))
      ->type_name("N");
  app.add_flag("--retrain", args->optimize.retrain, "Learn vector indices anew from all rows");
  app.footer(
      "Indexes the rows that were added since. Nothing is written when there are none.\n\n"
      "Examples:\n"
      "  lance index optimize data/orders.lance\n"
      "  lance index optimize data/photos.lance --name embedding_idx --retrain");
  return [args] { return Optimize(*args); };
}

Action DeclareDrop(CLI::App& app) {
  auto args = std::make_shared<DropArgs>();
  AddSource(app, args->source);
  app.add_option("NAME", args->name, "The name of the index")->required()->type_name("");
  app.footer(
      "Its files stay for older versions, until `lance cleanup` removes those.\n\n"
      "Examples:\n"
      "  lance index drop data/orders.lance o_orderkey_idx");
  return [args] { return Drop(*args); };
}

const Registration kIndex({.name = "index",
                           .section = Section::kParts,
                           .rank = 3,
                           .help = "Indices, which make filters and searches fast"});

const Registration kCreate({.name = "index create",
                            .section = Section::kParts,
                            .rank = 1,
                            .help = "Make an index of a column",
                            .declare = DeclareCreate});

const Registration kOptimize({.name = "index optimize",
                              .section = Section::kParts,
                              .rank = 4,
                              .help = "Index the rows that were added since",
                              .declare = DeclareOptimize});

const Registration kDrop({.name = "index drop",
                          .section = Section::kParts,
                          .rank = 6,
                          .help = "Drop an index",
                          .declare = DeclareDrop});

}  // namespace
}  // namespace lance::cli
