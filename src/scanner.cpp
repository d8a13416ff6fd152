#include "lance/scanner.h"

#include <utility>

#include "arrow/record_batch.h"
#include "arrow/table.h"
#include "scanner_internal.h"

namespace lance::inline v0 {

using arrow::StopToken;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

Scanner::Scanner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scanner::~Scanner() = default;

const std::shared_ptr<arrow::Schema>& Scanner::schema() const { return impl_->schema; }

arrow::Result<ReaderPtr> Scanner::ToReader(const StopToken& stop) const { return impl_->ToReader(stop); }

arrow::Future<ReaderPtr> Scanner::ToReaderAsync(const StopToken& stop) const {
  return impl_->ToReaderAsync(stop);
}

arrow::Future<Scanner::Generator> Scanner::ToGenerator(const StopToken& stop) const {
  return impl_->ToGenerator(stop);
}

arrow::Result<std::shared_ptr<arrow::Table>> Scanner::ToTable(const StopToken& stop) const {
  return impl_->ToTable(stop);
}

arrow::Future<std::shared_ptr<arrow::Table>> Scanner::ToTableAsync(const StopToken& stop) const {
  return impl_->ToTableAsync(stop);
}

arrow::Result<uint64_t> Scanner::CountRows(const StopToken& stop) const {
  return impl_->CountRows().Wait(stop);
}

arrow::Future<uint64_t> Scanner::CountRowsAsync(const StopToken& stop) const {
  return impl_->CountRows().Start(stop);
}

arrow::Result<std::shared_ptr<Scanner>> Scanner::OpenSplit(const std::string& text,
                                                           const AccessOptions& options,
                                                           const StopToken& stop) {
  return Impl::OpenSplit<internal::Waiting>(text, options, stop);
}

arrow::Future<std::shared_ptr<Scanner>> Scanner::OpenSplitAsync(const std::string& text,
                                                                const AccessOptions& options,
                                                                const StopToken& stop) {
  return Impl::OpenSplit<internal::Starting>(text, options, stop);
}

arrow::Result<std::vector<ScanSplit>> Scanner::Splits(uint64_t count, const StopToken& stop) const {
  return impl_->Splits(count).Wait(stop);
}

arrow::Future<std::vector<ScanSplit>> Scanner::SplitsAsync(uint64_t count, const StopToken& stop) const {
  return impl_->Splits(count).Start(stop);
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
