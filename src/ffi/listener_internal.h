/// \file listener_internal.h
/// Callbacks of the caller that the C library calls: progress, and the logger.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "ffi/thread_edge_internal.h"

namespace lance::inline v0::internal {

/// A callback that is called on threads of the library. What it throws is dropped: no exception may enter the
/// Rust library, and neither progress nor logging is worth failing for.
///
/// \tparam Told what it is told
template <typename Told>
class Listener : public std::enable_shared_from_this<Listener<Told>> {
 public:
  using Callback = std::function<void(const Told&)>;

  explicit Listener(Callback callback) : callback_(std::move(callback)) {}
  ~Listener() { edge_.Enter(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  explicit operator bool() const { return static_cast<bool>(callback_); }

  /// Get the context of the C callback. From now on threads of the library use this.
  void* HandOver() {
    edge_.Leave();
    return this;
  }

  /// Keep this alive for a call: the callback may destroy what owns it.
  std::shared_ptr<Listener> Hold() {
    edge_.Enter();
    return this->shared_from_this();
  }

  /// Call it with what `make` makes.
  template <typename Make>
  void Tell(Make make) noexcept {
    edge_.Enter();
    try {
      callback_(make());
    } catch (...) {
    }
    edge_.Leave();
  }

 private:
  const Callback callback_;
  ThreadEdge edge_;
};

/// Have a callback called with the progress of a call with these options; what it returns has to live until
/// the call ends.
///
/// \param[in] call calls Tell() of its context
template <typename Told, typename COptions>
std::shared_ptr<Listener<Told>> ListenToProgress(const std::function<void(const Told&)>& callback,
                                                 decltype(COptions::progress) call, COptions& options) {
  auto progress = std::make_shared<Listener<Told>>(callback);
  if (*progress) {
    options.progress = call;
    options.progress_context = progress->HandOver();
  }
  return progress;
}

}  // namespace lance::inline v0::internal
