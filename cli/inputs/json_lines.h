/// \file json_lines.h
/// JSON lines: one object a line.
#pragma once

#include <string>

#include "arrow/status.h"
#include "inputs/input.h"

namespace lance::cli {

/// Look into a file of JSON lines.
///
/// \param[in] types what columns of these names are converted to; the others are inferred
/// \param[in] partly leave out what is not there
/// \param[in] hint what to do about values that do not fit their column
arrow::Status InspectJsonLines(const std::string& path, const InputOptions& options, const ColumnTypes& types,
                               bool partly, const std::string& hint, Input* input);

}  // namespace lance::cli
