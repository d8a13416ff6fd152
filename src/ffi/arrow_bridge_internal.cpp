#include "ffi/arrow_bridge_internal.h"

#include "arrow/array.h"
#include "arrow/record_batch.h"
#include "ffi/thread_edge_internal.h"

namespace lance::inline v0::internal {
namespace {

/// The exported array under a release callback of ours, which may be called on any thread.
class ExportedArray {
 public:
  static void Wrap(CArray* array) {
    std::unique_ptr<ExportedArray> self(new ExportedArray(array->Take()));
    ArrowArray* shell = array->get();
    *shell = self->original_;
    shell->release = Release;
    self->edge_.Leave();
    shell->private_data = self.release();
  }

 private:
  explicit ExportedArray(ArrowArray original) : original_(original) {}

  static void Release(ArrowArray* array) {
    // A second release through the same shell does nothing.
    const std::unique_ptr<ExportedArray> self(
        static_cast<ExportedArray*>(std::exchange(array->private_data, nullptr)));
    array->release = nullptr;
    if (self == nullptr) return;
    self->edge_.Enter();
    self->original_.release(&self->original_);
  }

  ArrowArray original_;
  ThreadEdge edge_;
};

}  // namespace

arrow::Status batch_to_ffi(const arrow::RecordBatch& batch, CArray* out) {
  ARROW_RETURN_NOT_OK(WithCode(arrow::ExportRecordBatch(batch, out->get()), ErrorCode::kArrow));
  ExportedArray::Wrap(out);
  return arrow::Status::OK();
}

arrow::Status ArrayShells::Export(const arrow::Array& values) {
  ARROW_RETURN_NOT_OK(WithCode(arrow::ExportType(*values.type(), type.get()), ErrorCode::kArrow));
  ARROW_RETURN_NOT_OK(WithCode(arrow::ExportArray(values, array.get()), ErrorCode::kArrow));
  ExportedArray::Wrap(&array);
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToBatch(BatchOut& out) {
  return WithCode(arrow::ImportRecordBatch(out.array.get(), out.schema.get()), ErrorCode::kArrow);
}

}  // namespace lance::inline v0::internal
