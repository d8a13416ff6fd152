#include "lance/session.h"

#include <memory>
#include <utility>

#include "ffi/call_internal.h"
#include "ffi/generated/session_internal.h"
#include "session_handle_internal.h"

namespace lance::inline v0 {

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

arrow::Result<std::shared_ptr<Session>> Session::Make(const SessionOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::SessionOptionsC::Make(options));
  ARROW_ASSIGN_OR_RAISE(auto handle,
                        internal::CallForHandle<internal::SessionHandle>(lance_session_create, &c_options.c));
  return std::shared_ptr<Session>(new Session(std::make_unique<Impl>(std::move(handle))));
}

arrow::Result<SessionStats> Session::Stats() const {
  ARROW_ASSIGN_OR_RAISE(const auto c, internal::CallFor(LanceSessionStats LANCE_SESSION_STATS_INIT,
                                                        lance_session_stats, impl_->handle.get()));
  return internal::FromC(c);
}

}  // namespace lance::inline v0
