#include "lance/lance_writer.h"

#include <memory>
#include <utility>

#include "arrow/record_batch.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/transaction_internal.h"
#include "ffi/generated/write_internal.h"
#include "ffi/guarded_reader_internal.h"
#include "ffi/listener_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/schema_check_internal.h"
#include "namespace_internal.h"
#include "transaction_internal.h"
#include "writers/open_writer_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Nothing;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using internal::WithReaderError;
using Progress = internal::Listener<WriteStats>;

extern "C" void CallProgress(void* context, const LanceWriteStats* stats) noexcept {
  static_cast<Progress*>(context)->Hold()->Tell([&] { return internal::FromC(*stats); });
}

}  // namespace

class LanceWriter::Impl {
 public:
  using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
  using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

  Impl(std::shared_ptr<arrow::Schema> schema, Progress::Callback progress)
      : schema_(std::move(schema)),
        progress_(progress ? std::make_shared<Progress>(std::move(progress)) : nullptr) {}

  /// \tparam Ptr what owns the writer
  template <typename Form, typename Ptr>
  static typename Form::template Of<Ptr> Open(const std::string& uri,
                                              const std::shared_ptr<arrow::Schema>& schema,
                                              const WriteOptions& options, const StopToken& stop) {
    ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
    return OpenBy<Form, Ptr>(lance_writer_open, lance_writer_open_async, schema, options, stop, c_uri);
  }

  template <typename Form, typename Ptr>
  static typename Form::template Of<Ptr> Open(const Namespace& ns, const Namespace::Id& id,
                                              const std::shared_ptr<arrow::Schema>& schema,
                                              const WriteOptions& options, const StopToken& stop) {
    ARROW_ASSIGN_OR_RAISE(const auto names, internal::NamesC::Make(id, "id"));
    return OpenBy<Form, Ptr>(lance_namespace_open_writer, lance_namespace_open_writer_async, schema, options,
                             stop, NamespaceAccess::Get(ns), names.data(), names.size());
  }

  /// `target` are the arguments that say what is written.
  template <typename Form, typename Ptr, typename Blocking, typename Async, typename... Target>
  static typename Form::template Of<Ptr> OpenBy(Blocking* blocking, Async* async,
                                                const std::shared_ptr<arrow::Schema>& schema,
                                                const WriteOptions& options, const StopToken& stop,
                                                Target... target) {
    ARROW_RETURN_NOT_OK(internal::CheckAbi());
    const internal::WriterCall call;
    ARROW_RETURN_NOT_OK(call.status());
    if (schema == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the schema is NULL");
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    ARROW_ASSIGN_OR_RAISE(auto c_options, internal::WriteOptionsC::Make(options));
    auto impl = std::make_shared<std::unique_ptr<Impl>>(new Impl(schema, options.progress));
    if (const auto& progress = (*impl)->progress_) {
      c_options.c.progress = CallProgress;
      c_options.c.progress_context = progress->HandOver();
    }
    ARROW_RETURN_NOT_OK(internal::CheckNames(*schema));
    internal::CSchema c_schema;
    ARROW_RETURN_NOT_OK(internal::WithCode(arrow::ExportSchema(*schema, c_schema.get()), ErrorCode::kArrow));
    using Out = internal::ValueOut<::LanceWriter*>;
    auto finish = [impl = std::move(impl), stop](Out& out) -> arrow::Result<Ptr> {
      (*impl)->handle_ = internal::OwnOpenWriter(out.value, (*impl)->progress_);
      if (arrow::Status stopped = internal::CheckStop(stop); !stopped.ok()) {
        impl->reset();
        return stopped;
      }
      return Ptr(new LanceWriter(std::move(*impl)));
    };
    return Form::MakeConsuming(
        Prepare<Out>(blocking, async, std::move(finish), target..., c_schema.get(), &c_options.c), &c_schema,
        stop);
  }

  template <typename Form>
  typename Form::template Of<void> Write(uint32_t lane, const arrow::RecordBatch& batch,
                                         const StopToken& stop) {
    const internal::WriterCall call;
    ARROW_RETURN_NOT_OK(call.status());
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    ARROW_RETURN_NOT_OK(internal::CheckBatch(*schema_, batch));
    internal::CArray array;
    ARROW_RETURN_NOT_OK(internal::batch_to_ffi(batch, &array));
    // Checked against the schema of the writer above, so it need not be exported again.
    ArrowSchema* const same_schema = nullptr;
    return Form::MakeConsuming(
        Prepare<internal::NoOut>(lance_writer_write_batch_to_lane, lance_writer_write_batch_to_lane_async,
                                 Nothing, handle(), lane, array.get(), same_schema),
        &array, stop);
  }

  arrow::Status Write(uint32_t lane, const ReaderPtr& reader, const StopToken& stop) {
    std::shared_ptr<internal::GuardedReader> guard;
    arrow::Status status = WriteGuarded<Waiting>(lane, reader, &guard, stop);
    return status.ok() || guard == nullptr ? status : WithReaderError(status, *guard);
  }

  arrow::Future<> WriteAsync(uint32_t lane, const ReaderPtr& reader, const StopToken& stop) {
    std::shared_ptr<internal::GuardedReader> guard;
    const arrow::Future<> written = WriteGuarded<Starting>(lane, reader, &guard, stop);
    if (guard == nullptr) return written;
    return written.Then([] {},
                        [guard](const arrow::Status& failure) { return WithReaderError(failure, *guard); });
  }

  auto Finish() const {
    using Out = internal::SizedOut<LanceCommitResult>;
    const auto finish = [](Out& out) -> arrow::Result<CommitResult> { return internal::FromC(out.value); };
    return Prepare<Out>(lance_writer_finish, lance_writer_finish_async, finish, handle());
  }

  /// `wrap` makes what is returned of a transaction.
  template <typename Wrap>
  auto FinishUncommitted(Wrap wrap) const {
    using Out = internal::HandleOut<internal::TransactionHandle>;
    const auto finish = [wrap](Out& out) {
      return arrow::ToResult(wrap(Transaction(std::make_unique<Transaction::Impl>(out.Take()))));
    };
    return Prepare<Out>(lance_writer_finish_uncommitted, lance_writer_finish_uncommitted_async, finish,
                        handle());
  }

  auto Abort() const {
    return Prepare<internal::NoOut>(lance_writer_abort, lance_writer_abort_async, Nothing, handle());
  }

  ::LanceWriter* handle() const { return handle_.get(); }
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

 private:
  template <typename Form>
  typename Form::template Of<void> WriteGuarded(uint32_t lane, const ReaderPtr& reader,
                                                std::shared_ptr<internal::GuardedReader>* guard,
                                                const StopToken& stop) {
    const internal::WriterCall call;
    ARROW_RETURN_NOT_OK(call.status());
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    if (reader == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the reader is NULL");
    *guard = std::make_shared<internal::GuardedReader>(reader);
    if ((*guard)->status().ok()) ARROW_RETURN_NOT_OK(internal::CheckSchema(*schema_, *(*guard)->schema()));
    internal::CStream stream;
    (*guard)->Export(stream.get());
    return Form::MakeConsuming(
        Prepare<internal::NoOut>(lance_writer_write_stream, lance_writer_write_stream_async, Nothing,
                                 handle(), lane, stream.get()),
        &stream, stop);
  }

  const std::shared_ptr<arrow::Schema> schema_;
  /// Called by library threads until the handle below is freed.
  const std::shared_ptr<Progress> progress_;
  internal::OpenWriterHandle handle_;
};

LanceWriter::LanceWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LanceWriter::~LanceWriter() = default;

arrow::Result<std::unique_ptr<LanceWriter>> LanceWriter::Open(const std::string& uri,
                                                              const std::shared_ptr<arrow::Schema>& schema,
                                                              const WriteOptions& options,
                                                              const StopToken& stop) {
  return Impl::Open<Waiting, std::unique_ptr<LanceWriter>>(uri, schema, options, stop);
}

arrow::Future<std::shared_ptr<LanceWriter>> LanceWriter::OpenAsync(
    const std::string& uri, const std::shared_ptr<arrow::Schema>& schema, const WriteOptions& options,
    const StopToken& stop) {
  return Impl::Open<Starting, std::shared_ptr<LanceWriter>>(uri, schema, options, stop);
}

arrow::Result<std::unique_ptr<LanceWriter>> LanceWriter::Open(const Namespace& ns,
                                                              const std::vector<std::string>& id,
                                                              const std::shared_ptr<arrow::Schema>& schema,
                                                              const WriteOptions& options,
                                                              const StopToken& stop) {
  return Impl::Open<Waiting, std::unique_ptr<LanceWriter>>(ns, id, schema, options, stop);
}

arrow::Future<std::shared_ptr<LanceWriter>> LanceWriter::OpenAsync(
    const Namespace& ns, const std::vector<std::string>& id, const std::shared_ptr<arrow::Schema>& schema,
    const WriteOptions& options, const StopToken& stop) {
  return Impl::Open<Starting, std::shared_ptr<LanceWriter>>(ns, id, schema, options, stop);
}

arrow::Status LanceWriter::Write(const arrow::RecordBatch& batch, const StopToken& stop) {
  return WriteToLane(LANCE_ANY_LANE, batch, stop);
}

arrow::Future<> LanceWriter::WriteAsync(const arrow::RecordBatch& batch, const StopToken& stop) {
  return WriteToLaneAsync(LANCE_ANY_LANE, batch, stop);
}

arrow::Status LanceWriter::Write(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                 const StopToken& stop) {
  return WriteToLane(LANCE_ANY_LANE, reader, stop);
}

arrow::Future<> LanceWriter::WriteAsync(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                        const StopToken& stop) {
  return WriteToLaneAsync(LANCE_ANY_LANE, reader, stop);
}

arrow::Status LanceWriter::WriteToLane(uint32_t lane, const arrow::RecordBatch& batch,
                                       const StopToken& stop) {
  return impl_->Write<Waiting>(lane, batch, stop);
}

arrow::Future<> LanceWriter::WriteToLaneAsync(uint32_t lane, const arrow::RecordBatch& batch,
                                              const StopToken& stop) {
  return impl_->Write<Starting>(lane, batch, stop);
}

arrow::Status LanceWriter::WriteToLane(uint32_t lane, const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                       const StopToken& stop) {
  return impl_->Write(lane, reader, stop);
}

arrow::Future<> LanceWriter::WriteToLaneAsync(uint32_t lane,
                                              const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                              const StopToken& stop) {
  return impl_->WriteAsync(lane, reader, stop);
}

arrow::Result<CommitResult> LanceWriter::Finish(const StopToken& stop) { return impl_->Finish().Wait(stop); }

arrow::Future<CommitResult> LanceWriter::FinishAsync(const StopToken& stop) {
  return impl_->Finish().Start(stop);
}

arrow::Result<Transaction> LanceWriter::FinishUncommitted(const StopToken& stop) {
  return impl_->FinishUncommitted([](Transaction made) { return made; }).Wait(stop);
}

arrow::Future<std::shared_ptr<Transaction>> LanceWriter::FinishUncommittedAsync(const StopToken& stop) {
  return impl_
      ->FinishUncommitted([](Transaction made) { return std::make_shared<Transaction>(std::move(made)); })
      .Start(stop);
}

arrow::Status LanceWriter::Abort() { return impl_->Abort().Wait(); }

arrow::Future<> LanceWriter::AbortAsync() { return impl_->Abort().Start({}); }

WriteStats LanceWriter::stats() const {
  // This can only fail when nothing works any more, which the next call to write or finish reports.
  constexpr LanceWriteStats kNone = LANCE_WRITE_STATS_INIT;
  return internal::FromC(internal::CallFor(kNone, lance_writer_stats, impl_->handle()).ValueOr(kNone));
}

const std::shared_ptr<arrow::Schema>& LanceWriter::schema() const { return impl_->schema(); }

}  // namespace lance::inline v0
