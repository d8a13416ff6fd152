/// \file arrow_ipc.h
/// Arrow IPC files and streams.
#pragma once

#include <string>

#include "arrow/status.h"
#include "inputs/input.h"

namespace lance::cli {

/// Look into an Arrow IPC file or stream.
arrow::Status InspectArrow(const std::string& path, Input* input);

}  // namespace lance::cli
