#pragma once

#include <cstdlib>
#include <string_view>

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

}  // namespace lance_test
