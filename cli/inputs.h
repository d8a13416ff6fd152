/// \file inputs.h
/// Files to import: finding them, and reading them bit by bit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "load.h"

namespace lance::cli {

enum class InputFormat { kParquet, kCsv, kJsonLines, kArrow };

struct InputOptions {
  /// Default: by each file's extension.
  std::optional<InputFormat> format;
  /// Between the fields of a CSV. Default: a tab for `.tsv`, else a comma.
  std::optional<char> delimiter;
  /// Whether the first line of a CSV holds the column names.
  bool has_header = true;
  /// The most rows of a batch.
  int64_t batch_rows = 0;
  /// How much of a CSV or JSON file is parsed at a time; types are inferred from the first block.
  int32_t block_bytes = 0;
};

/// A file that has been looked into.
struct Input {
  std::string path;
  std::shared_ptr<arrow::Schema> schema;
  /// What can be read independently, in the file's order, and the size of each.
  struct Part {
    Piece open;
    uint64_t bytes = 0;
  };
  std::vector<Part> parts;
  /// How many rows there are, if the file says.
  std::optional<uint64_t> rows;
};

/// Replace patterns ("data/*.parquet") by the files they match, in the order of their names.
arrow::Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& patterns);

/// Look into a file.
///
/// \param[in] path the file
/// \param[in] options how to read it
/// \param[in] expected the schema it must have, or NULL
arrow::Result<Input> InspectInput(const std::string& path, const InputOptions& options,
                                  const std::shared_ptr<arrow::Schema>& expected);

}  // namespace lance::cli
