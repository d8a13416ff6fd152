/// \file index.h
/// Kinds of indices by their names. Dataset::CreateIndex() makes an index, IndexOptions says how.
#pragma once

#include <string>

#include "arrow/result.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Get the type of a name, such as "IVF_PQ" or "ivf-pq": upper and lower case are alike, as are `-` and `_`.
/// Another name is ErrorCode::kInvalidArgument.
LANCE_EXPORT arrow::Result<IndexType> ParseIndexType(const std::string& name);

}  // namespace v0
}  // namespace lance
