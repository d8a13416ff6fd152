#include "lance/scanner.h"

#include <utility>

#include "arrow/record_batch.h"
#include "arrow/table.h"
#include "arrow/util/async_generator.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/batches_reader_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/stream_reader_internal.h"
#include "scanner_internal.h"

namespace lance::inline v0 {

using arrow::StopToken;
using internal::Prepare;
using internal::WithCode;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

Scanner::Scanner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scanner::~Scanner() = default;

const std::shared_ptr<arrow::Schema>& Scanner::schema() const { return impl_->schema; }

arrow::Result<ReaderPtr> Scanner::ToReader(const StopToken& stop) const {
  // Who waits for a batch of a stream cannot be stopped, but gets it without a change of threads.
  if (internal::IsStoppable(stop)) {
    ARROW_RETURN_NOT_OK(internal::CheckMayWait());
    return ToReaderAsync(stop).MoveResult();
  }
  internal::CStream stream;
  ARROW_RETURN_NOT_OK(internal::Call(lance_scanner_to_stream, impl_->handle.get(), stream.get()));
  return internal::StreamReader::Make(&stream, impl_->statistics);
}

arrow::Future<ReaderPtr> Scanner::ToReaderAsync(const StopToken& stop) const {
  const auto finish = [stop, needs = impl_->statistics](Impl::BatchesOut& out) -> arrow::Result<ReaderPtr> {
    return internal::BatchesReader::Make(out.Take(), stop, needs);
  };
  return impl_->ToBatches(finish).Start(stop);
}

arrow::Future<Scanner::Generator> Scanner::ToGenerator(const StopToken& stop) const {
  const auto finish = [stop, needs = impl_->statistics](Impl::BatchesOut& out) -> arrow::Result<Generator> {
    ARROW_ASSIGN_OR_RAISE(auto reader, internal::BatchesReader::Make(out.Take(), stop, needs));
    return [reader = std::move(reader)] { return reader->NextAsync(); };
  };
  return impl_->ToBatches(finish).Start(stop);
}

arrow::Result<std::shared_ptr<arrow::Table>> Scanner::ToTable(const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(auto reader, ToReader(stop));
  return WithCode(reader->ToTable(), ErrorCode::kExecution);
}

arrow::Future<std::shared_ptr<arrow::Table>> Scanner::ToTableAsync(const StopToken& stop) const {
  return ToGenerator(stop)
      .Then([](const Generator& generator) { return arrow::CollectAsyncGenerator(generator); })
      .Then([schema = schema()](const arrow::RecordBatchVector& batches) {
        return WithCode(arrow::Table::FromRecordBatches(schema, batches), ErrorCode::kExecution);
      });
}

arrow::Result<uint64_t> Scanner::CountRows(const StopToken& stop) const {
  return impl_->CountRows().Wait(stop);
}

arrow::Future<uint64_t> Scanner::CountRowsAsync(const StopToken& stop) const {
  return impl_->CountRows().Start(stop);
}

arrow::Result<std::string> Scanner::Explain(const StopToken& stop) const {
  return impl_->Explain().Wait(stop);
}

arrow::Future<std::string> Scanner::ExplainAsync(const StopToken& stop) const {
  return impl_->Explain().Start(stop);
}

arrow::Result<std::string> Scanner::Analyze(const StopToken& stop) const {
  return impl_->Analyze().Wait(stop);
}

arrow::Future<std::string> Scanner::AnalyzeAsync(const StopToken& stop) const {
  return impl_->Analyze().Start(stop);
}

}  // namespace lance::inline v0
