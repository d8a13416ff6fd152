/// \file compaction.h
/// Compactions that show how far they are.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "arrow/result.h"
#include "lance/api.h"

namespace lance::cli {

/// --target-rows and other flags of what is compacted, and how.
void AddCompaction(CLI::App& app, CompactOptions& options);

/// Compact, and show how far it is. An interrupt stops it, and it leaves no file.
arrow::Result<CompactResult> CompactShown(const Dataset& dataset, const CompactOptions& options);

/// Execute a task, and show how far it is.
arrow::Result<std::string> ExecuteShown(const Dataset& dataset, const std::string& task,
                                        const ExecuteCompactionOptions& options);

/// Tell what was compacted.
arrow::Result<std::string> Describe(const CompactResult& result);

}  // namespace lance::cli
