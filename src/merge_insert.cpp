#include "lance/merge_insert.h"

#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "arrow/record_batch.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/error_internal.h"
#include "ffi/generated/merge_insert_internal.h"
#include "ffi/guarded_reader_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/schema_check_internal.h"
#include "lance/dataset.h"
#include "transaction_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Nothing;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using GuardPtr = std::shared_ptr<internal::GuardedReader>;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using TextOut = internal::HandleOut<internal::StringHandle>;

/// The version that was made, and what was done.
struct ResultOut {
  ResultOut() { result.struct_size = sizeof(result); }

  internal::HandleOut<internal::DatasetHandle> dataset;
  LanceMergeInsertResult result{};
  auto pointers() { return std::tuple_cat(dataset.pointers(), std::make_tuple(&result)); }
};

/// What makes a result of that, for a dataset at `uri`.
auto ToResult(std::string uri) {
  return [uri = std::move(uri)](ResultOut& out) -> arrow::Result<MergeInsertResult> {
    ARROW_ASSIGN_OR_RAISE(auto dataset, DatasetAccess::Make(uri, out.dataset.Take()));
    return MergeInsertResult{
        .dataset = std::move(dataset),
        .inserted_rows = out.result.inserted_rows,
        .updated_rows = out.result.updated_rows,
        .deleted_rows = out.result.deleted_rows,
        .skipped_duplicates = out.result.skipped_duplicates,
        .attempts = out.result.attempts,
        .bytes_written = out.result.bytes_written,
        .files_written = out.result.files_written,
    };
  };
}

/// A transaction; what it does is not told.
struct StagedOut {
  internal::HandleOut<internal::TransactionHandle> transaction;
  auto pointers() {
    return std::tuple_cat(transaction.pointers(),
                          std::make_tuple(static_cast<LanceMergeInsertResult*>(nullptr)));
  }
};

template <typename Form>
arrow::Result<TransactionOf<Form>> ToTransaction(StagedOut& out) {
  return WrapTransaction<Form>(out.transaction.Take());
}

arrow::Result<std::string> ToText(TextOut& out) { return std::string(out.Take().get()); }

arrow::Status ExportSchema(const arrow::Schema& schema, internal::CSchema* out) {
  ARROW_RETURN_NOT_OK(internal::CheckNames(schema));
  return internal::WithCode(arrow::ExportSchema(schema, out->get()), ErrorCode::kArrow);
}

/// A call of one of the functions that take a stream and options.
template <typename T, typename Out, typename Form, typename Blocking, typename Async, typename Finish>
typename Form::template Of<T> OfReader(Blocking* blocking, Async* async, Finish finish,
                                       const Dataset& dataset, const ReaderPtr& reader,
                                       const MergeInsertOptions& options, GuardPtr* guard,
                                       const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
  if (reader == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the reader is NULL");
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::MergeInsertOptionsC::Make(options));
  *guard = std::make_shared<internal::GuardedReader>(reader);
  if ((*guard)->status().ok()) ARROW_RETURN_NOT_OK(internal::CheckNames(*(*guard)->schema()));
  internal::CStream stream;
  (*guard)->Export(stream.get());
  return Form::MakeConsuming(Prepare<Out>(blocking, async, std::move(finish), DatasetAccess::Get(dataset),
                                          stream.get(), &c_options.c),
                             &stream, stop);
}

template <typename Form>
typename Form::template Of<MergeInsertResult> Merge(const Dataset& dataset, const ReaderPtr& reader,
                                                    const MergeInsertOptions& options, GuardPtr* guard,
                                                    const StopToken& stop) {
  return OfReader<MergeInsertResult, ResultOut, Form>(
      lance_dataset_merge_insert, lance_dataset_merge_insert_async, ToResult(dataset.uri()), dataset, reader,
      options, guard, stop);
}

template <typename Form>
typename Form::template Of<TransactionOf<Form>> StageMerge(const Dataset& dataset, const ReaderPtr& reader,
                                                           const MergeInsertOptions& options, GuardPtr* guard,
                                                           const StopToken& stop) {
  const auto finish = [](StagedOut& out) { return ToTransaction<Form>(out); };
  return OfReader<TransactionOf<Form>, StagedOut, Form>(lance_dataset_merge_insert_uncommitted,
                                                        lance_dataset_merge_insert_uncommitted_async, finish,
                                                        dataset, reader, options, guard, stop);
}

template <typename Form>
typename Form::template Of<std::string> Analyze(const Dataset& dataset, const ReaderPtr& reader,
                                                const MergeInsertOptions& options, GuardPtr* guard,
                                                const StopToken& stop) {
  return OfReader<std::string, TextOut, Form>(lance_dataset_analyze_merge_insert,
                                              lance_dataset_analyze_merge_insert_async, ToText, dataset,
                                              reader, options, guard, stop);
}

/// Wait for a call that drives a reader.
///
/// \param[in] call takes where the guard of the reader goes
template <typename Call>
auto WithReader(Call call) -> decltype(call(static_cast<GuardPtr*>(nullptr))) {
  GuardPtr guard;
  auto result = call(&guard);
  if (result.ok() || guard == nullptr) return result;
  return internal::WithReaderError(result.status(), *guard);
}

/// The same for one that is a future.
template <typename T, typename Call>
arrow::Future<T> WithReaderAsync(Call call) {
  GuardPtr guard;
  const arrow::Future<T> future = call(&guard);
  if (guard == nullptr) return future;
  return future.Then([](const T& result) { return result; },
                     [guard](const arrow::Status& failure) -> arrow::Result<T> {
                       return internal::WithReaderError(failure, *guard);
                     });
}

template <typename Form>
typename Form::template Of<std::string> Explain(const Dataset& dataset, const SchemaPtr& schema,
                                                const MergeInsertOptions& options, bool verbose,
                                                const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::MergeInsertOptionsC::Make(options));
  internal::CSchema c_schema;
  if (schema != nullptr) ARROW_RETURN_NOT_OK(ExportSchema(*schema, &c_schema));
  return Form::MakeConsuming(
      Prepare<TextOut>(lance_dataset_explain_merge_insert, lance_dataset_explain_merge_insert_async, ToText,
                       DatasetAccess::Get(dataset), schema == nullptr ? nullptr : c_schema.get(),
                       &c_options.c, int32_t{verbose}),
      &c_schema, stop);
}

}  // namespace

class MergeInserter::Impl {
 public:
  using Handle = internal::Handle<::LanceMergeInserter, lance_merge_inserter_free>;

  Impl(std::string uri, SchemaPtr schema, Handle handle)
      : uri_(std::move(uri)), schema_(std::move(schema)), handle_(std::move(handle)) {}

  /// \tparam Ptr what owns the upsert
  /// \param[in] wrap makes one of an Impl
  template <typename Form, typename Ptr, typename Wrap>
  static typename Form::template Of<Ptr> Open(const Dataset& dataset, const SchemaPtr& schema,
                                              const MergeInsertOptions& options, Wrap wrap,
                                              const StopToken& stop) {
    if (schema == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the schema is NULL");
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::MergeInsertOptionsC::Make(options));
    internal::CSchema c_schema;
    ARROW_RETURN_NOT_OK(ExportSchema(*schema, &c_schema));
    using Out = internal::HandleOut<Handle>;
    const auto finish = [uri = dataset.uri(), schema, wrap](Out& out) -> arrow::Result<Ptr> {
      return wrap(std::make_unique<Impl>(uri, schema, out.Take()));
    };
    return Form::MakeConsuming(
        Prepare<Out>(lance_dataset_open_merge_inserter, lance_dataset_open_merge_inserter_async, finish,
                     DatasetAccess::Get(dataset), c_schema.get(), &c_options.c),
        &c_schema, stop);
  }

  template <typename Form>
  typename Form::template Of<void> Write(const arrow::RecordBatch& batch, const StopToken& stop) const {
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    ARROW_RETURN_NOT_OK(internal::CheckBatch(*schema_, batch));
    internal::CArray array;
    ARROW_RETURN_NOT_OK(internal::batch_to_ffi(batch, &array));
    // Checked above, so it need not be exported again.
    ArrowSchema* const same_schema = nullptr;
    return Form::MakeConsuming(
        Prepare<internal::NoOut>(lance_merge_inserter_write_batch, lance_merge_inserter_write_batch_async,
                                 Nothing, handle_.get(), array.get(), same_schema),
        &array, stop);
  }

  auto Finish() const {
    return Prepare<ResultOut>(lance_merge_inserter_finish, lance_merge_inserter_finish_async, ToResult(uri_),
                              handle_.get());
  }

  template <typename Form>
  typename Form::template Of<TransactionOf<Form>> FinishUncommitted(const StopToken& stop) const {
    const auto finish = [](StagedOut& out) { return ToTransaction<Form>(out); };
    return Form::Make(
        Prepare<StagedOut>(lance_merge_inserter_finish_uncommitted,
                           lance_merge_inserter_finish_uncommitted_async, finish, handle_.get()),
        stop);
  }

  auto Abort() const {
    return Prepare<internal::NoOut>(lance_merge_inserter_abort, lance_merge_inserter_abort_async, Nothing,
                                    handle_.get());
  }

  const SchemaPtr& schema() const { return schema_; }

 private:
  const std::string uri_;
  const SchemaPtr schema_;
  const Handle handle_;
};

MergeInserter::MergeInserter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MergeInserter::~MergeInserter() = default;

arrow::Status MergeInserter::Write(const arrow::RecordBatch& batch, const StopToken& stop) {
  return impl_->Write<Waiting>(batch, stop);
}

arrow::Future<> MergeInserter::WriteAsync(const arrow::RecordBatch& batch, const StopToken& stop) {
  return impl_->Write<Starting>(batch, stop);
}

arrow::Result<MergeInsertResult> MergeInserter::Finish(const StopToken& stop) {
  return impl_->Finish().Wait(stop);
}

arrow::Future<MergeInsertResult> MergeInserter::FinishAsync(const StopToken& stop) {
  return impl_->Finish().Start(stop);
}

arrow::Result<Transaction> MergeInserter::FinishUncommitted(const StopToken& stop) {
  return impl_->FinishUncommitted<Waiting>(stop);
}

arrow::Future<std::shared_ptr<Transaction>> MergeInserter::FinishUncommittedAsync(const StopToken& stop) {
  return impl_->FinishUncommitted<Starting>(stop);
}

arrow::Status MergeInserter::Abort() { return impl_->Abort().Wait(); }

arrow::Future<> MergeInserter::AbortAsync() { return impl_->Abort().Start({}); }

const SchemaPtr& MergeInserter::schema() const { return impl_->schema(); }

arrow::Result<MergeInsertResult> Dataset::MergeInsert(const ReaderPtr& reader,
                                                      const MergeInsertOptions& options,
                                                      const StopToken& stop) const {
  return WithReader([&](GuardPtr* guard) { return Merge<Waiting>(*this, reader, options, guard, stop); });
}

arrow::Future<MergeInsertResult> Dataset::MergeInsertAsync(const ReaderPtr& reader,
                                                           const MergeInsertOptions& options,
                                                           const StopToken& stop) const {
  return WithReaderAsync<MergeInsertResult>(
      [&](GuardPtr* guard) { return Merge<Starting>(*this, reader, options, guard, stop); });
}

arrow::Result<Transaction> Dataset::MergeInsertUncommitted(const ReaderPtr& reader,
                                                           const MergeInsertOptions& options,
                                                           const StopToken& stop) const {
  return WithReader(
      [&](GuardPtr* guard) { return StageMerge<Waiting>(*this, reader, options, guard, stop); });
}

arrow::Future<std::shared_ptr<Transaction>> Dataset::MergeInsertUncommittedAsync(
    const ReaderPtr& reader, const MergeInsertOptions& options, const StopToken& stop) const {
  return WithReaderAsync<std::shared_ptr<Transaction>>(
      [&](GuardPtr* guard) { return StageMerge<Starting>(*this, reader, options, guard, stop); });
}

arrow::Result<std::string> Dataset::AnalyzeMergeInsert(const ReaderPtr& reader,
                                                       const MergeInsertOptions& options,
                                                       const StopToken& stop) const {
  return WithReader([&](GuardPtr* guard) { return Analyze<Waiting>(*this, reader, options, guard, stop); });
}

arrow::Future<std::string> Dataset::AnalyzeMergeInsertAsync(const ReaderPtr& reader,
                                                            const MergeInsertOptions& options,
                                                            const StopToken& stop) const {
  return WithReaderAsync<std::string>(
      [&](GuardPtr* guard) { return Analyze<Starting>(*this, reader, options, guard, stop); });
}

arrow::Result<std::unique_ptr<MergeInserter>> Dataset::OpenMergeInserter(const SchemaPtr& schema,
                                                                         const MergeInsertOptions& options,
                                                                         const StopToken& stop) const {
  using Ptr = std::unique_ptr<MergeInserter>;
  const auto wrap = [](auto impl) { return Ptr(new MergeInserter(std::move(impl))); };
  return MergeInserter::Impl::Open<Waiting, Ptr>(*this, schema, options, wrap, stop);
}

arrow::Future<std::shared_ptr<MergeInserter>> Dataset::OpenMergeInserterAsync(
    const SchemaPtr& schema, const MergeInsertOptions& options, const StopToken& stop) const {
  using Ptr = std::shared_ptr<MergeInserter>;
  const auto wrap = [](auto impl) { return Ptr(new MergeInserter(std::move(impl))); };
  return MergeInserter::Impl::Open<Starting, Ptr>(*this, schema, options, wrap, stop);
}

arrow::Result<std::string> Dataset::ExplainMergeInsert(const MergeInsertOptions& options,
                                                       const SchemaPtr& schema, bool verbose,
                                                       const StopToken& stop) const {
  return Explain<Waiting>(*this, schema, options, verbose, stop);
}

arrow::Future<std::string> Dataset::ExplainMergeInsertAsync(const MergeInsertOptions& options,
                                                            const SchemaPtr& schema, bool verbose,
                                                            const StopToken& stop) const {
  return Explain<Starting>(*this, schema, options, verbose, stop);
}

}  // namespace lance::inline v0
