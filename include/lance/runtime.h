/// \file runtime.h
/// The process-wide thread pools and caches.
#pragma once

#include <cstdint>
#include <optional>

#include "arrow/status.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Sizes of the process-wide runtime.
struct LANCE_EXPORT RuntimeOptions {
  /// Threads that drive I/O and encoding. Default: the number of cores.
  std::optional<uint32_t> io_threads = std::nullopt;
  /// Threads that decode and compute. Default: the number of cores.
  std::optional<uint32_t> cpu_threads = std::nullopt;
  /// Budget of the shared index cache. Default: 256 MiB.
  std::optional<uint64_t> index_cache_bytes = std::nullopt;
  /// Budget of the shared metadata cache. Default: 128 MiB.
  std::optional<uint64_t> metadata_cache_bytes = std::nullopt;
};

/// Set the size of the runtime. Call it before anything else of this library; later it fails with
/// ErrorCode::kInvalidState. Thread-safe.
LANCE_EXPORT arrow::Status ConfigureRuntime(const RuntimeOptions& options);

}  // namespace v0
}  // namespace lance
