#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "dataset_internal.h"
#include "ffi/generated/mutate_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "lance/dataset.h"
#include "lance/mutation.h"
#include "lance/transaction.h"
#include "transaction_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using Assignments = std::vector<std::pair<std::string, std::string>>;
using Rows = std::vector<uint64_t>;

/// A new version, and what was done.
template <typename CResult>
struct VersionOut {
  internal::HandleOut<internal::DatasetHandle> version;
  internal::SizedOut<CResult> done;
  auto pointers() { return std::tuple_cat(version.pointers(), done.pointers()); }
};

using DeleteOut = VersionOut<LanceDeleteResult>;
using UpdateOut = VersionOut<LanceUpdateResult>;

/// A transaction; how many rows it is about is not told.
struct StagedOut {
  internal::HandleOut<internal::TransactionHandle> transaction;
  auto pointers() { return std::tuple_cat(transaction.pointers(), std::make_tuple(nullptr)); }
};

template <typename Form>
arrow::Result<TransactionOf<Form>> ToTransaction(StagedOut& out) {
  return WrapTransaction<Form>(out.transaction.Take());
}

auto Deleted(const Dataset& dataset) {
  return [uri = dataset.uri()](DeleteOut& out) -> arrow::Result<DeleteResult> {
    ARROW_ASSIGN_OR_RAISE(auto version, DatasetAccess::Make(uri, out.version.Take()));
    return DeleteResult{.dataset = std::move(version), .deleted_rows = out.done.value.deleted_rows};
  };
}

auto Updated(const Dataset& dataset) {
  return [uri = dataset.uri()](UpdateOut& out) -> arrow::Result<UpdateResult> {
    ARROW_ASSIGN_OR_RAISE(auto version, DatasetAccess::Make(uri, out.version.Take()));
    return UpdateResult{.dataset = std::move(version), .updated_rows = out.done.value.updated_rows};
  };
}

template <typename Form>
typename Form::template Of<DeleteResult> DeletePassing(const Dataset& dataset,
                                                       const std::optional<std::string>& filter,
                                                       const DeleteOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::DeleteOptionsC::Make(options));
  return Form::Make(Prepare<DeleteOut>(lance_dataset_delete, lance_dataset_delete_async, Deleted(dataset),
                                       DatasetAccess::Get(dataset), internal::TextC(filter), &c_options.c),
                    stop);
}

/// A call of one of the functions that take a list of rows.
template <typename Form, typename Blocking, typename Async>
typename Form::template Of<DeleteResult> DeleteListed(Blocking* blocking, Async* async,
                                                      const Dataset& dataset, const Rows& rows,
                                                      const DeleteOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::DeleteOptionsC::Make(options));
  return Form::Make(Prepare<DeleteOut>(blocking, async, Deleted(dataset), DatasetAccess::Get(dataset),
                                       rows.data(), rows.size(), &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<DeleteResult> DeleteAll(const Dataset& dataset, const DeleteOptions& options,
                                                   const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::DeleteOptionsC::Make(options));
  return Form::Make(Prepare<DeleteOut>(lance_dataset_truncate, lance_dataset_truncate_async, Deleted(dataset),
                                       DatasetAccess::Get(dataset), &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<TransactionOf<Form>> StageDelete(const Dataset& dataset,
                                                            const std::optional<std::string>& filter,
                                                            const DeleteOptions& options,
                                                            const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::DeleteOptionsC::Make(options));
  return Form::Make(Prepare<StagedOut>(lance_dataset_delete_uncommitted,
                                       lance_dataset_delete_uncommitted_async, ToTransaction<Form>,
                                       DatasetAccess::Get(dataset), internal::TextC(filter), &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<TransactionOf<Form>> StageDeleteRowIds(const Dataset& dataset, const Rows& row_ids,
                                                                  const DeleteOptions& options,
                                                                  const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::DeleteOptionsC::Make(options));
  return Form::Make(
      Prepare<StagedOut>(lance_dataset_delete_row_ids_uncommitted,
                         lance_dataset_delete_row_ids_uncommitted_async, ToTransaction<Form>,
                         DatasetAccess::Get(dataset), row_ids.data(), row_ids.size(), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<TransactionOf<Form>> StageUpdate(const Dataset& dataset,
                                                            const Assignments& assignments,
                                                            const UpdateOptions& options,
                                                            const StopToken& stop) {
  const auto c_assignments = internal::ToC(assignments);
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::UpdateOptionsC::Make(options));
  return Form::Make(
      Prepare<StagedOut>(lance_dataset_update_uncommitted, lance_dataset_update_uncommitted_async,
                         ToTransaction<Form>, DatasetAccess::Get(dataset), c_assignments.data(),
                         c_assignments.size(), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<UpdateResult> UpdatePassing(const Dataset& dataset, const Assignments& assignments,
                                                       const UpdateOptions& options, const StopToken& stop) {
  const auto c_assignments = internal::ToC(assignments);
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::UpdateOptionsC::Make(options));
  return Form::Make(Prepare<UpdateOut>(lance_dataset_update, lance_dataset_update_async, Updated(dataset),
                                       DatasetAccess::Get(dataset), c_assignments.data(),
                                       c_assignments.size(), &c_options.c),
                    stop);
}

}  // namespace

arrow::Result<DeleteResult> Dataset::Delete(const std::optional<std::string>& filter,
                                            const DeleteOptions& options, const StopToken& stop) const {
  return DeletePassing<Waiting>(*this, filter, options, stop);
}

arrow::Future<DeleteResult> Dataset::DeleteAsync(const std::optional<std::string>& filter,
                                                 const DeleteOptions& options, const StopToken& stop) const {
  return DeletePassing<Starting>(*this, filter, options, stop);
}

arrow::Result<DeleteResult> Dataset::DeleteRowIds(const Rows& row_ids, const DeleteOptions& options,
                                                  const StopToken& stop) const {
  return DeleteListed<Waiting>(lance_dataset_delete_row_ids, lance_dataset_delete_row_ids_async, *this,
                               row_ids, options, stop);
}

arrow::Future<DeleteResult> Dataset::DeleteRowIdsAsync(const Rows& row_ids, const DeleteOptions& options,
                                                       const StopToken& stop) const {
  return DeleteListed<Starting>(lance_dataset_delete_row_ids, lance_dataset_delete_row_ids_async, *this,
                                row_ids, options, stop);
}

arrow::Result<DeleteResult> Dataset::DeleteAddresses(const Rows& addresses, const DeleteOptions& options,
                                                     const StopToken& stop) const {
  return DeleteListed<Waiting>(lance_dataset_delete_addresses, lance_dataset_delete_addresses_async, *this,
                               addresses, options, stop);
}

arrow::Future<DeleteResult> Dataset::DeleteAddressesAsync(const Rows& addresses, const DeleteOptions& options,
                                                          const StopToken& stop) const {
  return DeleteListed<Starting>(lance_dataset_delete_addresses, lance_dataset_delete_addresses_async, *this,
                                addresses, options, stop);
}

arrow::Result<DeleteResult> Dataset::Truncate(const DeleteOptions& options, const StopToken& stop) const {
  return DeleteAll<Waiting>(*this, options, stop);
}

arrow::Future<DeleteResult> Dataset::TruncateAsync(const DeleteOptions& options,
                                                   const StopToken& stop) const {
  return DeleteAll<Starting>(*this, options, stop);
}

arrow::Result<UpdateResult> Dataset::Update(const Assignments& assignments, const UpdateOptions& options,
                                            const StopToken& stop) const {
  return UpdatePassing<Waiting>(*this, assignments, options, stop);
}

arrow::Future<UpdateResult> Dataset::UpdateAsync(const Assignments& assignments, const UpdateOptions& options,
                                                 const StopToken& stop) const {
  return UpdatePassing<Starting>(*this, assignments, options, stop);
}

arrow::Result<Transaction> Dataset::DeleteUncommitted(const std::optional<std::string>& filter,
                                                      const DeleteOptions& options,
                                                      const StopToken& stop) const {
  return StageDelete<Waiting>(*this, filter, options, stop);
}

arrow::Future<std::shared_ptr<Transaction>> Dataset::DeleteUncommittedAsync(
    const std::optional<std::string>& filter, const DeleteOptions& options, const StopToken& stop) const {
  return StageDelete<Starting>(*this, filter, options, stop);
}

arrow::Result<Transaction> Dataset::DeleteRowIdsUncommitted(const Rows& row_ids, const DeleteOptions& options,
                                                            const StopToken& stop) const {
  return StageDeleteRowIds<Waiting>(*this, row_ids, options, stop);
}

arrow::Future<std::shared_ptr<Transaction>> Dataset::DeleteRowIdsUncommittedAsync(
    const Rows& row_ids, const DeleteOptions& options, const StopToken& stop) const {
  return StageDeleteRowIds<Starting>(*this, row_ids, options, stop);
}

arrow::Result<Transaction> Dataset::UpdateUncommitted(const Assignments& assignments,
                                                      const UpdateOptions& options,
                                                      const StopToken& stop) const {
  return StageUpdate<Waiting>(*this, assignments, options, stop);
}

arrow::Future<std::shared_ptr<Transaction>> Dataset::UpdateUncommittedAsync(const Assignments& assignments,
                                                                            const UpdateOptions& options,
                                                                            const StopToken& stop) const {
  return StageUpdate<Starting>(*this, assignments, options, stop);
}

}  // namespace lance::inline v0
