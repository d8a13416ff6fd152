#include "lance/telemetry.h"

#include <memory>
#include <tuple>
#include <utility>

#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/telemetry_internal.h"
#include "ffi/listener_internal.h"
#include "ffi/operation_internal.h"

namespace lance::inline v0 {
namespace {

/// A logger behind the C callback. The library frees it when it has returned for the last time.
using LogSink = internal::Listener<LogEvent>;

LogEvent FromC(const LanceLogEvent& c) {
  LogEvent event = {.level = static_cast<LogLevel>(c.level), .target = c.target, .message = c.message};
  event.fields.reserve(c.field_count);
  for (size_t i = 0; i < c.field_count; ++i) event.fields.emplace_back(c.fields[i].key, c.fields[i].value);
  return event;
}

extern "C" void CallLogger(void* context, const LanceLogEvent* event) noexcept {
  static_cast<LogSink*>(context)->Tell([&] { return FromC(*event); });
}

extern "C" void FreeLogger(void* context) noexcept {
  const std::unique_ptr<LogSink> owned(static_cast<LogSink*>(context));
}

/// The outputs of a snapshot.
struct MetricsOut {
  LanceMetrics process = LANCE_METRICS_INIT;
  internal::CStream stores;
  auto pointers() { return std::make_tuple(&process, stores.get()); }
};

arrow::Result<MetricsSnapshot> ToSnapshot(MetricsOut& out) {
  MetricsSnapshot snapshot = {.process = internal::FromC(out.process)};
  ARROW_ASSIGN_OR_RAISE(snapshot.stores, internal::DecodeStoreMetrics(&out.stores));
  return snapshot;
}

auto PrepareMetrics() {
  return internal::Prepare<MetricsOut>(lance_metrics_snapshot, lance_metrics_snapshot_async, ToSnapshot);
}

}  // namespace

arrow::Status SetLogger(Logger logger, LogLevel level) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  const auto c_level = static_cast<LanceLogLevel>(level);
  if (!logger) {
    return internal::Call(lance_log_set, LanceLogFn{nullptr}, static_cast<void*>(nullptr),
                          LanceReleaseFn{nullptr}, c_level);
  }
  auto sink = std::make_unique<LogSink>(std::move(logger));
  // Consumed, whatever the outcome.
  void* const context = sink.release()->HandOver();
  return internal::Call(lance_log_set, LanceLogFn{CallLogger}, context, LanceReleaseFn{FreeLogger}, c_level);
}

arrow::Result<MetricsSnapshot> GetMetrics(const arrow::StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  return PrepareMetrics().Wait(stop);
}

arrow::Future<MetricsSnapshot> GetMetricsAsync(const arrow::StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  return PrepareMetrics().Start(stop);
}

}  // namespace lance::inline v0
