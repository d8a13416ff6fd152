/// \file async_calls.h
/// Calls of the asynchronous forms of the C ABI for tests, and how often the end of each is told.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <thread>

#include "gtest/gtest.h"
#include "support/c_call.h"
#include "support/handed_over.h"

namespace lance_test {

/// Makes asynchronous calls from one thread, and waits for the end of each. Its destructor expects that the
/// end of what was started was told exactly once, and of nothing else.
class AsyncCalls {
 public:
  AsyncCalls() = default;
  ~AsyncCalls() { EXPECT_TRUE(EachToldOnce()); }
  AsyncCalls(const AsyncCalls&) = delete;
  AsyncCalls& operator=(const AsyncCalls&) = delete;

  /// Call the asynchronous form of a function and wait for its end, unless it does not start.
  template <typename... Params, typename... Args>
  Outcome Call(LanceStatusCode (*function)(Params...), Args... args) {
    Record& record = records_.emplace_back();
    HandOver();
    LanceOperation* operation = nullptr;
    LanceError* error = nullptr;
    const LanceStatusCode started = function(args..., Tell, static_cast<void*>(&record), &operation, &error);
    const OperationPtr owned(operation);
    if (started != LANCE_OK) {
      EXPECT_EQ(operation, nullptr);
      return ToOutcome(started, error);
    }
    record.promised = 1;
    EXPECT_EQ(error, nullptr);
    if (cancelled_call_ == kEach || cancelled_call_ == made()) {
      std::this_thread::sleep_for(pause_);
      EXPECT_EQ(CallC(lance_operation_cancel, static_cast<const LanceOperation*>(operation)), LANCE_OK);
    }
    return record.end.get_future().get();
  }

  static constexpr int64_t kEach = 0;

  /// Cancel the k-th of all calls, or each, so long after its start.
  void CancelAt(int64_t k, std::chrono::microseconds pause) {
    cancelled_call_ = k;
    pause_ = pause;
  }

  /// How many calls were made.
  int64_t made() const { return static_cast<int64_t>(records_.size()); }

  /// Succeeds when the end of each call that has started was told exactly once, and of no other.
  ::testing::AssertionResult EachToldOnce() const {
    for (size_t i = 0; i < records_.size(); ++i) {
      const auto& [promised, told, end] = records_[i];
      if (told == promised) continue;
      return ::testing::AssertionFailure()
             << "the end of call " << i + 1 << " was told " << told << " times, not " << promised;
    }
    return ::testing::AssertionSuccess();
  }

 private:
  /// Kept, so that it is seen when the library tells an end late or twice.
  struct Record {
    int promised = 0;
    std::atomic<int> told = 0;
    std::promise<Outcome> end;
  };

  static void Tell(void* context, LanceStatusCode status, LanceError* error) {
    TakeOver();
    auto* record = static_cast<Record*>(context);
    const Outcome outcome = ToOutcome(status, error);
    if (record->told.fetch_add(1) == 0) record->end.set_value(outcome);
  }

  std::deque<Record> records_;
  int64_t cancelled_call_ = -1;
  std::chrono::microseconds pause_{0};
};

}  // namespace lance_test
