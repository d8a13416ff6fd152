/// \file merge_insert.h
/// Upserts: rows merged into a dataset by their keys.
#pragma once

#include <cstdint>
#include <memory>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/transaction.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// What an upsert has done.
struct LANCE_EXPORT MergeInsertResult {
  /// The version that was made, or the newest one where nothing was changed.
  std::shared_ptr<Dataset> dataset;
  uint64_t inserted_rows = 0;
  uint64_t updated_rows = 0;
  uint64_t deleted_rows = 0;
  /// Rows of the source that were left out, as another one with the same key came before.
  uint64_t skipped_duplicates = 0;
  /// How often it was done, until no other writer was in its way.
  uint64_t attempts = 0;
  /// Data files of the new version, and their bytes.
  uint64_t bytes_written = 0;
  uint64_t files_written = 0;
};

/// An upsert whose rows are handed over batch by batch; Dataset::OpenMergeInserter() begins it.
///
/// Rows are kept in memory, and in a temporary file where they are more than
/// MergeInsertOptions::max_source_bytes, until Finish(): nothing is written to the dataset before. Batches
/// are handed over without a copy and released once, at the latest when Finish(), Abort() or the destructor
/// returns. An upsert that is destroyed unfinished is aborted.
///
/// Thread-safe, but for destruction. Batches that several threads hand over are taken in the order of
/// arrival.
class LANCE_EXPORT MergeInserter {
 public:
  ~MergeInserter();
  MergeInserter(const MergeInserter&) = delete;
  MergeInserter& operator=(const MergeInserter&) = delete;

  /// Hand over one batch. After a failure, such as a key that came twice, nothing more is accepted.
  arrow::Status Write(const arrow::RecordBatch& batch, const arrow::StopToken& stop = {});
  arrow::Future<> WriteAsync(const arrow::RecordBatch& batch, const arrow::StopToken& stop = {});

  /// Merge the rows that were handed over, and commit that, as Dataset::MergeInsert() does. The upsert is
  /// over then.
  arrow::Result<MergeInsertResult> Finish(const arrow::StopToken& stop = {});
  arrow::Future<MergeInsertResult> FinishAsync(const arrow::StopToken& stop = {});

  /// Prepare the upsert, as Dataset::MergeInsertUncommitted() does. It is over then.
  arrow::Result<Transaction> FinishUncommitted(const arrow::StopToken& stop = {});
  arrow::Future<std::shared_ptr<Transaction>> FinishUncommittedAsync(const arrow::StopToken& stop = {});

  /// Give up: nothing is committed, and no file is left. Writing and finishing, from whichever thread, return
  /// ErrorCode::kCancelled from then on. Aborting twice is allowed.
  arrow::Status Abort();
  arrow::Future<> AbortAsync();

  const std::shared_ptr<arrow::Schema>& schema() const;

 private:
  friend class Dataset;
  class Impl;
  explicit MergeInserter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
