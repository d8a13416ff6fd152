/// \file status_matchers.h
/// Assertions on arrow::Status and arrow::Result, and on the cause of a failure.
#pragma once

#include <utility>

#include "arrow/result.h"
#include "arrow/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lance/status.h"

namespace lance_test {

inline const arrow::Status& ToStatus(const arrow::Status& status) { return status; }

template <typename T>
const arrow::Status& ToStatus(const arrow::Result<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  const arrow::Status& status = ToStatus(arg);
  *result_listener << status.ToString();
  return status.ok();
}

/// Matches a failed status or result of this library that has the given cause and a message.
MATCHER_P(FailsWith, code, std::string("fails with ") + lance::ErrorCodeName(code)) {
  const arrow::Status& status = ToStatus(arg);
  *result_listener << status.ToString();
  return !status.ok() && lance::LanceStatusDetail::UnwrapStatus(status) != nullptr &&
         lance::GetErrorCode(status) == code && !status.message().empty();
}

/// Matches a failed status or result whose message matches.
MATCHER_P(FailsSaying, message_matcher,
          "fails with a message that " + ::testing::DescribeMatcher<std::string>(message_matcher, negation)) {
  const arrow::Status& status = ToStatus(arg);
  *result_listener << status.ToString();
  return !status.ok() && ::testing::ExplainMatchResult(message_matcher, status.message(), result_listener);
}

}  // namespace lance_test

#define ASSERT_OK(expression) ASSERT_THAT((expression), ::lance_test::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT((expression), ::lance_test::IsOk())

#define LANCE_TEST_CONCAT_(x, y) x##y
#define LANCE_TEST_CONCAT(x, y) LANCE_TEST_CONCAT_(x, y)

#define ASSERT_OK_AND_ASSIGN_(result, declaration, expression) \
  auto&& result = (expression);                                \
  ASSERT_THAT(result, ::lance_test::IsOk());                   \
  declaration = std::move(result).ValueUnsafe()

/// Assert that a result is OK and move its value.
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  ASSERT_OK_AND_ASSIGN_(LANCE_TEST_CONCAT(result_, __LINE__), declaration, expression)
