/// \file input.h
/// A file to import, and what it is expected to hold.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"

namespace lance::cli {

enum class InputFormat { kParquet, kCsv, kJsonLines, kArrow };

/// Types of columns by their names.
using ColumnTypes = std::map<std::string, std::shared_ptr<arrow::DataType>, std::less<>>;

struct InputOptions {
  /// Default: by each file's extension.
  std::optional<InputFormat> format;
  /// Between the fields of a CSV. Default: a tab for `.tsv`, else a comma.
  std::optional<char> delimiter;
  /// Whether the first record of a CSV holds the column names.
  bool has_header = true;
  /// The most rows of a batch.
  int64_t batch_rows = 0;
  /// How much of a CSV or JSON file is parsed at a time; types are inferred from the first block.
  int32_t block_bytes = 0;
  /// Types that the user asks for.
  ColumnTypes types;
};

/// A file that has been looked into.
struct Input {
  /// What can be read independently, in the file's order.
  struct Part {
    std::function<arrow::Result<std::shared_ptr<arrow::RecordBatchReader>>()> open;
    uint64_t bytes = 0;
    /// How many rows come before it, if the file says.
    uint64_t first_row = 0;
  };

  std::shared_ptr<arrow::Schema> schema;
  std::vector<Part> parts;
  /// How many rows there are, if the file says.
  std::optional<uint64_t> rows;
  /// What the user should know, such as columns that got another name.
  std::vector<std::string> notes;
};

/// Say which file a failure belongs to.
arrow::Status InFile(const std::string& path, const arrow::Status& status);

/// Say which column a failure belongs to.
arrow::Status InColumn(const std::string& column, const arrow::Status& status);

/// Run code of a format's library, some of which throws.
arrow::Status Guarded(const std::function<arrow::Status()>& run);

}  // namespace lance::cli
