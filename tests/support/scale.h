#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace lance_test {

/// Whether this is the long run before a release (`LANCE_TEST_SCALE=long`) and not a push.
inline bool IsLong() {
  const char* scale = std::getenv("LANCE_TEST_SCALE");
  return scale != nullptr && std::string_view(scale) == "long";
}

/// The amount of work that fits the run.
template <typename T>
T Pick(T push, T long_run) {
  return IsLong() ? long_run : push;
}

/// Of cases that are alike, a push tries every so-manieth where a tool makes the program many times slower
/// (`LANCE_TEST_EVERY`). A long run tries all.
inline int64_t Stride() {
  const char* every = std::getenv("LANCE_TEST_EVERY");
  return every == nullptr || IsLong() ? 1 : std::max<int64_t>(1, std::atoll(every));
}

/// Those of them.
template <typename T>
std::vector<T> Some(const std::vector<T>& all) {
  std::vector<T> some;
  for (size_t i = 0; i < all.size(); i += Stride()) some.push_back(all[i]);
  return some;
}

}  // namespace lance_test
