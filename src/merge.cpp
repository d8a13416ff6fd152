#include "lance/merge.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "ffi/error_internal.h"

namespace lance::inline v0 {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

/// A part that a thread reads ahead.
class PartAhead {
 public:
  /// Throws std::system_error where there is no thread.
  PartAhead(ReaderPtr reader, size_t most)
      : reader_(std::move(reader)), most_(most), thread_([this] { Read(); }) {}

  PartAhead(const PartAhead&) = delete;
  PartAhead& operator=(const PartAhead&) = delete;

  ~PartAhead() {
    {
      const std::lock_guard lock(mutex_);
      is_wanted_ = false;
    }
    changed_.notify_all();
    thread_.join();
    // Nobody asks for more; what it could not close is closed with it.
    static_cast<void>(reader_->Close());
  }

  /// Wait for the next batch, which is NULL after the last.
  arrow::Result<BatchPtr> Next() {
    arrow::Result<BatchPtr> next = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !waiting_.empty(); });
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    changed_.notify_all();
    return next;
  }

 private:
  void Read() {
    while (true) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_.size() < most_ || !is_wanted_; });
        if (!is_wanted_) return;
      }
      auto next = reader_->Next();
      const bool is_last = !next.ok() || *next == nullptr;
      {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(next));
      }
      changed_.notify_all();
      if (is_last) return;
    }
  }

  const ReaderPtr reader_;
  const size_t most_;
  std::mutex mutex_;
  /// There is one batch more or less, or none is wanted any more.
  std::condition_variable changed_;
  std::deque<arrow::Result<BatchPtr>> waiting_;
  bool is_wanted_ = true;
  /// The last member: it begins when the others are there.
  std::thread thread_;
};

class OrderedMerge : public arrow::RecordBatchReader {
 public:
  OrderedMerge(std::vector<ReaderPtr> parts, size_t parts_ahead, size_t batches_ahead)
      : schema_(parts.front()->schema()),
        parts_ahead_(parts_ahead),
        batches_ahead_(batches_ahead),
        later_(std::make_move_iterator(parts.begin()), std::make_move_iterator(parts.end())) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  /// After a failure it fails in the same way again: what is missing must not look complete.
  arrow::Status ReadNext(BatchPtr* out) override {
    out->reset();
    ARROW_RETURN_NOT_OK(failure_);
    failure_ = ReadOn().Value(out);
    return failure_;
  }

  arrow::Status Close() override {
    begun_.clear();
    arrow::Status closed;
    for (const ReaderPtr& part : later_) closed &= part->Close();
    later_.clear();
    failure_ = internal::MakeStatus(ErrorCode::kInvalidState, "the reader is closed");
    return closed;
  }

 private:
  arrow::Result<BatchPtr> ReadOn() {
    while (true) {
      ARROW_RETURN_NOT_OK(BeginParts());
      if (begun_.empty()) return nullptr;
      ARROW_ASSIGN_OR_RAISE(auto batch, begun_.front()->Next());
      if (batch != nullptr) return batch;
      begun_.pop_front();
    }
  }

  arrow::Status BeginParts() {
    while (!later_.empty() && begun_.size() < parts_ahead_) {
      try {
        begun_.push_back(std::make_unique<PartAhead>(later_.front(), batches_ahead_));
      } catch (const std::system_error& error) {
        return internal::MakeStatus(ErrorCode::kResourceExhausted,
                                    std::string("cannot start a thread: ") + error.what());
      }
      later_.pop_front();
    }
    return arrow::Status::OK();
  }

  const std::shared_ptr<arrow::Schema> schema_;
  const size_t parts_ahead_;
  const size_t batches_ahead_;
  std::deque<std::unique_ptr<PartAhead>> begun_;
  std::deque<ReaderPtr> later_;
  arrow::Status failure_;
};

}  // namespace

arrow::Result<ReaderPtr> MergeOrdered(std::vector<ReaderPtr> parts, const MergeOptions& options) {
  if (parts.empty()) {
    return internal::MakeStatus(ErrorCode::kInvalidArgument, "there is no part to merge");
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == nullptr) {
      return internal::MakeStatus(ErrorCode::kInvalidArgument, "part " + std::to_string(i) + " is NULL");
    }
    if (!parts[i]->schema()->Equals(*parts.front()->schema())) {
      return internal::MakeStatus(ErrorCode::kSchemaMismatch,
                                  "part " + std::to_string(i) + " has another schema than the first");
    }
  }
  const size_t cores = std::thread::hardware_concurrency();
  const size_t parts_ahead = options.parts_ahead == 0 ? cores + 1 : options.parts_ahead;
  return std::make_shared<OrderedMerge>(std::move(parts), parts_ahead,
                                        std::max<size_t>(options.batches_ahead, 1));
}

}  // namespace lance::inline v0
