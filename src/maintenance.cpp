#include "lance/maintenance.h"

#include <memory>
#include <tuple>
#include <utility>

#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/maintain_internal.h"
#include "ffi/listener_internal.h"
#include "ffi/operation_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::CStream;
using internal::Starting;
using internal::Waiting;
using Progress = internal::Listener<CheckProgress>;

extern "C" void CallCheckProgress(void* context, const LanceCheckProgress* progress) noexcept {
  static_cast<Progress*>(context)->Tell([&] { return internal::FromC(*progress); });
}

/// The totals of a check, and what is wrong.
struct CheckOut {
  CheckOut() { summary.struct_size = sizeof(summary); }

  LanceCheckSummary summary{};
  CStream problems;
  auto pointers() { return std::make_tuple(&summary, problems.get()); }
};

arrow::Result<CheckReport> ToReport(CheckOut& out) {
  ARROW_ASSIGN_OR_RAISE(auto problems, internal::DecodeProblems(&out.problems));
  const LanceCheckSummary& c = out.summary;
  return CheckReport{
      .problems = std::move(problems),
      .manifests = c.manifests,
      .versions = c.versions,
      .data_files = c.data_files,
      .deletion_files = c.deletion_files,
      .index_files = c.index_files,
      .rows = c.rows,
      .bytes = c.bytes,
      .missing_transactions = c.missing_transactions,
      .orphans = c.orphans,
      .orphan_bytes = c.orphan_bytes,
      .temporary_files = c.temporary_files,
      .temporary_bytes = c.temporary_bytes,
  };
}

template <typename Form>
typename Form::template Of<CheckReport> Check(const std::string& uri, const CheckOptions& options,
                                              const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::CheckOptionsC::Make(options));
  const auto progress = internal::ListenToProgress(options.progress, CallCheckProgress, c_options.c);
  // The callback is called until the end.
  const auto finish = [progress](CheckOut& out) { return ToReport(out); };
  return Form::Make(internal::Prepare<CheckOut>(lance_dataset_check, lance_dataset_check_async, finish, c_uri,
                                                &c_options.c),
                    stop);
}

template <typename Form>
typename Form::template Of<CleanupResult> Cleanup(const std::string& uri, const CleanupOptions& options,
                                                  const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CleanupOptionsC::Make(options));
  using Out = internal::SizedOut<LanceCleanupResult>;
  const auto finish = [](Out& out) -> arrow::Result<CleanupResult> { return internal::FromC(out.value); };
  return Form::Make(
      internal::Prepare<Out>(lance_dataset_cleanup, lance_dataset_cleanup_async, finish, c_uri, &c_options.c),
      stop);
}

/// The totals of a plan, and its items.
struct PlanOut {
  PlanOut() { totals.struct_size = sizeof(totals); }

  LanceCleanupResult totals{};
  CStream items;
  auto pointers() { return std::make_tuple(&totals, items.get()); }
};

template <typename Form>
typename Form::template Of<CleanupPlan> Explain(const std::string& uri, const CleanupOptions& options,
                                                const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::CleanupOptionsC::Make(options));
  const auto finish = [](PlanOut& out) -> arrow::Result<CleanupPlan> {
    ARROW_ASSIGN_OR_RAISE(auto items, internal::DecodeCleanupItems(&out.items));
    return CleanupPlan{.totals = internal::FromC(out.totals), .items = std::move(items)};
  };
  return Form::Make(
      internal::Prepare<PlanOut>(lance_dataset_explain_cleanup, lance_dataset_explain_cleanup_async, finish,
                                 c_uri, &c_options.c),
      stop);
}

/// The totals, the versions, and what none of them needs.
struct UsageOut {
  UsageOut() { summary.struct_size = sizeof(summary); }

  LanceDiskUsage summary{};
  CStream versions;
  CStream orphans;
  auto pointers() { return std::make_tuple(&summary, versions.get(), orphans.get()); }
};

arrow::Result<DiskUsage> ToUsage(UsageOut& out) {
  ARROW_ASSIGN_OR_RAISE(auto versions, internal::DecodeVersionUsages(&out.versions));
  ARROW_ASSIGN_OR_RAISE(auto orphans, internal::DecodeOrphanFiles(&out.orphans));
  const LanceDiskUsage& c = out.summary;
  return DiskUsage{
      .versions = std::move(versions),
      .orphans = std::move(orphans),
      .bytes = c.bytes,
      .latest_bytes = c.latest_bytes,
      .old_bytes = c.old_bytes,
      .orphan_bytes = c.orphan_bytes,
      .data_bytes = c.data_bytes,
      .deletion_bytes = c.deletion_bytes,
      .index_bytes = c.index_bytes,
      .transaction_bytes = c.transaction_bytes,
      .manifest_bytes = c.manifest_bytes,
      .outside_bytes = c.outside_bytes,
  };
}

template <typename Form>
typename Form::template Of<DiskUsage> Measure(const std::string& uri, const DiskUsageOptions& options,
                                              const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::DiskUsageOptionsC::Make(options));
  return Form::Make(internal::Prepare<UsageOut>(lance_dataset_disk_usage, lance_dataset_disk_usage_async,
                                                ToUsage, c_uri, &c_options.c),
                    stop);
}

}  // namespace

arrow::Result<CheckReport> CheckDataset(const std::string& uri, const CheckOptions& options,
                                        const StopToken& stop) {
  return Check<Waiting>(uri, options, stop);
}

arrow::Future<CheckReport> CheckDatasetAsync(const std::string& uri, const CheckOptions& options,
                                             const StopToken& stop) {
  return Check<Starting>(uri, options, stop);
}

arrow::Result<DiskUsage> MeasureDiskUsage(const std::string& uri, const DiskUsageOptions& options,
                                          const StopToken& stop) {
  return Measure<Waiting>(uri, options, stop);
}

arrow::Future<DiskUsage> MeasureDiskUsageAsync(const std::string& uri, const DiskUsageOptions& options,
                                               const StopToken& stop) {
  return Measure<Starting>(uri, options, stop);
}

arrow::Result<CleanupResult> CleanupDataset(const std::string& uri, const CleanupOptions& options,
                                            const StopToken& stop) {
  return Cleanup<Waiting>(uri, options, stop);
}

arrow::Future<CleanupResult> CleanupDatasetAsync(const std::string& uri, const CleanupOptions& options,
                                                 const StopToken& stop) {
  return Cleanup<Starting>(uri, options, stop);
}

arrow::Result<CleanupPlan> ExplainCleanup(const std::string& uri, const CleanupOptions& options,
                                          const StopToken& stop) {
  return Explain<Waiting>(uri, options, stop);
}

arrow::Future<CleanupPlan> ExplainCleanupAsync(const std::string& uri, const CleanupOptions& options,
                                               const StopToken& stop) {
  return Explain<Starting>(uri, options, stop);
}

}  // namespace lance::inline v0
