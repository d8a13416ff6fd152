#include "lance/index.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <utility>
#include <vector>

#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/error_internal.h"
#include "ffi/generated/index_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/listener_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "ffi/owned_bytes_internal.h"
#include "lance/dataset.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using DatasetPtr = std::shared_ptr<Dataset>;
using Names = std::vector<std::string>;
using Parts = std::vector<OptimizePart>;
using Progress = internal::Listener<IndexProgress>;

using DatasetOut = internal::HandleOut<internal::DatasetHandle>;
using ListOut = internal::ShellOut<internal::CStream>;
using TextOut = internal::HandleOut<internal::StringHandle>;

extern "C" void CallIndexProgress(void* context, const LanceIndexProgress* progress) noexcept {
  static_cast<Progress*>(context)->Tell([&] { return internal::FromC(*progress); });
}

arrow::Result<std::string> ToText(TextOut& out) { return std::string(out.Take().get()); }

/// A call of one of the functions that take a column, a type and options.
///
/// \param[in] finishing makes of the listener what makes a result of an output
template <typename T, typename Out, typename Form, typename Blocking, typename Async, typename Finishing>
typename Form::template Of<T> OfColumn(Blocking* blocking, Async* async, Finishing finishing,
                                       const Dataset& dataset, const std::string& column, IndexType type,
                                       const IndexOptions& options, const StopToken& stop) {
  const Names columns = {column};
  ARROW_ASSIGN_OR_RAISE(const auto c_columns, internal::NamesC::Make(columns, "column"));
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::IndexOptionsC::Make(options));
  auto progress = internal::ListenToProgress(options.progress, CallIndexProgress, c_options.c);
  return Form::Make(
      Prepare<Out>(blocking, async, finishing(std::move(progress)), DatasetAccess::Get(dataset),
                   c_columns.data(), c_columns.size(), static_cast<LanceIndexType>(type), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> Create(const Dataset& dataset, const std::string& column,
                                              IndexType type, const IndexOptions& options,
                                              const StopToken& stop) {
  const auto finishing = [&dataset](std::shared_ptr<Progress> progress) {
    return DatasetAccess::Opening(dataset, std::move(progress));
  };
  return OfColumn<DatasetPtr, DatasetOut, Form>(lance_dataset_create_index, lance_dataset_create_index_async,
                                                finishing, dataset, column, type, options, stop);
}

template <typename Form>
typename Form::template Of<BufferPtr> Train(const Dataset& dataset, const std::string& column, IndexType type,
                                            const IndexOptions& options, const StopToken& stop) {
  const auto finishing = [](std::shared_ptr<Progress> progress) {
    return [progress = std::move(progress)](internal::BytesOut& out) -> arrow::Result<BufferPtr> {
      return out.Take();
    };
  };
  return OfColumn<BufferPtr, internal::BytesOut, Form>(lance_dataset_train_index,
                                                       lance_dataset_train_index_async, finishing, dataset,
                                                       column, type, options, stop);
}

template <typename Form>
typename Form::template Of<std::string> BuildSegment(const Dataset& dataset, const std::string& column,
                                                     IndexType type, const IndexOptions& options,
                                                     const StopToken& stop) {
  const auto finishing = [](std::shared_ptr<Progress> progress) {
    return [progress = std::move(progress)](TextOut& out) { return ToText(out); };
  };
  return OfColumn<std::string, TextOut, Form>(lance_dataset_build_index_segment,
                                              lance_dataset_build_index_segment_async, finishing, dataset,
                                              column, type, options, stop);
}

auto List(const Dataset& dataset) {
  const auto finish = [](ListOut& out) { return internal::DecodeIndexInfos(&out.shell); };
  return Prepare<ListOut>(lance_dataset_indices, lance_dataset_indices_async, finish,
                          DatasetAccess::Get(dataset));
}

auto ListSegments(const Dataset& dataset) {
  const auto finish = [](ListOut& out) { return internal::DecodeIndexSegmentInfos(&out.shell); };
  return Prepare<ListOut>(lance_dataset_index_segments, lance_dataset_index_segments_async, finish,
                          DatasetAccess::Get(dataset));
}

template <typename Form>
typename Form::template Of<std::string> StatisticsOf(const Dataset& dataset, const std::string& name,
                                                     const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  return Form::Make(Prepare<TextOut>(lance_dataset_index_statistics, lance_dataset_index_statistics_async,
                                     ToText, DatasetAccess::Get(dataset), c_name),
                    stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> Drop(const Dataset& dataset, const std::string& name,
                                            const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  return Form::Make(Prepare<DatasetOut>(lance_dataset_drop_index, lance_dataset_drop_index_async,
                                        DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), c_name),
                    stop);
}

template <typename Form>
typename Form::template Of<void> Prewarm(const Dataset& dataset, const std::string& name,
                                         const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  return Form::Make(Prepare<internal::NoOut>(lance_dataset_prewarm_index, lance_dataset_prewarm_index_async,
                                             internal::Nothing, DatasetAccess::Get(dataset), c_name),
                    stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> Optimize(const Dataset& dataset, const OptimizeIndicesOptions& options,
                                                const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::OptimizeIndicesOptionsC::Make(options));
  auto progress = internal::ListenToProgress(options.progress, CallIndexProgress, c_options.c);
  return Form::Make(Prepare<DatasetOut>(lance_dataset_optimize_indices, lance_dataset_optimize_indices_async,
                                        DatasetAccess::Opening(dataset, std::move(progress)),
                                        DatasetAccess::Get(dataset), &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<Parts> PlanParts(const Dataset& dataset, const OptimizeIndicesOptions& options,
                                            const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::OptimizeIndicesOptionsC::Make(options));
  auto progress = internal::ListenToProgress(options.progress, CallIndexProgress, c_options.c);
  // The callback is called until the end.
  const auto finish = [progress = std::move(progress)](ListOut& out) {
    return internal::DecodeOptimizeParts(&out.shell);
  };
  return Form::Make(
      Prepare<ListOut>(lance_dataset_plan_optimize_indices, lance_dataset_plan_optimize_indices_async, finish,
                       DatasetAccess::Get(dataset), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<std::string> ExecutePart(const Dataset& dataset, const std::string& part,
                                                    const Names& results, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_results, internal::NamesC::Make(results, "results"));
  return Form::Make(
      Prepare<TextOut>(lance_dataset_execute_optimize_indices, lance_dataset_execute_optimize_indices_async,
                       ToText, DatasetAccess::Get(dataset), internal::TextC(part), c_results.data(),
                       c_results.size()),
      stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> CommitParts(const Dataset& dataset, const Names& results,
                                                   const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_results, internal::NamesC::Make(results, "results"));
  return Form::Make(
      Prepare<DatasetOut>(lance_dataset_commit_optimize_indices, lance_dataset_commit_optimize_indices_async,
                          DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), c_results.data(),
                          c_results.size()),
      stop);
}

template <typename Form>
typename Form::template Of<std::string> Merge(const Dataset& dataset, const Names& segments,
                                              const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_segments, internal::NamesC::Make(segments, "segments"));
  return Form::Make(
      Prepare<TextOut>(lance_dataset_merge_index_segments, lance_dataset_merge_index_segments_async, ToText,
                       DatasetAccess::Get(dataset), c_segments.data(), c_segments.size()),
      stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> CommitSegments(const Dataset& dataset, const std::string& name,
                                                      const Names& segments, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  ARROW_ASSIGN_OR_RAISE(const auto c_segments, internal::NamesC::Make(segments, "segments"));
  return Form::Make(
      Prepare<DatasetOut>(lance_dataset_commit_index_segments, lance_dataset_commit_index_segments_async,
                          DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), c_name,
                          c_segments.data(), c_segments.size()),
      stop);
}

}  // namespace

arrow::Result<IndexType> ParseIndexType(const std::string& name) {
  std::string upper = name;
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  std::string names;
  for (int value = 1; value <= static_cast<int>(IndexType::kIvfHnswPq); ++value) {
    const auto type = static_cast<IndexType>(value);
    if (upper == IndexTypeName(type)) return type;
    names.append(names.empty() ? "" : ", ").append(IndexTypeName(type));
  }
  return internal::MakeStatus(ErrorCode::kInvalidArgument,
                              "there is no kind of index \"" + name + "\"; there are " + names);
}

arrow::Result<DatasetPtr> Dataset::CreateIndex(const std::string& column, IndexType type,
                                               const IndexOptions& options, const StopToken& stop) const {
  return Create<Waiting>(*this, column, type, options, stop);
}

arrow::Future<DatasetPtr> Dataset::CreateIndexAsync(const std::string& column, IndexType type,
                                                    const IndexOptions& options,
                                                    const StopToken& stop) const {
  return Create<Starting>(*this, column, type, options, stop);
}

arrow::Result<std::vector<IndexInfo>> Dataset::Indices(const StopToken& stop) const {
  return List(*this).Wait(stop);
}

arrow::Future<std::vector<IndexInfo>> Dataset::IndicesAsync(const StopToken& stop) const {
  return List(*this).Start(stop);
}

arrow::Result<std::vector<IndexSegmentInfo>> Dataset::IndexSegments(const StopToken& stop) const {
  return ListSegments(*this).Wait(stop);
}

arrow::Future<std::vector<IndexSegmentInfo>> Dataset::IndexSegmentsAsync(const StopToken& stop) const {
  return ListSegments(*this).Start(stop);
}

arrow::Result<std::string> Dataset::IndexStatistics(const std::string& name, const StopToken& stop) const {
  return StatisticsOf<Waiting>(*this, name, stop);
}

arrow::Future<std::string> Dataset::IndexStatisticsAsync(const std::string& name,
                                                         const StopToken& stop) const {
  return StatisticsOf<Starting>(*this, name, stop);
}

arrow::Result<DatasetPtr> Dataset::DropIndex(const std::string& name, const StopToken& stop) const {
  return Drop<Waiting>(*this, name, stop);
}

arrow::Future<DatasetPtr> Dataset::DropIndexAsync(const std::string& name, const StopToken& stop) const {
  return Drop<Starting>(*this, name, stop);
}

arrow::Status Dataset::PrewarmIndex(const std::string& name, const StopToken& stop) const {
  return Prewarm<Waiting>(*this, name, stop);
}

arrow::Future<> Dataset::PrewarmIndexAsync(const std::string& name, const StopToken& stop) const {
  return Prewarm<Starting>(*this, name, stop);
}

arrow::Result<DatasetPtr> Dataset::OptimizeIndices(const OptimizeIndicesOptions& options,
                                                   const StopToken& stop) const {
  return Optimize<Waiting>(*this, options, stop);
}

arrow::Future<DatasetPtr> Dataset::OptimizeIndicesAsync(const OptimizeIndicesOptions& options,
                                                        const StopToken& stop) const {
  return Optimize<Starting>(*this, options, stop);
}

arrow::Result<Parts> Dataset::PlanOptimizeIndices(const OptimizeIndicesOptions& options,
                                                  const StopToken& stop) const {
  return PlanParts<Waiting>(*this, options, stop);
}

arrow::Future<Parts> Dataset::PlanOptimizeIndicesAsync(const OptimizeIndicesOptions& options,
                                                       const StopToken& stop) const {
  return PlanParts<Starting>(*this, options, stop);
}

arrow::Result<std::string> Dataset::ExecuteOptimizeIndices(const std::string& part, const Names& results,
                                                           const StopToken& stop) const {
  return ExecutePart<Waiting>(*this, part, results, stop);
}

arrow::Future<std::string> Dataset::ExecuteOptimizeIndicesAsync(const std::string& part, const Names& results,
                                                                const StopToken& stop) const {
  return ExecutePart<Starting>(*this, part, results, stop);
}

arrow::Result<DatasetPtr> Dataset::CommitOptimizeIndices(const Names& results, const StopToken& stop) const {
  return CommitParts<Waiting>(*this, results, stop);
}

arrow::Future<DatasetPtr> Dataset::CommitOptimizeIndicesAsync(const Names& results,
                                                              const StopToken& stop) const {
  return CommitParts<Starting>(*this, results, stop);
}

arrow::Result<BufferPtr> Dataset::TrainIndex(const std::string& column, IndexType type,
                                             const IndexOptions& options, const StopToken& stop) const {
  return Train<Waiting>(*this, column, type, options, stop);
}

arrow::Future<BufferPtr> Dataset::TrainIndexAsync(const std::string& column, IndexType type,
                                                  const IndexOptions& options, const StopToken& stop) const {
  return Train<Starting>(*this, column, type, options, stop);
}

arrow::Result<std::string> Dataset::BuildIndexSegment(const std::string& column, IndexType type,
                                                      const IndexOptions& options,
                                                      const StopToken& stop) const {
  return BuildSegment<Waiting>(*this, column, type, options, stop);
}

arrow::Future<std::string> Dataset::BuildIndexSegmentAsync(const std::string& column, IndexType type,
                                                           const IndexOptions& options,
                                                           const StopToken& stop) const {
  return BuildSegment<Starting>(*this, column, type, options, stop);
}

arrow::Result<std::string> Dataset::MergeIndexSegments(const Names& segments, const StopToken& stop) const {
  return Merge<Waiting>(*this, segments, stop);
}

arrow::Future<std::string> Dataset::MergeIndexSegmentsAsync(const Names& segments,
                                                            const StopToken& stop) const {
  return Merge<Starting>(*this, segments, stop);
}

arrow::Result<DatasetPtr> Dataset::CommitIndexSegments(const std::string& name, const Names& segments,
                                                       const StopToken& stop) const {
  return CommitSegments<Waiting>(*this, name, segments, stop);
}

arrow::Future<DatasetPtr> Dataset::CommitIndexSegmentsAsync(const std::string& name, const Names& segments,
                                                            const StopToken& stop) const {
  return CommitSegments<Starting>(*this, name, segments, stop);
}

}  // namespace lance::inline v0
