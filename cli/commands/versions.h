/// \file versions.h
/// `lance versions`.
#pragma once

#include "app.h"
#include "arrow/status.h"

namespace lance::cli {

arrow::Status ListVersions(const Source& source, Format format);

}  // namespace lance::cli
