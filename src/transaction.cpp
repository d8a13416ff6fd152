#include "lance/transaction.h"

#include "ffi/call_internal.h"
#include "ffi/options_internal.h"
#include "transaction_internal.h"

namespace lance::inline v0 {
namespace {

arrow::Result<CommitResult> CommitHandles(const std::vector<LanceTransaction*>& handles) {
  LanceCommitResult result = LANCE_COMMIT_RESULT_INIT;
  ARROW_RETURN_NOT_OK(internal::Call(lance_transaction_commit, handles.data(), handles.size(), &result));
  return CommitResult{.version = result.version};
}

}  // namespace

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::~Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;

arrow::Result<CommitResult> Transaction::Commit() {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return CommitHandles({handle});
}

arrow::Result<CommitResult> Transaction::CommitAll(std::vector<Transaction>& transactions) {
  std::vector<LanceTransaction*> handles;
  handles.reserve(transactions.size());
  for (const Transaction& transaction : transactions) {
    ARROW_ASSIGN_OR_RAISE(handles.emplace_back(), Impl::Get(transaction.impl_));
  }
  return CommitHandles(handles);
}

arrow::Status Transaction::Discard() {
  ARROW_ASSIGN_OR_RAISE(LanceTransaction * handle, Impl::Get(impl_));
  return internal::Call(lance_transaction_discard, handle);
}

arrow::Result<std::string> Transaction::ToJson() const {
  ARROW_ASSIGN_OR_RAISE(const LanceTransaction* handle, Impl::Get(impl_));
  ARROW_ASSIGN_OR_RAISE(const auto json,
                        internal::CallForHandle<internal::StringHandle>(lance_transaction_to_json, handle));
  return std::string(json.get());
}

arrow::Result<Transaction> Transaction::FromJson(const std::string& json, const StorageOptions& storage) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_json, internal::ToC(json, "JSON"));
  ARROW_ASSIGN_OR_RAISE(const auto c_storage, internal::ToC(storage.map(), "storage option"));
  ARROW_ASSIGN_OR_RAISE(
      auto handle, internal::CallForHandle<internal::TransactionHandle>(lance_transaction_from_json, c_json,
                                                                        c_storage.data(), c_storage.size()));
  return Transaction(std::make_unique<Impl>(std::move(handle)));
}

}  // namespace lance::inline v0
