/// \file scanner.h
/// A prepared query over one dataset version.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class Dataset;

/// A prepared query, made by Dataset::Scan(). Immutable and thread-safe; it may be run any number of times
/// and keeps what it needs alive.
class LANCE_EXPORT Scanner {
 public:
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  /// Get the schema of the batches.
  const std::shared_ptr<arrow::Schema>& schema() const;

  /// Run the scan. The reader decodes lazily with read-ahead, is not thread-safe, and may outlive the
  /// scanner and the dataset. Closing or destroying it ends the scan. Its errors have a LanceStatusDetail.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ToReader() const;

  /// Run the scan and gather all of it.
  arrow::Result<std::shared_ptr<arrow::Table>> ToTable() const;

  /// Count the rows that the scan returns, without reading more than it takes.
  arrow::Result<uint64_t> CountRows() const;

  /// Describe the query plan.
  arrow::Result<std::string> Explain() const;

 private:
  friend class Dataset;
  class Impl;
  explicit Scanner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
