#include "lance/scanner.h"

#include "arrow/record_batch.h"
#include "arrow/table.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/stream_reader_internal.h"
#include "scanner_internal.h"

namespace lance::inline v0 {

using internal::WithCode;

Scanner::Scanner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scanner::~Scanner() = default;

const std::shared_ptr<arrow::Schema>& Scanner::schema() const { return impl_->schema; }

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Scanner::ToReader() const {
  internal::CStream stream;
  ARROW_RETURN_NOT_OK(internal::Call(lance_scanner_to_stream, impl_->handle.get(), stream.get()));
  return internal::StreamReader::Make(&stream);
}

arrow::Result<std::shared_ptr<arrow::Table>> Scanner::ToTable() const {
  ARROW_ASSIGN_OR_RAISE(auto reader, ToReader());
  return WithCode(reader->ToTable(), ErrorCode::kExecution);
}

arrow::Result<uint64_t> Scanner::CountRows() const {
  return internal::CallFor(uint64_t{0}, lance_scanner_count_rows, impl_->handle.get());
}

arrow::Result<std::string> Scanner::Explain() const {
  ARROW_ASSIGN_OR_RAISE(const auto plan, internal::CallForHandle<internal::StringHandle>(
                                             lance_scanner_explain, impl_->handle.get()));
  return std::string(plan.get());
}

}  // namespace lance::inline v0
