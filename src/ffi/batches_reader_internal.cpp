#include "ffi/batches_reader_internal.h"

#include <utility>

#include "ffi/arrow_bridge_internal.h"
#include "ffi/operation_internal.h"

namespace lance::inline v0::internal {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

namespace {

/// A scan, until it has ended or nobody reads it any more.
class Scan : public Cancellable {
 public:
  Scan(std::weak_ptr<LanceBatches> batches, std::shared_ptr<const std::atomic<bool>> has_ended)
      : batches_(std::move(batches)), has_ended_(std::move(has_ended)) {}

  void Cancel() override {
    const auto batches = batches_.lock();
    LanceError** const not_wanted = nullptr;
    if (batches != nullptr) lance_batches_cancel(batches.get(), not_wanted);
  }

  bool IsDone() const override { return *has_ended_ || batches_.expired(); }

 private:
  const std::weak_ptr<LanceBatches> batches_;
  const std::shared_ptr<const std::atomic<bool>> has_ended_;
};

auto PrepareNext(LanceBatches* batches, const std::shared_ptr<arrow::Schema>& schema,
                 const std::shared_ptr<const void>& needs) {
  using Out = ShellOut<CArray>;
  const auto finish = [schema, needs](Out& out) -> arrow::Result<BatchPtr> {
    if (out.shell.get()->release == nullptr) return nullptr;
    return WithCode(arrow::ImportRecordBatch(out.shell.get(), schema), ErrorCode::kArrow);
  };
  return Prepare<Out>(lance_batches_next, lance_batches_next_async, finish, batches);
}

bool IsEnd(const arrow::Result<BatchPtr>& next) { return !next.ok() || *next == nullptr; }

arrow::Status Closed() { return MakeStatus(ErrorCode::kInvalidState, "the reader is closed"); }

}  // namespace

arrow::Result<std::shared_ptr<BatchesReader>> BatchesReader::Make(BatchesHandle batches,
                                                                  const arrow::StopToken& stop,
                                                                  std::shared_ptr<const void> needs) {
  ARROW_ASSIGN_OR_RAISE(auto schema, CallForSchema(lance_batches_schema, batches.get()));
  return std::shared_ptr<BatchesReader>(
      new BatchesReader(std::move(batches), std::move(schema), stop, std::move(needs)));
}

BatchesReader::BatchesReader(BatchesHandle batches, std::shared_ptr<arrow::Schema> schema,
                             arrow::StopToken stop, std::shared_ptr<const void> needs)
    : needs_(std::move(needs)),
      batches_(std::move(batches)),
      schema_(std::move(schema)),
      stop_(std::move(stop)) {
  // The scan itself, which goes on between two batches, too.
  CancelOnStop(stop_, std::make_unique<Scan>(batches_, has_ended_));
}

arrow::Future<BatchPtr> BatchesReader::NextAsync() {
  if (batches_ == nullptr) return Closed();
  auto next = PrepareNext(batches_.get(), schema_, needs_).StartUnwatched(stop_);
  next.AddCallback([has_ended = has_ended_](const arrow::Result<BatchPtr>& next) {
    if (IsEnd(next)) *has_ended = true;
  });
  return next;
}

arrow::Status BatchesReader::ReadNext(BatchPtr* out) {
  out->reset();
  if (batches_ == nullptr) return Closed();
  // Not a failure of the scan, which goes on.
  ARROW_RETURN_NOT_OK(CheckMayWait());
  ARROW_RETURN_NOT_OK(failure_);
  auto next = PrepareNext(batches_.get(), schema_, needs_).Wait(stop_);
  if (IsEnd(next)) *has_ended_ = true;
  failure_ = next.status();
  return std::move(next).Value(out);
}

arrow::Status BatchesReader::Close() {
  batches_.reset();
  return arrow::Status::OK();
}

}  // namespace lance::inline v0::internal
