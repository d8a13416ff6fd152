/// \file filter_internal.h
/// Filters of Arrow for the engine.
#pragma once

#include <memory>

#include "arrow/compute/type_fwd.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"

namespace lance::inline v0::internal {

/// What the engine does of a filter.
struct Pushdown {
  /// As Substrait; NULL when it does nothing.
  std::shared_ptr<arrow::Buffer> filter;
  /// Whether that is the whole filter, and nothing is left of it.
  bool is_exact = false;
};

/// Take the conditions of a filter that the engine evaluates as Arrow does.
///
/// \param[in] filter an expression, bound to a schema whose columns are found in the dataset by name
Pushdown PushDown(const arrow::compute::Expression& filter, const arrow::Schema& bound_to,
                  const arrow::Schema& dataset);

/// Make sure that the functions of expressions are registered. It may be called any number of times.
arrow::Status InitializeCompute();

}  // namespace lance::inline v0::internal
