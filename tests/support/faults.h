/// \file faults.h
/// The fault points of the library that LD_LIBRARY_PATH chooses for a test.
#pragma once

#include <dlfcn.h>

#include <cstdint>

namespace lance_test {

enum FaultMode : int32_t { kOff = 0, kError = 1, kPanic = 2 };

/// The testing functions of the library with fault points; NULL in any other.
struct Faults {
  /// Make the `k`-th step from now fail.
  void (*fail_at)(int64_t k, int32_t mode) =
      reinterpret_cast<void (*)(int64_t, int32_t)>(dlsym(RTLD_DEFAULT, "lance_testing_fail_at"));
  /// How many steps were passed since the last call of fail_at().
  int64_t (*points_hit)() = reinterpret_cast<int64_t (*)()>(dlsym(RTLD_DEFAULT, "lance_testing_points_hit"));
};

}  // namespace lance_test
