/// \file fit.h
/// How the columns of a file become those of a table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "inputs/input.h"

namespace lance::cli {

/// The columns that a file should have.
struct Expected {
  /// NULL if any will do.
  std::shared_ptr<arrow::Schema> schema;
  /// Whether these are the columns of a dataset, for which values are cast and nulls filled in, or those of
  /// the first input, whose types the others must have.
  bool of_dataset = false;
  /// Whether the file may have some of them only, which then come out, and no others.
  bool partly = false;
};

/// Matches columns by name.
class Fit {
 public:
  /// Match.
  ///
  /// \param[in] schema what the file has, with names that can be stored
  /// \param[in] types what the user wants these columns cast to
  /// \param[out] notes columns that the file does not have
  static arrow::Result<Fit> Make(const std::shared_ptr<arrow::Schema>& schema, const ColumnTypes& types,
                                 const Expected& expected, std::vector<std::string>* notes);

  /// Get the columns of the file.
  const std::shared_ptr<arrow::Schema>& from() const { return from_; }
  /// Get the columns that come out.
  const std::shared_ptr<arrow::Schema>& schema() const { return to_; }

  /// Convert a batch, which has been checked. Values that cannot be converted are an error.
  ///
  /// \param[in] first_row the batch's first row in the file
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Apply(const arrow::RecordBatch& batch,
                                                           uint64_t first_row) const;

 private:
  std::shared_ptr<arrow::Schema> from_;
  std::shared_ptr<arrow::Schema> to_;
  /// Of each column that comes out: its place in the file, or -1.
  std::vector<int> places_;
};

/// Get the first row that makes a check of an array fail, or -1 if it is not due to a row.
int64_t FirstFailing(const arrow::Array& array,
                     const std::function<arrow::Status(const arrow::Array&)>& check);

/// Say in which row a failure is, if in any.
///
/// \param[in] row counted from `first_row`, which is counted from 0
arrow::Status InRow(int64_t row, uint64_t first_row, const arrow::Status& failure);

}  // namespace lance::cli
