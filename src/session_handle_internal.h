/// \file session_handle_internal.h
/// What a Session holds, for the options that name one.
#pragma once

#include <memory>
#include <utility>

#include "ffi/handle_internal.h"
#include "lance/session.h"

namespace lance::inline v0 {

class Session::Impl {
 public:
  explicit Impl(internal::SessionHandle handle) : handle(std::move(handle)) {}

  const internal::SessionHandle handle;
};

struct SessionAccess {
  static const LanceSession* Get(const Session& session) { return session.impl_->handle.get(); }
};

namespace internal {

/// Borrow a session; NULL, which stands for the process's own, when there is none.
inline const LanceSession* ToC(const std::shared_ptr<Session>& session) {
  return session == nullptr ? nullptr : SessionAccess::Get(*session);
}

}  // namespace internal

}  // namespace lance::inline v0
