#include "ffi/batches_reader_internal.h"

#include <utility>

#include "ffi/arrow_bridge_internal.h"
#include "ffi/operation_internal.h"

namespace lance::inline v0::internal {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

namespace {

/// A scan, until nobody reads it any more.
class Scan : public Cancellable {
 public:
  explicit Scan(std::weak_ptr<LanceBatches> batches) : batches_(std::move(batches)) {}

  void Cancel() override {
    const auto batches = batches_.lock();
    LanceError** const not_wanted = nullptr;
    if (batches != nullptr) lance_batches_cancel(batches.get(), not_wanted);
  }

  bool IsDone() const override { return batches_.expired(); }

 private:
  const std::weak_ptr<LanceBatches> batches_;
};

}  // namespace

arrow::Result<std::shared_ptr<BatchesReader>> BatchesReader::Make(BatchesHandle batches,
                                                                  const arrow::StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(auto schema, CallForSchema(lance_batches_schema, batches.get()));
  return std::shared_ptr<BatchesReader>(new BatchesReader(std::move(batches), std::move(schema), stop));
}

BatchesReader::BatchesReader(BatchesHandle batches, std::shared_ptr<arrow::Schema> schema,
                             arrow::StopToken stop)
    : batches_(std::move(batches)), schema_(std::move(schema)), stop_(std::move(stop)) {
  // The scan itself, which goes on between two batches, too.
  CancelOnStop(stop_, std::make_unique<Scan>(batches_));
}

arrow::Future<BatchPtr> BatchesReader::NextAsync() {
  if (batches_ == nullptr) return MakeStatus(ErrorCode::kInvalidState, "the reader is closed");
  using Out = ShellOut<CArray>;
  const auto finish = [schema = schema_](Out& out) -> arrow::Result<BatchPtr> {
    if (out.shell.get()->release == nullptr) return nullptr;
    return WithCode(arrow::ImportRecordBatch(out.shell.get(), schema), ErrorCode::kArrow);
  };
  return Prepare<Out>(lance_batches_next, lance_batches_next_async, finish, batches_.get())
      .StartUnwatched(stop_);
}

arrow::Status BatchesReader::ReadNext(BatchPtr* out) {
  ARROW_ASSIGN_OR_RAISE(*out, ToOutcome(NextAsync()));
  return arrow::Status::OK();
}

arrow::Status BatchesReader::Close() {
  batches_.reset();
  return arrow::Status::OK();
}

}  // namespace lance::inline v0::internal
