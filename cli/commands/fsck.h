/// \file fsck.h
/// `lance fsck`.
#pragma once

#include <string>

#include "app.h"
#include "arrow/status.h"
#include "lance/maintenance.h"

namespace lance::cli {

struct FsckArgs {
  std::string dataset;
  CheckOptions check;
  Format format = Format::kTable;
};

/// Print what is wrong. Problems are a failure.
arrow::Status Fsck(const FsckArgs& args);

}  // namespace lance::cli
