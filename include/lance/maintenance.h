/// \file maintenance.h
/// Finding damage in a dataset, telling what it takes, and removing what is no longer needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// What a check has found.
struct LANCE_EXPORT CheckReport {
  std::vector<Problem> problems = {};
  /// Manifests looked at, and versions whose manifest could be read.
  uint64_t manifests = 0;
  uint64_t versions = 0;
  /// Files that versions need, each counted once, and the rows in them, deleted ones included.
  uint64_t data_files = 0;
  uint64_t deletion_files = 0;
  uint64_t index_files = 0;
  uint64_t rows = 0;
  /// Bytes of the manifests, and of the files that are sound.
  uint64_t bytes = 0;
  /// Versions whose transaction file does not exist. They can be read.
  uint64_t missing_transactions = 0;
  /// Files that belong to no version, and files that are still being written: left behind by crashed writers,
  /// or of writes in progress. Not counted when one version is checked or a manifest cannot be read.
  uint64_t orphans = 0;
  uint64_t orphan_bytes = 0;
  uint64_t temporary_files = 0;
  uint64_t temporary_bytes = 0;
};

/// What a cleanup would do.
struct LANCE_EXPORT CleanupPlan {
  /// What would be removed.
  CleanupResult totals = {};
  /// What would go, then what would stay.
  std::vector<CleanupItem> items = {};
};

/// What a dataset takes of its store. `bytes` is the sum of `latest_bytes`, `old_bytes`, `orphan_bytes` and
/// what belongs to the dataset as a whole, such as tags.
struct LANCE_EXPORT DiskUsage {
  /// Each version, the newest of each branch first.
  std::vector<VersionUsage> versions = {};
  /// Files that no version needs, and files that are still being written: left behind by crashed writers, or
  /// of writes in progress.
  std::vector<OrphanFile> orphans = {};
  /// All files of the dataset and its branches.
  uint64_t bytes = 0;
  /// Files that the latest version of the main branch needs, its manifest among them.
  uint64_t latest_bytes = 0;
  /// Files that only other versions need: older ones, and those of branches.
  uint64_t old_bytes = 0;
  uint64_t orphan_bytes = 0;
  /// What versions need, by its kind: data files with their large values, the marks of deleted rows, ...
  uint64_t data_bytes = 0;
  uint64_t deletion_bytes = 0;
  uint64_t index_bytes = 0;
  uint64_t transaction_bytes = 0;
  uint64_t manifest_bytes = 0;
  /// Data files in places outside that versions read, as a shallow clone does. They are not in `bytes`.
  uint64_t outside_bytes = 0;
};

/// Check that every manifest can be read, and that every data, deletion and index file exists, has the size
/// its manifest says, and, but for index files, can be opened and has as many rows.
///
/// Damage is no failure but a problem in the report. The call fails when it cannot check, for example because
/// there is no dataset. Thread-safe, also while others write.
///
/// Not found are wrong values that decode, and a version whose manifest was deleted, unless it is the newest
/// one of a local dataset or a tag points to it: it looks like one that was cleaned up.
///
/// \param[in] uri a path or URI; a damaged dataset may not open
/// \param[in] options what to check
/// \param[in] stop ends the call early
LANCE_EXPORT arrow::Result<CheckReport> CheckDataset(const std::string& uri, const CheckOptions& options = {},
                                                     const arrow::StopToken& stop = {});
LANCE_EXPORT arrow::Future<CheckReport> CheckDatasetAsync(const std::string& uri,
                                                          const CheckOptions& options = {},
                                                          const arrow::StopToken& stop = {});

/// Tell what a dataset takes of its store: in all, of each version, and files that no version needs. It lists
/// the dataset's directories and reads every manifest, but no data. What is written meanwhile by others may
/// be left out. The sizes of columns are those of Dataset::ColumnSizes(), those of indices of
/// Dataset::Indices(). Thread-safe.
///
/// \param[in] uri a path or URI; that of a branch stands for the whole dataset
/// \param[in] options how to reach it
/// \param[in] stop ends the call early
LANCE_EXPORT arrow::Result<DiskUsage> MeasureDiskUsage(const std::string& uri,
                                                       const DiskUsageOptions& options = {},
                                                       const arrow::StopToken& stop = {});
LANCE_EXPORT arrow::Future<DiskUsage> MeasureDiskUsageAsync(const std::string& uri,
                                                            const DiskUsageOptions& options = {},
                                                            const arrow::StopToken& stop = {});

/// Remove old versions of the main branch with the files that only they need, and files that belong to no
/// version: of crashed writers, temporary ones, unused transactions.
///
/// The latest version stays, and so do tagged ones, those that a branch began from, and detached ones. A file
/// stays when a version that stays names it, on any branch, however that version gives its place. Files of
/// unknown names stay, as do unfinished multipart uploads of object stores, which a lifecycle rule of the
/// bucket removes. When a manifest, a tag or a branch cannot be read, nothing is removed. An interrupted
/// cleanup leaves no version unreadable. Thread-safe.
///
/// The files that a shallow clone reads stay when the clone is below the dataset's directory or beside it.
/// Clones elsewhere are not found: tag the versions they were made from, and these stay.
///
/// \param[in] uri a path or URI; that of a branch, `.../tree/NAME`, removes old versions of this branch
/// instead
/// \param[in] options what to remove
/// \param[in] stop ends the call early
LANCE_EXPORT arrow::Result<CleanupResult> CleanupDataset(const std::string& uri,
                                                         const CleanupOptions& options = {},
                                                         const arrow::StopToken& stop = {});
LANCE_EXPORT arrow::Future<CleanupResult> CleanupDatasetAsync(const std::string& uri,
                                                              const CleanupOptions& options = {},
                                                              const arrow::StopToken& stop = {});

/// Tell what CleanupDataset() would remove with these options, and why; nothing is removed. Besides what
/// would go, versions of the branch that stay are listed, and files that no version needs and that are too
/// young to go.
LANCE_EXPORT arrow::Result<CleanupPlan> ExplainCleanup(const std::string& uri,
                                                       const CleanupOptions& options = {},
                                                       const arrow::StopToken& stop = {});
LANCE_EXPORT arrow::Future<CleanupPlan> ExplainCleanupAsync(const std::string& uri,
                                                            const CleanupOptions& options = {},
                                                            const arrow::StopToken& stop = {});

}  // namespace v0
}  // namespace lance
