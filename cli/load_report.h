/// \file load_report.h
/// What was written, for people and programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "lance/transaction.h"

namespace lance::cli {

/// A table that was written.
struct LoadResult {
  std::string label;
  std::string uri;
  uint64_t rows = 0;
  uint64_t batches = 0;
  /// From the table's first batch to its commit. Tables overlap.
  double seconds = 0;
  /// What is on disk now; unset when everything was discarded.
  std::optional<uint64_t> disk_bytes;
  std::optional<uint64_t> version;
  /// The most memory that the process had used by then.
  uint64_t peak_memory_bytes = 0;
  /// What was written, if it is not committed.
  std::optional<Transaction> transaction = std::nullopt;
};

/// All tables of a command.
struct LoadSummary {
  std::vector<LoadResult> tables;
  double seconds = 0;
};

/// Print what was written, as a table or as JSON. What was not committed is a transaction on a line of its
/// own instead, which is discarded if it cannot be printed, as nobody else knows it.
arrow::Status Report(LoadSummary summary, bool uncommitted, Format format);

/// Delete the files of what was not committed, as far as that is possible.
void DiscardTransactions(std::vector<LoadResult>& results);

}  // namespace lance::cli
