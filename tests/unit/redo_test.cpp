#include "lance/retry.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arrow/util/cancel.h"
#include "lance/lance_writer.h"
#include "lance/status.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using lance::Retry;
using lance::RetryOptions;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using DatasetPtr = std::shared_ptr<Dataset>;

arrow::Status FailureOf(ErrorCode code) {
  const auto detail = std::make_shared<lance::LanceStatusDetail>(code, "");
  return arrow::Status::FromArgs(lance::ArrowStatusCode(code), "no luck").WithDetail(detail);
}

class RetryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, 10));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  arrow::Status Append(int64_t first_id) {
    lance::WriteOptions options;
    options.mode = lance::WriteMode::kAppend;
    return WriteSimple(uri_, first_id, 10, options).status();
  }

  static RetryOptions Attempts(uint32_t most) {
    RetryOptions options;
    options.max_attempts = most;
    options.first_pause = milliseconds(1);
    return options;
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

TEST_F(RetryTest, EachAttemptGetsTheNewestVersion) {
  std::vector<uint64_t> versions;
  const auto attempt = [&](const DatasetPtr& newest) -> arrow::Result<uint64_t> {
    ARROW_ASSIGN_OR_RAISE(versions.emplace_back(), newest->Version());
    if (versions.size() == 3) return newest->CountRows();
    ARROW_RETURN_NOT_OK(Append(100 * static_cast<int64_t>(versions.size())));
    return FailureOf(ErrorCode::kCommitConflictRetryable);
  };
  EXPECT_EQ(*Retry(dataset_, attempt, Attempts(3)), 30U);
  EXPECT_THAT(versions, ElementsAre(1, 2, 3));
  EXPECT_EQ(*dataset_->Version(), 1U) << "what is given stays as it is";
}

TEST_F(RetryTest, OnlyConflictsThatCanEndAreTriedAgain) {
  for (int value = 1; value <= static_cast<int>(ErrorCode::kInternal); ++value) {
    const auto code = static_cast<ErrorCode>(value);
    int attempts = 0;
    const auto attempt = [&](const DatasetPtr&) {
      ++attempts;
      return FailureOf(code);
    };
    EXPECT_THAT(Retry(dataset_, attempt, Attempts(2)), FailsWith(code));
    const bool is_conflict = code == ErrorCode::kCommitConflict ||
                             code == ErrorCode::kCommitConflictRetryable || code == ErrorCode::kContention;
    EXPECT_EQ(lance::IsRetryable(code), is_conflict) << lance::ErrorCodeName(code);
    EXPECT_EQ(attempts, is_conflict ? 2 : 1) << lance::ErrorCodeName(code);
  }
}

TEST_F(RetryTest, AfterAnUnknownOutcomeNothingIsDoneAgain) {
  int attempts = 0;
  const auto attempt = [&](const DatasetPtr&) {
    ++attempts;
    return FailureOf(attempts == 1 ? ErrorCode::kContention : ErrorCode::kCommitStatusUnknown);
  };
  EXPECT_THAT(Retry(dataset_, attempt, Attempts(10)), FailsWith(ErrorCode::kCommitStatusUnknown));
  EXPECT_EQ(attempts, 2);
}

TEST_F(RetryTest, TheLastFailureTellsHowOftenItWasTried) {
  const auto attempt = [](const DatasetPtr&) { return FailureOf(ErrorCode::kContention); };
  EXPECT_THAT(Retry(dataset_, attempt, Attempts(3)),
              FailsSaying(HasSubstr("no luck (given up after 3 attempts)")));
  EXPECT_THAT(Retry(dataset_, attempt, Attempts(1)), FailsSaying(HasSubstr("after 1 attempt)")));
}

TEST_F(RetryTest, TimeEndsItToo) {
  RetryOptions options = Attempts(1'000'000'000);
  options.max_time = milliseconds(20);
  const auto attempt = [](const DatasetPtr&) { return FailureOf(ErrorCode::kContention); };
  EXPECT_THAT(Retry(dataset_, attempt, options), FailsWith(ErrorCode::kContention));
}

TEST_F(RetryTest, AStopEndsAPause) {
  RetryOptions options;
  options.first_pause = options.max_pause = std::chrono::hours(1);
  options.max_time = milliseconds::max();
  arrow::StopSource source;
  int attempts = 0;
  const auto attempt = [&](const DatasetPtr&) {
    ++attempts;
    return FailureOf(ErrorCode::kContention);
  };
  std::thread other([&source] { source.RequestStop(); });
  EXPECT_THAT(Retry(dataset_, attempt, options, source.token()), FailsWith(ErrorCode::kCancelled));
  other.join();
  EXPECT_THAT(Retry(dataset_, attempt, options, source.token()), FailsWith(ErrorCode::kCancelled));
  EXPECT_LE(attempts, 1) << "none begins after a stop";
}

TEST_F(RetryTest, ABudgetThatMakesNoSenseIsRefused) {
  const auto attempt = [](const DatasetPtr&) { return arrow::Status::OK(); };
  EXPECT_THAT(Retry(dataset_, attempt, Attempts(0)), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Retry(nullptr, attempt), FailsWith(ErrorCode::kInvalidArgument));
  RetryOptions options;
  options.max_pause = milliseconds(-1);
  EXPECT_THAT(Retry(dataset_, attempt, options), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(RetryTest, AnAttemptThatSucceedsIsNotRepeated) {
  int attempts = 0;
  const auto attempt = [&](const DatasetPtr&) -> arrow::Result<std::unique_ptr<int>> {
    return std::make_unique<int>(++attempts);
  };
  ASSERT_OK_AND_ASSIGN(const auto value, Retry(dataset_, attempt));
  EXPECT_EQ(*value, 1);
}

}  // namespace
}  // namespace lance_test
