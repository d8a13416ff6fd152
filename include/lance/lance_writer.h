/// \file lance_writer.h
/// Push-based writing: any number of batches, one atomic commit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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

/// A writer of one dataset.
///
/// Batches are handed over without a copy and released exactly once, at the latest when Finish(),
/// FinishUncommitted(), Abort() or the destructor returns. Memory is bounded by
/// WriteOptions::max_bytes_in_flight, whatever the size of the table.
///
/// A *lane* is an ordered sub-stream with an encoder of its own; the commit lists lane 0, then lane 1, and
/// so on, and that is the dataset's row order. Producers that run in parallel take a lane each.
///
/// Nothing is visible to readers before Finish(). A writer that is destroyed unfinished aborts.
///
/// Every call that waits has an asynchronous form (see lance/api.h), and all but Abort() take a token that
/// stops them. Any of them that is stopped on its way aborts the writer. Each write that is asynchronous, or
/// whose token can stop, uses a thread of its own until it ends: hand over few large batches.
///
/// Thread-safe, but for destruction, which aborts the calls on their way: keep the writer until their futures
/// have ended.
class LANCE_EXPORT LanceWriter {
 public:
  ~LanceWriter();
  LanceWriter(const LanceWriter&) = delete;
  LanceWriter& operator=(const LanceWriter&) = delete;

  /// Open a writer. The mode, the schema and the target are checked now.
  ///
  /// \param[in] uri a path, or a `file://`, `memory://`, `s3://`, `az://`, `abfss://` or `gs://` URI
  /// \param[in] schema the schema of every batch
  /// \param[in] options how to write
  /// \param[in] stop ends the call early; no writer is left open then
  static arrow::Result<std::unique_ptr<LanceWriter>> Open(const std::string& uri,
                                                          const std::shared_ptr<arrow::Schema>& schema,
                                                          const WriteOptions& options = {},
                                                          const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<LanceWriter>> OpenAsync(const std::string& uri,
                                                               const std::shared_ptr<arrow::Schema>& schema,
                                                               const WriteOptions& options = {},
                                                               const arrow::StopToken& stop = {});

  /// Open a writer of a table of a namespace. With WriteMode::kCreate, and with WriteMode::kOverwrite where
  /// there is no such table, the table is declared first; it stays declared when the write fails, and may be
  /// created again. Credentials are those of Namespace::OpenTable().
  ///
  /// \param[in] ns the namespace; it may be destroyed before the writer
  /// \param[in] id the names on the way to the table, outermost first
  /// \param[in] schema the schema of every batch
  /// \param[in] options how to write
  /// \param[in] stop as above; a table may have been declared then
  static arrow::Result<std::unique_ptr<LanceWriter>> Open(const Namespace& ns,
                                                          const std::vector<std::string>& id,
                                                          const std::shared_ptr<arrow::Schema>& schema,
                                                          const WriteOptions& options = {},
                                                          const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<LanceWriter>> OpenAsync(const Namespace& ns,
                                                               const std::vector<std::string>& id,
                                                               const std::shared_ptr<arrow::Schema>& schema,
                                                               const WriteOptions& options = {},
                                                               const arrow::StopToken& stop = {});

  /// Write one batch; block while the bytes in flight are at their bound.
  ///
  /// The failure of an earlier batch is reported here, with its own code; nothing more is accepted then.
  arrow::Status Write(const arrow::RecordBatch& batch, const arrow::StopToken& stop = {});
  /// The future ends when there was room for the batch. Batches whose futures have not ended yet may be
  /// accepted in any order.
  arrow::Future<> WriteAsync(const arrow::RecordBatch& batch, const arrow::StopToken& stop = {});

  /// Write all batches of a reader. Its error, or the exception it throws, fails the writer and is returned.
  ///
  /// \param[in] reader is driven by the calling thread, with a token that can stop by another one
  /// \param[in] stop ends the write, and aborts the writer
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                      const arrow::StopToken& stop = {});
  /// The reader is driven by a thread of its own.
  arrow::Future<> WriteAsync(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                             const arrow::StopToken& stop = {});

  /// Write one batch to a lane in [0, WriteOptions::lanes).
  arrow::Status WriteToLane(uint32_t lane, const arrow::RecordBatch& batch,
                            const arrow::StopToken& stop = {});
  arrow::Future<> WriteToLaneAsync(uint32_t lane, const arrow::RecordBatch& batch,
                                   const arrow::StopToken& stop = {});

  /// Write all batches of a reader to a lane.
  arrow::Status WriteToLane(uint32_t lane, const std::shared_ptr<arrow::RecordBatchReader>& reader,
                            const arrow::StopToken& stop = {});
  arrow::Future<> WriteToLaneAsync(uint32_t lane, const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                   const arrow::StopToken& stop = {});

  /// Write what is left, check every file, and commit once. On failure nothing is committed and the files
  /// of this write are deleted. The writer is then closed.
  arrow::Result<CommitResult> Finish(const arrow::StopToken& stop = {});
  arrow::Future<CommitResult> FinishAsync(const arrow::StopToken& stop = {});

  /// Write what is left and check every file, but leave the commit to the transaction.
  arrow::Result<Transaction> FinishUncommitted(const arrow::StopToken& stop = {});
  arrow::Future<std::shared_ptr<Transaction>> FinishUncommittedAsync(const arrow::StopToken& stop = {});

  /// Give up: commit nothing and delete every file of this write. Writing and finishing, from whichever
  /// thread, return ErrorCode::kCancelled from then on. Aborting twice is allowed.
  arrow::Status Abort();
  arrow::Future<> AbortAsync();

  /// Get how much has been written so far.
  WriteStats stats() const;

  const std::shared_ptr<arrow::Schema>& schema() const;

 private:
  class Impl;
  explicit LanceWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
