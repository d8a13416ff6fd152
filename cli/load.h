/// \file load.h
/// Streams of batches into a dataset: what generate and import have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "lance/api.h"
#include "lane_reader.h"
#include "load_report.h"

namespace lance::cli {

/// A table to write.
struct Load {
  /// The table's name for people.
  std::string label;
  std::string uri;
  /// Where `uri` is the name of a table, or NULL.
  std::shared_ptr<Namespace> ns = nullptr;
  std::shared_ptr<arrow::Schema> schema;
  /// The file that a schema which cannot be stored is due to, or "".
  std::string schema_from = {};
  /// Pieces to read one after the other, by lanes that run in parallel. Rows end up in this order.
  std::vector<std::vector<Piece>> lanes;
  /// The most rows of a batch.
  int64_t batch_rows = 0;
  std::optional<uint64_t> expected_rows;
  /// How to write; the lanes are set from `lanes`.
  WriteOptions options;
  /// Read everything and write nothing.
  bool discard = false;
  /// Leave the commit to others.
  bool uncommitted = false;
};

/// Check that a target can be written in this mode, before work is put into it.
///
/// \return the dataset that is written to, or NULL when it is made anew
arrow::Result<std::shared_ptr<Dataset>> CheckTarget(const std::string& uri, const WriteOptions& options,
                                                    const std::shared_ptr<Namespace>& ns = nullptr);

/// Write tables, each in one commit, on so many threads: lanes beside each other, and the next table beside
/// the end of the one before. After a failure or an interruption nothing is left of the tables that are not
/// committed.
arrow::Result<LoadSummary> RunLoads(const std::vector<Load>& loads, uint32_t jobs);

}  // namespace lance::cli
