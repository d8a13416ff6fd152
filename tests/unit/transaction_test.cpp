#include "lance/transaction.h"

#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/dataset.h"
#include "lance/lance_writer.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using lance::Transaction;
using lance::WriteMode;
using lance::WriteOptions;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TransactionTest : public ::testing::Test {
 protected:
  arrow::Result<Transaction> Prepare(int64_t first_id, int64_t rows, const WriteOptions& options = {}) const {
    ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(uri_, SimpleSchema(), options));
    ARROW_RETURN_NOT_OK(writer->Write(*SimpleBatch(first_id, rows)));
    return writer->FinishUncommitted();
  }

  static WriteOptions Append() {
    WriteOptions options;
    options.mode = WriteMode::kAppend;
    return options;
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
};

TEST_F(TransactionTest, NothingIsVisibleBeforeTheCommit) {
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 10));
  EXPECT_THAT(Dataset::Open(uri_), FailsWith(ErrorCode::kDatasetNotFound));
  ASSERT_OK_AND_ASSIGN(const auto result, transaction.Commit());
  EXPECT_EQ(result.version, 1U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_F(TransactionTest, DiscardDeletesTheFiles) {
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 10));
  EXPECT_THAT(ListFiles(dir_.path()), Not(IsEmpty()));
  ASSERT_OK(transaction.Discard());
  EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
  ASSERT_OK(transaction.Discard()) << "discarding twice is allowed";
  EXPECT_THAT(transaction.Commit(), FailsWith(ErrorCode::kInvalidState));
}

TEST_F(TransactionTest, DestructionKeepsTheFiles) {
  std::vector<std::string> files;
  {
    ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 10));
    files = ListFiles(dir_.path());
  }
  EXPECT_THAT(files, Not(IsEmpty()));
  EXPECT_EQ(ListFiles(dir_.path()), files);
}

TEST_F(TransactionTest, CommittedTransactionIsSpent) {
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 10));
  ASSERT_OK(transaction.Commit());
  EXPECT_THAT(transaction.Commit(), FailsWith(ErrorCode::kInvalidState));
  EXPECT_THAT(transaction.Discard(), FailsWith(ErrorCode::kInvalidState));
  EXPECT_THAT(transaction.ToJson(), FailsWith(ErrorCode::kInvalidState));
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_F(TransactionTest, MovedTransactionKeepsWorking) {
  ASSERT_OK_AND_ASSIGN(auto first, Prepare(0, 10));
  Transaction second = std::move(first);
  EXPECT_THAT(first.Commit(), FailsWith(ErrorCode::kInvalidState));  // NOLINT(bugprone-use-after-move)
  EXPECT_THAT(first.Discard(), FailsWith(ErrorCode::kInvalidState));
  EXPECT_THAT(first.ToJson(), FailsWith(ErrorCode::kInvalidState));
  std::vector<Transaction> moved_from;
  moved_from.push_back(std::move(first));
  EXPECT_THAT(Transaction::CommitAll(moved_from), FailsWith(ErrorCode::kInvalidState));
  ASSERT_OK_AND_ASSIGN(auto other, Prepare(0, 5));
  ASSERT_OK(other.Discard());
  other = std::move(second);
  ASSERT_OK(other.Commit());
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_F(TransactionTest, JsonCarriesItToAnotherProcess) {
  std::string json;
  {
    ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 10));
    ASSERT_OK_AND_ASSIGN(json, transaction.ToJson());
  }
  ASSERT_OK_AND_ASSIGN(auto transaction, Transaction::FromJson(json));
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_F(TransactionTest, JsonCanBeDiscardedElsewhere) {
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 10));
  ASSERT_OK_AND_ASSIGN(const std::string json, transaction.ToJson());
  ASSERT_OK_AND_ASSIGN(auto copy, Transaction::FromJson(json));
  ASSERT_OK(copy.Discard());
  EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
  EXPECT_FALSE(transaction.Commit().ok()) << "committed a dataset without its files";
  EXPECT_FALSE(Dataset::Open(uri_).ok());
}

TEST_F(TransactionTest, JsonHasNoStorageOptions) {
  WriteOptions options;
  options.storage.Set("aws_secret_access_key", "canary-secret");
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 10, options));
  ASSERT_OK_AND_ASSIGN(const std::string json, transaction.ToJson());
  EXPECT_THAT(json, Not(HasSubstr("canary")));
  ASSERT_OK(transaction.Discard());
}

TEST_F(TransactionTest, BadJsonIsRefused) {
  for (const auto* json : {"", "{", "[]", "{}", "null", "{\"version\": 1}", "\xff"}) {
    EXPECT_THAT(Transaction::FromJson(json), FailsWith(ErrorCode::kInvalidArgument)) << json;
  }
}

TEST_F(TransactionTest, SeveralWritesBecomeOneVersionInOrder) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  std::vector<Transaction> transactions;
  for (const int64_t first : {10, 20, 30}) {
    ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(first, 10, Append()));
    transactions.push_back(std::move(transaction));
  }
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(transactions));
  EXPECT_EQ(result.version, 2U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 40));
}

TEST_F(TransactionTest, SeveralWritesCreateOneDataset) {
  std::vector<Transaction> transactions;
  for (const int64_t first : {0, 10}) {
    ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(first, 10));
    transactions.push_back(std::move(transaction));
  }
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(transactions));
  EXPECT_EQ(result.version, 1U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
}

TEST_F(TransactionTest, NoneToCommitIsRefused) {
  std::vector<Transaction> none;
  EXPECT_THAT(Transaction::CommitAll(none), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(TransactionTest, WritesOfDifferentModesAreRefusedTogether) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  WriteOptions overwrite;
  overwrite.mode = WriteMode::kOverwrite;
  std::vector<Transaction> transactions;
  ASSERT_OK_AND_ASSIGN(auto first, Prepare(10, 10, Append()));
  ASSERT_OK_AND_ASSIGN(auto second, Prepare(20, 10, overwrite));
  transactions.push_back(std::move(first));
  transactions.push_back(std::move(second));
  EXPECT_THAT(Transaction::CommitAll(transactions), FailsWith(ErrorCode::kInvalidArgument));
  for (auto& transaction : transactions) EXPECT_OK(transaction.Discard());
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_F(TransactionTest, WritesToDifferentDatasetsAreRefusedTogether) {
  std::vector<Transaction> transactions;
  ASSERT_OK_AND_ASSIGN(auto first, Prepare(0, 10));
  ASSERT_OK_AND_ASSIGN(auto writer, lance::LanceWriter::Open(dir_ / "other", SimpleSchema()));
  ASSERT_OK_AND_ASSIGN(auto second, writer->FinishUncommitted());
  transactions.push_back(std::move(first));
  transactions.push_back(std::move(second));
  EXPECT_THAT(Transaction::CommitAll(transactions), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(TransactionTest, CreateLosesToAnEarlierCreate) {
  ASSERT_OK_AND_ASSIGN(auto late, Prepare(100, 10));
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  const auto committed = late.Commit();
  EXPECT_FALSE(committed.ok());
  EXPECT_THAT(committed,
              ::testing::AnyOf(FailsWith(ErrorCode::kAlreadyExists), FailsWith(ErrorCode::kCommitConflict),
                               FailsWith(ErrorCode::kIncompatibleTransaction)));
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
  ASSERT_OK(late.Discard());
}

TEST_F(TransactionTest, AppendsOfTwoWritersAreBothKept) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto first, Prepare(10, 10, Append()));
  ASSERT_OK_AND_ASSIGN(auto second, Prepare(20, 10, Append()));
  ASSERT_OK(first.Commit());
  ASSERT_OK_AND_ASSIGN(const auto result, second.Commit());
  EXPECT_EQ(result.version, 3U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 30));
}

TEST_F(TransactionTest, EmptyWriteCommitsAnEmptyDataset) {
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(0, 0));
  ASSERT_OK(transaction.Commit());
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  EXPECT_TRUE(dataset->schema()->Equals(*SimpleSchema()));
}

}  // namespace
}  // namespace lance_test
