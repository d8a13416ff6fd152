/// \file input_flags.h
/// The flags that say how files are read, and the files of a command.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "inputs.h"

namespace lance::cli {

/// How to read files; the rows of a batch are set by the command.
struct InputFlags {
  InputOptions options;
  int32_t block_mebibytes = 2;
};

/// What files can be, for the footer of a command.
inline constexpr char kInputsHelp[] =
    "Parquet: .parquet .pq; CSV: .csv .tsv; JSON lines: .jsonl .ndjson .json;\n"
    "Arrow IPC: .arrow .arrows .feather .ipc.";

/// Add --format, --delimiter, --no-header, --block-size and --type.
void AddInputs(CLI::App& app, InputFlags& inputs);

/// Files that have been looked into, as one.
struct Inputs {
  std::shared_ptr<arrow::Schema> schema;
  /// Where the schema comes from, unless it was expected.
  std::string first;
  std::vector<Input::Part> parts;
  /// How many rows there are, if all files say.
  std::optional<uint64_t> rows = 0;
};

/// Look into files and patterns, and tell the user what is to be known of them.
///
/// \param[in] patterns the files
/// \param[in] inputs how to read them
/// \param[in] batch_rows the most rows of a batch
/// \param[in] expected the columns they should have
arrow::Result<Inputs> InspectInputs(const std::vector<std::string>& patterns, const InputFlags& inputs,
                                    int64_t batch_rows, Expected expected);

}  // namespace lance::cli
