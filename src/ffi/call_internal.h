/// \file call_internal.h
/// The one shape of a call into the C ABI: call, map the error, hand out the result.
#pragma once

#include <cstdint>
#include <string>

#include "arrow/result.h"
#include "arrow/status.h"
#include "ffi/error_internal.h"
#include "lance/c/lance.h"

namespace lance::inline v0::internal {

/// Call a function whose last parameter is `LanceError**`.
template <typename... Params, typename... Args>
arrow::Status Call(LanceStatusCode (*function)(Params...), Args... args) {
  LanceError* error = nullptr;
  if (function(args..., &error) == LANCE_OK) return arrow::Status::OK();
  return ToStatus(error);
}

/// Call a function whose last parameters are an output and `LanceError**`; `out` is its initial value.
template <typename T, typename... Params, typename... Args>
arrow::Result<T> CallFor(T out, LanceStatusCode (*function)(Params...), Args... args) {
  ARROW_RETURN_NOT_OK(Call(function, args..., &out));
  return out;
}

/// Call a function whose output is a new handle.
template <typename HandleT, typename... Params, typename... Args>
arrow::Result<HandleT> CallForHandle(LanceStatusCode (*function)(Params...), Args... args) {
  ARROW_ASSIGN_OR_RAISE(auto* handle, CallFor(typename HandleT::pointer{}, function, args...));
  return HandleT(handle);
}

/// Check that the C library loaded at run time is the one this was compiled for. Every entry point that
/// needs no earlier object calls it.
inline arrow::Status CheckAbi() {
  const uint32_t loaded = lance_abi_version();
  if (loaded == LANCE_ABI_VERSION) return arrow::Status::OK();
  return MakeStatus(ErrorCode::kFailedPrecondition, "liblance_ffi has ABI version " + std::to_string(loaded) +
                                                        ", but version " + std::to_string(LANCE_ABI_VERSION) +
                                                        " is needed; install matching libraries");
}

}  // namespace lance::inline v0::internal
