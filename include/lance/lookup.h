/// \file lookup.h
/// Rows by the values of a column, looked up many times.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class Dataset;

/// Rows by the values of a column. The index of the column is opened once and answers any number of look-ups:
/// nothing is planned for each. They find what a scan with a filter finds. Immutable and thread-safe; it
/// keeps what it needs alive, and the index and files it reads open.
///
/// \code
///   ARROW_ASSIGN_OR_RAISE(auto lookup, lance::Lookup::Open(*dataset, "l_orderkey"));
///   ARROW_ASSIGN_OR_RAISE(auto keys, arrow::ArrayFromJSON(arrow::int64(), "[7, 4711]"));
///   ARROW_ASSIGN_OR_RAISE(auto rows, lookup->Take(keys));
/// \endcode
///
/// Values are cast to the type of the column; NULL is ErrorCode::kInvalidArgument, as it equals nothing.
class LANCE_EXPORT Lookup {
 public:
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// Open the index of a column. Indices of the kinds BTREE and BITMAP that know all rows answer by
  /// themselves, for columns of integers, decimals, booleans, texts, bytes, dates and times. Without one,
  /// each look-up is a scan.
  ///
  /// \param[in] dataset the version that is looked at; it may be destroyed before the lookup
  /// \param[in] column a whole column that is stored
  /// \param[in] options what is returned of the rows
  /// \param[in] stop ends the call early
  static arrow::Result<std::shared_ptr<Lookup>> Open(const Dataset& dataset, const std::string& column,
                                                     const LookupOptions& options = {},
                                                     const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<Lookup>> OpenAsync(const Dataset& dataset, const std::string& column,
                                                          const LookupOptions& options = {},
                                                          const arrow::StopToken& stop = {});

  /// Whether an index answers. Otherwise each look-up is a scan.
  bool is_prepared() const;

  /// Read the rows that have one of these values, in the order of the dataset, each once.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(const std::shared_ptr<arrow::Array>& values,
                                                          const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakeAsync(const std::shared_ptr<arrow::Array>& values,
                                                               const arrow::StopToken& stop = {}) const;

  /// Read the rows whose values are between two, both of them included.
  ///
  /// \param[in] bounds the least and the greatest
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeBetween(const std::shared_ptr<arrow::Array>& bounds,
                                                                 const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatch>> TakeBetweenAsync(
      const std::shared_ptr<arrow::Array>& bounds, const arrow::StopToken& stop = {}) const;

  /// Count the rows that have one of these values.
  arrow::Result<uint64_t> Count(const std::shared_ptr<arrow::Array>& values,
                                const arrow::StopToken& stop = {}) const;
  arrow::Future<uint64_t> CountAsync(const std::shared_ptr<arrow::Array>& values,
                                     const arrow::StopToken& stop = {}) const;

  /// Count the rows whose values are between two, both of them included.
  arrow::Result<uint64_t> CountBetween(const std::shared_ptr<arrow::Array>& bounds,
                                       const arrow::StopToken& stop = {}) const;
  arrow::Future<uint64_t> CountBetweenAsync(const std::shared_ptr<arrow::Array>& bounds,
                                            const arrow::StopToken& stop = {}) const;

 private:
  class Impl;
  explicit Lookup(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
