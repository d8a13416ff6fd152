#include "lance/runtime.h"

#include "ffi/call_internal.h"
#include "ffi/generated/runtime_internal.h"

namespace lance::inline v0 {

arrow::Status ConfigureRuntime(const RuntimeOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::RuntimeOptionsC::Make(options));
  return internal::Call(lance_runtime_configure, &c_options.c);
}

}  // namespace lance::inline v0
