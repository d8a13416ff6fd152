/// \file retry.h
/// Doing an operation again on the newest version, when other writers came first.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/util/cancel.h"
#include "lance/dataset.h"
#include "lance/error_code.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// How long to try. What comes first ends it: the attempts, the time, or the token.
struct LANCE_EXPORT RetryOptions {
  /// The most attempts, the first one included; at least 1.
  uint32_t max_attempts = 10;
  /// No attempt begins later than this after the first one began.
  std::chrono::milliseconds max_time = std::chrono::seconds(30);
  /// The pause before the second attempt is a random one of up to so much, and each further one may be twice
  /// as long. Random, as those that met once would meet again.
  std::chrono::milliseconds first_pause = std::chrono::milliseconds(50);
  /// The longest pause.
  std::chrono::milliseconds max_pause = std::chrono::seconds(5);
};

/// Tell whether an operation that failed like this has changed nothing, and may succeed when it is done anew
/// on the newest version: kCommitConflict, kCommitConflictRetryable and kContention.
///
/// kCommitStatusUnknown is none of them, as what was done may be there already.
LANCE_EXPORT bool IsRetryable(ErrorCode code);

/// Do what Retry() does, with an operation that returns a status.
LANCE_EXPORT arrow::Status RetryStatus(
    const std::shared_ptr<Dataset>& dataset,
    const std::function<arrow::Status(const std::shared_ptr<Dataset>& newest)>& attempt,
    const RetryOptions& options = {}, const arrow::StopToken& stop = {});

/// Do an operation, and again on the newest version of the same branch as often as other writers came first.
///
/// \code
/// auto deleted = lance::Retry(dataset, [&](const auto& newest) { return newest->Delete("id = 7"); });
/// \endcode
///
/// The last failure is returned, with its code; where the budget is used up, its message says so. Only
/// failures that IsRetryable() are tried again. After kCommitStatusUnknown the operation may have been done,
/// so that is returned at once: look at the newest version.
///
/// An attempt must read what it needs from the version that it is given, and not remember anything of an
/// earlier one: what it was told there may not be true any more.
///
/// \param[in] dataset the version of the first attempt
/// \param[in] attempt a function of a `const std::shared_ptr<Dataset>&` that returns an arrow::Status or an
/// arrow::Result
/// \param[in] options the budget
/// \param[in] stop ends a pause early, and no attempt begins after it; hand it to the calls of the attempt,
/// too
/// \return what the last attempt returned
template <typename Function>
auto Retry(const std::shared_ptr<Dataset>& dataset, Function&& attempt, const RetryOptions& options = {},
           const arrow::StopToken& stop = {}) {
  using Outcome = std::invoke_result_t<Function&, const std::shared_ptr<Dataset>&>;
  if constexpr (std::is_same_v<Outcome, arrow::Status>) {
    return RetryStatus(dataset, std::ref(attempt), options, stop);
  } else {
    std::optional<Outcome> outcome;
    const arrow::Status status = RetryStatus(
        dataset,
        [&](const std::shared_ptr<Dataset>& newest) -> arrow::Status {
          outcome.emplace(attempt(newest));
          return outcome->status();
        },
        options, stop);
    // What failed may not have been the attempt.
    return status.ok() ? *std::move(outcome) : Outcome(status);
  }
}

}  // namespace v0
}  // namespace lance
