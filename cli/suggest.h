/// \file suggest.h
/// Words of the user that are none of the names there are.
#pragma once

#include <string>
#include <vector>

namespace lance::cli {

/// Describe such a word, with the name that is most like it, or with all names.
std::string DescribeUnknown(const std::string& kind, const std::string& word,
                            const std::vector<std::string>& names);

}  // namespace lance::cli
