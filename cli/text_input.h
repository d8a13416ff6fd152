/// \file text_input.h
/// What `lance search` looks for: words, as they are given at a prompt.
#pragma once

#include <memory>
#include <string>

#include "arrow/result.h"
#include "lance/type_fwd.h"

namespace lance::cli {

/// Make a search for rows with any of these words, in one column or in all that have an index for that.
arrow::Result<std::shared_ptr<TextQuery>> FindWords(const std::string& words, const std::string& column);

}  // namespace lance::cli
