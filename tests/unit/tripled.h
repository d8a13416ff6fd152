/// \file tripled.h
/// A function over batches, for tests: a column with three times the id.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "arrow/api.h"
#include "lance/api.h"

namespace lance_test {

inline std::shared_ptr<arrow::Schema> TripledSchema() {
  return arrow::schema({arrow::field("tripled", arrow::int64())});
}

inline arrow::Result<std::shared_ptr<arrow::RecordBatch>> Tripled(
    const std::shared_ptr<arrow::RecordBatch>& batch) {
  const auto& ids = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("id"));
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < ids.length(); ++i) ARROW_RETURN_NOT_OK(builder.Append(3 * ids.Value(i)));
  ARROW_ASSIGN_OR_RAISE(auto tripled, builder.Finish());
  return arrow::RecordBatch::Make(TripledSchema(), batch->num_rows(), {std::move(tripled)});
}

/// Add the column, with a checkpoint.
///
/// \param[in] each called with every batch
inline arrow::Result<std::shared_ptr<lance::Dataset>> AddTripled(const lance::Dataset& dataset,
                                                                 const std::string& checkpoint,
                                                                 const std::function<void()>& each,
                                                                 lance::AddColumnsOptions options = {}) {
  options.columns = {"id"};
  options.batch_size = 50;
  options.checkpoint = checkpoint;
  options.function_id = "three times the id";
  const auto function = [each](const std::shared_ptr<arrow::RecordBatch>& batch) {
    each();
    return Tripled(batch);
  };
  return dataset.AddColumnsByFunction(function, TripledSchema(), options);
}

}  // namespace lance_test
