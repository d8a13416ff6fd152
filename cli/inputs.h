/// \file inputs.h
/// Files to import: finding them, and reading them bit by bit.
#pragma once

#include <string>
#include <vector>

#include "arrow/result.h"
#include "inputs/fit.h"
#include "inputs/input.h"

namespace lance::cli {

/// Replace patterns ("data/*.parquet") by the files they match, in the order of their names.
arrow::Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& patterns);

/// Tell whether a path is that of a file to import rather than of a dataset, as far as one can see.
bool LooksLikeInput(const std::string& path);

/// Look into a file.
///
/// \param[in] path the file
/// \param[in] options how to read it
/// \param[in] expected the columns it should have
arrow::Result<Input> InspectInput(const std::string& path, const InputOptions& options,
                                  const Expected& expected);

}  // namespace lance::cli
