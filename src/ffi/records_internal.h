/// \file records_internal.h
/// Lists of records, which the C ABI gives as streams.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "arrow/array.h"
#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/error_internal.h"

namespace lance::inline v0::internal {

/// Read a stream to its end.
arrow::Status ForEachBatch(CStream* stream,
                           const std::function<arrow::Status(const arrow::RecordBatch&)>& read);

/// Read one map of texts.
std::map<std::string, std::string> ToMap(const arrow::MapArray& maps, int64_t row);

/// Get the column of this name, which must have this type.
template <typename ArrayT>
arrow::Result<std::shared_ptr<ArrayT>> Column(const arrow::RecordBatch& batch, const char* name) {
  const auto column = batch.GetColumnByName(name);
  if (column == nullptr || column->type_id() != ArrayT::TypeClass::type_id) {
    return MakeStatus(ErrorCode::kInternal, std::string("a list of liblance_ffi has no such column '") +
                                                name + "'; install matching libraries");
  }
  return std::static_pointer_cast<ArrayT>(column);
}

}  // namespace lance::inline v0::internal
