/// \file type_name.h
/// Types by the names that `lance schema` prints.
#pragma once

#include <memory>
#include <string_view>

#include "arrow/type_fwd.h"

namespace lance::cli {

/// Get a type by its name, such as "int64", "timestamp[us, tz=UTC]" or "decimal128(12, 2)"; NULL if there is
/// none.
std::shared_ptr<arrow::DataType> TypeByName(std::string_view name);

}  // namespace lance::cli
