#include "lance/fragment.h"

#include <tuple>
#include <type_traits>
#include <utility>

#include "arrow/record_batch.h"
#include "arrow/util/future.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/error_internal.h"
#include "ffi/generated/dataset_internal.h"
#include "ffi/generated/fragment_internal.h"
#include "ffi/generated/transaction_internal.h"
#include "ffi/guarded_reader_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "ffi/schema_check_internal.h"
#include "lance/dataset.h"
#include "lance/scanner.h"
#include "transaction_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using Ids = std::optional<std::vector<uint64_t>>;
using ReaderPtr = Fragment::ReaderPtr;
using TransactionPtr = std::shared_ptr<Transaction>;

using TextOut = internal::HandleOut<internal::StringHandle>;
using TransactionOut = internal::HandleOut<internal::TransactionHandle>;

arrow::Result<std::string> ToText(TextOut& out) { return std::string(out.Take().get()); }

/// Makes what is returned of a new transaction: of the two forms each has its own.
template <typename Ptr>
arrow::Result<Ptr> ToTransaction(TransactionOut& out) {
  Transaction made = TransactionAccess::Make(out.Take());
  if constexpr (std::is_same_v<Ptr, Transaction>) {
    return made;
  } else {
    return std::make_shared<Transaction>(std::move(made));
  }
}

template <typename Form, typename Ptr>
typename Form::template Of<Ptr> StageOperation(const Dataset& dataset, const std::string& operation,
                                               const StopToken& stop) {
  return Form::Make(
      Prepare<TransactionOut>(lance_dataset_stage, lance_dataset_stage_async, ToTransaction<Ptr>,
                              DatasetAccess::Get(dataset), internal::TextC(operation)),
      stop);
}

template <typename Form>
typename Form::template Of<std::string> Register(const Dataset& dataset, const std::string& name,
                                                 const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  return Form::Make(Prepare<TextOut>(lance_dataset_register_file, lance_dataset_register_file_async, ToText,
                                     DatasetAccess::Get(dataset), c_name),
                    stop);
}

template <typename Form>
typename Form::template Of<std::string> DescribeFile(const Dataset& dataset, const std::string& name,
                                                     const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  return Form::Make(Prepare<TextOut>(lance_dataset_describe_data_file, lance_dataset_describe_data_file_async,
                                     ToText, DatasetAccess::Get(dataset), c_name),
                    stop);
}

/// The version that was made, and what the commit tells.
struct CommittedOut {
  internal::HandleOut<internal::DatasetHandle> dataset;
  internal::SizedOut<LanceCommitResult> result;
  auto pointers() { return std::tuple_cat(dataset.pointers(), result.pointers()); }
};

template <typename Form>
typename Form::template Of<Committed> CommitTo(const Dataset& dataset,
                                               const std::vector<LanceTransaction*>& handles,
                                               const CommitOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CommitOptionsC::Make(options));
  const auto finish = [uri = dataset.uri()](CommittedOut& out) -> arrow::Result<Committed> {
    ARROW_ASSIGN_OR_RAISE(auto made, DatasetAccess::Make(uri, out.dataset.Take()));
    return Committed{.dataset = std::move(made), .result = internal::FromC(out.result.value)};
  };
  return Form::Make(
      Prepare<CommittedOut>(lance_dataset_commit, lance_dataset_commit_async, finish,
                            DatasetAccess::Get(dataset), handles.data(), handles.size(), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<BatchPtr> TakeIn(const Fragment& fragment, const std::vector<uint64_t>& positions,
                                            const TakeOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TakeOptionsC::Make(options));
  return Form::Make(
      Prepare<internal::BatchOut>(lance_dataset_take_in_fragment, lance_dataset_take_in_fragment_async,
                                  internal::ToBatch, DatasetAccess::Get(*fragment.dataset()), fragment.id(),
                                  positions.data(), positions.size(), &c_options.c),
      stop);
}

template <typename Form, typename Ptr>
typename Form::template Of<Ptr> DeleteIn(const Fragment& fragment, const std::string& filter,
                                         const StopToken& stop) {
  return Form::Make(
      Prepare<TransactionOut>(lance_dataset_delete_in_fragment, lance_dataset_delete_in_fragment_async,
                              ToTransaction<Ptr>, DatasetAccess::Get(*fragment.dataset()), fragment.id(),
                              internal::TextC(filter)),
      stop);
}

template <typename Form, typename Ptr>
typename Form::template Of<Ptr> DeleteAt(const Fragment& fragment, const std::vector<uint64_t>& offsets,
                                         const StopToken& stop) {
  return Form::Make(Prepare<TransactionOut>(lance_dataset_delete_offsets, lance_dataset_delete_offsets_async,
                                            ToTransaction<Ptr>, DatasetAccess::Get(*fragment.dataset()),
                                            fragment.id(), offsets.data(), offsets.size()),
                    stop);
}

template <typename Form, typename Ptr>
typename Form::template Of<Ptr> Compute(const Fragment& fragment,
                                        const std::vector<std::pair<std::string, std::string>>& expressions,
                                        const StopToken& stop) {
  const auto c_expressions = internal::ToC(expressions);
  return Form::Make(
      Prepare<TransactionOut>(lance_dataset_add_fragment_columns, lance_dataset_add_fragment_columns_async,
                              ToTransaction<Ptr>, DatasetAccess::Get(*fragment.dataset()), fragment.id(),
                              c_expressions.data(), c_expressions.size()),
      stop);
}

template <typename Form>
typename Form::template Of<std::string> ReadBack(const Dataset& dataset, uint64_t version,
                                                 const StopToken& stop) {
  return Form::Make(Prepare<TextOut>(lance_dataset_read_transaction, lance_dataset_read_transaction_async,
                                     ToText, DatasetAccess::Get(dataset), version),
                    stop);
}

/// A call of one of the functions that take values.
template <typename Form, typename Ptr, typename Blocking, typename Async, typename... Keys>
typename Form::template Of<Ptr> WithValues(Blocking* blocking, Async* async, const Fragment& fragment,
                                           const ReaderPtr& values,
                                           std::shared_ptr<internal::GuardedReader>* guard,
                                           const StopToken& stop, Keys... keys) {
  ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
  if (values == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the reader is NULL");
  *guard = std::make_shared<internal::GuardedReader>(values);
  if ((*guard)->status().ok()) ARROW_RETURN_NOT_OK(internal::CheckNames(*(*guard)->schema()));
  internal::CStream stream;
  (*guard)->Export(stream.get());
  return Form::MakeConsuming(
      Prepare<TransactionOut>(blocking, async, ToTransaction<Ptr>, DatasetAccess::Get(*fragment.dataset()),
                              fragment.id(), stream.get(), keys...),
      &stream, stop);
}

/// The same, whose failure is the reader's own, if that has one.
template <typename Blocking, typename Async, typename... Keys>
arrow::Result<Transaction> WaitWithValues(Blocking* blocking, Async* async, const Fragment& fragment,
                                          const ReaderPtr& values, const StopToken& stop, Keys... keys) {
  std::shared_ptr<internal::GuardedReader> guard;
  auto made = WithValues<Waiting, Transaction>(blocking, async, fragment, values, &guard, stop, keys...);
  if (made.ok() || guard == nullptr) return made;
  return internal::WithReaderError(made.status(), *guard);
}

template <typename Blocking, typename Async, typename... Keys>
arrow::Future<TransactionPtr> StartWithValues(Blocking* blocking, Async* async, const Fragment& fragment,
                                              const ReaderPtr& values, const StopToken& stop, Keys... keys) {
  std::shared_ptr<internal::GuardedReader> guard;
  const arrow::Future<TransactionPtr> made =
      WithValues<Starting, TransactionPtr>(blocking, async, fragment, values, &guard, stop, keys...);
  if (guard == nullptr) return made;
  return made.Then([](const TransactionPtr& transaction) { return transaction; },
                   [guard](const arrow::Status& failure) -> arrow::Result<TransactionPtr> {
                     return internal::WithReaderError(failure, *guard);
                   });
}

}  // namespace

arrow::Result<std::vector<FragmentMetadata>> Dataset::DescribeFragments(const Ids& ids) const {
  const auto c_ids = internal::SpanOf(ids);
  internal::CStream stream;
  ARROW_RETURN_NOT_OK(internal::Call(lance_dataset_fragment_metadata, DatasetAccess::Get(*this), c_ids.data(),
                                     c_ids.size(), stream.get()));
  return internal::DecodeFragmentMetadatas(&stream);
}

arrow::Result<std::vector<FieldInfo>> Dataset::Fields() const {
  internal::CStream stream;
  ARROW_RETURN_NOT_OK(internal::Call(lance_dataset_fields, DatasetAccess::Get(*this), stream.get()));
  return internal::DecodeFieldInfos(&stream);
}

arrow::Result<std::string> Dataset::ReadTransaction(uint64_t version, const StopToken& stop) const {
  return ReadBack<Waiting>(*this, version, stop);
}

arrow::Future<std::string> Dataset::ReadTransactionAsync(uint64_t version, const StopToken& stop) const {
  return ReadBack<Starting>(*this, version, stop);
}

arrow::Result<Transaction> Dataset::Stage(const std::string& operation, const StopToken& stop) const {
  return StageOperation<Waiting, Transaction>(*this, operation, stop);
}

arrow::Future<TransactionPtr> Dataset::StageAsync(const std::string& operation, const StopToken& stop) const {
  return StageOperation<Starting, TransactionPtr>(*this, operation, stop);
}

arrow::Result<std::string> Dataset::RegisterFile(const std::string& name, const StopToken& stop) const {
  return Register<Waiting>(*this, name, stop);
}

arrow::Future<std::string> Dataset::RegisterFileAsync(const std::string& name, const StopToken& stop) const {
  return Register<Starting>(*this, name, stop);
}

arrow::Result<std::string> Dataset::DescribeDataFile(const std::string& name, const StopToken& stop) const {
  return DescribeFile<Waiting>(*this, name, stop);
}

arrow::Future<std::string> Dataset::DescribeDataFileAsync(const std::string& name,
                                                          const StopToken& stop) const {
  return DescribeFile<Starting>(*this, name, stop);
}

arrow::Result<Committed> Dataset::Commit(Transaction& transaction, const CommitOptions& options,
                                         const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, TransactionAccess::Get(transaction));
  return CommitTo<Waiting>(*this, {handle}, options, stop);
}

arrow::Future<Committed> Dataset::CommitAsync(Transaction& transaction, const CommitOptions& options,
                                              const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, TransactionAccess::Get(transaction));
  return CommitTo<Starting>(*this, {handle}, options, stop);
}

arrow::Result<Committed> Dataset::Commit(std::vector<Transaction>& transactions, const CommitOptions& options,
                                         const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(const auto handles, TransactionAccess::GetAll(transactions));
  return CommitTo<Waiting>(*this, handles, options, stop);
}

arrow::Future<Committed> Dataset::CommitAsync(std::vector<Transaction>& transactions,
                                              const CommitOptions& options, const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(const auto handles, TransactionAccess::GetAll(transactions));
  return CommitTo<Starting>(*this, handles, options, stop);
}

Fragment::Fragment(std::shared_ptr<const Dataset> dataset, FragmentMetadata metadata)
    : dataset_(std::move(dataset)), metadata_(std::move(metadata)) {}

arrow::Result<Fragment> Fragment::Get(std::shared_ptr<const Dataset> dataset, uint64_t id) {
  ARROW_ASSIGN_OR_RAISE(auto described, dataset->DescribeFragments(std::vector{id}));
  return Fragment(std::move(dataset), std::move(described.front()));
}

arrow::Result<std::vector<Fragment>> Fragment::All(const std::shared_ptr<const Dataset>& dataset) {
  ARROW_ASSIGN_OR_RAISE(auto described, dataset->DescribeFragments());
  std::vector<Fragment> fragments;
  fragments.reserve(described.size());
  for (FragmentMetadata& metadata : described) fragments.push_back(Fragment(dataset, std::move(metadata)));
  return fragments;
}

arrow::Result<std::shared_ptr<Scanner>> Fragment::Scan(ScanOptions options, const StopToken& stop) const {
  options.fragments = {id()};
  return dataset_->Scan(options, stop);
}

arrow::Result<BatchPtr> Fragment::Take(const std::vector<uint64_t>& positions, const TakeOptions& options,
                                       const StopToken& stop) const {
  return TakeIn<Waiting>(*this, positions, options, stop);
}

arrow::Future<BatchPtr> Fragment::TakeAsync(const std::vector<uint64_t>& positions,
                                            const TakeOptions& options, const StopToken& stop) const {
  return TakeIn<Starting>(*this, positions, options, stop);
}

arrow::Result<Transaction> Fragment::Delete(const std::string& filter, const StopToken& stop) const {
  return DeleteIn<Waiting, Transaction>(*this, filter, stop);
}

arrow::Future<TransactionPtr> Fragment::DeleteAsync(const std::string& filter, const StopToken& stop) const {
  return DeleteIn<Starting, TransactionPtr>(*this, filter, stop);
}

arrow::Result<Transaction> Fragment::DeleteOffsets(const std::vector<uint64_t>& offsets,
                                                   const StopToken& stop) const {
  return DeleteAt<Waiting, Transaction>(*this, offsets, stop);
}

arrow::Future<TransactionPtr> Fragment::DeleteOffsetsAsync(const std::vector<uint64_t>& offsets,
                                                           const StopToken& stop) const {
  return DeleteAt<Starting, TransactionPtr>(*this, offsets, stop);
}

arrow::Result<Transaction> Fragment::WriteColumns(const ReaderPtr& values, const StopToken& stop) const {
  return WaitWithValues(lance_dataset_write_fragment_columns, lance_dataset_write_fragment_columns_async,
                        *this, values, stop);
}

arrow::Future<TransactionPtr> Fragment::WriteColumnsAsync(const ReaderPtr& values,
                                                          const StopToken& stop) const {
  return StartWithValues(lance_dataset_write_fragment_columns, lance_dataset_write_fragment_columns_async,
                         *this, values, stop);
}

arrow::Result<Transaction> Fragment::MergeColumns(const ReaderPtr& values, const std::string& left_on,
                                                  const std::string& right_on, const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(const char* c_left, internal::ToC(left_on, "left_on"));
  ARROW_ASSIGN_OR_RAISE(const char* c_right, internal::ToC(right_on, "right_on"));
  return WaitWithValues(lance_dataset_merge_fragment_columns, lance_dataset_merge_fragment_columns_async,
                        *this, values, stop, c_left, c_right);
}

arrow::Future<TransactionPtr> Fragment::MergeColumnsAsync(const ReaderPtr& values, const std::string& left_on,
                                                          const std::string& right_on,
                                                          const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(const char* c_left, internal::ToC(left_on, "left_on"));
  ARROW_ASSIGN_OR_RAISE(const char* c_right, internal::ToC(right_on, "right_on"));
  return StartWithValues(lance_dataset_merge_fragment_columns, lance_dataset_merge_fragment_columns_async,
                         *this, values, stop, c_left, c_right);
}

arrow::Result<Transaction> Fragment::AddColumns(
    const std::vector<std::pair<std::string, std::string>>& expressions, const StopToken& stop) const {
  return Compute<Waiting, Transaction>(*this, expressions, stop);
}

arrow::Future<TransactionPtr> Fragment::AddColumnsAsync(
    const std::vector<std::pair<std::string, std::string>>& expressions, const StopToken& stop) const {
  return Compute<Starting, TransactionPtr>(*this, expressions, stop);
}

arrow::Result<Transaction> Fragment::UpdateColumns(const ReaderPtr& values, const std::string& left_on,
                                                   const std::string& right_on, const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(const char* c_left, internal::ToC(left_on, "left_on"));
  ARROW_ASSIGN_OR_RAISE(const char* c_right, internal::ToC(right_on, "right_on"));
  return WaitWithValues(lance_dataset_update_fragment_columns, lance_dataset_update_fragment_columns_async,
                        *this, values, stop, c_left, c_right);
}

arrow::Future<TransactionPtr> Fragment::UpdateColumnsAsync(const ReaderPtr& values,
                                                           const std::string& left_on,
                                                           const std::string& right_on,
                                                           const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(const char* c_left, internal::ToC(left_on, "left_on"));
  ARROW_ASSIGN_OR_RAISE(const char* c_right, internal::ToC(right_on, "right_on"));
  return StartWithValues(lance_dataset_update_fragment_columns, lance_dataset_update_fragment_columns_async,
                         *this, values, stop, c_left, c_right);
}

}  // namespace lance::inline v0
