/// \file schema_check_internal.h
/// The check that data fits the schema it is written under.
///
/// What only Arrow C++ can see is checked here: names that C cannot carry, and whether buffers are as large
/// as their lengths say. The values are checked where they arrive.
#pragma once

#include "arrow/status.h"
#include "arrow/type_fwd.h"

namespace lance::inline v0::internal {

/// Check that every name, at any depth, survives the way through C, where text ends with the first NUL.
arrow::Status CheckNames(const arrow::Schema& schema);

/// Check that data of one schema can be read as the other: the same names and types in the same order.
/// Nullability is a question of values, and an extension type is its storage. The failure names the first
/// field that differs.
arrow::Status CheckSchema(const arrow::Schema& expected, const arrow::Schema& actual);

/// Check that a batch has this schema, and that its columns have the types and lengths it claims.
arrow::Status CheckBatch(const arrow::Schema& expected, const arrow::RecordBatch& batch);

}  // namespace lance::inline v0::internal
