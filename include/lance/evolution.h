/// \file evolution.h
/// What becomes of columns: Dataset::AlterColumns() and Dataset::AddColumnsByFunction() take it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A change of a column. What is not set stays.
struct LANCE_EXPORT ColumnAlteration {
  /// A column, or a field of one such as "a.b".
  std::string column = {};
  /// Its new name, without the path.
  std::optional<std::string> rename = std::nullopt;
  Nullability nullability = Nullability::kKeep;
  /// Its new type.
  std::shared_ptr<arrow::DataType> type = nullptr;
};

/// Computes new columns of a batch: a batch of as many rows, with the new columns and no others. It is called
/// on threads of the library, several at once and in no order, and may be called again for a batch whose
/// result was lost. Calls of this library that wait fail in it with ErrorCode::kInvalidState. Its error, or
/// the exception it throws, is that of the whole call, with ErrorCode::kCallback.
using ColumnFunction = std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>(
    const std::shared_ptr<arrow::RecordBatch>&)>;

}  // namespace v0
}  // namespace lance
