/// \file operation_internal.h
/// Calls of the C ABI in both their forms: waited for, and as futures.
#pragma once

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "ffi/error_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/thread_edge_internal.h"
#include "lance/c/lance.h"

namespace lance::inline v0::internal {

using OperationHandle = Handle<LanceOperation, lance_operation_free>;

/// Whether a token can ever ask for a stop.
bool IsStoppable(const arrow::StopToken& stop);

/// Fail if a stop is asked for.
arrow::Status CheckStop(const arrow::StopToken& stop);

/// Fail on a thread where calls that wait are refused. Check it before the wait for an asynchronous call,
/// which may begin there.
arrow::Status CheckMayWait();

/// Construct what the ends of calls use. An exit waits for the calls on their way before it destroys what was
/// constructed before the first of them.
void ConstructForCalls();

/// What can be cancelled.
class Cancellable {
 public:
  virtual ~Cancellable() = default;
  /// End it soon, from whichever thread, without waiting.
  virtual void Cancel() = 0;
  /// Whether it has ended.
  virtual bool IsDone() const = 0;
};

/// Cancel something as soon as its token asks for that.
void CancelOnStop(const arrow::StopToken& stop, std::unique_ptr<Cancellable> call);

/// Cancel an operation as soon as its token asks for that.
void CancelOnStop(const arrow::StopToken& stop, OperationHandle operation);

/// Wait for a future.
template <typename T>
auto ToOutcome(arrow::Future<T> future) {
  if constexpr (std::is_same_v<T, arrow::internal::Empty>) {
    return future.status();
  } else {
    return future.MoveResult();
  }
}

/// The output of a call that has none.
struct NoOut {
  std::tuple<> pointers() { return {}; }
};

/// What is made of that.
inline arrow::Status Nothing(NoOut&) { return arrow::Status::OK(); }

/// An output that is a value.
template <typename T>
struct ValueOut {
  T value{};
  std::tuple<T*> pointers() { return {&value}; }
};

/// An output that is a struct with a size.
template <typename T>
struct SizedOut {
  SizedOut() { value.struct_size = sizeof(T); }

  T value{};
  std::tuple<T*> pointers() { return {&value}; }
};

/// An output that is an Arrow C struct.
template <typename ShellT>
struct ShellOut {
  ShellT shell;
  auto pointers() { return std::make_tuple(shell.get()); }
};

/// An output that is a new handle.
template <typename HandleT>
struct HandleOut {
  typename HandleT::pointer handle = nullptr;
  std::tuple<typename HandleT::pointer*> pointers() { return {&handle}; }
  HandleT Take() { return HandleT(std::exchange(handle, nullptr)); }
};

/// A call that is ready to be made. What its arguments point to has to live until one of the two functions
/// returns.
///
/// \tparam Out where the outputs are written: default constructible, with `pointers()`
/// \tparam Finish makes an arrow::Result of an Out, or an arrow::Status
template <typename Out, typename Finish, typename Blocking, typename Async, typename... Args>
class PreparedCall {
 public:
  using Outcome = std::invoke_result_t<Finish, Out&>;
  using FutureType = typename arrow::EnsureFuture<Outcome>::type;

  PreparedCall(Blocking* blocking, Async* async, Finish finish, Args... args)
      : blocking_(blocking), async_(async), finish_(std::move(finish)), args_(args...) {}

  /// Make it, and wait for its end.
  Outcome Wait(const arrow::StopToken& stop) && {
    if (!IsStoppable(stop)) return std::move(*this).Wait();
    ARROW_RETURN_NOT_OK(CheckMayWait());
    return ToOutcome(std::move(*this).Start(stop));
  }

  Outcome Wait() && {
    Out out;
    LanceError* error = nullptr;
    const auto pointers = std::tuple_cat(args_, out.pointers(), std::make_tuple(&error));
    if (std::apply(blocking_, pointers) != LANCE_OK) return ToStatus(error);
    return finish_(out);
  }

  /// Make it, and return at once. The future ends on a thread of the library, unless the call cannot begin.
  FutureType Start(const arrow::StopToken& stop) && {
    ARROW_RETURN_NOT_OK(CheckStop(stop));
    return std::move(*this).StartAnyway(stop);
  }

  /// Make it, even if it is to stop at once: its arguments have to be consumed.
  FutureType StartAnyway(const arrow::StopToken& stop) && {
    OperationHandle operation;
    FutureType future = std::move(*this).StartUnwatched(stop, &operation);
    if (operation != nullptr) CancelOnStop(stop, std::move(operation));
    return future;
  }

  /// Make it. Somebody else sees to it that it stops; the token says why.
  FutureType StartUnwatched(const arrow::StopToken& stop, OperationHandle* handle = nullptr) && {
    ConstructForCalls();
    auto state = std::make_unique<State>(std::move(finish_), stop);
    FutureType future = state->future;
    LanceOperation* operation = nullptr;
    LanceError* error = nullptr;
    state->edge.Leave();
    const auto pointers = std::tuple_cat(
        args_, state->out.pointers(),
        std::make_tuple(LanceDoneFn{End}, static_cast<void*>(state.get()), &operation, &error));
    if (std::apply(async_, pointers) != LANCE_OK) return ToStatus(error);
    // From here on it is the callback's.
    static_cast<void>(state.release());
    OperationHandle owned(operation);
    if (handle != nullptr) *handle = std::move(owned);
    return future;
  }

 private:
  /// What a call on its way needs.
  struct State {
    State(Finish finish, arrow::StopToken stop) : finish(std::move(finish)), stop(std::move(stop)) {}

    /// The failure of the call. A token may say better why it was to stop.
    arrow::Status Failure(LanceStatusCode status, LanceError* error) const {
      arrow::Status failure = ToStatus(error);
      if (status != LANCE_CANCELLED) return failure;
      arrow::Status why = CheckStop(stop);
      return why.ok() ? failure : why;
    }

    Out out;
    Finish finish;
    arrow::StopToken stop;
    FutureType future = FutureType::Make();
    ThreadEdge edge;
  };

  static void End(void* context, LanceStatusCode status, LanceError* error) noexcept {
    std::unique_ptr<State> state(static_cast<State*>(context));
    state->edge.Enter();
    Outcome outcome = status == LANCE_OK ? state->finish(state->out) : state->Failure(status, error);
    FutureType future = state->future;
    // Callbacks of the caller and outputs are gone when the future ends.
    state.reset();
    future.MarkFinished(std::move(outcome));
  }

  Blocking* blocking_;
  Async* async_;
  Finish finish_;
  std::tuple<Args...> args_;
};

/// Prepare a call.
///
/// \param[in] blocking a function of the C ABI, whose last parameters are the outputs and the error
/// \param[in] async its asynchronous form
/// \param[in] finish makes the result, on whichever thread; it must not throw
/// \param[in] args the parameters before the outputs
template <typename Out, typename Blocking, typename Async, typename Finish, typename... Args>
auto Prepare(Blocking* blocking, Async* async, Finish finish, Args... args) {
  return PreparedCall<Out, Finish, Blocking, Async, Args...>(blocking, async, std::move(finish), args...);
}

/// What a call for a T, or for nothing, ends with.
template <typename T>
using OutcomeOf = std::conditional_t<std::is_void_v<T>, arrow::Status, arrow::Result<T>>;

/// The form of a call that is a future.
struct Starting {
  template <typename T>
  using Of = typename arrow::EnsureFuture<OutcomeOf<T>>::type;

  template <typename Call>
  static auto Make(Call&& call, const arrow::StopToken& stop) {
    return std::forward<Call>(call).Start(stop);
  }

  template <typename Call, typename ShellT>
  static typename std::decay_t<Call>::FutureType MakeConsuming(Call&& call, ShellT* shell,
                                                               const arrow::StopToken& stop) {
    auto future = std::forward<Call>(call).StartAnyway(stop);
    ARROW_RETURN_NOT_OK(shell->AfterConsumedBy(arrow::Status::OK()));
    return future;
  }
};

/// The form of a call that is waited for.
struct Waiting {
  template <typename T>
  using Of = OutcomeOf<T>;

  template <typename Call>
  static auto Make(Call&& call, const arrow::StopToken& stop) {
    return std::forward<Call>(call).Wait(stop);
  }

  /// The contents of `shell`, an argument of the call, are consumed by it. Check the stop before.
  template <typename Call, typename ShellT>
  static typename std::decay_t<Call>::Outcome MakeConsuming(Call&& call, ShellT* shell,
                                                            const arrow::StopToken& stop) {
    if (IsStoppable(stop)) {
      ARROW_RETURN_NOT_OK(CheckMayWait());
      return ToOutcome(Starting::MakeConsuming(std::forward<Call>(call), shell, stop));
    }
    auto outcome = std::forward<Call>(call).Wait();
    ARROW_RETURN_NOT_OK(shell->AfterConsumedBy(arrow::ToStatus(outcome)));
    return outcome;
  }
};

}  // namespace lance::inline v0::internal
