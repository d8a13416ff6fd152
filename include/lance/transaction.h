/// \file transaction.h
/// What was done to a version, or is to make one, and belongs to no version yet.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class Dataset;
class LanceWriter;

/// What a commit made of transactions of an open dataset.
struct LANCE_EXPORT Committed {
  /// The version that has them; in a dry run the one that was committed to.
  std::shared_ptr<Dataset> dataset;
  CommitResult result;
};

/// A write, or a change of a version, that is not committed: a move-only value, to be committed or discarded
/// here or, through its JSON, in another process. Destruction keeps the files. Not thread-safe.
class LANCE_EXPORT Transaction {
 public:
  /// A key of WriteOptions::transaction_properties: the name of the part of a job that a write is, for
  /// example "nightly 2026-11-26 3/8". Of each part one transaction is committed, once, however often workers
  /// have made it.
  static constexpr char kPartProperty[] = "lance_cpp.part";

  ~Transaction();
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;

  /// Commit as one new version. On failure the files are kept, so that it can be tried again or discarded.
  ///
  /// A transaction that has a JSON form is committed once, whoever does it and however often: another commit
  /// returns the version that was made. One whose outcome was unknown is repeated to learn it.
  ///
  /// \param[in] stop ends the call early: what it commits at that moment is committed, or is not, and another
  /// commit tells
  arrow::Result<CommitResult> Commit(const arrow::StopToken& stop = {});
  arrow::Future<CommitResult> CommitAsync(const arrow::StopToken& stop = {});

  /// The same, otherwise than by default.
  arrow::Result<CommitResult> Commit(const CommitOptions& options, const arrow::StopToken& stop = {});
  arrow::Future<CommitResult> CommitAsync(const CommitOptions& options, const arrow::StopToken& stop = {});

  /// Commit several transactions of the same dataset as one new version, in this order of rows. They
  /// conflict with what has been committed since the first of them was begun. The properties of all are kept:
  /// messages below one another, and two values of any other key are refused.
  ///
  /// Those that change fragments must have been made of the same version, and each of other fragments; what
  /// is neither of these is committed alone.
  ///
  /// Those that repeat a part (kPartProperty) of another one before them, or of a version, are left out and
  /// counted in CommitResult::repeated_parts. Discard() deletes their files, and refuses those that are
  /// committed.
  static arrow::Result<CommitResult> CommitAll(std::vector<Transaction>& transactions,
                                               const arrow::StopToken& stop = {});
  static arrow::Future<CommitResult> CommitAllAsync(std::vector<Transaction>& transactions,
                                                    const arrow::StopToken& stop = {});

  static arrow::Result<CommitResult> CommitAll(std::vector<Transaction>& transactions,
                                               const CommitOptions& options,
                                               const arrow::StopToken& stop = {});
  static arrow::Future<CommitResult> CommitAllAsync(std::vector<Transaction>& transactions,
                                                    const CommitOptions& options,
                                                    const arrow::StopToken& stop = {});

  /// Delete the files, but for those that a version needs. Refused after a commit, also one by another
  /// process, and while a commit's outcome is unknown.
  arrow::Status Discard(const arrow::StopToken& stop = {});
  arrow::Future<> DiscardAsync(const arrow::StopToken& stop = {});

  /// Describe it for another process. Storage options are not part of it; the place is absolute.
  /// docs/transactions.md has the form, in which others can describe transactions, too.
  arrow::Result<std::string> ToJson() const;

  /// Read what ToJson() wrote, here or in version 0.1, or what others wrote in its form. What is cut short or
  /// otherwise damaged is ErrorCode::kInvalidArgument.
  ///
  /// \param[in] json the description
  /// \param[in] storage this process's own credentials
  static arrow::Result<Transaction> FromJson(const std::string& json, const StorageOptions& storage = {});

 private:
  friend class LanceWriter;
  friend struct TransactionAccess;
  class Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
