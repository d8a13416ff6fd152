#include "lance/compact.h"

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrow/array.h"
#include "arrow/record_batch.h"
#include "arrow/scalar.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/generated/compact_internal.h"
#include "ffi/generated/maintain_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/listener_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "lance/dataset.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::BatchOut;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using Names = std::vector<std::string>;
using Progress = internal::Listener<CompactionProgress>;
using Range = std::optional<ValueRange>;
using Tasks = std::vector<CompactionTask>;

using ListOut = internal::ShellOut<internal::CStream>;
using TextOut = internal::HandleOut<internal::StringHandle>;

/// A new version, and what was compacted.
struct CompactOut {
  CompactOut() { result.struct_size = sizeof(result); }

  LanceDataset* handle = nullptr;
  LanceCompactResult result{};
  auto pointers() { return std::make_tuple(&handle, &result); }
};

extern "C" void CallCompactionProgress(void* context, const LanceCompactionProgress* progress) noexcept {
  static_cast<Progress*>(context)->Tell([&] { return internal::FromC(*progress); });
}

/// What makes a result of a new version of the dataset at `uri`.
auto Opening(const Dataset& dataset, std::shared_ptr<Progress> progress = nullptr) {
  return
      [uri = dataset.uri(), progress = std::move(progress)](CompactOut& out) -> arrow::Result<CompactResult> {
        internal::DatasetHandle handle(std::exchange(out.handle, nullptr));
        ARROW_ASSIGN_OR_RAISE(auto opened, DatasetAccess::Make(uri, std::move(handle)));
        const LanceCompactResult& c = out.result;
        return CompactResult{.dataset = std::move(opened),
                             .fragments_removed = c.fragments_removed,
                             .fragments_added = c.fragments_added,
                             .files_removed = c.files_removed,
                             .files_added = c.files_added,
                             .rows = c.rows,
                             .bytes_removed = c.bytes_removed,
                             .bytes_added = c.bytes_added};
      };
}

template <typename Form>
typename Form::template Of<CompactResult> Compacted(const Dataset& dataset, const CompactOptions& options,
                                                    const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::CompactOptionsC::Make(options));
  auto progress = internal::ListenToProgress(options.progress, CallCompactionProgress, c_options.c);
  return Form::Make(
      Prepare<CompactOut>(lance_dataset_compact, lance_dataset_compact_async,
                          Opening(dataset, std::move(progress)), DatasetAccess::Get(dataset), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<Tasks> Plan(const Dataset& dataset, const CompactOptions& options,
                                       const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CompactOptionsC::Make(options));
  const auto finish = [](ListOut& out) { return internal::DecodeCompactionTasks(&out.shell); };
  return Form::Make(Prepare<ListOut>(lance_dataset_plan_compaction, lance_dataset_plan_compaction_async,
                                     finish, DatasetAccess::Get(dataset), &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<std::string> Execute(const Dataset& dataset, const std::string& task,
                                                const ExecuteCompactionOptions& options,
                                                const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::ExecuteCompactionOptionsC::Make(options));
  auto progress = internal::ListenToProgress(options.progress, CallCompactionProgress, c_options.c);
  // The callback is called until the end.
  const auto finish = [progress = std::move(progress)](TextOut& out) -> arrow::Result<std::string> {
    return std::string(out.Take().get());
  };
  return Form::Make(
      Prepare<TextOut>(lance_dataset_execute_compaction, lance_dataset_execute_compaction_async, finish,
                       DatasetAccess::Get(dataset), internal::TextC(task), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<CompactResult> CommitResults(const Dataset& dataset, const Names& results,
                                                        const CommitCompactionOptions& options,
                                                        const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_results, internal::NamesC::Make(results, "results"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CommitCompactionOptionsC::Make(options));
  return Form::Make(
      Prepare<CompactOut>(lance_dataset_commit_compaction, lance_dataset_commit_compaction_async,
                          Opening(dataset), DatasetAccess::Get(dataset), c_results.data(), c_results.size(),
                          &c_options.c),
      stop);
}

auto Sizes(const Dataset& dataset) {
  const auto finish = [](ListOut& out) { return internal::DecodeColumnSizes(&out.shell); };
  return Prepare<ListOut>(lance_dataset_column_sizes, lance_dataset_column_sizes_async, finish,
                          DatasetAccess::Get(dataset));
}

/// The row of a batch, if it has one.
arrow::Result<Range> ToRange(BatchOut& out) {
  ARROW_ASSIGN_OR_RAISE(const auto batch, internal::ToBatch(out));
  if (batch->num_rows() == 0) return std::nullopt;
  ValueRange range;
  ARROW_ASSIGN_OR_RAISE(range.min, batch->column(0)->GetScalar(0));
  ARROW_ASSIGN_OR_RAISE(range.max, batch->column(1)->GetScalar(0));
  return range;
}

template <typename Form>
typename Form::template Of<Range> RangeOf(const Dataset& dataset, const std::string& column,
                                          const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_column, internal::ToC(column, "column"));
  return Form::Make(Prepare<BatchOut>(lance_dataset_column_range, lance_dataset_column_range_async, ToRange,
                                      DatasetAccess::Get(dataset), c_column),
                    stop);
}

}  // namespace

arrow::Result<CompactResult> Dataset::Compact(const CompactOptions& options, const StopToken& stop) const {
  return Compacted<Waiting>(*this, options, stop);
}

arrow::Future<CompactResult> Dataset::CompactAsync(const CompactOptions& options,
                                                   const StopToken& stop) const {
  return Compacted<Starting>(*this, options, stop);
}

arrow::Result<Tasks> Dataset::PlanCompaction(const CompactOptions& options, const StopToken& stop) const {
  return Plan<Waiting>(*this, options, stop);
}

arrow::Future<Tasks> Dataset::PlanCompactionAsync(const CompactOptions& options,
                                                  const StopToken& stop) const {
  return Plan<Starting>(*this, options, stop);
}

arrow::Result<std::string> Dataset::ExecuteCompaction(const std::string& task,
                                                      const ExecuteCompactionOptions& options,
                                                      const StopToken& stop) const {
  return Execute<Waiting>(*this, task, options, stop);
}

arrow::Future<std::string> Dataset::ExecuteCompactionAsync(const std::string& task,
                                                           const ExecuteCompactionOptions& options,
                                                           const StopToken& stop) const {
  return Execute<Starting>(*this, task, options, stop);
}

arrow::Result<CompactResult> Dataset::CommitCompaction(const Names& results,
                                                       const CommitCompactionOptions& options,
                                                       const StopToken& stop) const {
  return CommitResults<Waiting>(*this, results, options, stop);
}

arrow::Future<CompactResult> Dataset::CommitCompactionAsync(const Names& results,
                                                            const CommitCompactionOptions& options,
                                                            const StopToken& stop) const {
  return CommitResults<Starting>(*this, results, options, stop);
}

arrow::Result<std::vector<ColumnSize>> Dataset::ColumnSizes(const StopToken& stop) const {
  return Sizes(*this).Wait(stop);
}

arrow::Future<std::vector<ColumnSize>> Dataset::ColumnSizesAsync(const StopToken& stop) const {
  return Sizes(*this).Start(stop);
}

arrow::Result<Range> Dataset::ColumnRange(const std::string& column, const StopToken& stop) const {
  return RangeOf<Waiting>(*this, column, stop);
}

arrow::Future<Range> Dataset::ColumnRangeAsync(const std::string& column, const StopToken& stop) const {
  return RangeOf<Starting>(*this, column, stop);
}

}  // namespace lance::inline v0
