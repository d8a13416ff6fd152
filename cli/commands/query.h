/// \file query.h
/// `lance query`, `lance head` and `lance take`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "lance/options.h"

namespace lance::cli {

/// Print the rows of a scan. A table without a limit shows the first rows and says how many there are.
arrow::Status Query(const Source& source, const ScanOptions& scan, Format format);

/// Print rows by their positions.
arrow::Status Take(const Source& source, const std::vector<uint64_t>& rows,
                   const std::optional<std::vector<std::string>>& columns, Format format);

}  // namespace lance::cli
