/// \file scanner.h
/// A prepared query over one dataset version.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class Dataset;

/// A prepared query, made by Dataset::Scan(). Immutable and thread-safe; it may be run any number of times
/// and keeps what it needs alive.
///
/// Every call that waits has an asynchronous form (see lance/api.h), and takes a token that stops it.
class LANCE_EXPORT Scanner {
 public:
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

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

 private:
  friend class Dataset;
  class Impl;
  explicit Scanner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
