/// \file telemetry.h
/// What the library tells about itself: events, as they happen, and counts of what it has done.
#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/results.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Something that happened. The texts live as long as the call that tells of it; they are single lines
/// without the credentials of stores.
struct LANCE_EXPORT LogEvent {
  LogLevel level = LogLevel::kOff;
  /// Where it comes from: a module of the engine, for example "lance::dataset_events", or of this library,
  /// "lance_cpp::...".
  std::string_view target = {};
  std::string_view message = {};
  /// Details, by name.
  std::vector<std::pair<std::string_view, std::string_view>> fields = {};
};

/// Is called on the thread where something happens, on several threads at once. It must be quick, as the
/// engine waits for it. Of this library it may call SetLogger(); calls that wait fail in it with
/// ErrorCode::kInvalidState. What it does itself is not reported. An exception it throws is dropped.
using Logger = std::function<void(const LogEvent&)>;

/// Report events of the engine and of this library, in place of an earlier logger; an empty one reports
/// nothing. There is one for the process, and none at first: nothing is ever printed.
///
/// When this returns, the earlier logger has ended on all threads and is destroyed. Called from inside the
/// logger itself it does not wait for other threads that are inside; the last of them destroys it. Hold no
/// lock that the logger takes. Remove a logger before something that it uses is destroyed; when the process
/// exits, the library does that. Thread-safe.
///
/// Events of the engine are reported at every level; of what is below it, HTTP, TLS and the signing of
/// requests, only errors and warnings, as details could hold credentials.
///
/// \param[in] logger what to call
/// \param[in] level the most detailed level that is reported; an event beyond it costs a comparison
LANCE_EXPORT arrow::Status SetLogger(Logger logger, LogLevel level = LogLevel::kInfo);

/// What the library has done and is doing. Counts begin with the process.
struct LANCE_EXPORT MetricsSnapshot {
  Metrics process = {};
  /// The stores used so far, by name.
  std::vector<StoreMetrics> stores = {};
};

/// Take a snapshot. Thread-safe.
LANCE_EXPORT arrow::Result<MetricsSnapshot> GetMetrics(const arrow::StopToken& stop = {});
LANCE_EXPORT arrow::Future<MetricsSnapshot> GetMetricsAsync(const arrow::StopToken& stop = {});

}  // namespace v0
}  // namespace lance
