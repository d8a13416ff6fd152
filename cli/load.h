/// \file load.h
/// Streams of batches into a dataset: what generate and import have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "lance/api.h"

namespace lance::cli {

/// Opens one piece of a stream.
using Piece = std::function<arrow::Result<std::shared_ptr<arrow::RecordBatchReader>>()>;

/// A table to write.
struct Load {
  /// The table's name for people.
  std::string label;
  std::string uri;
  std::shared_ptr<arrow::Schema> schema;
  /// Pieces to read one after the other, by lanes that run in parallel. Rows end up in this order.
  std::vector<std::vector<Piece>> lanes;
  /// The most rows of a batch.
  int64_t batch_rows = 0;
  std::optional<uint64_t> expected_rows;
  /// How to write; the lanes are set from `lanes`.
  WriteOptions options;
  /// Read everything and write nothing.
  bool discard = false;
};

/// A table that was written.
struct LoadResult {
  std::string label;
  std::string uri;
  uint64_t rows = 0;
  uint64_t batches = 0;
  double seconds = 0;
  /// What is on disk now; unset when everything was discarded.
  std::optional<uint64_t> disk_bytes;
  std::optional<uint64_t> version;
  /// The most memory that the process has used so far.
  uint64_t peak_memory_bytes = 0;
};

/// Check that a target can be written in this mode, before work is put into it.
arrow::Status CheckTarget(const std::string& uri, const WriteOptions& options);

/// Write a table in one commit. On failure and interruption nothing of it is left.
arrow::Result<LoadResult> RunLoad(const Load& load);

/// Print what was written, as a table or as JSON.
arrow::Status PrintResults(const std::vector<LoadResult>& results, Format format);

}  // namespace lance::cli
