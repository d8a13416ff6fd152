/// \file generate.h
/// `lance tpch generate` and `lance tpcds generate`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "lance/options.h"

namespace lance::cli {

struct GenerateArgs {
  /// TPCGEN_TPCH or TPCGEN_TPCDS.
  int32_t benchmark = 0;
  double scale = 1;
  /// The directory or URI prefix for `<table>.lance`.
  std::string output;
  /// Default: all tables.
  std::vector<std::string> tables;
  /// Generate slice `part` of `parts`.
  int32_t parts = 1;
  int32_t part = 1;
  int32_t batch_rows = 0;
  uint32_t jobs = 0;
  WriteOptions write;
  /// Generate, but write nothing.
  bool discard = false;
  Format format = Format::kTable;
};

/// Get the names of a benchmark's tables.
std::vector<std::string> TableNames(int32_t benchmark);

/// Check what is asked for, before any work.
arrow::Status CheckRequest(const GenerateArgs& args);

arrow::Status Generate(const GenerateArgs& args);

}  // namespace lance::cli
