#include "ffi/arrow_bridge_internal.h"

#include <atomic>

#include "arrow/record_batch.h"

namespace lance::inline v0::internal {
namespace {

/// The exported array under a release callback of ours. Its store and load order everything we did to the
/// buffers before their release on another thread, where a race detector can see it even if it cannot see
/// the synchronisation inside the Rust library.
class ExportedArray {
 public:
  static void Wrap(CArray* array) {
    std::unique_ptr<ExportedArray> self(new ExportedArray(array->Take()));
    ArrowArray* shell = array->get();
    *shell = self->original_;
    shell->release = Release;
    self->exported_.store(true, std::memory_order_release);
    shell->private_data = self.release();
  }

 private:
  explicit ExportedArray(ArrowArray original) : original_(original) {}

  static void Release(ArrowArray* array) {
    // A second release through the same shell does nothing.
    const std::unique_ptr<ExportedArray> self(
        static_cast<ExportedArray*>(std::exchange(array->private_data, nullptr)));
    array->release = nullptr;
    if (self != nullptr && self->exported_.load(std::memory_order_acquire)) {
      self->original_.release(&self->original_);
    }
  }

  ArrowArray original_;
  std::atomic<bool> exported_{false};
};

}  // namespace

arrow::Status batch_to_ffi(const arrow::RecordBatch& batch, CArray* out) {
  ARROW_RETURN_NOT_OK(WithCode(arrow::ExportRecordBatch(batch, out->get()), ErrorCode::kArrow));
  ExportedArray::Wrap(out);
  return arrow::Status::OK();
}

}  // namespace lance::inline v0::internal
