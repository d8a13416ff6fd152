/// \file dataset.h
/// One version of a Lance dataset, open for reading.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Facts about one version.
struct LANCE_EXPORT DatasetInfo {
  uint64_t version = 0;
  uint64_t fragments = 0;
  /// Rows that a scan sees.
  uint64_t rows = 0;
  uint64_t deleted_rows = 0;
  uint64_t data_files = 0;
  /// Bytes of the data files of this version.
  uint64_t data_bytes = 0;
  /// The file format, for example "2.2".
  std::string data_storage_version;
  bool stable_row_ids = false;
};

/// One version of a dataset. Immutable and thread-safe; other writers never change what it reads.
///
/// Every call that waits, but Version(), has an asynchronous form (see lance/api.h), and takes a token that
/// stops it.
class LANCE_EXPORT Dataset {
 public:
  ~Dataset();
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  /// Open a dataset.
  ///
  /// \param[in] uri a path, or a `file://`, `memory://`, `s3://`, `az://`, `abfss://` or `gs://` URI
  /// \param[in] options the version, and the store's credentials
  /// \param[in] stop ends the call early
  static arrow::Result<std::shared_ptr<Dataset>> Open(const std::string& uri, const OpenOptions& options = {},
                                                      const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<Dataset>> OpenAsync(const std::string& uri,
                                                           const OpenOptions& options = {},
                                                           const arrow::StopToken& stop = {});

  const std::string& uri() const;
  const std::shared_ptr<arrow::Schema>& schema() const;

  /// Get facts about this version.
  arrow::Result<DatasetInfo> Info(const arrow::StopToken& stop = {}) const;
  arrow::Future<DatasetInfo> InfoAsync(const arrow::StopToken& stop = {}) const;

  /// Get this version's number, of Info().
  arrow::Result<uint64_t> Version() const;

  /// Ask the store for the newest version's number, which other writers may have moved on.
  arrow::Result<uint64_t> LatestVersion(const arrow::StopToken& stop = {}) const;
  arrow::Future<uint64_t> LatestVersionAsync(const arrow::StopToken& stop = {}) const;

  /// List the versions that still exist, oldest first.
  arrow::Result<std::vector<VersionInfo>> Versions(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<VersionInfo>> VersionsAsync(const arrow::StopToken& stop = {}) const;

  /// List the fragments.
  arrow::Result<std::vector<FragmentInfo>> Fragments(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<FragmentInfo>> FragmentsAsync(const arrow::StopToken& stop = {}) const;

  /// Count the rows, all of them or those that match a SQL expression.
  arrow::Result<uint64_t> CountRows(const std::optional<std::string>& filter = std::nullopt,
                                    const arrow::StopToken& stop = {}) const;
  arrow::Future<uint64_t> CountRowsAsync(const std::optional<std::string>& filter = std::nullopt,
                                         const arrow::StopToken& stop = {}) const;

  /// Prepare a scan. The filter is parsed and the columns are looked up now.
  arrow::Result<std::shared_ptr<Scanner>> Scan(const ScanOptions& options = {},
                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Scanner>> ScanAsync(const ScanOptions& options = {},
                                                    const arrow::StopToken& stop = {}) const;

  /// Read rows by their positions among the live rows, in the order asked for.
  ///
  /// \param[in] indices positions, 0 being the first row
  /// \param[in] columns names, as ScanOptions::columns has them; default: all columns
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(
      const std::vector<uint64_t>& indices,
      const std::optional<std::vector<std::string>>& columns = std::nullopt,
      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakeAsync(
      const std::vector<uint64_t>& indices,
      const std::optional<std::vector<std::string>>& columns = std::nullopt,
      const arrow::StopToken& stop = {}) const;

  /// Read rows by their row ids (column `_rowid` of a scan), in the order asked for. Ids of deleted rows
  /// are left out.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(
      const std::vector<uint64_t>& row_ids,
      const std::optional<std::vector<std::string>>& columns = std::nullopt,
      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakeRowsAsync(
      const std::vector<uint64_t>& row_ids,
      const std::optional<std::vector<std::string>>& columns = std::nullopt,
      const arrow::StopToken& stop = {}) const;

 private:
  friend struct DatasetAccess;
  class Impl;
  explicit Dataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
