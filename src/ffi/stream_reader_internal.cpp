#include "ffi/stream_reader_internal.h"

#include <utility>

#include "ffi/call_internal.h"
#include "ffi/error_internal.h"

namespace lance::inline v0::internal {

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> StreamReader::Make(
    CStream* stream, std::shared_ptr<const void> needs) {
  auto reader = std::make_shared<StreamReader>(stream, std::move(needs));
  CSchema schema;
  if (reader->stream_.get_schema(&reader->stream_, schema.get()) != 0) return reader->LastError();
  ARROW_ASSIGN_OR_RAISE(reader->schema_, WithCode(arrow::ImportSchema(schema.get()), ErrorCode::kArrow));
  return reader;
}

StreamReader::StreamReader(CStream* stream, std::shared_ptr<const void> needs)
    : needs_(std::move(needs)), stream_(stream->Take()) {}

StreamReader::~StreamReader() {
  if (stream_.release != nullptr) stream_.release(&stream_);
}

arrow::Status StreamReader::ReadNext(std::shared_ptr<arrow::RecordBatch>* out) {
  out->reset();
  if (stream_.release == nullptr) return MakeStatus(ErrorCode::kInvalidState, "the reader is closed");
  CArray array;
  if (stream_.get_next(&stream_, array.get()) != 0) return LastError();
  if (array.get()->release == nullptr) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(*out, WithCode(arrow::ImportRecordBatch(array.get(), schema_), ErrorCode::kArrow));
  return arrow::Status::OK();
}

arrow::Status StreamReader::Close() {
  if (stream_.release != nullptr) stream_.release(&stream_);
  return arrow::Status::OK();
}

arrow::Status StreamReader::LastError() const {
  ARROW_ASSIGN_OR_RAISE(auto* error, CallFor(static_cast<LanceError*>(nullptr), lance_stream_last_error,
                                             static_cast<const ArrowArrayStream*>(&stream_)));
  if (error == nullptr) return MakeStatus(ErrorCode::kInternal, "a stream failed without an error");
  return ToStatus(error);
}

}  // namespace lance::inline v0::internal
