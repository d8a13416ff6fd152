/// \file checked_batches.h
/// The one place where what comes out of a file is looked at before it is used.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "arrow/record_batch.h"
#include "arrow/status.h"
#include "inputs/fit.h"
#include "inputs/input.h"

namespace lance::cli {

/// The batches of a part of a file. Its reader is not trusted: each batch must have the columns that the
/// schema announced, and hold what it says. Failures name the file.
class CheckedBatches : public arrow::RecordBatchReader {
 public:
  /// \param[in] announced the schema of the file
  /// \param[in] fit what its columns become
  /// \param[in] part opened when it is read from
  CheckedBatches(std::string path, std::shared_ptr<arrow::Schema> announced, std::shared_ptr<const Fit> fit,
                 Input::Part part);

  std::shared_ptr<arrow::Schema> schema() const override { return fit_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;

 private:
  arrow::Status Read(std::shared_ptr<arrow::RecordBatch>* out);
  arrow::Status ReadChecked();
  arrow::Status Check(const arrow::RecordBatch& batch) const;

  const std::string path_;
  const std::shared_ptr<arrow::Schema> announced_;
  const std::shared_ptr<const Fit> fit_;
  const Input::Part part_;
  uint64_t next_row_;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  /// What has been checked and is not converted yet.
  std::shared_ptr<arrow::RecordBatch> rest_;
};

}  // namespace lance::cli
