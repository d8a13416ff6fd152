/// \file thread_edge_internal.h
/// The order of threads, said once more where a race detector can see it.
#pragma once

#include <atomic>

namespace lance::inline v0::internal {

/// The Rust library passes our objects between threads, and orders what they do to them. A race detector in
/// the C++ code does not see that synchronisation, so whoever hands an object over says Leave(), and whoever
/// gets it says Enter() before anything else.
class ThreadEdge {
 public:
  void Leave() { passed_.fetch_add(1, std::memory_order_release); }
  void Enter() const { passed_.load(std::memory_order_acquire); }

 private:
  std::atomic<unsigned> passed_{0};
};

}  // namespace lance::inline v0::internal
