#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace lance_test {

/// Random choices, the same of the same seed on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t Next() { return engine_(); }

  /// One of 0, 1, ..., `count` - 1.
  int64_t Below(int64_t count) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(count)); }

  int64_t Between(int64_t first, int64_t last) { return first + Below(last - first + 1); }

  bool Chance(int percent) { return Below(100) < percent; }

  template <typename T>
  const T& Of(const std::vector<T>& values) {
    return values[static_cast<size_t>(Below(static_cast<int64_t>(values.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace lance_test
