// `lance index create` and `drop`.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "command.h"
#include "flags.h"
#include "index_build.h"
#include "interrupt.h"
#include "lance/api.h"

namespace lance::cli {
namespace {

struct CreateArgs : IndexArgs {
  bool definition_only = false;
};

struct DropArgs {
  Source source;
  std::string name;
};

arrow::Status Create(CreateArgs args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  Stages stages;
  args.index.progress = stages.Callback();
  args.index.train = !args.definition_only;
  return WaitOrInterrupt<std::shared_ptr<Dataset>>([&](const arrow::StopToken& stop) {
           return dataset->CreateIndexAsync(args.column, args.type, args.index, stop);
         })
      .status();
}

arrow::Status Drop(const DropArgs& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  return dataset->DropIndex(args.name).status();
}

Action DeclareCreate(CLI::App& app) {
  auto args = std::make_shared<CreateArgs>();
  AddIndex(app, *args);
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

const Registration kDrop({.name = "index drop",
                          .section = Section::kParts,
                          .rank = 6,
                          .help = "Drop an index",
                          .declare = DeclareDrop});

}  // namespace
}  // namespace lance::cli
