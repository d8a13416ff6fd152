/// \file dataset.h
/// One version of a Lance dataset, open for reading.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/compact.h"
#include "lance/evolution.h"
#include "lance/mutation.h"
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

/// Between which values those of a column are, in its type.
struct LANCE_EXPORT ValueRange {
  std::shared_ptr<arrow::Scalar> min = nullptr;
  std::shared_ptr<arrow::Scalar> max = nullptr;
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

  /// Open another version: by its number, a tag, a branch or a time, with the session, the caches and the
  /// credentials of this object. One that does not exist is ErrorCode::kVersionNotFound, and a tag or branch
  /// kRefNotFound, with the nearest names.
  arrow::Result<std::shared_ptr<Dataset>> Checkout(const CheckoutOptions& options,
                                                   const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> CheckoutAsync(const CheckoutOptions& options,
                                                        const arrow::StopToken& stop = {}) const;

  /// Commit a new version of the branch that is equal to this one, whatever others have committed since;
  /// nothing is copied. Their versions stay. An append or another change that was begun before and is
  /// committed after it fails.
  arrow::Result<std::shared_ptr<Dataset>> Restore(const RestoreOptions& options = {},
                                                  const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> RestoreAsync(const RestoreOptions& options = {},
                                                       const arrow::StopToken& stop = {}) const;

  /// List the tags of the dataset, whichever branch they are on, by name.
  arrow::Result<std::vector<TagInfo>> Tags(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<TagInfo>> TagsAsync(const arrow::StopToken& stop = {}) const;

  /// Have a new tag point to this version, which no cleanup removes from then on. One that exists is
  /// ErrorCode::kAlreadyExists, also when others make it at the same moment. A name has letters, digits and
  /// `.`, `-`, `_`.
  arrow::Status CreateTag(const std::string& name, const TagOptions& options = {},
                          const arrow::StopToken& stop = {}) const;
  arrow::Future<> CreateTagAsync(const std::string& name, const TagOptions& options = {},
                                 const arrow::StopToken& stop = {}) const;

  /// Have a tag point to this version from now on. What is kept with it stays.
  arrow::Status UpdateTag(const std::string& name, const arrow::StopToken& stop = {}) const;
  arrow::Future<> UpdateTagAsync(const std::string& name, const arrow::StopToken& stop = {}) const;

  /// Replace what is kept with a tag.
  arrow::Status ReplaceTagMetadata(const std::string& name,
                                   const std::map<std::string, std::string>& metadata,
                                   const arrow::StopToken& stop = {}) const;
  arrow::Future<> ReplaceTagMetadataAsync(const std::string& name,
                                          const std::map<std::string, std::string>& metadata,
                                          const arrow::StopToken& stop = {}) const;

  /// Delete a tag. Its version stays until a cleanup.
  arrow::Status DeleteTag(const std::string& name, const arrow::StopToken& stop = {}) const;
  arrow::Future<> DeleteTagAsync(const std::string& name, const arrow::StopToken& stop = {}) const;

  /// List the branches of the dataset but the main one, by name.
  arrow::Result<std::vector<BranchInfo>> Branches(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<BranchInfo>> BranchesAsync(const arrow::StopToken& stop = {}) const;

  /// Begin a branch at this version, and open it; nothing is copied. WriteOptions::branch adds versions to
  /// it. One that exists is ErrorCode::kAlreadyExists, also when others make it at the same moment. A name
  /// has letters, digits and `.`, `-`, `_`, `/`. When the call fails or is stopped, no file of it stays;
  /// after kCommitStatusUnknown the branch may be there.
  arrow::Result<std::shared_ptr<Dataset>> CreateBranch(const std::string& name,
                                                       const BranchOptions& options = {},
                                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> CreateBranchAsync(const std::string& name,
                                                            const BranchOptions& options = {},
                                                            const arrow::StopToken& stop = {}) const;

  /// Replace what is kept with a branch.
  arrow::Status ReplaceBranchMetadata(const std::string& name,
                                      const std::map<std::string, std::string>& metadata,
                                      const arrow::StopToken& stop = {}) const;
  arrow::Future<> ReplaceBranchMetadataAsync(const std::string& name,
                                             const std::map<std::string, std::string>& metadata,
                                             const arrow::StopToken& stop = {}) const;

  /// Delete a branch with all its versions and files. One that a tag points to, another branch began from or
  /// a shallow clone reads is ErrorCode::kFailedPrecondition, and they are named. Clones that are neither
  /// below the dataset nor beside it are not found, and cannot be read any more.
  ///
  /// \param[in] name the branch
  /// \param[in] force delete also what is left of a branch whose name is gone, as that of a deletion that was
  /// stopped
  /// \param[in] stop ends the call early
  arrow::Status DeleteBranch(const std::string& name, bool force = false,
                             const arrow::StopToken& stop = {}) const;
  arrow::Future<> DeleteBranchAsync(const std::string& name, bool force = false,
                                    const arrow::StopToken& stop = {}) const;

  /// Make a dataset equal to this version that reads its files where they are, and open it. It begins with
  /// the number of this version, and has none before it. A dataset that exists is ErrorCode::kAlreadyExists.
  /// When the call fails or is stopped, no file of it stays.
  ///
  /// This dataset does not know of the clone: CleanupDataset() says which clones it finds. Tag the version,
  /// and its files stay.
  ///
  /// \param[in] uri a path or URI
  /// \param[in] options how to reach that
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Dataset>> ShallowClone(const std::string& uri,
                                                       const CloneOptions& options = {},
                                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> ShallowCloneAsync(const std::string& uri,
                                                            const CloneOptions& options = {},
                                                            const arrow::StopToken& stop = {}) const;

  /// Make a dataset equal to this version that has copies of its files, and open it, also in another store.
  /// Before it is committed, the size of every copy is checked. Otherwise it is like ShallowClone(). A
  /// version that has files in another place of an object store is ErrorCode::kNotSupported.
  arrow::Result<std::shared_ptr<Dataset>> DeepClone(const std::string& uri, const CloneOptions& options = {},
                                                    const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> DeepCloneAsync(const std::string& uri,
                                                         const CloneOptions& options = {},
                                                         const arrow::StopToken& stop = {}) const;

  /// Read which rows have changed since an earlier version of the branch, up to this one. Inserted and
  /// updated rows come with all columns, `_rowid`, `_row_created_at_version` and
  /// `_row_last_updated_at_version`. A row that was inserted and deleted since is none of them; one that a
  /// restore has brought back is neither inserted nor updated. The reader is like that of
  /// Scanner::ToReader(), but `stop` only ends the call.
  ///
  /// Rows are known by stable row ids: a dataset without them is ErrorCode::kFailedPrecondition.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Delta(const DeltaOptions& options,
                                                                 const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatchReader>> DeltaAsync(
      const DeltaOptions& options, const arrow::StopToken& stop = {}) const;

  /// List what made the versions of the branch up to this one, as far as they still exist, the newest first.
  ///
  /// \param[in] limit the most that are listed; default: all
  /// \param[in] stop ends the call early
  arrow::Result<std::vector<TransactionInfo>> Transactions(std::optional<uint64_t> limit = std::nullopt,
                                                           const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<TransactionInfo>> TransactionsAsync(std::optional<uint64_t> limit = std::nullopt,
                                                                const arrow::StopToken& stop = {}) const;
  /// Plan to optimise indices in parts, tasks before merges: any process executes a task with
  /// ExecuteOptimizeIndices(), any a merge with the results of the tasks, and one commits the results of the
  /// merges. A plan without parts says that there is nothing to do. A vector index that is to be learnt anew
  /// is learnt now; a cleanup removes the model when the plan is never executed.
  arrow::Result<std::vector<OptimizePart>> PlanOptimizeIndices(const OptimizeIndicesOptions& options = {},
                                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<OptimizePart>> PlanOptimizeIndicesAsync(
      const OptimizeIndicesOptions& options = {}, const arrow::StopToken& stop = {}) const;

  /// Execute a part of a plan, and return what it has built, as JSON: `null` when there was nothing to do.
  /// Nothing is committed; a cleanup removes the files of a result that is never committed. When the call
  /// fails or is stopped, no file of it stays.
  ///
  /// \param[in] part what PlanOptimizeIndices() has planned
  /// \param[in] results of a merge: those of the tasks, all of the plan or of its group
  /// \param[in] stop ends the call early
  arrow::Result<std::string> ExecuteOptimizeIndices(const std::string& part,
                                                    const std::vector<std::string>& results = {},
                                                    const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> ExecuteOptimizeIndicesAsync(const std::string& part,
                                                         const std::vector<std::string>& results = {},
                                                         const arrow::StopToken& stop = {}) const;

  /// Commit the results of merges as one version. What they do not cover stays as it is. Results that were
  /// committed already are left out, and when that is all, the dataset is one of the latest version. One of
  /// which a file is missing or has another size is ErrorCode::kNotFound; the same index made otherwise since
  /// is kCommitConflictRetryable.
  ///
  /// \param[in] results what ExecuteOptimizeIndices() has returned for merges
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Dataset>> CommitOptimizeIndices(const std::vector<std::string>& results,
                                                                const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> CommitOptimizeIndicesAsync(const std::vector<std::string>& results,
                                                                     const arrow::StopToken& stop = {}) const;

  /// Prepare to read rows in a random order, anew in each epoch, as one of several workers. Columns are
  /// looked up and rows are filtered now.
  arrow::Result<std::shared_ptr<Shuffler>> Shuffle(const ShuffleOptions& options = {},
                                                   const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Shuffler>> ShuffleAsync(const ShuffleOptions& options = {},
                                                        const arrow::StopToken& stop = {}) const;

  /// Delete the rows that pass a filter, and commit that. It means what ScanOptions::filter means: a row for
  /// which it is NULL stays.
  ///
  /// Rows that another writer has changed meanwhile are looked at again: the operation is redone on the
  /// newest version. Where no row passes, no version is made, unless DeleteOptions::allow_empty says so. When
  /// the call fails or is stopped, no file of it stays, and the dataset is as it was. After
  /// ErrorCode::kCommitStatusUnknown the version may be there, and so its files stay; so may it be after a
  /// stop that comes while the version is made.
  ///
  /// \param[in] filter one SQL expression; none with DeleteOptions::filter_substrait
  /// \param[in] options retries, and what is kept with the version
  /// \param[in] stop ends the call early
  arrow::Result<DeleteResult> Delete(const std::optional<std::string>& filter,
                                     const DeleteOptions& options = {},
                                     const arrow::StopToken& stop = {}) const;
  arrow::Future<DeleteResult> DeleteAsync(const std::optional<std::string>& filter,
                                          const DeleteOptions& options = {},
                                          const arrow::StopToken& stop = {}) const;

  /// Delete rows by their row ids (column `_rowid` of a scan). Ids that no row has are left out. Without
  /// stable row ids these are addresses, as to retries too. Otherwise it is like Delete().
  arrow::Result<DeleteResult> DeleteRowIds(const std::vector<uint64_t>& row_ids,
                                           const DeleteOptions& options = {},
                                           const arrow::StopToken& stop = {}) const;
  arrow::Future<DeleteResult> DeleteRowIdsAsync(const std::vector<uint64_t>& row_ids,
                                                const DeleteOptions& options = {},
                                                const arrow::StopToken& stop = {}) const;

  /// Delete rows by their addresses in this version (column `_rowaddr` of a scan). Rows that are deleted
  /// already are left out; an address where no row was ever stored is ErrorCode::kInvalidArgument. Nothing is
  /// retried, as a row that was changed has another address: when another writer has changed one of the rows
  /// it is kCommitConflictRetryable. Otherwise it is like Delete().
  arrow::Result<DeleteResult> DeleteAddresses(const std::vector<uint64_t>& addresses,
                                              const DeleteOptions& options = {},
                                              const arrow::StopToken& stop = {}) const;
  arrow::Future<DeleteResult> DeleteAddressesAsync(const std::vector<uint64_t>& addresses,
                                                   const DeleteOptions& options = {},
                                                   const arrow::StopToken& stop = {}) const;

  /// Delete all rows. The schema and the indices stay, and rows that others append meanwhile do, too.
  /// Otherwise it is like Delete().
  arrow::Result<DeleteResult> Truncate(const DeleteOptions& options = {},
                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<DeleteResult> TruncateAsync(const DeleteOptions& options = {},
                                            const arrow::StopToken& stop = {}) const;

  /// Give columns new values in the rows that pass UpdateOptions::filter, or in all, and commit that.
  ///
  /// Every expression sees the row as it was, also its columns that are assigned to. Its value is cast to the
  /// type of the column: what cannot be cast is ErrorCode::kInvalidArgument, and so is NULL for a column that
  /// may not be NULL. The rows are written anew, behind the others; with stable row ids they keep their ids.
  /// As to retries and failures it is like Delete().
  ///
  /// \param[in] assignments whole columns, each with one SQL expression, such as {"price", "price * 1.1"}
  /// \param[in] options which rows, retries, and what is kept with the version
  /// \param[in] stop ends the call early
  arrow::Result<UpdateResult> Update(const std::vector<std::pair<std::string, std::string>>& assignments,
                                     const UpdateOptions& options = {},
                                     const arrow::StopToken& stop = {}) const;
  arrow::Future<UpdateResult> UpdateAsync(const std::vector<std::pair<std::string, std::string>>& assignments,
                                          const UpdateOptions& options = {},
                                          const arrow::StopToken& stop = {}) const;

  /// Prepare what Delete() does, and leave the commit to Transaction::Commit(), here or in another process. A
  /// conflict is then the caller's to meet: DeleteOptions::conflict_retries means nothing here.
  arrow::Result<Transaction> DeleteUncommitted(const std::optional<std::string>& filter,
                                               const DeleteOptions& options = {},
                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> DeleteUncommittedAsync(const std::optional<std::string>& filter,
                                                                     const DeleteOptions& options = {},
                                                                     const arrow::StopToken& stop = {}) const;

  /// Prepare what DeleteRowIds() does, as DeleteUncommitted() does.
  arrow::Result<Transaction> DeleteRowIdsUncommitted(const std::vector<uint64_t>& row_ids,
                                                     const DeleteOptions& options = {},
                                                     const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> DeleteRowIdsUncommittedAsync(
      const std::vector<uint64_t>& row_ids, const DeleteOptions& options = {},
      const arrow::StopToken& stop = {}) const;

  /// Prepare what Update() does, as DeleteUncommitted() does.
  arrow::Result<Transaction> UpdateUncommitted(
      const std::vector<std::pair<std::string, std::string>>& assignments, const UpdateOptions& options = {},
      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> UpdateUncommittedAsync(
      const std::vector<std::pair<std::string, std::string>>& assignments, const UpdateOptions& options = {},
      const arrow::StopToken& stop = {}) const;

  /// Describe fragments as values: what this version says of them, also as the JSON that pylance reads and
  /// writes. Fragment does something to one.
  ///
  /// \param[in] ids the fragments; default: all. One that is not there is ErrorCode::kInvalidArgument
  arrow::Result<std::vector<FragmentMetadata>> DescribeFragments(
      const std::optional<std::vector<uint64_t>>& ids = std::nullopt) const;

  /// List the fields of the schema, at any depth, with the numbers that fragments and operations know them
  /// by.
  arrow::Result<std::vector<FieldInfo>> Fields() const;

  /// Describe the transaction that made a version, as Transaction::ToJson() describes one. It is gone, or was
  /// never kept: ErrorCode::kNotFound.
  arrow::Result<std::string> ReadTransaction(uint64_t version, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> ReadTransactionAsync(uint64_t version, const arrow::StopToken& stop = {}) const;

  /// Make a transaction that does to this version what an operation says. What that names is checked when it
  /// is committed.
  ///
  /// \param[in] operation JSON, such as {"type": "Append", "fragments": [...]}; docs/transactions.md has all
  /// \param[in] stop ends the call early
  arrow::Result<Transaction> Stage(const std::string& operation, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> StageAsync(const std::string& operation,
                                                         const arrow::StopToken& stop = {}) const;

  /// Commit transactions of this dataset as one new version, with the session and the credentials of this
  /// object in place of those that they have; see Transaction::CommitAll(). Transactions of another dataset
  /// are ErrorCode::kInvalidArgument.
  arrow::Result<Committed> Commit(std::vector<Transaction>& transactions, const CommitOptions& options = {},
                                  const arrow::StopToken& stop = {}) const;
  arrow::Future<Committed> CommitAsync(std::vector<Transaction>& transactions,
                                       const CommitOptions& options = {},
                                       const arrow::StopToken& stop = {}) const;
  arrow::Result<Committed> Commit(Transaction& transaction, const CommitOptions& options = {},
                                  const arrow::StopToken& stop = {}) const;
  arrow::Future<Committed> CommitAsync(Transaction& transaction, const CommitOptions& options = {},
                                       const arrow::StopToken& stop = {}) const;

  /// Describe a file in the dataset's directory of data as a fragment, for an operation that adds it: JSON.
  /// The file has the columns of the dataset, in its order; one that has not is refused.
  ///
  /// \param[in] name of the file, without a directory. There is none: ErrorCode::kNotFound
  /// \param[in] stop ends the call early
  arrow::Result<std::string> RegisterFile(const std::string& name, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> RegisterFileAsync(const std::string& name,
                                               const arrow::StopToken& stop = {}) const;

  /// The same for a file with some of the columns, which is to be one of several of a fragment: JSON.
  arrow::Result<std::string> DescribeDataFile(const std::string& name,
                                              const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> DescribeDataFileAsync(const std::string& name,
                                                   const arrow::StopToken& stop = {}) const;
  /// Add columns that SQL expressions compute, for each row from its stored columns, such as
  /// {"price", "l_extendedprice * (1 - l_discount)"}. It gives the dataset at the version that has them.
  ///
  /// An expression that reads a column that does not exist is ErrorCode::kFieldNotFound, one that is no SQL
  /// kInvalidArgument, and so is a name that is taken. One that fails for a row fails the call. When a call
  /// that changes columns fails or is stopped, the dataset is as before, and no file stays. Where others
  /// commit rows meanwhile, those that add columns are ErrorCode::kCommitConflictRetryable: make them again
  /// on the newest version.
  arrow::Result<std::shared_ptr<Dataset>> AddColumns(
      const std::vector<std::pair<std::string, std::string>>& expressions,
      const AddColumnsOptions& options = {}, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> AddColumnsAsync(
      const std::vector<std::pair<std::string, std::string>>& expressions,
      const AddColumnsOptions& options = {}, const arrow::StopToken& stop = {}) const;

  /// Add columns that a function computes, batch by batch and several batches at once; see ColumnFunction.
  /// What it returns is checked. When this returns, or its future ends, the function is not called any more.
  /// With AddColumnsOptions::checkpoint a call that did not end, perhaps as its process was killed, goes on
  /// where it was.
  ///
  /// \param[in] function computes the columns
  /// \param[in] schema that of the new columns
  /// \param[in] options what it reads, and how it is called
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Dataset>> AddColumnsByFunction(ColumnFunction function,
                                                               const std::shared_ptr<arrow::Schema>& schema,
                                                               const AddColumnsOptions& options = {},
                                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> AddColumnsByFunctionAsync(
      ColumnFunction function, const std::shared_ptr<arrow::Schema>& schema,
      const AddColumnsOptions& options = {}, const arrow::StopToken& stop = {}) const;

  /// Add the columns of a reader: its rows are those of the dataset, in their order. Deleted rows have none.
  /// Too few or too many are ErrorCode::kInvalidArgument. The reader is read on a thread of its own; its own
  /// error is returned.
  arrow::Result<std::shared_ptr<Dataset>> AddColumnsFromReader(
      const std::shared_ptr<arrow::RecordBatchReader>& reader, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> AddColumnsFromReaderAsync(
      const std::shared_ptr<arrow::RecordBatchReader>& reader, const arrow::StopToken& stop = {}) const;

  /// Add columns that are null in every row, and so nullable. No data file is written.
  arrow::Result<std::shared_ptr<Dataset>> AddNullColumns(const std::shared_ptr<arrow::Schema>& schema,
                                                         const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> AddNullColumnsAsync(const std::shared_ptr<arrow::Schema>& schema,
                                                              const arrow::StopToken& stop = {}) const;

  /// Add the columns of a reader by a key: each row of the dataset gets those of the row that has its key,
  /// and NULLs where there is none. The rows of the reader are held in memory. Keys of other types than the
  /// dataset's, and a key that comes twice in the reader, are ErrorCode::kInvalidArgument.
  ///
  /// \param[in] reader read on a thread of its own; its own error is returned
  /// \param[in] left_on a column of the dataset
  /// \param[in] right_on the column of the reader with its keys, which is not added
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Dataset>> MergeColumns(
      const std::shared_ptr<arrow::RecordBatchReader>& reader, const std::string& left_on,
      const std::string& right_on, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> MergeColumnsAsync(
      const std::shared_ptr<arrow::RecordBatchReader>& reader, const std::string& left_on,
      const std::string& right_on, const arrow::StopToken& stop = {}) const;

  /// Rename columns, change whether they may have NULLs, and cast them. All changes come at once, so that two
  /// names can be swapped. Only casts write data, and a cast that a value does not survive fails; of decimals
  /// and floating-point numbers the last digits may be lost. A column with an index cannot be cast, nor can
  /// one of the primary key, which stays as it is.
  arrow::Result<std::shared_ptr<Dataset>> AlterColumns(const std::vector<ColumnAlteration>& alterations,
                                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> AlterColumnsAsync(const std::vector<ColumnAlteration>& alterations,
                                                            const arrow::StopToken& stop = {}) const;

  /// Drop columns, or fields of them such as "a.b", and the indices of these. The data stays in its files
  /// until a compaction. Not all columns can be dropped, nor one of the primary key.
  arrow::Result<std::shared_ptr<Dataset>> DropColumns(const std::vector<std::string>& columns,
                                                      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> DropColumnsAsync(const std::vector<std::string>& columns,
                                                           const arrow::StopToken& stop = {}) const;

  /// Get the schema that DropColumns() would leave. It checks the same, waits for nothing and changes
  /// nothing.
  arrow::Result<std::shared_ptr<arrow::Schema>> PlanDropColumns(
      const std::vector<std::string>& columns) const;

  /// Key-values of this version that say how engines are to treat the dataset.
  arrow::Result<std::map<std::string, std::string>> Config() const;
  /// Key-values about the dataset, for people and programs.
  arrow::Result<std::map<std::string, std::string>> Metadata() const;
  /// The metadata of its Arrow schema.
  arrow::Result<std::map<std::string, std::string>> SchemaMetadata() const;
  /// The metadata of a column, or of a field of one such as "a.b".
  arrow::Result<std::map<std::string, std::string>> FieldMetadata(const std::string& column) const;

  /// Set and remove key-values, such as {{"key", "value"}, {"no more", std::nullopt}}; with `replace` those
  /// that are not named are removed. A key that is named twice is ErrorCode::kInvalidArgument.
  arrow::Result<std::shared_ptr<Dataset>> UpdateConfig(const std::vector<MetadataUpdate>& updates,
                                                       bool replace = false,
                                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> UpdateConfigAsync(const std::vector<MetadataUpdate>& updates,
                                                            bool replace = false,
                                                            const arrow::StopToken& stop = {}) const;
  arrow::Result<std::shared_ptr<Dataset>> UpdateMetadata(const std::vector<MetadataUpdate>& updates,
                                                         bool replace = false,
                                                         const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> UpdateMetadataAsync(const std::vector<MetadataUpdate>& updates,
                                                              bool replace = false,
                                                              const arrow::StopToken& stop = {}) const;
  arrow::Result<std::shared_ptr<Dataset>> UpdateSchemaMetadata(const std::vector<MetadataUpdate>& updates,
                                                               bool replace = false,
                                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> UpdateSchemaMetadataAsync(
      const std::vector<MetadataUpdate>& updates, bool replace = false,
      const arrow::StopToken& stop = {}) const;
  /// The same for a column. The keys of a primary key are refused: SetPrimaryKey() sets them.
  arrow::Result<std::shared_ptr<Dataset>> UpdateFieldMetadata(const std::string& column,
                                                              const std::vector<MetadataUpdate>& updates,
                                                              bool replace = false,
                                                              const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> UpdateFieldMetadataAsync(const std::string& column,
                                                                   const std::vector<MetadataUpdate>& updates,
                                                                   bool replace = false,
                                                                   const arrow::StopToken& stop = {}) const;

  /// The columns of the primary key, in its order; none where there is no key.
  arrow::Result<std::vector<std::string>> PrimaryKey() const;

  /// Declare a primary key, for good: it cannot be changed. Nothing enforces it but upserts, which look for
  /// rows by it. Its columns, and what they are fields of, must not be nullable and no lists. A second key is
  /// ErrorCode::kFailedPrecondition.
  arrow::Result<std::shared_ptr<Dataset>> SetPrimaryKey(const std::vector<std::string>& columns,
                                                        const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> SetPrimaryKeyAsync(const std::vector<std::string>& columns,
                                                             const arrow::StopToken& stop = {}) const;

  /// Check that fragments, data files, row ids and indices of this version fit together. What does not is
  /// ErrorCode::kCorrupt. It reads no values; CheckDataset() looks at all files of all versions.
  arrow::Status Validate(const arrow::StopToken& stop = {}) const;
  arrow::Future<> ValidateAsync(const arrow::StopToken& stop = {}) const;

  /// Give a dataset made by an earlier release what later ones have; this must be its newest version. What is
  /// migrated already stays as it is.
  arrow::Result<std::shared_ptr<Dataset>> Migrate(Migration migration,
                                                  const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> MigrateAsync(Migration migration,
                                                       const arrow::StopToken& stop = {}) const;

  /// Write all rows anew, in files of another format version, and commit them in place of the old ones. This
  /// must be the newest version: a commit of somebody else's meanwhile is ErrorCode::kCommitConflict. Indices
  /// do not survive it, and are made anew afterwards; deleted rows go. Columns with blobs are
  /// ErrorCode::kNotSupported.
  ///
  /// \param[in] data_storage_version as WriteOptions::data_storage_version, for example "2.2"
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Dataset>> UpgradeStorage(const std::string& data_storage_version,
                                                         const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Dataset>> UpgradeStorageAsync(const std::string& data_storage_version,
                                                              const arrow::StopToken& stop = {}) const;

  /// Make one fragment of several small ones, and free what deleted rows and dropped columns take. Rows keep
  /// their values and their stable row ids; those of fragments that were written anew come in their order,
  /// after the others. The files of before stay for older versions, until a cleanup removes those.
  ///
  /// It commits two versions: one that reserves numbers for the new fragments and changes nothing else, and
  /// the one it is about. Whoever deletes, updates or compacts rows of the same fragments meanwhile makes it
  /// fail with ErrorCode::kCommitConflictRetryable, whoever appends does not. When the call fails or is
  /// stopped, no file of it stays. After kCommitStatusUnknown the version may be there, and so its files
  /// stay; so may it be after a stop that comes while it is made.
  arrow::Result<CompactResult> Compact(const CompactOptions& options = {},
                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<CompactResult> CompactAsync(const CompactOptions& options = {},
                                            const arrow::StopToken& stop = {}) const;

  /// Plan a compaction, and write nothing. A plan without tasks says that there is nothing to do. Options
  /// that are about how it is executed at once or committed are not in the tasks: `threads`,
  /// `encoding_profile`, `commit_message`, `transaction_properties`, `progress`.
  arrow::Result<std::vector<CompactionTask>> PlanCompaction(const CompactOptions& options = {},
                                                            const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<CompactionTask>> PlanCompactionAsync(const CompactOptions& options = {},
                                                                 const arrow::StopToken& stop = {}) const;

  /// Execute a task, from whichever version of the dataset, and return what it has written, as JSON. Nothing
  /// is committed: the new files belong to no version until CommitCompaction(), and a cleanup removes those
  /// of a result that is never committed. When the call fails or is stopped, no file of it stays. A task of
  /// another dataset, or of a version that has other fragments, is ErrorCode::kInvalidArgument.
  ///
  /// \param[in] task what PlanCompaction() has planned, or pylance
  /// \param[in] options how to execute it
  /// \param[in] stop ends the call early
  arrow::Result<std::string> ExecuteCompaction(const std::string& task,
                                               const ExecuteCompactionOptions& options = {},
                                               const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> ExecuteCompactionAsync(const std::string& task,
                                                    const ExecuteCompactionOptions& options = {},
                                                    const arrow::StopToken& stop = {}) const;

  /// Commit what tasks have written, as one version. Results may be left out: their fragments stay as they
  /// are. Their files stay, too, when the commit fails, and the same results can be committed again, unless
  /// that can never succeed.
  ///
  /// Nothing is counted twice. Results that were committed already are left out, and when that is all, the
  /// dataset is one of the latest version. Of several results of one task the first counts. Results that
  /// replace some of the same fragments, that are of another dataset, or that have other rows than what they
  /// replace, are ErrorCode::kInvalidArgument; one of which a file is missing or has another size is
  /// kNotFound. Fragments that others have changed since are kCommitConflictRetryable: plan and execute anew.
  ///
  /// \param[in] results what ExecuteCompaction() has returned, or pylance
  /// \param[in] options how to commit them
  /// \param[in] stop ends the call early
  arrow::Result<CompactResult> CommitCompaction(const std::vector<std::string>& results,
                                                const CommitCompactionOptions& options = {},
                                                const arrow::StopToken& stop = {}) const;
  arrow::Future<CompactResult> CommitCompactionAsync(const std::vector<std::string>& results,
                                                     const CommitCompactionOptions& options = {},
                                                     const arrow::StopToken& stop = {}) const;

  /// List what the columns take on disk: each before the fields in it. It reads the footer of every data
  /// file, and no values.
  arrow::Result<std::vector<ColumnSize>> ColumnSizes(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::vector<ColumnSize>> ColumnSizesAsync(const arrow::StopToken& stop = {}) const;

  /// Tell between which values those of a column are, without a scan. No live value is outside; deleted ones
  /// may have been at the ends. Nothing where that is not known: it takes an index of type
  /// IndexType::kZonemap that covers all rows, and values that are not NaN.
  ///
  /// \param[in] column a name, as ScanOptions::columns has them
  /// \param[in] stop ends the call early
  arrow::Result<std::optional<ValueRange>> ColumnRange(const std::string& column,
                                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<std::optional<ValueRange>> ColumnRangeAsync(const std::string& column,
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

  /// Prepare what MergeInsert() does, on this version, and leave the commit to the transaction. What a
  /// conflict then leaves to do is redone by the caller. The transaction names the keys that it inserts, so
  /// that none is doubled.
  arrow::Result<Transaction> MergeInsertUncommitted(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                                    const MergeInsertOptions& options = {},
                                                    const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> MergeInsertUncommittedAsync(
      const std::shared_ptr<arrow::RecordBatchReader>& reader, const MergeInsertOptions& options = {},
      const arrow::StopToken& stop = {}) const;

  /// Do what MergeInsert() does, on this version, commit nothing and leave no file: the plan, as text, with
  /// what each step took.
  arrow::Result<std::string> AnalyzeMergeInsert(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                                const MergeInsertOptions& options = {},
                                                const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> AnalyzeMergeInsertAsync(const std::shared_ptr<arrow::RecordBatchReader>& reader,
                                                     const MergeInsertOptions& options = {},
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
