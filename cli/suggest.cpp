#include "suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace lance::cli {
namespace {

size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::string DescribeUnknown(const std::string& kind, const std::string& word,
                            const std::vector<std::string>& names) {
  const auto distance = [&word](const std::string& name) { return EditDistance(word, name); };
  const auto nearest = std::ranges::min_element(names, {}, distance);
  if (nearest != names.end() && distance(*nearest) <= 2) {
    return fmt::format("unknown {} \"{}\"; did you mean \"{}\"?", kind, word, *nearest);
  }
  return fmt::format("unknown {} \"{}\"; there are {}", kind, word, fmt::join(names, ", "));
}

}  // namespace lance::cli
