/// \file progress_internal.h
/// Progress callbacks of the caller.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "ffi/thread_edge_internal.h"

namespace lance::inline v0::internal {

/// A callback that the library calls on threads of its own, one at a time.
template <typename Stats>
class Progress : public std::enable_shared_from_this<Progress<Stats>> {
 public:
  using Callback = std::function<void(const Stats&)>;

  explicit Progress(Callback callback) : callback_(std::move(callback)) {}
  ~Progress() { edge_.Enter(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  explicit operator bool() const { return static_cast<bool>(callback_); }

  /// Get the context of the C callback. From now on threads of the library use this.
  void* HandOver() {
    edge_.Leave();
    return this;
  }

  /// Keep this alive for a call: the callback may destroy what owns it.
  std::shared_ptr<Progress> Hold() {
    edge_.Enter();
    return this->shared_from_this();
  }

  void Report(const Stats& stats) noexcept {
    edge_.Enter();
    try {
      callback_(stats);
    } catch (...) {
      // No exception may enter the Rust library, and progress is not worth failing for.
    }
    edge_.Leave();
  }

 private:
  const Callback callback_;
  ThreadEdge edge_;
};

}  // namespace lance::inline v0::internal
