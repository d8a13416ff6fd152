/// \file transaction_internal.h
/// What a Transaction holds, how one is made of a handle, and lends it.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrow/result.h"
#include "ffi/error_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "lance/transaction.h"

namespace lance::inline v0 {

class Transaction::Impl {
 public:
  explicit Impl(internal::TransactionHandle handle) : handle_(std::move(handle)) {}

  /// Get the handle of a transaction, unless it was moved from.
  static arrow::Result<LanceTransaction*> Get(const std::unique_ptr<Impl>& impl) {
    if (impl == nullptr)
      return internal::MakeStatus(ErrorCode::kInvalidState, "the transaction was moved from");
    return impl->handle_.get();
  }

  static arrow::Result<std::vector<LanceTransaction*>> GetAll(const std::vector<Transaction>& transactions) {
    std::vector<LanceTransaction*> handles;
    handles.reserve(transactions.size());
    for (const Transaction& transaction : transactions) {
      ARROW_ASSIGN_OR_RAISE(handles.emplace_back(), Get(transaction.impl_));
    }
    return handles;
  }

 private:
  const internal::TransactionHandle handle_;
};

struct TransactionAccess {
  static Transaction Make(internal::TransactionHandle handle) {
    return Transaction(std::make_unique<Transaction::Impl>(std::move(handle)));
  }

  /// Borrow its handle, unless it was moved from.
  static arrow::Result<LanceTransaction*> Get(const Transaction& transaction) {
    return Transaction::Impl::Get(transaction.impl_);
  }

  static arrow::Result<std::vector<LanceTransaction*>> GetAll(const std::vector<Transaction>& transactions) {
    return Transaction::Impl::GetAll(transactions);
  }
};

/// What a form of a call returns of a transaction, which cannot be copied: futures have it shared.
template <typename Form>
using TransactionOf =
    std::conditional_t<std::is_same_v<Form, internal::Waiting>, Transaction, std::shared_ptr<Transaction>>;

template <typename Form>
TransactionOf<Form> WrapTransaction(internal::TransactionHandle handle) {
  Transaction made = TransactionAccess::Make(std::move(handle));
  if constexpr (std::is_same_v<Form, internal::Waiting>) {
    return made;
  } else {
    return std::make_shared<Transaction>(std::move(made));
  }
}

}  // namespace lance::inline v0
