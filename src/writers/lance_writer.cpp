#include "lance/lance_writer.h"

#include <memory>
#include <utility>

#include "arrow/record_batch.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/guarded_reader_internal.h"
#include "ffi/options_internal.h"
#include "ffi/progress_internal.h"
#include "ffi/schema_check_internal.h"
#include "transaction_internal.h"
#include "writers/open_writer_internal.h"

namespace lance::inline v0 {
namespace {

using internal::Call;
using Progress = internal::Progress<WriteStats>;

WriteStats ToWriteStats(const LanceWriteStats& c) {
  return {.batches = c.batches,
          .rows = c.rows,
          .bytes = c.bytes,
          .bytes_in_flight = c.bytes_in_flight,
          .peak_bytes_in_flight = c.peak_bytes_in_flight,
          .rows_written = c.rows_written,
          .bytes_written = c.bytes_written,
          .files_written = c.files_written};
}

extern "C" void CallProgress(void* context, const LanceWriteStats* stats) noexcept {
  static_cast<Progress*>(context)->Hold()->Report(ToWriteStats(*stats));
}

}  // namespace

class LanceWriter::Impl {
 public:
  Impl(std::shared_ptr<arrow::Schema> schema, Progress::Callback progress)
      : schema_(std::move(schema)),
        progress_(progress ? std::make_shared<Progress>(std::move(progress)) : nullptr) {}

  arrow::Status Open(const std::string& uri, const WriteOptions& options) {
    const internal::WriterCall call;
    ARROW_RETURN_NOT_OK(call.status());
    ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "URI"));
    ARROW_ASSIGN_OR_RAISE(auto c_options, internal::WriteOptionsC::Make(options));
    if (progress_) {
      c_options.c.progress = CallProgress;
      c_options.c.progress_context = progress_->HandOver();
    }
    ARROW_RETURN_NOT_OK(internal::CheckNames(*schema_));
    internal::CSchema c_schema;
    ARROW_RETURN_NOT_OK(internal::WithCode(arrow::ExportSchema(*schema_, c_schema.get()), ErrorCode::kArrow));
    const auto opened =
        internal::CallFor<::LanceWriter*>(nullptr, lance_writer_open, c_uri, c_schema.get(), &c_options.c);
    ARROW_RETURN_NOT_OK(c_schema.AfterConsumedBy(opened.status()));
    handle_ = internal::OwnOpenWriter(opened.ValueUnsafe(), progress_);
    return arrow::Status::OK();
  }

  arrow::Status Write(uint32_t lane, const arrow::RecordBatch& batch) {
    const internal::WriterCall call;
    ARROW_RETURN_NOT_OK(call.status());
    ARROW_RETURN_NOT_OK(internal::CheckBatch(*schema_, batch));
    internal::CArray array;
    ARROW_RETURN_NOT_OK(internal::batch_to_ffi(batch, &array));
    // Checked against the schema of the writer above, so it need not be exported again.
    ArrowSchema* const same_schema = nullptr;
    return array.AfterConsumedBy(
        Call(lance_writer_write_batch_to_lane, handle(), lane, array.get(), same_schema));
  }

  arrow::Status Write(uint32_t lane, const std::shared_ptr<arrow::RecordBatchReader>& reader) {
    const internal::WriterCall call;
    ARROW_RETURN_NOT_OK(call.status());
    if (reader == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the reader is NULL");
    const auto guard = std::make_shared<internal::GuardedReader>(reader);
    if (guard->status().ok()) ARROW_RETURN_NOT_OK(internal::CheckSchema(*schema_, *guard->schema()));
    internal::CStream stream;
    guard->Export(stream.get());
    arrow::Status status =
        stream.AfterConsumedBy(Call(lance_writer_write_stream, handle(), lane, stream.get()));
    // The reader's own error says more than what came back through the stream.
    return status.ok() || guard->status().ok() ? status : guard->status();
  }

  ::LanceWriter* handle() const { return handle_.get(); }
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  /// Called by library threads until the handle below is freed.
  const std::shared_ptr<Progress> progress_;
  internal::OpenWriterHandle handle_;
};

LanceWriter::LanceWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LanceWriter::~LanceWriter() = default;

arrow::Result<std::unique_ptr<LanceWriter>> LanceWriter::Open(const std::string& uri,
                                                              const std::shared_ptr<arrow::Schema>& schema,
                                                              const WriteOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  if (schema == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the schema is NULL");
  auto impl = std::make_unique<Impl>(schema, options.progress);
  ARROW_RETURN_NOT_OK(impl->Open(uri, options));
  return std::unique_ptr<LanceWriter>(new LanceWriter(std::move(impl)));
}

arrow::Status LanceWriter::Write(const arrow::RecordBatch& batch) {
  return impl_->Write(LANCE_ANY_LANE, batch);
}

arrow::Status LanceWriter::Write(const std::shared_ptr<arrow::RecordBatchReader>& reader) {
  return impl_->Write(LANCE_ANY_LANE, reader);
}

arrow::Status LanceWriter::WriteToLane(uint32_t lane, const arrow::RecordBatch& batch) {
  return impl_->Write(lane, batch);
}

arrow::Status LanceWriter::WriteToLane(uint32_t lane,
                                       const std::shared_ptr<arrow::RecordBatchReader>& reader) {
  return impl_->Write(lane, reader);
}

arrow::Result<CommitResult> LanceWriter::Finish() {
  ARROW_ASSIGN_OR_RAISE(const auto result, internal::CallFor(LanceCommitResult LANCE_COMMIT_RESULT_INIT,
                                                             lance_writer_finish, impl_->handle()));
  return CommitResult{.version = result.version};
}

arrow::Result<Transaction> LanceWriter::FinishUncommitted() {
  ARROW_ASSIGN_OR_RAISE(auto handle, internal::CallForHandle<internal::TransactionHandle>(
                                         lance_writer_finish_uncommitted, impl_->handle()));
  return Transaction(std::make_unique<Transaction::Impl>(std::move(handle)));
}

arrow::Status LanceWriter::Abort() { return Call(lance_writer_abort, impl_->handle()); }

WriteStats LanceWriter::stats() const {
  // This can only fail when nothing works any more, which the next call to write or finish reports.
  constexpr LanceWriteStats kNone = LANCE_WRITE_STATS_INIT;
  return ToWriteStats(internal::CallFor(kNone, lance_writer_stats, impl_->handle()).ValueOr(kNone));
}

const std::shared_ptr<arrow::Schema>& LanceWriter::schema() const { return impl_->schema(); }

}  // namespace lance::inline v0
