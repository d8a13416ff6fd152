/// \file fragments.h
/// `lance fragments`.
#pragma once

#include "app.h"
#include "arrow/status.h"

namespace lance::cli {

arrow::Status ListFragments(const Source& source, Format format);

}  // namespace lance::cli
