#include "lance/telemetry.h"

#include <memory>
#include <utility>

#include "ffi/call_internal.h"
#include "ffi/generated/telemetry_internal.h"
#include "ffi/thread_edge_internal.h"

namespace lance::inline v0 {
namespace {

/// A logger behind the C callback. The library frees it when it has returned for the last time.
class LogSink {
 public:
  explicit LogSink(Logger logger) : logger_(std::move(logger)) {}
  ~LogSink() { edge_.Enter(); }
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  /// Get the context of the C callback. From now on threads of the library use this.
  void* HandOver() {
    edge_.Leave();
    return this;
  }

  void Log(const LanceLogEvent& c) noexcept {
    edge_.Enter();
    try {
      LogEvent event = {.level = static_cast<LogLevel>(c.level), .target = c.target, .message = c.message};
      event.fields.reserve(c.field_count);
      for (size_t i = 0; i < c.field_count; ++i)
        event.fields.emplace_back(c.fields[i].key, c.fields[i].value);
      logger_(event);
    } catch (...) {
      // No exception may enter the Rust library, and logging is not worth failing for.
    }
    edge_.Leave();
  }

 private:
  const Logger logger_;
  internal::ThreadEdge edge_;
};

extern "C" void CallLogger(void* context, const LanceLogEvent* event) noexcept {
  static_cast<LogSink*>(context)->Log(*event);
}

extern "C" void FreeLogger(void* context) noexcept {
  const std::unique_ptr<LogSink> owned(static_cast<LogSink*>(context));
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

arrow::Result<MetricsSnapshot> GetMetrics() {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  LanceMetrics c = LANCE_METRICS_INIT;
  internal::CStream stores;
  ARROW_RETURN_NOT_OK(internal::Call(lance_metrics_snapshot, &c, stores.get()));
  MetricsSnapshot out = {.process = internal::FromC(c)};
  ARROW_ASSIGN_OR_RAISE(out.stores, internal::DecodeStoreMetrics(&stores));
  return out;
}

}  // namespace lance::inline v0
