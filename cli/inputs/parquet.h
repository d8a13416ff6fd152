/// \file parquet.h
/// Parquet files.
#pragma once

#include <string>

#include "arrow/status.h"
#include "inputs/input.h"

namespace lance::cli {

/// Look into a Parquet file.
arrow::Status InspectParquet(const std::string& path, const InputOptions& options, Input* input);

}  // namespace lance::cli
