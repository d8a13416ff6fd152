#include "lance/retry.h"

#include <algorithm>
#include <random>
#include <string>
#include <thread>

#include "ffi/error_internal.h"
#include "ffi/operation_internal.h"
#include "lance/status.h"

namespace lance::inline v0 {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How soon a pause notices a stop.
constexpr milliseconds kTick{10};

arrow::Status Pause(milliseconds pause, const arrow::StopToken& stop) {
  const auto end = Clock::now() + pause;
  while (Clock::now() < end) {
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    std::this_thread::sleep_for(std::min<Clock::duration>(kTick, end - Clock::now()));
  }
  return internal::CheckStop(stop);
}

milliseconds Below(milliseconds limit) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(std::uniform_int_distribution<milliseconds::rep>(0, limit.count())(random));
}

arrow::Status Check(const std::shared_ptr<Dataset>& dataset, const RetryOptions& options) {
  const auto invalid = [](const char* why) { return internal::MakeStatus(ErrorCode::kInvalidArgument, why); };
  if (dataset == nullptr) return invalid("dataset must not be NULL");
  if (options.max_attempts == 0) return invalid("max_attempts must be at least 1");
  if (std::min(options.first_pause, options.max_pause) < milliseconds::zero()) {
    return invalid("first_pause and max_pause must not be negative");
  }
  return arrow::Status::OK();
}

}  // namespace

bool IsRetryable(ErrorCode code) {
  return code == ErrorCode::kCommitConflict || code == ErrorCode::kCommitConflictRetryable ||
         code == ErrorCode::kContention;
}

arrow::Status RetryStatus(const std::shared_ptr<Dataset>& dataset,
                          const std::function<arrow::Status(const std::shared_ptr<Dataset>& newest)>& attempt,
                          const RetryOptions& options, const arrow::StopToken& stop) {
  ARROW_RETURN_NOT_OK(Check(dataset, options));
  const auto begin = Clock::now();
  milliseconds pause = options.first_pause;
  std::shared_ptr<Dataset> newest = dataset;
  for (uint32_t attempts = 1;; ++attempts) {
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    const arrow::Status status = attempt(newest);
    if (status.ok() || !IsRetryable(GetErrorCode(status))) return status;
    const milliseconds next = Below(std::min(pause, options.max_pause));
    const auto spent = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    if (attempts == options.max_attempts || spent + next > options.max_time) {
      return status.WithMessage(status.message(), " (given up after ", attempts,
                                attempts == 1 ? " attempt)" : " attempts)");
    }
    ARROW_RETURN_NOT_OK(Pause(next, stop));
    pause = std::min(pause * 2, options.max_pause);
    ARROW_ASSIGN_OR_RAISE(newest, dataset->Latest(stop));
  }
}

}  // namespace lance::inline v0
