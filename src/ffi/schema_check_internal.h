/// \file schema_check_internal.h
/// The check that data fits the schema it is written under.
#pragma once

#include "arrow/status.h"
#include "arrow/type_fwd.h"

namespace lance::inline v0::internal {

/// Compare schemas, apart from their metadata; the failure names the first field that differs.
arrow::Status CheckSchema(const arrow::Schema& expected, const arrow::Schema& actual);

/// Check that a batch has this schema, and that its columns have the types and lengths it claims.
arrow::Status CheckBatch(const arrow::Schema& expected, const arrow::RecordBatch& batch);

}  // namespace lance::inline v0::internal
