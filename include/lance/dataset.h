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
/// Every call that waits, but Version() and Statistics(), has an asynchronous form (see lance/api.h), and
/// takes a token that stops it.
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

  /// Open the version that another process has described with Serialize(), without reading anything. That it
  /// is still there shows in the first read. Of file format 0.1, dictionaries are read. Bytes that are
  /// damaged are ErrorCode::kCorrupt, others kInvalidArgument, and those of a later version kNotSupported.
  static arrow::Result<std::shared_ptr<Dataset>> Deserialize(const arrow::Buffer& bytes,
                                                             const AccessOptions& options = {},
                                                             const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<Dataset>> DeserializeAsync(const arrow::Buffer& bytes,
                                                                  const AccessOptions& options = {},
                                                                  const arrow::StopToken& stop = {});

  /// Describe this version in bytes, with which another process opens it. They hold the URI and the manifest,
  /// and no storage options.
  arrow::Result<std::shared_ptr<arrow::Buffer>> Serialize() const;

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

  /// Open the newest version of the same branch, with the session, the caches and the credentials of this
  /// object. Where there is no newer one, it is another object of the same version.
  arrow::Result<std::shared_ptr<Dataset>> Latest(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> LatestAsync(const arrow::StopToken& stop = {}) const;

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

  /// Plan a SQL query over this dataset, whose table is named "dataset". SqlContext::Prepare() says what a
  /// query may be; a SqlContext joins several datasets.
  ///
  /// \param[in] text for example "select count(*) from dataset where id > $least"
  /// \param[in] parameters one row, a column for each parameter of the text; NULL: none
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<SqlQuery>> Sql(
      const std::string& text, const std::shared_ptr<arrow::RecordBatch>& parameters = nullptr,
      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<SqlQuery>> SqlAsync(
      const std::string& text, const std::shared_ptr<arrow::RecordBatch>& parameters = nullptr,
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

  /// Read rows by their positions, as Take() does, also with computed columns.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakePositions(const std::vector<uint64_t>& positions,
                                                                   const TakeOptions& options = {},
                                                                   const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakePositionsAsync(
      const std::vector<uint64_t>& positions, const TakeOptions& options = {},
      const arrow::StopToken& stop = {}) const;

  /// Read rows by their row ids, as TakeRows() does, also with computed columns.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRowIds(const std::vector<uint64_t>& row_ids,
                                                                const TakeOptions& options = {},
                                                                const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakeRowIdsAsync(const std::vector<uint64_t>& row_ids,
                                                                     const TakeOptions& options = {},
                                                                     const arrow::StopToken& stop = {}) const;

  /// Read rows by their addresses (column `_rowaddr` of a scan), in the order asked for. Deleted rows are
  /// left out; an address where no row was ever stored is ErrorCode::kInvalidArgument.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeAddresses(const std::vector<uint64_t>& addresses,
                                                                   const TakeOptions& options = {},
                                                                   const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakeAddressesAsync(
      const std::vector<uint64_t>& addresses, const TakeOptions& options = {},
      const arrow::StopToken& stop = {}) const;

  /// Read ranges of rows by their positions, one range after another. Ranges may overlap, and come in any
  /// order. Batches begin and end without regard to the ranges; those of many short ones are read together.
  /// The reader is like that of Scanner::ToReader(), but `stop` only ends the call.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> TakeRanges(
      const std::vector<RowRange>& ranges, const TakeOptions& options = {},
      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatchReader>> TakeRangesAsync(
      const std::vector<RowRange>& ranges, const TakeOptions& options = {},
      const arrow::StopToken& stop = {}) const;

  /// Read some rows chosen at random, each row as likely as any other, none twice, in the order of the
  /// dataset: all, where there are fewer than `rows`.
  ///
  /// \param[in] rows how many
  /// \param[in] seed the same one chooses the same of as many rows; without one it is others each time
  /// \param[in] options the columns
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Sample(uint64_t rows,
                                                            std::optional<uint64_t> seed = std::nullopt,
                                                            const TakeOptions& options = {},
                                                            const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> SampleAsync(uint64_t rows,
                                                                 std::optional<uint64_t> seed = std::nullopt,
                                                                 const TakeOptions& options = {},
                                                                 const arrow::StopToken& stop = {}) const;

  /// Make an index of a column, and commit it. Filters, nearest neighbours and full-text search use it in the
  /// version that is returned, and in later ones.
  ///
  /// What cannot be indexed is refused before anything is built: a column that does not exist is
  /// ErrorCode::kFieldNotFound, one of a type that this kind of index does not take kInvalidArgument. Rows
  /// that others append meanwhile are not indexed. When the call fails or is stopped, no file of it stays.
  /// After kCommitStatusUnknown the index may be there, and so its files stay; so may it be after a stop that
  /// comes while the version is made.
  ///
  /// \param[in] column a name, as ScanOptions::columns has them
  /// \param[in] type what kind of index
  /// \param[in] options its name and its parameters
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Dataset>> CreateIndex(const std::string& column, IndexType type,
                                                      const IndexOptions& options = {},
                                                      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> CreateIndexAsync(const std::string& column, IndexType type,
                                                           const IndexOptions& options = {},
                                                           const arrow::StopToken& stop = {}) const;

  /// List the indices, by name. Those that the engine keeps for itself are left out.
  arrow::Result<std::vector<IndexInfo>> Indices(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<IndexInfo>> IndicesAsync(const arrow::StopToken& stop = {}) const;

  /// List the segments of all indices, by the name of the index, the oldest first.
  arrow::Result<std::vector<IndexSegmentInfo>> IndexSegments(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<IndexSegmentInfo>> IndexSegmentsAsync(const arrow::StopToken& stop = {}) const;

  /// What the engine tells of an index, as JSON. It reads the index. One that does not exist is
  /// ErrorCode::kIndexNotFound, here and below.
  arrow::Result<std::string> IndexStatistics(const std::string& name,
                                             const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> IndexStatisticsAsync(const std::string& name,
                                                  const arrow::StopToken& stop = {}) const;

  /// Drop an index, and commit that. Its files go with the last version that has it, in a cleanup.
  arrow::Result<std::shared_ptr<Dataset>> DropIndex(const std::string& name,
                                                    const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> DropIndexAsync(const std::string& name,
                                                         const arrow::StopToken& stop = {}) const;

  /// Read an index into the cache of the session, as far as that has room.
  arrow::Status PrewarmIndex(const std::string& name, const arrow::StopToken& stop = {}) const;
  arrow::Future<> PrewarmIndexAsync(const std::string& name, const arrow::StopToken& stop = {}) const;

  /// Index the rows that are not indexed yet, merge segments, and commit that. Where there is nothing to do,
  /// no version is made, and the dataset that is returned is of this one. As to failures it is like
  /// CreateIndex().
  arrow::Result<std::shared_ptr<Dataset>> OptimizeIndices(const OptimizeIndicesOptions& options = {},
                                                          const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> OptimizeIndicesAsync(const OptimizeIndicesOptions& options = {},
                                                               const arrow::StopToken& stop = {}) const;

  /// Learn what the segments of a vector index must have in common, from the rows of this version: partitions
  /// and codes. The bytes are for IndexOptions::model, in whichever process. Segments that several processes
  /// build with one model can be merged, and are searched alike. Other types learn nothing:
  /// ErrorCode::kInvalidArgument.
  arrow::Result<std::shared_ptr<arrow::Buffer>> TrainIndex(const std::string& column, IndexType type,
                                                           const IndexOptions& options = {},
                                                           const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::Buffer>> TrainIndexAsync(const std::string& column, IndexType type,
                                                                const IndexOptions& options = {},
                                                                const arrow::StopToken& stop = {}) const;

  /// Build a segment of an index without committing it: of IndexOptions::fragments, perhaps in one of several
  /// processes. It is described in JSON. Its files belong to no version until CommitIndexSegments(); a
  /// cleanup removes those of a segment that is never committed.
  arrow::Result<std::string> BuildIndexSegment(const std::string& column, IndexType type,
                                               const IndexOptions& options = {},
                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> BuildIndexSegmentAsync(const std::string& column, IndexType type,
                                                    const IndexOptions& options = {},
                                                    const arrow::StopToken& stop = {}) const;

  /// Make one segment of several that were built for the same index and are not committed. Those of a vector
  /// index need one model. The files of the segments that were merged stay until a cleanup.
  ///
  /// \param[in] segments what BuildIndexSegment() has returned
  /// \param[in] stop ends the call early
  arrow::Result<std::string> MergeIndexSegments(const std::vector<std::string>& segments,
                                                const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> MergeIndexSegmentsAsync(const std::vector<std::string>& segments,
                                                     const arrow::StopToken& stop = {}) const;

  /// Commit segments as an index. Segments of an index of this name that cover other fragments stay; those
  /// that cover the same ones are replaced. Two of the given ones may not cover the same fragment. A segment
  /// whose files are not here, as those of another dataset, is ErrorCode::kNotFound.
  ///
  /// \param[in] name the name of the index
  /// \param[in] segments what BuildIndexSegment() and MergeIndexSegments() have returned
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Dataset>> CommitIndexSegments(const std::string& name,
                                                              const std::vector<std::string>& segments,
                                                              const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> CommitIndexSegmentsAsync(const std::string& name,
                                                                   const std::vector<std::string>& segments,
                                                                   const arrow::StopToken& stop = {}) const;

  /// Prepare to read rows in a random order, anew in each epoch, as one of several workers. Columns are
  /// looked up and rows are filtered now.
  arrow::Result<std::shared_ptr<Shuffler>> Shuffle(const ShuffleOptions& options = {},
                                                   const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Shuffler>> ShuffleAsync(const ShuffleOptions& options = {},
                                                        const arrow::StopToken& stop = {}) const;

  /// Merge the rows of a reader into the newest version by their keys: update those that are there, insert
  /// the others, and commit that. A key is never doubled, whoever upserts at the same time; see
  /// docs/upsert.md.
  ///
  /// Columns are found by their names; those that the reader lacks stay as they are in rows that are updated.
  /// What fails or is stopped leaves no file.
  ///
  /// \param[in] reader is driven by the calling thread, with a token that can stop by another one
  /// \param[in] options the key, and what becomes of rows that match and of those that do not
  /// \param[in] stop ends the call early
  /// \return what was done; include lance/merge_insert.h
  arrow::Result<MergeInsertResult> MergeInsert(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                               const MergeInsertOptions& options = {},
                                               const arrow::StopToken& stop = {}) const;
  /// The reader is driven by a thread of its own.
  arrow::Future<MergeInsertResult> MergeInsertAsync(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                                    const MergeInsertOptions& options = {},
                                                    const arrow::StopToken& stop = {}) const;

  /// Begin an upsert whose rows are handed over batch by batch. Columns, keys and conditions are checked now.
  ///
  /// \param[in] schema the schema of every batch
  /// \param[in] options as above
  /// \param[in] stop ends the call early
  arrow::Result<std::unique_ptr<MergeInserter>> OpenMergeInserter(
      const std::shared_ptr<arrow::Schema>& schema, const MergeInsertOptions& options = {},
      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<MergeInserter>> OpenMergeInserterAsync(
      const std::shared_ptr<arrow::Schema>& schema, const MergeInsertOptions& options = {},
      const arrow::StopToken& stop = {}) const;

  /// How the engine would do an upsert, as text: a plan for this version. Nothing is read or written.
  ///
  /// \param[in] options as above
  /// \param[in] schema of the rows to merge; NULL: the columns of the dataset
  /// \param[in] verbose tell more of each step
  /// \param[in] stop ends the call early
  arrow::Result<std::string> ExplainMergeInsert(const MergeInsertOptions& options = {},
                                                const std::shared_ptr<arrow::Schema>& schema = nullptr,
                                                bool verbose = false,
                                                const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> ExplainMergeInsertAsync(const MergeInsertOptions& options = {},
                                                     const std::shared_ptr<arrow::Schema>& schema = nullptr,
                                                     bool verbose = false,
                                                     const arrow::StopToken& stop = {}) const;

  /// What was read through this object and its scanners since it was opened, and what the caches of its
  /// session did.
  arrow::Result<DatasetStatistics> Statistics() const;

 private:
  friend struct DatasetAccess;
  class Impl;
  explicit Dataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
