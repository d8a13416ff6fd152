#pragma once

#include <cstdio>
#include <cstdlib>

namespace lance_test {

/// Ends the process, so that the fuzzer keeps the input.
inline void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

}  // namespace lance_test
