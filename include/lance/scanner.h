/// \file scanner.h
/// A prepared query over one dataset version.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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

class Dataset;

/// A prepared query, made by Dataset::Scan() or of a part of one. Immutable and thread-safe; it may be run
/// any number of times and keeps what it needs alive.
///
/// Every call that waits has an asynchronous form (see lance/api.h), and takes a token that stops it.
class LANCE_EXPORT Scanner {
 public:
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  /// Open a part of a scan, which perhaps another process has cut. Where its version was cleaned up, or
  /// another dataset has taken its place, it is ErrorCode::kVersionNotFound. A text that is damaged is
  /// kCorrupt, another one kInvalidArgument, and that of a later version kNotSupported.
  ///
  /// \param[in] text that of a ScanSplit
  /// \param[in] options the store's credentials, which the text has not
  /// \param[in] stop ends the call early
  static arrow::Result<std::shared_ptr<Scanner>> OpenSplit(const std::string& text,
                                                           const AccessOptions& options = {},
                                                           const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<Scanner>> OpenSplitAsync(const std::string& text,
                                                                const AccessOptions& options = {},
                                                                const arrow::StopToken& stop = {});

  /// Get the schema of the batches.
  const std::shared_ptr<arrow::Schema>& schema() const;

  /// Run the scan. The reader decodes lazily with read-ahead, is not thread-safe, and may outlive the
  /// scanner and the dataset. Closing or destroying it ends the scan. Its errors have a LanceStatusDetail.
  ///
  /// \param[in] stop ends the scan, also while ReadNext() waits, which then fails
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ToReader(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatchReader>> ToReaderAsync(
      const arrow::StopToken& stop = {}) const;

  /// Gives batches as futures, and NULL after the last, as arrow::AsyncGenerator does. A batch may be asked
  /// for when the future of the one before has ended. Destroying all copies ends the scan.
  using Generator = std::function<arrow::Future<std::shared_ptr<arrow::RecordBatch>>()>;
  /// Run the scan, for those who never wait.
  arrow::Future<Generator> ToGenerator(const arrow::StopToken& stop = {}) const;

  /// Run the scan and gather all of it.
  arrow::Result<std::shared_ptr<arrow::Table>> ToTable(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::Table>> ToTableAsync(const arrow::StopToken& stop = {}) const;

  /// Count the rows that the scan returns, without reading more than it takes.
  arrow::Result<uint64_t> CountRows(const arrow::StopToken& stop = {}) const;
  arrow::Future<uint64_t> CountRowsAsync(const arrow::StopToken& stop = {}) const;

  /// Describe the query plan.
  arrow::Result<std::string> Explain(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> ExplainAsync(const arrow::StopToken& stop = {}) const;

  /// Run the scan, drop its rows, and describe the query plan with what each step of it took.
  arrow::Result<std::string> Analyze(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> AnalyzeAsync(const arrow::StopToken& stop = {}) const;

  /// Cut the scan into at most `count` parts for several threads, processes or machines; see MergeOrdered().
  /// Together and in this order they return what the scan returns, each row once, whatever others write
  /// meanwhile: they stay with the version that is open. Parts have nearly the same number of stored rows,
  /// and none is empty, so that there are fewer where there are fewer rows; of no rows there is one part.
  /// Files of format 0.1, and fragments that are listed in another order than that of the dataset, are not
  /// cut through. A scan with a limit, an offset, an order or aggregates cannot be cut:
  /// ErrorCode::kInvalidArgument. Callbacks do not travel.
  arrow::Result<std::vector<ScanSplit>> Splits(uint64_t count, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<ScanSplit>> SplitsAsync(uint64_t count, const arrow::StopToken& stop = {}) const;

 private:
  friend class Dataset;
  class Impl;
  explicit Scanner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
