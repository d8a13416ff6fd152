/// \file transaction.h
/// Data files that are written but belong to no version yet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class LanceWriter;

/// What a commit made.
struct LANCE_EXPORT CommitResult {
  uint64_t version = 0;
};

/// An uncommitted write: a move-only value, to be committed or discarded here or, through its JSON, in
/// another process. Destruction keeps the files. Not thread-safe.
class LANCE_EXPORT Transaction {
 public:
  ~Transaction();
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;

  /// Commit as one new version. On failure the files are kept, so that it can be tried again or discarded.
  arrow::Result<CommitResult> Commit();

  /// Commit several uncommitted writes to the same dataset as one new version, in this order of rows.
  static arrow::Result<CommitResult> CommitAll(std::vector<Transaction>& transactions);

  /// Delete the files. Refused after a commit, and while a commit's outcome is unknown.
  arrow::Status Discard();

  /// Describe it for another process. Storage options are not part of it.
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
