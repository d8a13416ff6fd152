#include "ffi/guarded_reader_internal.h"

#include <cerrno>
#include <exception>
#include <new>
#include <utility>

#include "arrow/record_batch.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/schema_check_internal.h"

namespace lance::inline v0::internal {
namespace {

GuardedReader& Self(ArrowArrayStream* stream) { return *static_cast<GuardedReader*>(stream->private_data); }

}  // namespace

GuardedReader::GuardedReader(std::shared_ptr<arrow::RecordBatchReader> reader) : reader_(std::move(reader)) {
  Guard([this] {
    schema_ = reader_->schema();
    return schema_ != nullptr ? arrow::Status::OK() : arrow::Status::Invalid("the reader has no schema");
  });
}

template <typename Step>
int GuardedReader::Guard(Step&& step) noexcept {
  if (status_.ok()) {
    try {
      status_ = step();
    } catch (const std::bad_alloc&) {
      status_ = arrow::Status::OutOfMemory("the reader ran out of memory");
    } catch (const std::exception& e) {
      status_ = arrow::Status::UnknownError(e.what());
    } catch (...) {
      status_ = arrow::Status::UnknownError("unknown exception");
    }
    status_ = WithCode(std::move(status_), ErrorCode::kCallback);
  }
  return status_.ok() ? 0 : EIO;
}

template <typename Step>
int GuardedReader::Continue(Step&& step) noexcept {
  edge_.Enter();
  const int outcome = Guard(std::forward<Step>(step));
  edge_.Leave();
  return outcome;
}

arrow::Status GuardedReader::Next(ArrowArray* out) {
  std::shared_ptr<arrow::RecordBatch> batch;
  ARROW_RETURN_NOT_OK(reader_->ReadNext(&batch));
  if (batch == nullptr) {
    *out = ArrowArray{};
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(CheckBatch(*schema_, *batch));
  CArray array;
  ARROW_RETURN_NOT_OK(batch_to_ffi(*batch, &array));
  *out = array.Take();
  return arrow::Status::OK();
}

// Not arrow::ExportRecordBatchReader(): its batches would go without batch_to_ffi().
void GuardedReader::Export(ArrowArrayStream* out) {
  self_ = shared_from_this();
  edge_.Leave();
  *out = {GetSchema, GetNext, GetLastError, Release, this};
}

int GuardedReader::GetSchema(ArrowArrayStream* stream, ArrowSchema* out) {
  GuardedReader& self = Self(stream);
  return self.Continue([&] { return arrow::ExportSchema(*self.schema_, out); });
}

int GuardedReader::GetNext(ArrowArrayStream* stream, ArrowArray* out) {
  GuardedReader& self = Self(stream);
  return self.Continue([&] { return self.Next(out); });
}

const char* GuardedReader::GetLastError(ArrowArrayStream* stream) {
  const GuardedReader& self = Self(stream);
  return self.status().ok() ? nullptr : self.status().message().c_str();
}

void GuardedReader::Release(ArrowArrayStream* stream) {
  GuardedReader& self = Self(stream);
  self.edge_.Enter();
  *stream = ArrowArrayStream{};
  const std::shared_ptr<GuardedReader> owner = std::move(self.self_);
  self.edge_.Leave();
}

}  // namespace lance::inline v0::internal
