/// \file info.h
/// `lance info` and `lance schema`.
#pragma once

#include "app.h"
#include "arrow/status.h"

namespace lance::cli {

arrow::Status ShowInfo(const Source& source, Format format);

arrow::Status ShowSchema(const Source& source, Format format);

}  // namespace lance::cli
