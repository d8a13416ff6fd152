/// \file transaction.h
/// Data files that are written but belong to no version yet.
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

class LanceWriter;

/// An uncommitted write: a move-only value, to be committed or discarded here or, through its JSON, in
/// another process. Destruction keeps the files. Not thread-safe.
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

  /// Commit several uncommitted writes to the same dataset as one new version, in this order of rows. They
  /// conflict with what has been committed since the first of them was begun. The properties of all are kept:
  /// messages below one another, and two values of any other key are refused.
  ///
  /// Those that repeat a part (kPartProperty) of another one before them, or of a version, are left out and
  /// counted in CommitResult::repeated_parts. Discard() deletes their files, and refuses those that are
  /// committed.
  static arrow::Result<CommitResult> CommitAll(std::vector<Transaction>& transactions,
                                               const arrow::StopToken& stop = {});
  static arrow::Future<CommitResult> CommitAllAsync(std::vector<Transaction>& transactions,
                                                    const arrow::StopToken& stop = {});

  /// Delete the files. Refused after a commit, also one by another process, and while a commit's outcome is
  /// unknown.
  arrow::Status Discard(const arrow::StopToken& stop = {});
  arrow::Future<> DiscardAsync(const arrow::StopToken& stop = {});

  /// Describe it for another process. Storage options are not part of it; the place is absolute.
  arrow::Result<std::string> ToJson() const;

  /// Read what ToJson() wrote.
  ///
  /// \param[in] json the description
  /// \param[in] storage this process's own credentials
  static arrow::Result<Transaction> FromJson(const std::string& json, const StorageOptions& storage = {});

 private:
  friend class LanceWriter;
  class Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
