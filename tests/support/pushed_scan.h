/// \file pushed_scan.h
/// Scans that are pushed through the C ABI, for tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "arrow/c/abi.h"
#include "gtest/gtest.h"
#include "support/c_call.h"
#include "support/handed_over.h"
#include "support/release_probe.h"

namespace lance_test {

/// A consumer that asks for one batch after the other. What it gets is watched by a probe. Its destructor
/// expects that it was released exactly once, if it was used.
class PushedScan : ArrowAsyncDeviceStreamHandler {
 public:
  explicit PushedScan(ReleaseProbe& probe) : ArrowAsyncDeviceStreamHandler{}, probe_(probe) {
    on_schema = OnSchema;
    on_next_task = OnNextTask;
    on_error = OnError;
    release = Release;
  }
  ~PushedScan() { EXPECT_EQ(releases_, promised_); }
  PushedScan(const PushedScan&) = delete;
  PushedScan& operator=(const PushedScan&) = delete;

  /// Run a scan to its end. What it ends with is the failure of the start, or what `on_error` says.
  Outcome Run(const LanceScanner* scanner) {
    promised_ = 1;
    calls_ = 0;
    ArrowAsyncDeviceStreamHandler* const handler = this;
    HandOver();
    const Outcome started = CallC(lance_scanner_to_async_device_stream, scanner, handler);
    released_->get_future().wait();
    EXPECT_TRUE(started.ok() || !failure_.ok()) << "a start that fails is told, too";
    return started.ok() ? failure_ : started;
  }

  uint64_t rows() const { return rows_; }

 private:
  /// A callback: one at a time, and none after the last. It also says to a race detector, which does not see
  /// into the library, in which order its threads come.
  class Callback {
   public:
    explicit Callback(ArrowAsyncDeviceStreamHandler* self) : scan_(*static_cast<PushedScan*>(self)) {
      TakeOver();
      EXPECT_EQ(scan_.calls_.fetch_add(1), 0);
      EXPECT_EQ(scan_.releases_, 0);
    }
    ~Callback() { scan_.calls_.fetch_sub(1); }
    Callback(const Callback&) = delete;
    Callback& operator=(const Callback&) = delete;

    PushedScan* operator->() const { return &scan_; }

   private:
    PushedScan& scan_;
  };

  static int OnSchema(ArrowAsyncDeviceStreamHandler* self, ArrowSchema* schema) {
    const Callback scan(self);
    scan->probe_.Watch(schema);
    schema->release(schema);
    self->producer->request(self->producer, 1);
    return 0;
  }

  /// An array that cannot be taken out is told by `on_error`, too.
  static int OnNextTask(ArrowAsyncDeviceStreamHandler* self, ArrowAsyncTask* task, const char*) {
    const Callback scan(self);
    if (task == nullptr) return 0;
    ArrowDeviceArray out{};
    if (task->extract_data(task, &out) != 0) return 0;
    scan->probe_.Watch(&out.array);
    scan->rows_ += static_cast<uint64_t>(out.array.length);
    out.array.release(&out.array);
    self->producer->request(self->producer, 1);
    return 0;
  }

  static void OnError(ArrowAsyncDeviceStreamHandler* self, int number, const char* message,
                      const char* metadata) {
    const Callback scan(self);
    EXPECT_NE(number, 0);
    EXPECT_TRUE(scan->failure_.ok());
    auto pairs = Decode(metadata);
    scan->failure_ = {
        .code = CodeOf(pairs["lance:code"]), .message = message, .detail = pairs["lance:detail"]};
  }

  static void Release(ArrowAsyncDeviceStreamHandler* self) {
    auto& scan = *static_cast<PushedScan*>(self);
    EXPECT_EQ(scan.calls_, 0);
    // The scan may be gone before set_value() returns.
    const auto released = scan.released_;
    if (scan.releases_++ == 0) released->set_value();
  }

  static std::map<std::string, std::string> Decode(const char* metadata) {
    const auto number = [&metadata] {
      int32_t value;
      std::memcpy(&value, metadata, sizeof value);
      metadata += sizeof value;
      return value;
    };
    const auto text = [&metadata, &number] {
      const auto length = static_cast<size_t>(number());
      metadata += length;
      return std::string(metadata - length, length);
    };
    std::map<std::string, std::string> pairs;
    for (int32_t left = number(); left > 0; --left) {
      std::string key = text();
      pairs[std::move(key)] = text();
    }
    return pairs;
  }

  static LanceStatusCode CodeOf(const std::string& name) {
    LanceStatusCode code = LANCE_INVALID_ARGUMENT;
    while (name != lance_status_name(code) && std::strcmp(lance_status_name(code), "UNKNOWN") != 0) ++code;
    EXPECT_EQ(lance_status_name(code), name);
    return code;
  }

  ReleaseProbe& probe_;
  int promised_ = 0;
  std::atomic<int> calls_ = 0;
  std::atomic<int> releases_ = 0;
  std::shared_ptr<std::promise<void>> released_ = std::make_shared<std::promise<void>>();
  uint64_t rows_ = 0;
  Outcome failure_;
};

}  // namespace lance_test
