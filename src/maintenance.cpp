#include "lance/maintenance.h"

#include <utility>

#include "ffi/call_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/options_internal.h"
#include "ffi/progress_internal.h"

namespace lance::inline v0 {
namespace {

using internal::CallFor;
using ReportHandle = internal::Handle<LanceCheckReport, lance_check_report_free>;
using Progress = internal::Progress<CheckProgress>;

#define LANCE_ASSERT_KIND(cpp, c) static_assert(static_cast<int>(ProblemKind::cpp) == (c))
LANCE_ASSERT_KIND(kMissingFile, LANCE_PROBLEM_MISSING_FILE);
LANCE_ASSERT_KIND(kWrongSize, LANCE_PROBLEM_WRONG_SIZE);
LANCE_ASSERT_KIND(kUnreadableManifest, LANCE_PROBLEM_UNREADABLE_MANIFEST);
LANCE_ASSERT_KIND(kUnreadableFile, LANCE_PROBLEM_UNREADABLE_FILE);
LANCE_ASSERT_KIND(kRowCount, LANCE_PROBLEM_ROW_COUNT);
LANCE_ASSERT_KIND(kUndecodableData, LANCE_PROBLEM_UNDECODABLE_DATA);
LANCE_ASSERT_KIND(kBrokenReference, LANCE_PROBLEM_BROKEN_REFERENCE);
#undef LANCE_ASSERT_KIND

arrow::Status Invalid(std::string message) {
  return internal::MakeStatus(ErrorCode::kInvalidArgument, std::move(message));
}

extern "C" void CallCheckProgress(void* context, const LanceCheckProgress* c) noexcept {
  static_cast<Progress*>(context)->Report({.manifests = c->manifests,
                                           .files = c->files,
                                           .rows_decoded = c->rows_decoded,
                                           .bytes_decoded = c->bytes_decoded});
}

arrow::Result<CheckReport> ToReport(const LanceCheckReport* report) {
  ARROW_ASSIGN_OR_RAISE(
      const auto c, CallFor(LanceCheckSummary LANCE_CHECK_SUMMARY_INIT, lance_check_report_summary, report));
  CheckReport out{
      .problems = std::vector<Problem>(lance_check_report_length(report)),
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
  for (size_t i = 0; i < out.problems.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto problem, CallFor(LanceCheckProblem LANCE_CHECK_PROBLEM_INIT,
                                                      lance_check_report_get, report, i));
    out.problems[i] = {
        .kind = static_cast<ProblemKind>(problem.kind), .path = problem.path, .message = problem.message};
    if (problem.version != 0) out.problems[i].version = problem.version;
  }
  return out;
}

}  // namespace

const char* ProblemKindName(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::kMissingFile:
      return "MISSING_FILE";
    case ProblemKind::kWrongSize:
      return "WRONG_SIZE";
    case ProblemKind::kUnreadableManifest:
      return "UNREADABLE_MANIFEST";
    case ProblemKind::kUnreadableFile:
      return "UNREADABLE_FILE";
    case ProblemKind::kRowCount:
      return "ROW_COUNT";
    case ProblemKind::kUndecodableData:
      return "UNDECODABLE_DATA";
    case ProblemKind::kBrokenReference:
      return "BROKEN_REFERENCE";
  }
  // A kind that a newer C library may report.
  return "UNKNOWN";
}

arrow::Result<CheckReport> CheckDataset(const std::string& uri, const CheckOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "URI"));
  ARROW_ASSIGN_OR_RAISE(const auto storage, internal::ToC(options.storage.map(), "storage option"));
  LanceCheckOptions c = LANCE_CHECK_OPTIONS_INIT;
  if (options.version == 0) return Invalid("version must be greater than 0");
  c.version = options.version.value_or(0);
  c.deep = options.deep;
  c.storage_options = storage.data();
  c.storage_options_count = storage.size();
  Progress progress(options.progress);
  if (progress) {
    c.progress = CallCheckProgress;
    c.progress_context = progress.HandOver();
  }
  ARROW_ASSIGN_OR_RAISE(const auto report,
                        internal::CallForHandle<ReportHandle>(lance_dataset_check, c_uri, &c));
  return ToReport(report.get());
}

arrow::Result<CleanupResult> CleanupDataset(const std::string& uri, const CleanupOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "URI"));
  ARROW_ASSIGN_OR_RAISE(const auto storage, internal::ToC(options.storage.map(), "storage option"));
  LanceCleanupOptions c = LANCE_CLEANUP_OPTIONS_INIT;
  if (options.older_than.has_value()) {
    c.older_than_seconds = options.older_than->count();
    // The C ABI takes -1 as unset.
    if (c.older_than_seconds < 0) return Invalid("older_than must not be negative");
  }
  if (options.keep_versions == 0) return Invalid("keep_versions must be greater than 0: the latest stays");
  c.keep_versions = options.keep_versions.value_or(0);
  c.orphan_min_age_seconds = options.orphan_min_age.count();
  c.dry_run = options.dry_run;
  c.storage_options = storage.data();
  c.storage_options_count = storage.size();
  ARROW_ASSIGN_OR_RAISE(const auto result, CallFor(LanceCleanupResult LANCE_CLEANUP_RESULT_INIT,
                                                   lance_dataset_cleanup, c_uri, &c));
  return CleanupResult{.versions = result.versions,
                       .data_files = result.data_files,
                       .other_files = result.other_files,
                       .temporary_files = result.temporary_files,
                       .bytes = result.bytes};
}

}  // namespace lance::inline v0
