/// \file cleanup.h
/// `lance cleanup`.
#pragma once

#include <string>

#include "app.h"
#include "arrow/status.h"
#include "lance/maintenance.h"

namespace lance::cli {

struct CleanupArgs {
  std::string dataset;
  CleanupOptions cleanup;
  Format format = Format::kTable;
};

/// Remove, and print how much.
arrow::Status Cleanup(const CleanupArgs& args);

}  // namespace lance::cli
