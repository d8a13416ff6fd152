#include "lance/transaction.h"

#include "ffi/call_internal.h"
#include "ffi/generated/transaction_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "transaction_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Starting;
using internal::Waiting;

template <typename Form>
typename Form::template Of<CommitResult> CommitHandles(const std::vector<LanceTransaction*>& handles,
                                                       const StopToken& stop) {
  using Out = internal::SizedOut<LanceCommitResult>;
  const auto finish = [](Out& out) -> arrow::Result<CommitResult> { return internal::FromC(out.value); };
  return Form::Make(internal::Prepare<Out>(lance_transaction_commit, lance_transaction_commit_async, finish,
                                           handles.data(), handles.size()),
                    stop);
}

template <typename Form>
typename Form::template Of<CommitResult> CommitHandles(const std::vector<LanceTransaction*>& handles,
                                                       const CommitOptions& options, const StopToken& stop) {
  using Out = internal::SizedOut<LanceCommitResult>;
  const auto finish = [](Out& out) -> arrow::Result<CommitResult> { return internal::FromC(out.value); };
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CommitOptionsC::Make(options));
  return Form::Make(internal::Prepare<Out>(lance_transaction_commit_with, lance_transaction_commit_with_async,
                                           finish, handles.data(), handles.size(), &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<void> DiscardHandle(LanceTransaction* handle, const StopToken& stop) {
  return Form::Make(
      internal::Prepare<internal::NoOut>(lance_transaction_discard, lance_transaction_discard_async,
                                         internal::Nothing, handle),
      stop);
}

}  // namespace

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::~Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;

arrow::Result<CommitResult> Transaction::Commit(const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return CommitHandles<Waiting>({handle}, stop);
}

arrow::Future<CommitResult> Transaction::CommitAsync(const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return CommitHandles<Starting>({handle}, stop);
}

arrow::Result<CommitResult> Transaction::Commit(const CommitOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return CommitHandles<Waiting>({handle}, options, stop);
}

arrow::Future<CommitResult> Transaction::CommitAsync(const CommitOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return CommitHandles<Starting>({handle}, options, stop);
}

arrow::Result<CommitResult> Transaction::CommitAll(std::vector<Transaction>& transactions,
                                                   const CommitOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto handles, Impl::GetAll(transactions));
  return CommitHandles<Waiting>(handles, options, stop);
}

arrow::Future<CommitResult> Transaction::CommitAllAsync(std::vector<Transaction>& transactions,
                                                        const CommitOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto handles, Impl::GetAll(transactions));
  return CommitHandles<Starting>(handles, options, stop);
}

arrow::Result<CommitResult> Transaction::CommitAll(std::vector<Transaction>& transactions,
                                                   const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto handles, Impl::GetAll(transactions));
  return CommitHandles<Waiting>(handles, stop);
}

arrow::Future<CommitResult> Transaction::CommitAllAsync(std::vector<Transaction>& transactions,
                                                        const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto handles, Impl::GetAll(transactions));
  return CommitHandles<Starting>(handles, stop);
}

arrow::Status Transaction::Discard(const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return DiscardHandle<Waiting>(handle, stop);
}

arrow::Future<> Transaction::DiscardAsync(const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return DiscardHandle<Starting>(handle, stop);
}

arrow::Result<std::string> Transaction::ToJson() const {
  ARROW_ASSIGN_OR_RAISE(const LanceTransaction* handle, Impl::Get(impl_));
  ARROW_ASSIGN_OR_RAISE(const auto json,
                        internal::CallForHandle<internal::StringHandle>(lance_transaction_to_json, handle));
  return std::string(json.get());
}

arrow::Result<Transaction> Transaction::FromJson(const std::string& json, const StorageOptions& storage) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  const auto c_storage = internal::ToC(storage.map());
  ARROW_ASSIGN_OR_RAISE(auto handle, internal::CallForHandle<internal::TransactionHandle>(
                                         lance_transaction_from_json, internal::TextC(json), c_storage.data(),
                                         c_storage.size()));
  return Transaction(std::make_unique<Impl>(std::move(handle)));
}

}  // namespace lance::inline v0
