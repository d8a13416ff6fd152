/// \file handed_over.h
/// The order of threads, said once more where a race detector can see it.
#pragma once

#include <atomic>
#include <cstdint>

namespace lance_test {

/// The library passes objects of the tests between threads, and orders what they do to them. A race detector
/// in the C++ code does not see how.
inline std::atomic<int64_t> handed_over = 0;

/// Before an object is given to the library.
inline void HandOver() { handed_over.fetch_add(1, std::memory_order_release); }

/// Before one that comes from it is touched.
inline void TakeOver() { handed_over.load(std::memory_order_acquire); }

}  // namespace lance_test
