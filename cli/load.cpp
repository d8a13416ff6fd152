#include "load.h"

#include <chrono>
#include <fstream>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "arrow/record_batch.h"
#include "names.h"
#include "progress.h"

namespace lance::cli {
namespace {

arrow::Status Discard(arrow::RecordBatchReader& reader) {
  std::shared_ptr<arrow::RecordBatch> batch;
  do {
    ARROW_RETURN_NOT_OK(reader.ReadNext(&batch));
  } while (batch != nullptr);
  return arrow::Status::OK();
}

uint64_t PeakMemoryBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      uint64_t kilobytes = 0;
      status >> kilobytes;
      return kilobytes * 1024;
    }
  }
  return 0;
}

/// One table while it is written: from the first lane that begins to the last one that ends.
class TableWrite {
 public:
  TableWrite(const Load& load, ProgressDisplay& display) : load_(load), display_(display) {}

  /// Read and write a lane. The first one opens the writer.
  arrow::Status RunLane(size_t lane, std::stop_token stop) {
    ARROW_RETURN_NOT_OK(Begin());
    const auto reader = std::make_shared<LaneReader>(load_.schema, load_.lanes[lane], load_.batch_rows,
                                                     &*progress_, std::move(stop));
    return writer_ == nullptr ? Discard(*reader) : writer_->WriteToLane(static_cast<uint32_t>(lane), reader);
  }

  /// Count a lane that has been written.
  ///
  /// \return whether it was the last one
  bool EndLane() {
    const std::lock_guard lock(mutex_);
    return ++ended_lanes_ == load_.lanes.size();
  }

  /// Commit what all lanes have written, or keep it for a commit by others.
  arrow::Result<LoadResult> Finish() {
    LoadResult result{
        .label = load_.label, .uri = load_.discard ? "" : load_.uri, .disk_bytes = {}, .version = {}};
    if (writer_ != nullptr && load_.uncommitted) {
      ARROW_ASSIGN_OR_RAISE(result.transaction, writer_->FinishUncommitted());
    } else if (writer_ != nullptr) {
      ARROW_ASSIGN_OR_RAISE(const CommitResult commit, writer_->Finish());
      result.version = commit.version;
      result.disk_bytes = writer_->stats().bytes_written;
    }
    result.rows = progress_->rows();
    result.batches = progress_->batches();
    result.seconds = progress_->seconds();
    result.peak_memory_bytes = PeakMemoryBytes();
    progress_->Finish();
    writer_.reset();
    return result;
  }

 private:
  arrow::Status Begin() {
    const std::lock_guard lock(mutex_);
    if (progress_) return arrow::Status::OK();
    if (!load_.discard) {
      WriteOptions options = load_.options;
      options.lanes = static_cast<uint32_t>(load_.lanes.size());
      auto writer = OpenWriter(load_.ns, load_.uri, load_.schema, options);
      if (!writer.ok()) return OfSchema(writer.status());
      writer_ = *std::move(writer);
    }
    progress_.emplace(display_, load_.label, load_.expected_rows);
    return arrow::Status::OK();
  }

  /// Name the file whose schema cannot be stored.
  arrow::Status OfSchema(const arrow::Status& status) const {
    if (load_.schema_from.empty() || GetErrorCode(status) != ErrorCode::kSchemaMismatch) return status;
    return status.WithMessage(load_.schema_from, ": ", status.message());
  }

  const Load& load_;
  ProgressDisplay& display_;
  std::mutex mutex_;
  size_t ended_lanes_ = 0;
  /// Unset until the first lane begins.
  std::optional<Progress> progress_;
  /// A writer that is not finished takes back everything it wrote.
  std::unique_ptr<LanceWriter> writer_;
};

/// The lanes of all tables, in order. Threads take one after the other, so that the next table is begun while
/// the last one is committed.
class LoadQueue {
 public:
  LoadQueue(const std::vector<Load>& loads, ProgressDisplay& display) : results_(loads.size()) {
    for (const Load& load : loads) {
      const auto table = std::make_shared<TableWrite>(load, display);
      for (size_t lane = 0; lane < load.lanes.size(); ++lane) {
        tasks_.push_back({.table = table, .lane = lane, .result = &results_[&load - loads.data()]});
      }
    }
  }

  /// Work until nothing is left to begin, or something has failed.
  void Work() {
    while (const std::optional<Task> task = Next()) {
      const arrow::Status status = Run(*task);
      if (status.ok()) continue;
      const std::lock_guard lock(mutex_);
      if (failure_.ok()) failure_ = status;
      stop_.request_stop();
    }
  }

  /// Get the tables, or the failure that came first, which is the cause of the others. After one nothing
  /// stays that only a transaction would know.
  arrow::Result<std::vector<LoadResult>> TakeResults() {
    if (failure_.ok()) return std::move(results_);
    DiscardTransactions(results_);
    return failure_;
  }

 private:
  struct Task {
    std::shared_ptr<TableWrite> table;
    size_t lane;
    LoadResult* result;
  };

  std::optional<Task> Next() {
    const std::lock_guard lock(mutex_);
    if (stop_.stop_requested() || next_ == tasks_.size()) return std::nullopt;
    return std::move(tasks_[next_++]);
  }

  arrow::Status Run(const Task& task) {
    ARROW_RETURN_NOT_OK(task.table->RunLane(task.lane, stop_.get_token()));
    if (!task.table->EndLane()) return arrow::Status::OK();
    return task.table->Finish().Value(task.result);
  }

  std::vector<LoadResult> results_;
  std::mutex mutex_;
  std::vector<Task> tasks_;
  size_t next_ = 0;
  std::stop_source stop_;
  arrow::Status failure_;
};

}  // namespace

arrow::Result<std::shared_ptr<Dataset>> CheckTarget(const std::string& uri, const WriteOptions& options,
                                                    const std::shared_ptr<Namespace>& ns) {
  if (options.mode == WriteMode::kOverwrite) return nullptr;
  OpenOptions open;
  open.storage = options.storage;
  auto dataset = OpenDataset(ns, uri, open);
  const ErrorCode code = GetErrorCode(dataset.status());
  if (!dataset.ok() && code != ErrorCode::kDatasetNotFound && code != ErrorCode::kNotFound) return dataset;
  if (options.mode == WriteMode::kCreate && dataset.ok()) {
    return arrow::Status::AlreadyExists("dataset already exists: ", uri,
                                        "; use --mode append or --mode overwrite to write to it");
  }
  if (options.mode == WriteMode::kAppend && !dataset.ok()) {
    return arrow::Status::Invalid("there is no dataset to append to: ", uri,
                                  "; use --mode create to make it");
  }
  return dataset.ok() ? dataset : nullptr;
}

arrow::Result<LoadSummary> RunLoads(const std::vector<Load>& loads, uint32_t jobs) {
  const auto begin = std::chrono::steady_clock::now();
  LoadSummary summary;
  {
    ProgressDisplay display;
    LoadQueue queue(loads, display);
    {
      std::vector<std::jthread> threads;
      for (uint32_t i = 1; i < jobs; ++i) threads.emplace_back([&queue] { queue.Work(); });
      queue.Work();
    }
    ARROW_ASSIGN_OR_RAISE(summary.tables, queue.TakeResults());
  }
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return summary;
}

}  // namespace lance::cli
