/// \file lines.h
/// Files with one text a line, which parts of a work are handed over in.
#pragma once

#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"

namespace lance::cli {

/// The lines of all files that are not empty.
arrow::Result<std::vector<std::string>> ReadLines(const std::vector<std::string>& paths);

/// Write texts to a file, one a line.
arrow::Status WriteLines(const std::vector<std::string>& lines, const std::string& path);

}  // namespace lance::cli
