/// \file runtime.h
/// The process-wide thread pools and caches.
#pragma once

#include "arrow/status.h"
#include "lance/options.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Set the size of the runtime. Call it before anything else of this library; later it fails with
/// ErrorCode::kInvalidState. Thread-safe.
LANCE_EXPORT arrow::Status ConfigureRuntime(const RuntimeOptions& options);

}  // namespace v0
}  // namespace lance
