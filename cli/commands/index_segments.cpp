// `lance index segments`, `train`, `build`, `merge` and `commit`: an index in parts.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/buffer.h"
#include "arrow/io/file.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "command.h"
#include "flags.h"
#include "index_build.h"
#include "interrupt.h"
#include "lance/api.h"
#include "lines.h"
#include "render.h"

namespace lance::cli {
namespace {

using BufferPtr = std::shared_ptr<arrow::Buffer>;

struct TrainArgs : IndexArgs {
  std::string output;
};

struct BuildArgs : IndexArgs {
  std::optional<std::string> model;
};

struct PartsArgs {
  Source source;
  std::string name;
  std::vector<std::string> files;
};

arrow::Status List(const Source& source, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto segments, dataset->IndexSegments());
  if (format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const IndexSegmentInfo& segment : segments) {
      const auto bytes =
          segment.bytes ? nlohmann::ordered_json(*segment.bytes) : nlohmann::ordered_json(nullptr);
      json.push_back({{"index", segment.index},
                      {"uuid", segment.uuid},
                      {"fragments", nlohmann::ordered_json::parse(segment.fragments, nullptr, false)},
                      {"dataset_version", segment.dataset_version},
                      {"bytes", bytes}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"index"}, {"segment"}, {"version", kRight}, {"size", kRight}, {"fragments"}});
  for (const IndexSegmentInfo& segment : segments) {
    table.AddRow({segment.index, segment.uuid, FormatCount(segment.dataset_version),
                  segment.bytes ? FormatBytes(*segment.bytes) : "unknown", segment.fragments});
  }
  return Print(table.ToString());
}

arrow::Result<BufferPtr> ReadModel(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const int64_t size, file->GetSize());
  return file->Read(size);
}

arrow::Status Train(TrainArgs args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  Stages stages;
  args.index.progress = stages.Callback();
  ARROW_ASSIGN_OR_RAISE(const auto model, WaitOrInterrupt<BufferPtr>([&](const arrow::StopToken& stop) {
                          return dataset->TrainIndexAsync(args.column, args.type, args.index, stop);
                        }));
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::FileOutputStream::Open(args.output));
  ARROW_RETURN_NOT_OK(file->Write(model));
  return file->Close();
}

arrow::Status Build(BuildArgs args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  if (args.model.has_value()) {
    ARROW_ASSIGN_OR_RAISE(args.index.model, ReadModel(*args.model));
  }
  Stages stages;
  args.index.progress = stages.Callback();
  ARROW_ASSIGN_OR_RAISE(const auto segment, WaitOrInterrupt<std::string>([&](const arrow::StopToken& stop) {
                          return dataset->BuildIndexSegmentAsync(args.column, args.type, args.index, stop);
                        }));
  return Print(segment + "\n");
}

arrow::Status Merge(const PartsArgs& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto segments, ReadLines(args.files));
  ARROW_ASSIGN_OR_RAISE(const auto merged, WaitOrInterrupt<std::string>([&](const arrow::StopToken& stop) {
                          return dataset->MergeIndexSegmentsAsync(segments, stop);
                        }));
  return Print(merged + "\n");
}

arrow::Status Commit(const PartsArgs& args) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, args.source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto segments, ReadLines(args.files));
  return dataset->CommitIndexSegments(args.name, segments).status();
}

Action DeclareTrain(CLI::App& app) {
  auto args = std::make_shared<TrainArgs>();
  AddIndex(app, *args);
  app.add_option("--output", args->output, "Where to write the model")->required()->type_name("FILE");
  app.footer(
      "Learns what the segments of a vector index must have in common, from the rows there are.\n\n"
      "Examples:\n"
      "  lance index train data/photos.lance embedding --type ivf_pq --output model");
  return [args] { return Train(*args); };
}

Action DeclareBuild(CLI::App& app) {
  auto args = std::make_shared<BuildArgs>();
  AddIndex(app, *args);
  app.add_option_function<std::vector<uint64_t>>(
         "--fragments",
         [args = args.get()](const std::vector<uint64_t>& ids) { args->index.fragments = ids; },
         "The fragments to index, by their ids; see `lance fragments` (default: all)")
      ->delimiter(',')
      ->type_name("ID,ID,...");
  app.add_option("--model", args->model, "What `lance index train` has learnt, for a vector index")
      ->type_name("FILE");
  app.footer(
      "Prints the segment, for `lance index commit` or `merge`. Until then it belongs to no version, and a\n"
      "cleanup removes it.\n\n"
      "Examples:\n"
      "  lance index build data/photos.lance embedding --type ivf_pq --model model --fragments 0,1 > part-0\n"
      "  lance index build data/photos.lance embedding --type ivf_pq --model model --fragments 2,3 > part-1\n"
      "  lance index commit data/photos.lance embedding_idx part-0 part-1");
  return [args] { return Build(*args); };
}

void AddFiles(CLI::App& app, std::vector<std::string>& files) {
  app.add_option("FILE", files, "What `lance index build` has printed")->required()->type_name("");
}

Action DeclareMerge(CLI::App& app) {
  auto args = std::make_shared<PartsArgs>();
  AddSource(app, args->source);
  AddFiles(app, args->files);
  app.footer(
      "Prints a segment that has the rows of all. Those of a vector index need one model.\n\n"
      "Examples:\n"
      "  lance index merge data/photos.lance part-0 part-1 > merged");
  return [args] { return Merge(*args); };
}

Action DeclareCommit(CLI::App& app) {
  auto args = std::make_shared<PartsArgs>();
  AddSource(app, args->source);
  app.add_option("NAME", args->name, "The name of the index")->required()->type_name("");
  AddFiles(app, args->files);
  app.footer(
      "Segments of this index that cover other fragments stay, and those that cover the same are "
      "replaced.\n\n"
      "Examples:\n"
      "  lance index commit data/photos.lance embedding_idx part-0 part-1");
  return [args] { return Commit(*args); };
}

const Registration kSegments({.name = "index segments",
                              .section = Section::kParts,
                              .rank = 7,
                              .help = "List the segments of the indices",
                              .declare = [](CLI::App& app) {
                                app.footer("Examples:\n  lance index segments data/photos.lance");
                                return DeclareReport(app, List);
                              }});

const Registration kTrain({.name = "index train",
                           .section = Section::kParts,
                           .rank = 8,
                           .help = "Learn the model that segments of a vector index share",
                           .declare = DeclareTrain});

const Registration kBuild({.name = "index build",
                           .section = Section::kParts,
                           .rank = 9,
                           .help = "Build a segment of an index, of some fragments",
                           .declare = DeclareBuild});

const Registration kMerge({.name = "index merge",
                           .section = Section::kParts,
                           .rank = 10,
                           .help = "Make one segment of several",
                           .declare = DeclareMerge});

const Registration kCommit({.name = "index commit",
                            .section = Section::kParts,
                            .rank = 11,
                            .help = "Commit segments as an index",
                            .declare = DeclareCommit});

}  // namespace
}  // namespace lance::cli
