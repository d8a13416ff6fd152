/// \file fragment.h
/// A fragment of a version, as a value, and what is done to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/transaction.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A fragment of a version: a value, which keeps the version open. What changes it makes a transaction of
/// that, so that workers which each have fragments of their own change one version together:
///
/// \code
///   ARROW_ASSIGN_OR_RAISE(auto fragment, lance::Fragment::Get(dataset, 7));
///   ARROW_ASSIGN_OR_RAISE(auto deletion, fragment.Delete("l_quantity > 40"));
///   ARROW_ASSIGN_OR_RAISE(auto json, deletion.ToJson());                      // to whoever commits
/// \endcode
///
/// The coordinator reads them with Transaction::FromJson(), and Dataset::Commit() makes one version of all.
/// When a call fails or is stopped, no file of it stays; of a transaction they stay until it is discarded.
class LANCE_EXPORT Fragment {
 public:
  using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

  /// Get a fragment. One that the version does not have is ErrorCode::kInvalidArgument.
  static arrow::Result<Fragment> Get(std::shared_ptr<const Dataset> dataset, uint64_t id);

  /// Get all of them, in their order.
  static arrow::Result<std::vector<Fragment>> All(const std::shared_ptr<const Dataset>& dataset);

  uint64_t id() const { return metadata_.id; }
  /// What the version says of it, also as the JSON that pylance reads and writes.
  const FragmentMetadata& metadata() const { return metadata_; }
  const std::shared_ptr<const Dataset>& dataset() const { return dataset_; }

  /// Scan its rows.
  ///
  /// \param[in] options its fragments are set to this one
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<Scanner>> Scan(ScanOptions options = {},
                                               const arrow::StopToken& stop = {}) const;

  /// Take rows by their positions among its live rows, in the order given, and as often as they are given.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(const std::vector<uint64_t>& positions,
                                                          const TakeOptions& options = {},
                                                          const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakeAsync(const std::vector<uint64_t>& positions,
                                                               const TakeOptions& options = {},
                                                               const arrow::StopToken& stop = {}) const;

  /// Delete the rows that pass a filter.
  ///
  /// \param[in] filter SQL, as ScanOptions::filter has it
  /// \param[in] stop ends the call early
  arrow::Result<Transaction> Delete(const std::string& filter, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> DeleteAsync(const std::string& filter,
                                                          const arrow::StopToken& stop = {}) const;

  /// Delete the rows that are stored at these places.
  ///
  /// \param[in] offsets counted from 0, deleted rows included, which may be among them
  /// \param[in] stop ends the call early
  arrow::Result<Transaction> DeleteOffsets(const std::vector<uint64_t>& offsets,
                                           const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> DeleteOffsetsAsync(const std::vector<uint64_t>& offsets,
                                                                 const arrow::StopToken& stop = {}) const;

  /// Put new values in the place of whole columns. They have to be alone in their data file, as added ones
  /// are.
  ///
  /// \param[in] values the columns by their names, each as the dataset has it, with a value for each stored
  /// row, deleted ones included
  /// \param[in] stop ends the call early
  arrow::Result<Transaction> WriteColumns(const ReaderPtr& values, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> WriteColumnsAsync(const ReaderPtr& values,
                                                                const arrow::StopToken& stop = {}) const;

  /// Add columns, joined by a key. A row without a value, and fragments that nobody adds them to, have NULL.
  /// A column that is there already is ErrorCode::kInvalidArgument. The values are held in memory.
  ///
  /// \param[in] values the columns and the key
  /// \param[in] left_on the key: a column of the dataset, or `_rowid` or `_rowaddr`
  /// \param[in] right_on the same in `values`
  /// \param[in] stop ends the call early
  arrow::Result<Transaction> MergeColumns(const ReaderPtr& values, const std::string& left_on,
                                          const std::string& right_on,
                                          const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> MergeColumnsAsync(const ReaderPtr& values,
                                                                const std::string& left_on,
                                                                const std::string& right_on,
                                                                const arrow::StopToken& stop = {}) const;

  /// Add columns that expressions compute of the rows. Fragments that nobody adds them to have NULL.
  ///
  /// \param[in] expressions names, each with one SQL expression, as ScanOptions::expressions has them
  /// \param[in] stop ends the call early
  arrow::Result<Transaction> AddColumns(const std::vector<std::pair<std::string, std::string>>& expressions,
                                        const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> AddColumnsAsync(
      const std::vector<std::pair<std::string, std::string>>& expressions,
      const arrow::StopToken& stop = {}) const;

  /// Put new values in the place of some, joined by a key. The others stay as they are. The values are held
  /// in memory.
  ///
  /// \param[in] values columns of the dataset, and the key
  /// \param[in] left_on the key: a column of the dataset, or `_rowid` or `_rowaddr`
  /// \param[in] right_on the same in `values`
  /// \param[in] stop ends the call early
  arrow::Result<Transaction> UpdateColumns(const ReaderPtr& values, const std::string& left_on,
                                           const std::string& right_on,
                                           const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<Transaction>> UpdateColumnsAsync(const ReaderPtr& values,
                                                                 const std::string& left_on,
                                                                 const std::string& right_on,
                                                                 const arrow::StopToken& stop = {}) const;

 private:
  Fragment(std::shared_ptr<const Dataset> dataset, FragmentMetadata metadata);

  std::shared_ptr<const Dataset> dataset_;
  FragmentMetadata metadata_;
};

}  // namespace v0
}  // namespace lance
