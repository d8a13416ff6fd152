// A commit that fails at any step, or whose outcome is unknown, is repeated: the rows are there once.

#include <string>

#include "lance/api.h"
#include "support/datasets.h"
#include "support/faults.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using lance::GetErrorCode;
using lance::Transaction;

arrow::Result<Transaction> Prepare(const std::string& uri, lance::WriteMode mode) {
  lance::WriteOptions options;
  options.mode = mode;
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(uri, SimpleSchema(), options));
  ARROW_RETURN_NOT_OK(writer->Write(*SimpleBatch(10, 10)));
  return writer->FinishUncommitted();
}

class RetryTest : public ::testing::TestWithParam<FaultMode> {
 protected:
  void SetUp() override {
    ASSERT_NE(faults_.fail_at, nullptr) << "the library was built without fault points";
    ASSERT_NE(faults_.points_hit, nullptr);
  }

  /// Let the `k`-th step of a commit fail. Returns whether it has that many.
  bool FailAt(int64_t k, Transaction& transaction, arrow::Result<lance::CommitResult>& outcome) const {
    faults_.fail_at(k, GetParam());
    outcome = transaction.Commit();
    const bool fired = faults_.points_hit() >= k;
    faults_.fail_at(0, kOff);
    return fired;
  }

  const Faults faults_{};
};

TEST_P(RetryTest, ACommitIsRepeatedUntilItsOutcomeIsKnown) {
  int unknown = 0;
  for (const bool exists : {true, false}) {
    for (const bool shared : {true, false}) {
      int64_t k = 0;
      for (bool fired = true; fired;) {
        SCOPED_TRACE("step " + std::to_string(++k));
        const TempDir dir;
        const std::string uri = dir / "dataset";
        if (exists) {
          ASSERT_OK(WriteSimple(uri, 0, 10));
        }
        ASSERT_OK_AND_ASSIGN(auto transaction,
                             Prepare(uri, exists ? lance::WriteMode::kAppend : lance::WriteMode::kCreate));
        std::string json;
        if (shared) {
          ASSERT_OK_AND_ASSIGN(json, transaction.ToJson());
        }
        arrow::Result<lance::CommitResult> outcome = arrow::Status::Invalid("not done");
        fired = FailAt(k, transaction, outcome);
        const ErrorCode code = GetErrorCode(outcome.status());
        if (code == ErrorCode::kCommitStatusUnknown) {
          ++unknown;
          EXPECT_THAT(transaction.Discard(), FailsWith(ErrorCode::kInvalidState));
        }
        if (code == ErrorCode::kPanic) {
          // The handle is poisoned, as any is; the JSON is not.
          if (!shared) continue;
          ASSERT_OK_AND_ASSIGN(transaction, Transaction::FromJson(json));
        }
        if (!outcome.ok()) outcome = transaction.Commit();
        ASSERT_OK(outcome);
        const auto rows = exists ? Range(0, 20) : Range(10, 10);
        EXPECT_EQ(outcome->version, exists ? 2U : 1U);
        EXPECT_EQ(ReadIds(uri), rows);
        if (shared) {
          ASSERT_OK_AND_ASSIGN(auto copy, Transaction::FromJson(json));
          EXPECT_THAT(copy.Discard(), FailsWith(ErrorCode::kInvalidState));
          ASSERT_OK_AND_ASSIGN(const auto again, copy.Commit());
          EXPECT_EQ(again.version, outcome->version);
          EXPECT_EQ(ReadIds(uri), rows);
        }
      }
      EXPECT_GT(k, 5);
    }
  }
  EXPECT_EQ(unknown > 0, GetParam() == kPanic);
}

INSTANTIATE_TEST_SUITE_P(Modes, RetryTest, ::testing::Values(kError, kPanic),
                         [](const auto& info) { return info.param == kPanic ? "Panic" : "Error"; });

}  // namespace
}  // namespace lance_test
