/// \file maintenance.h
/// Finding damage in a dataset, and removing what is no longer needed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// What is wrong with a file. Values are frozen and equal those of the C ABI.
enum class ProblemKind : int {
  /// A version needs a file that does not exist.
  kMissingFile = 1,
  /// A file is shorter or longer than its manifest says.
  kWrongSize = 2,
  /// A manifest cannot be read, and so neither can its version.
  kUnreadableManifest = 3,
  /// The footer of a data file, or a deletion file, cannot be read.
  kUnreadableFile = 4,
  /// A file has, or deletes, another number of rows than its manifest says.
  kRowCount = 5,
  /// Values of a data file cannot be decoded. Found by deep checks only.
  kUndecodableData = 6,
  /// A tag or branch cannot be read, a tag points to a version that does not exist, or the files of a version
  /// are
  /// in a place that cannot be opened.
  kBrokenReference = 7,
};

/// Get the name of a kind, for example "MISSING_FILE".
LANCE_EXPORT const char* ProblemKindName(ProblemKind kind);

/// One thing that is wrong.
struct LANCE_EXPORT Problem {
  ProblemKind kind = ProblemKind::kMissingFile;
  /// The newest version concerned, if that is known.
  std::optional<uint64_t> version = std::nullopt;
  /// Relative to the dataset, or a URI of a file outside it.
  std::string path = {};
  /// One line.
  std::string message = {};
};

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

/// How far a check is.
struct LANCE_EXPORT CheckProgress {
  uint64_t manifests = 0;
  uint64_t files = 0;
  /// Decoded by a deep check: rows, and their bytes in memory.
  uint64_t rows_decoded = 0;
  uint64_t bytes_decoded = 0;
};

/// What to check.
struct LANCE_EXPORT CheckOptions {
  /// Decode every row of every column, too.
  bool deep = false;
  /// Check this version of the main branch. Default: all versions of all branches.
  std::optional<uint64_t> version = std::nullopt;
  StorageOptions storage = {};
  /// Called now and then on a library thread, and at the end; it must be quick and must not call this
  /// library. An exception it throws is dropped.
  std::function<void(const CheckProgress&)> progress = {};
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
LANCE_EXPORT arrow::Result<CheckReport> CheckDataset(const std::string& uri,
                                                     const CheckOptions& options = {});

/// What to remove.
struct LANCE_EXPORT CleanupOptions {
  /// Remove versions older than this ...
  std::optional<std::chrono::seconds> older_than = std::nullopt;
  /// ... that are not among so many of the newest. With neither, no version is removed.
  std::optional<uint64_t> keep_versions = std::nullopt;
  /// Remove files that belong to no version when they are older than this. It must be longer than any write
  /// takes from its first file to its commit, uncommitted transactions included: their files belong to no
  /// version yet. 0 states that nobody is writing.
  std::chrono::seconds orphan_min_age = std::chrono::hours(7 * 24);
  /// Remove nothing, and report what would be removed.
  bool dry_run = false;
  StorageOptions storage = {};
};

/// What was removed.
struct LANCE_EXPORT CleanupResult {
  uint64_t versions = 0;
  uint64_t data_files = 0;
  /// Files of deletions, indices and transactions.
  uint64_t other_files = 0;
  /// Files that were still being written.
  uint64_t temporary_files = 0;
  /// Of all these, manifests included.
  uint64_t bytes = 0;
};

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
LANCE_EXPORT arrow::Result<CleanupResult> CleanupDataset(const std::string& uri,
                                                         const CleanupOptions& options = {});

}  // namespace v0
}  // namespace lance
