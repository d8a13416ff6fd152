/// \file search.h
/// Searches for the nearest vectors.
#pragma once

#include <memory>
#include <string>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A search for the nearest vectors, for ScanOptions::nearest. Immutable and thread-safe: it may be given to
/// any number of scans, of any dataset, and needs none of them.
///
/// \code
///   ARROW_ASSIGN_OR_RAISE(auto nearest, lance::VectorQuery::Make("embedding", vector, {.k = 10}));
///   ARROW_ASSIGN_OR_RAISE(auto scanner, dataset->Scan({.columns = {{"id", "_distance"}}, .nearest =
///   nearest})); ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
/// \endcode
class LANCE_EXPORT VectorQuery {
 public:
  ~VectorQuery();
  VectorQuery(const VectorQuery&) = delete;
  VectorQuery& operator=(const VectorQuery&) = delete;

  /// Make a search for the vectors of a column that are nearest to the given ones.
  ///
  /// Against a column of vectors, which is a fixed-size list of numbers, a list of vectors is a batch of
  /// queries: each has up to `k` rows, which come one query after the other and say in the column
  /// `query_index` whose they are. Against a column of lists of vectors, it is one query, and the rows are
  /// ranked by the sum of the least distances of its vectors.
  ///
  /// \param[in] column a column of vectors, nested ones as "a.b"
  /// \param[in] vectors numbers for one vector, or lists of as many numbers each. They are cast to those of
  ///     the column when a scan is made; what does not fit, and a vector of another length, is
  ///     ErrorCode::kInvalidArgument there. No numbers, nulls, NaN and infinity are refused now
  /// \param[in] options how many rows are found, and how
  static arrow::Result<std::shared_ptr<VectorQuery>> Make(const std::string& column,
                                                          const std::shared_ptr<arrow::Array>& vectors,
                                                          const VectorQueryOptions& options = {});

 private:
  friend struct VectorQueryAccess;
  class Impl;
  explicit VectorQuery(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
