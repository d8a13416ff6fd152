#include "lance/session.h"

#include <memory>
#include <utility>

#include "ffi/call_internal.h"
#include "ffi/generated/session_internal.h"
#include "ffi/operation_internal.h"
#include "session_handle_internal.h"

namespace lance::inline v0 {
namespace {

auto PrepareStats(const internal::SessionHandle& session) {
  using Out = internal::SizedOut<LanceSessionStats>;
  const auto finish = [](Out& out) -> arrow::Result<SessionStats> { return internal::FromC(out.value); };
  return internal::Prepare<Out>(lance_session_stats, lance_session_stats_async, finish, session.get());
}

}  // namespace

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

arrow::Result<std::shared_ptr<Session>> Session::Make(const SessionOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::SessionOptionsC::Make(options));
  ARROW_ASSIGN_OR_RAISE(auto handle,
                        internal::CallForHandle<internal::SessionHandle>(lance_session_create, &c_options.c));
  return std::shared_ptr<Session>(new Session(std::make_unique<Impl>(std::move(handle))));
}

arrow::Result<SessionStats> Session::Stats(const arrow::StopToken& stop) const {
  return PrepareStats(impl_->handle).Wait(stop);
}

arrow::Future<SessionStats> Session::StatsAsync(const arrow::StopToken& stop) const {
  return PrepareStats(impl_->handle).Start(stop);
}

}  // namespace lance::inline v0
