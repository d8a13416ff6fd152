/// \file hybrid.h
/// Hybrid search: what is near and what has the words, in one ranking.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A row, and how good it is.
struct LANCE_EXPORT RankedRow {
  uint64_t row_id = 0;
  double score = 0;
};

/// Rank what was found: rows of both batches, each once, in any order. The best score comes first, and of
/// equal ones the row that was named first.
///
/// \param[in] nearest columns `_rowid` and `_distance`, the nearest first, and
/// HybridOptions::reranker_columns
/// \param[in] full_text columns `_rowid` and `_score`, the best first, and the same columns
using Reranker = std::function<arrow::Result<std::vector<RankedRow>>(
    const std::shared_ptr<arrow::RecordBatch>& nearest,
    const std::shared_ptr<arrow::RecordBatch>& full_text)>;

/// How two searches become one.
struct LANCE_EXPORT HybridOptions {
  /// The most rows that ScanOptions::full_text finds to be ranked, unless it has a limit of its own
  /// (TextQuery::With()). Those of ScanOptions::nearest are its `k`.
  int64_t full_text_rows = 100;
  /// The constant of reciprocal-rank fusion; see FuseRanks().
  double rank_constant = 60;
  /// Ranks the rows in place of reciprocal-rank fusion. It may take its time: HybridSearch() calls it on the
  /// calling thread, HybridSearchAsync() on Arrow's pool for the CPU. What it throws is ErrorCode::kCallback.
  Reranker reranker = {};
  /// Columns that the reranker needs.
  std::vector<std::string> reranker_columns = {};
};

/// Reciprocal-rank fusion: in each ranking the row at place p, counted from 1, gets 1 / (constant + p), and
/// these add up. A row that a ranking has several times counts at its first place.
///
/// \param[in] rankings row ids, the best first
/// \param[in] constant how little the first places are above the others
/// \return the rows, the best first; of equal ones that with the lower id
LANCE_EXPORT std::vector<RankedRow> FuseRanks(const std::vector<std::vector<uint64_t>>& rankings,
                                              double constant = 60);

/// Search for the nearest vectors and for words at once, and rank together what was found.
///
/// \code
///   ARROW_ASSIGN_OR_RAISE(auto nearest, lance::VectorQuery::Make("embedding", vector, {.k = 100}));
///   ARROW_ASSIGN_OR_RAISE(auto best, lance::HybridSearch(dataset, {
///       .columns = {{"title"}},
///       .limit = 10,
///       .nearest = nearest,
///       .full_text = lance::TextQuery::Match("columnar format"),
///   }));
/// \endcode
///
/// `filter`, `prefilter` and the like hold for both searches; `columns` and `expressions`, `limit` and
/// `offset` for the answer, which is read once the ranking is known. After its columns come `_distance` and
/// `_score`, null where that search did not find the row, and `_relevance_score`. What asks for another order
/// or for groups is ErrorCode::kInvalidArgument, and so is a batch of vectors.
///
/// \param[in] dataset what is searched
/// \param[in] scan with `nearest` and `full_text`, and without a `search_filter`
/// \param[in] options how it is ranked
/// \param[in] stop ends the call early
LANCE_EXPORT arrow::Result<std::shared_ptr<arrow::RecordBatch>> HybridSearch(
    const std::shared_ptr<Dataset>& dataset, const ScanOptions& scan, const HybridOptions& options = {},
    const arrow::StopToken& stop = {});
LANCE_EXPORT arrow::Future<std::shared_ptr<arrow::RecordBatch>> HybridSearchAsync(
    const std::shared_ptr<Dataset>& dataset, const ScanOptions& scan, const HybridOptions& options = {},
    const arrow::StopToken& stop = {});

}  // namespace v0
}  // namespace lance
