// Versions: checked out, restored, tagged, branched, cloned, compared.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/refs_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "ffi/stream_reader_internal.h"
#include "lance/dataset.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using DatasetPtr = std::shared_ptr<Dataset>;
using Pairs = std::map<std::string, std::string>;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

using DatasetOut = internal::HandleOut<internal::DatasetHandle>;
using StreamOut = internal::ShellOut<internal::CStream>;

/// Open what may be at another place than the dataset that it was reached from.
arrow::Result<DatasetPtr> Reach(DatasetOut& out) {
  auto handle = out.Take();
  ARROW_ASSIGN_OR_RAISE(const auto uri,
                        internal::CallForHandle<internal::StringHandle>(lance_dataset_uri, handle.get()));
  return DatasetAccess::Make(uri.get(), std::move(handle));
}

template <typename Form>
typename Form::template Of<DatasetPtr> CheckOut(const Dataset& dataset, const CheckoutOptions& options,
                                                const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CheckoutOptionsC::Make(options));
  return Form::Make(Prepare<DatasetOut>(lance_dataset_checkout, lance_dataset_checkout_async, Reach,
                                        DatasetAccess::Get(dataset), &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> RestoreVersion(const Dataset& dataset, const RestoreOptions& options,
                                                      const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::RestoreOptionsC::Make(options));
  return Form::Make(
      Prepare<DatasetOut>(lance_dataset_restore, lance_dataset_restore_async, DatasetAccess::Opening(dataset),
                          DatasetAccess::Get(dataset), &c_options.c),
      stop);
}

auto ListTags(const Dataset& dataset) {
  const auto finish = [](StreamOut& out) { return internal::DecodeTagInfos(&out.shell); };
  return Prepare<StreamOut>(lance_dataset_tags, lance_dataset_tags_async, finish,
                            DatasetAccess::Get(dataset));
}

auto ListBranches(const Dataset& dataset) {
  const auto finish = [](StreamOut& out) { return internal::DecodeBranchInfos(&out.shell); };
  return Prepare<StreamOut>(lance_dataset_branches, lance_dataset_branches_async, finish,
                            DatasetAccess::Get(dataset));
}

auto ListTransactions(const Dataset& dataset, const std::optional<uint64_t>& limit) {
  const auto finish = [](StreamOut& out) { return internal::DecodeTransactionInfos(&out.shell); };
  return Prepare<StreamOut>(lance_dataset_transactions, lance_dataset_transactions_async, finish,
                            DatasetAccess::Get(dataset), internal::ToC(limit, LANCE_UNSET_U64));
}

template <typename Form>
typename Form::template Of<void> MakeTag(const Dataset& dataset, const std::string& name,
                                         const TagOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TagOptionsC::Make(options));
  return Form::Make(
      Prepare<internal::NoOut>(lance_dataset_create_tag, lance_dataset_create_tag_async, internal::Nothing,
                               DatasetAccess::Get(dataset), c_name, &c_options.c),
      stop);
}

/// The functions are those of one thing that is done with a name.
template <typename Form>
typename Form::template Of<void> WithName(decltype(lance_dataset_delete_tag)* blocking,
                                          decltype(lance_dataset_delete_tag_async)* async,
                                          const Dataset& dataset, const std::string& name,
                                          const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  return Form::Make(
      Prepare<internal::NoOut>(blocking, async, internal::Nothing, DatasetAccess::Get(dataset), c_name),
      stop);
}

/// The functions are those of tags or of branches.
template <typename Form>
typename Form::template Of<void> ReplaceMetadata(decltype(lance_dataset_replace_tag_metadata)* blocking,
                                                 decltype(lance_dataset_replace_tag_metadata_async)* async,
                                                 const Dataset& dataset, const std::string& name,
                                                 const Pairs& metadata, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  const auto c_metadata = internal::ToC(metadata);
  return Form::Make(Prepare<internal::NoOut>(blocking, async, internal::Nothing, DatasetAccess::Get(dataset),
                                             c_name, c_metadata.data(), c_metadata.size()),
                    stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> MakeBranch(const Dataset& dataset, const std::string& name,
                                                  const BranchOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::BranchOptionsC::Make(options));
  return Form::Make(Prepare<DatasetOut>(lance_dataset_create_branch, lance_dataset_create_branch_async, Reach,
                                        DatasetAccess::Get(dataset), c_name, &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<void> RemoveBranch(const Dataset& dataset, const std::string& name, bool force,
                                              const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  return Form::Make(Prepare<internal::NoOut>(lance_dataset_delete_branch, lance_dataset_delete_branch_async,
                                             internal::Nothing, DatasetAccess::Get(dataset), c_name,
                                             static_cast<int32_t>(force)),
                    stop);
}

/// The functions are those of one of the two kinds of clones.
template <typename Form>
typename Form::template Of<DatasetPtr> MakeClone(decltype(lance_dataset_deep_clone)* blocking,
                                                 decltype(lance_dataset_deep_clone_async)* async,
                                                 const Dataset& dataset, const std::string& uri,
                                                 const CloneOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CloneOptionsC::Make(options));
  const auto finish = [uri](DatasetOut& out) { return DatasetAccess::Make(uri, out.Take()); };
  return Form::Make(
      Prepare<DatasetOut>(blocking, async, finish, DatasetAccess::Get(dataset), c_uri, &c_options.c), stop);
}

template <typename Form>
typename Form::template Of<ReaderPtr> ReadDelta(const Dataset& dataset, const DeltaOptions& options,
                                                const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::DeltaOptionsC::Make(options));
  const auto finish = [](StreamOut& out) { return internal::StreamReader::Make(&out.shell); };
  return Form::Make(Prepare<StreamOut>(lance_dataset_delta, lance_dataset_delta_async, finish,
                                       DatasetAccess::Get(dataset), &c_options.c),
                    stop);
}

}  // namespace

arrow::Result<DatasetPtr> Dataset::Checkout(const CheckoutOptions& options, const StopToken& stop) const {
  return CheckOut<Waiting>(*this, options, stop);
}

arrow::Future<DatasetPtr> Dataset::CheckoutAsync(const CheckoutOptions& options,
                                                 const StopToken& stop) const {
  return CheckOut<Starting>(*this, options, stop);
}

arrow::Result<DatasetPtr> Dataset::Restore(const RestoreOptions& options, const StopToken& stop) const {
  return RestoreVersion<Waiting>(*this, options, stop);
}

arrow::Future<DatasetPtr> Dataset::RestoreAsync(const RestoreOptions& options, const StopToken& stop) const {
  return RestoreVersion<Starting>(*this, options, stop);
}

arrow::Result<std::vector<TagInfo>> Dataset::Tags(const StopToken& stop) const {
  return ListTags(*this).Wait(stop);
}

arrow::Future<std::vector<TagInfo>> Dataset::TagsAsync(const StopToken& stop) const {
  return ListTags(*this).Start(stop);
}

arrow::Status Dataset::CreateTag(const std::string& name, const TagOptions& options,
                                 const StopToken& stop) const {
  return MakeTag<Waiting>(*this, name, options, stop);
}

arrow::Future<> Dataset::CreateTagAsync(const std::string& name, const TagOptions& options,
                                        const StopToken& stop) const {
  return MakeTag<Starting>(*this, name, options, stop);
}

arrow::Status Dataset::UpdateTag(const std::string& name, const StopToken& stop) const {
  return WithName<Waiting>(lance_dataset_update_tag, lance_dataset_update_tag_async, *this, name, stop);
}

arrow::Future<> Dataset::UpdateTagAsync(const std::string& name, const StopToken& stop) const {
  return WithName<Starting>(lance_dataset_update_tag, lance_dataset_update_tag_async, *this, name, stop);
}

arrow::Status Dataset::ReplaceTagMetadata(const std::string& name, const Pairs& metadata,
                                          const StopToken& stop) const {
  return ReplaceMetadata<Waiting>(lance_dataset_replace_tag_metadata,
                                  lance_dataset_replace_tag_metadata_async, *this, name, metadata, stop);
}

arrow::Future<> Dataset::ReplaceTagMetadataAsync(const std::string& name, const Pairs& metadata,
                                                 const StopToken& stop) const {
  return ReplaceMetadata<Starting>(lance_dataset_replace_tag_metadata,
                                   lance_dataset_replace_tag_metadata_async, *this, name, metadata, stop);
}

arrow::Status Dataset::DeleteTag(const std::string& name, const StopToken& stop) const {
  return WithName<Waiting>(lance_dataset_delete_tag, lance_dataset_delete_tag_async, *this, name, stop);
}

arrow::Future<> Dataset::DeleteTagAsync(const std::string& name, const StopToken& stop) const {
  return WithName<Starting>(lance_dataset_delete_tag, lance_dataset_delete_tag_async, *this, name, stop);
}

arrow::Result<std::vector<BranchInfo>> Dataset::Branches(const StopToken& stop) const {
  return ListBranches(*this).Wait(stop);
}

arrow::Future<std::vector<BranchInfo>> Dataset::BranchesAsync(const StopToken& stop) const {
  return ListBranches(*this).Start(stop);
}

arrow::Result<DatasetPtr> Dataset::CreateBranch(const std::string& name, const BranchOptions& options,
                                                const StopToken& stop) const {
  return MakeBranch<Waiting>(*this, name, options, stop);
}

arrow::Future<DatasetPtr> Dataset::CreateBranchAsync(const std::string& name, const BranchOptions& options,
                                                     const StopToken& stop) const {
  return MakeBranch<Starting>(*this, name, options, stop);
}

arrow::Status Dataset::ReplaceBranchMetadata(const std::string& name, const Pairs& metadata,
                                             const StopToken& stop) const {
  return ReplaceMetadata<Waiting>(lance_dataset_replace_branch_metadata,
                                  lance_dataset_replace_branch_metadata_async, *this, name, metadata, stop);
}

arrow::Future<> Dataset::ReplaceBranchMetadataAsync(const std::string& name, const Pairs& metadata,
                                                    const StopToken& stop) const {
  return ReplaceMetadata<Starting>(lance_dataset_replace_branch_metadata,
                                   lance_dataset_replace_branch_metadata_async, *this, name, metadata, stop);
}

arrow::Status Dataset::DeleteBranch(const std::string& name, bool force, const StopToken& stop) const {
  return RemoveBranch<Waiting>(*this, name, force, stop);
}

arrow::Future<> Dataset::DeleteBranchAsync(const std::string& name, bool force, const StopToken& stop) const {
  return RemoveBranch<Starting>(*this, name, force, stop);
}

arrow::Result<DatasetPtr> Dataset::ShallowClone(const std::string& uri, const CloneOptions& options,
                                                const StopToken& stop) const {
  return MakeClone<Waiting>(lance_dataset_shallow_clone, lance_dataset_shallow_clone_async, *this, uri,
                            options, stop);
}

arrow::Future<DatasetPtr> Dataset::ShallowCloneAsync(const std::string& uri, const CloneOptions& options,
                                                     const StopToken& stop) const {
  return MakeClone<Starting>(lance_dataset_shallow_clone, lance_dataset_shallow_clone_async, *this, uri,
                             options, stop);
}

arrow::Result<DatasetPtr> Dataset::DeepClone(const std::string& uri, const CloneOptions& options,
                                             const StopToken& stop) const {
  return MakeClone<Waiting>(lance_dataset_deep_clone, lance_dataset_deep_clone_async, *this, uri, options,
                            stop);
}

arrow::Future<DatasetPtr> Dataset::DeepCloneAsync(const std::string& uri, const CloneOptions& options,
                                                  const StopToken& stop) const {
  return MakeClone<Starting>(lance_dataset_deep_clone, lance_dataset_deep_clone_async, *this, uri, options,
                             stop);
}

arrow::Result<ReaderPtr> Dataset::Delta(const DeltaOptions& options, const StopToken& stop) const {
  return ReadDelta<Waiting>(*this, options, stop);
}

arrow::Future<ReaderPtr> Dataset::DeltaAsync(const DeltaOptions& options, const StopToken& stop) const {
  return ReadDelta<Starting>(*this, options, stop);
}

arrow::Result<std::vector<TransactionInfo>> Dataset::Transactions(std::optional<uint64_t> limit,
                                                                  const StopToken& stop) const {
  return ListTransactions(*this, limit).Wait(stop);
}

arrow::Future<std::vector<TransactionInfo>> Dataset::TransactionsAsync(std::optional<uint64_t> limit,
                                                                       const StopToken& stop) const {
  return ListTransactions(*this, limit).Start(stop);
}

}  // namespace lance::inline v0
