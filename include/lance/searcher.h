/// \file searcher.h
/// Searches that are prepared once and run many times.
#pragma once

#include <memory>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class Dataset;

/// A search for the nearest vectors that is prepared once and run for many vectors: nothing is planned,
/// opened or read twice. It finds what a scan finds. Immutable and thread-safe; it keeps what it needs
/// alive, and the index and files it reads open.
///
/// \code
///   ARROW_ASSIGN_OR_RAISE(auto example, lance::VectorQuery::Make("embedding", vector, {.k = 10}));
///   ARROW_ASSIGN_OR_RAISE(auto searcher, lance::Searcher::Open(*dataset, {.nearest = example}));
///   ARROW_ASSIGN_OR_RAISE(auto rows, searcher->Search(vector));
/// \endcode
class LANCE_EXPORT Searcher {
 public:
  ~Searcher();
  Searcher(const Searcher&) = delete;
  Searcher& operator=(const Searcher&) = delete;

  /// Prepare a search. What is wrong with the options is found now, as by Dataset::Scan().
  ///
  /// \param[in] dataset the version that is searched; it may be destroyed before the searcher
  /// \param[in] options a scan with `nearest`, of which the vectors are an example: each search has its own.
  ///     An order, a limit, computed columns, and a filter that is not a prefilter are possible; such a
  ///     search is run as a scan. `statistics` are not possible
  /// \param[in] searcher_options what it may take
  /// \param[in] stop ends the call early
  static arrow::Result<std::shared_ptr<Searcher>> Open(const Dataset& dataset, const ScanOptions& options,
                                                       const SearcherOptions& searcher_options = {},
                                                       const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<Searcher>> OpenAsync(const Dataset& dataset,
                                                            const ScanOptions& options,
                                                            const SearcherOptions& searcher_options = {},
                                                            const arrow::StopToken& stop = {});

  /// Whether searches spare what a scan has to do each time. Otherwise each is a scan.
  bool is_prepared() const;

  /// Find the rows that are nearest to these vectors. The batch is what a scan with them returns: of one
  /// vector, or of a batch of them.
  ///
  /// \param[in] vectors as VectorQuery::Make() takes them
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Search(const std::shared_ptr<arrow::Array>& vectors,
                                                            const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> SearchAsync(const std::shared_ptr<arrow::Array>& vectors,
                                                                 const arrow::StopToken& stop = {}) const;

 private:
  class Impl;
  explicit Searcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
