#include "compaction.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "flags.h"
#include "interrupt.h"
#include "progress.h"
#include "render.h"

namespace lance::cli {
namespace {

const std::map<std::string, CompactionMode> kModes = {
    {"reencode", CompactionMode::kReencode},
    {"try-binary-copy", CompactionMode::kTryBinaryCopy},
    {"force-binary-copy", CompactionMode::kForceBinaryCopy}};
const std::map<std::string, IndexRemap> kRemaps = {
    {"compact", IndexRemap::kCompact}, {"direct", IndexRemap::kDirect}, {"deferred", IndexRemap::kDeferred}};

/// Shows a compaction as soon as it is known how much there is to do.
class Shown {
 public:
  std::function<void(const CompactionProgress&)> Callback() {
    return [this](const CompactionProgress& told) {
      if (!progress_) progress_.emplace(display_, "compact", told.total_rows);
      // Tasks under way have read something, but have not told their rows yet.
      const double read = told.total_bytes == 0
                              ? 0
                              : static_cast<double>(told.bytes_read) / static_cast<double>(told.total_bytes);
      const auto estimated = static_cast<uint64_t>(read * static_cast<double>(told.total_rows));
      const uint64_t rows = std::max({told.rows, estimated, rows_});
      const uint64_t bytes = std::max(told.bytes_read, bytes_);
      progress_->Add(rows - std::exchange(rows_, rows), bytes - std::exchange(bytes_, bytes));
    };
  }

  void Finish() {
    if (progress_) progress_->Finish();
  }

 private:
  ProgressDisplay display_;
  std::optional<Progress> progress_;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

void AddCompaction(CLI::App& app, CompactOptions& options) {
  app.add_option("--target-rows", options.target_rows_per_fragment,
                 "Join fragments with fewer rows, to about so many (default: 1048576)")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--deleted-part", options.materialize_deletions_threshold,
                 "Rewrite fragments of which more than this part is deleted; 1: none (default: 0.1)")
      ->check(CLI::Range(0.0, 1.0).description(""))
      ->type_name("PART");
  app.add_option("--max-fragments", options.max_source_fragments, "Replace at most so many fragments")
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--exclude", options.excluded_fragments,
                 "Leave the fragment of this id alone; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  AddChoice(app, "--mode", options.mode, kModes,
            "Encode anew, or copy pages where that can be (default: reencode)");
  AddChoice(app, "--index-remap", options.index_remap, kRemaps,
            "How indices learn where rows have gone (default: compact)");
  AddStorageVersion(app, options.data_storage_version);
  AddProfile(app, options.encoding_profile);
  app.add_option("--jobs", options.threads, "Tasks at once (default: the number of cores)")
      ->check(CLI::Range(1u, 1024u).description(""))
      ->type_name("N");
  app.add_option("--message", options.commit_message, "A message kept with the version")->type_name("TEXT");
}

arrow::Result<CompactResult> CompactShown(const Dataset& dataset, const CompactOptions& options) {
  Shown shown;
  CompactOptions told = options;
  told.progress = shown.Callback();
  ARROW_ASSIGN_OR_RAISE(auto result, WaitOrInterrupt<CompactResult>([&](const arrow::StopToken& stop) {
                          return dataset.CompactAsync(told, stop);
                        }));
  shown.Finish();
  return result;
}

arrow::Result<std::string> ExecuteShown(const Dataset& dataset, const std::string& task,
                                        const ExecuteCompactionOptions& options) {
  Shown shown;
  ExecuteCompactionOptions told = options;
  told.progress = shown.Callback();
  ARROW_ASSIGN_OR_RAISE(auto result, WaitOrInterrupt<std::string>([&](const arrow::StopToken& stop) {
                          return dataset.ExecuteCompactionAsync(task, told, stop);
                        }));
  shown.Finish();
  return result;
}

arrow::Result<std::string> Describe(const CompactResult& result) {
  if (result.fragments_removed == 0) return "nothing to compact\n";
  ARROW_ASSIGN_OR_RAISE(const uint64_t version, result.dataset->Version());
  return FormatPairs(
      {{"version", FormatCount(version)},
       {"rows", FormatCount(result.rows)},
       {"fragments", FormatCount(result.fragments_removed) + " -> " + FormatCount(result.fragments_added)},
       {"data", FormatBytes(result.bytes_removed) + " -> " + FormatBytes(result.bytes_added)}});
}

}  // namespace lance::cli
