/// \file import.h
/// `lance import`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "inputs.h"
#include "lance/options.h"

namespace lance::cli {

struct ImportArgs {
  /// Files and patterns.
  std::vector<std::string> inputs;
  std::string dataset;
  InputOptions read;
  uint32_t jobs = 0;
  WriteOptions write;
  Format format = Format::kTable;
};

arrow::Status Import(const ImportArgs& args);

}  // namespace lance::cli
