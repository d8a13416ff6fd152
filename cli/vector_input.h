/// \file vector_input.h
/// What `lance search` looks for: vectors, as they are given at a prompt.
#pragma once

#include <memory>
#include <string>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/type_fwd.h"

namespace lance::cli {

/// Find the one column of vectors; where there are none or several, the error names them.
arrow::Result<std::string> FindVectorColumn(const arrow::Schema& schema);

/// Read JSON, or a file of JSON: [1, 2] is a vector, and [[1, 2], [3, 4]] are two.
arrow::Result<std::shared_ptr<arrow::Array>> ReadVectors(const std::string& text);

/// Read what one row has in a column.
///
/// \param[in] dataset where the row is
/// \param[in] column a column of vectors, or of lists of vectors
/// \param[in] row its position, or a filter that it alone passes
arrow::Result<std::shared_ptr<arrow::Array>> VectorsOfRow(const Dataset& dataset, const std::string& column,
                                                          const std::string& row);

}  // namespace lance::cli
