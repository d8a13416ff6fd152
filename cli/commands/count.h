/// \file count.h
/// `lance count`.
#pragma once

#include <optional>
#include <string>

#include "app.h"
#include "arrow/status.h"

namespace lance::cli {

arrow::Status Count(const Source& source, const std::optional<std::string>& filter);

}  // namespace lance::cli
