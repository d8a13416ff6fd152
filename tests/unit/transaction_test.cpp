#include "lance/transaction.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "lance/dataset.h"
#include "lance/lance_writer.h"
#include "lance/maintenance.h"
#include "lance/scanner.h"
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

  static WriteOptions Mode(WriteMode mode) {
    WriteOptions options;
    options.mode = mode;
    return options;
  }

  static WriteOptions Append() { return Mode(WriteMode::kAppend); }

  static WriteOptions Overwrite() { return Mode(WriteMode::kOverwrite); }

  /// The transaction as another process gets it.
  static arrow::Result<Transaction> Copy(const Transaction& transaction) {
    ARROW_ASSIGN_OR_RAISE(const auto json, transaction.ToJson());
    return Transaction::FromJson(json);
  }

  static arrow::Result<lance::CommitResult> CommitBoth(Transaction first, Transaction second) {
    std::vector<Transaction> both;
    both.push_back(std::move(first));
    both.push_back(std::move(second));
    return Transaction::CommitAll(both);
  }

  /// Write one row of integer columns.
  static arrow::Status WriteRow(const std::string& uri,
                                const std::vector<std::pair<std::string, int64_t>>& row,
                                const WriteOptions& options) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, Row(row));
    return WriteBatches(uri, {batch}, options).status();
  }

  static arrow::Result<std::shared_ptr<arrow::RecordBatch>> Row(
      const std::vector<std::pair<std::string, int64_t>>& row) {
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (const auto& [name, value] : row) {
      fields.push_back(arrow::field(name, arrow::int64()));
      arrow::Int64Builder builder;
      ARROW_RETURN_NOT_OK(builder.Append(value));
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), builder.Finish());
    }
    return arrow::RecordBatch::Make(arrow::schema(fields), 1, columns);
  }

  static arrow::Result<Transaction> PrepareRow(const std::string& uri,
                                               const std::vector<std::pair<std::string, int64_t>>& row,
                                               const WriteOptions& options) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, Row(row));
    ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(uri, batch->schema(), options));
    ARROW_RETURN_NOT_OK(writer->Write(*batch));
    return writer->FinishUncommitted();
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

class PartsTest : public TransactionTest {
 protected:
  /// A part of a job, of ten rows, as a coordinator gets it.
  arrow::Result<Transaction> Part(const std::string& name, int64_t first_id,
                                  WriteMode mode = WriteMode::kAppend) const {
    WriteOptions options = Mode(mode);
    options.transaction_properties[Transaction::kPartProperty] = name;
    ARROW_ASSIGN_OR_RAISE(const auto transaction, Prepare(first_id, 10, options));
    return Copy(transaction);
  }

  arrow::Result<std::vector<Transaction>> Parts(const std::vector<std::pair<std::string, int64_t>>& parts,
                                                WriteMode mode = WriteMode::kAppend) const {
    std::vector<Transaction> transactions;
    for (const auto& [name, first_id] : parts) {
      ARROW_ASSIGN_OR_RAISE(auto transaction, Part(name, first_id, mode));
      transactions.push_back(std::move(transaction));
    }
    return transactions;
  }

  /// Discard what a commit has left out.
  static int DiscardOthers(std::vector<Transaction>& transactions) {
    int discarded = 0;
    for (Transaction& transaction : transactions) {
      const arrow::Status status = transaction.Discard();
      discarded += status.ok() ? 1 : 0;
      if (!status.ok()) {
        EXPECT_THAT(status, FailsWith(ErrorCode::kInvalidState));
      }
    }
    return discarded;
  }

  void ExpectNoOrphans() const {
    ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(uri_));
    EXPECT_THAT(report.problems, IsEmpty());
    EXPECT_EQ(report.orphans, 0U);
  }
};

TEST_F(PartsTest, EachPartIsCommittedOnceHoweverOftenItWasMade) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(
      auto parts,
      Parts({{"job 1/3", 10}, {"job 2/3", 20}, {"job 2/3", 20}, {"job 3/3", 30}, {"job 1/3", 10}}));
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(parts));
  EXPECT_EQ(result.version, 2U);
  EXPECT_EQ(result.repeated_parts, 2U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 40));
  EXPECT_EQ(DiscardOthers(parts), 2);
  EXPECT_EQ(ReadIds(uri_), Range(0, 40));
  ExpectNoOrphans();
}

TEST_F(PartsTest, APartThatAVersionHasIsLeftOutLaterToo) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  // One began before the commit of its part, and one after it, with other versions in between.
  ASSERT_OK_AND_ASSIGN(auto late, Part("job 1/2", 10));
  ASSERT_OK_AND_ASSIGN(auto parts, Parts({{"job 1/2", 10}, {"job 2/2", 20}}));
  ASSERT_OK(Transaction::CommitAll(parts));
  ASSERT_OK(WriteSimple(uri_, 30, 10, Append()));
  ASSERT_OK(WriteSimple(uri_, 40, 10, Append()));
  ASSERT_OK_AND_ASSIGN(auto later, Part("job 2/2", 20));
  ASSERT_OK_AND_ASSIGN(auto fresh, Part("job 3/2", 50));
  std::vector<Transaction> again;
  again.push_back(std::move(late));
  again.push_back(std::move(later));
  ASSERT_OK_AND_ASSIGN(const auto nothing, Transaction::CommitAll(again));
  EXPECT_EQ(nothing.version, 2U) << "the version that has them";
  EXPECT_EQ(nothing.repeated_parts, 2U);
  again.push_back(std::move(fresh));
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(again));
  EXPECT_EQ(result.version, 5U);
  EXPECT_EQ(result.repeated_parts, 2U);
  EXPECT_EQ(DiscardOthers(again), 2);
  EXPECT_EQ(ReadIds(uri_), Range(0, 60));
  ExpectNoOrphans();
}

TEST_F(PartsTest, ACommitOfTheSameTransactionsTellsTheirVersion) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto parts, Parts({{"job 1/2", 10}, {"job 2/2", 20}, {"job 2/2", 20}}));
  // Another process, which gets the repeated part in the other order.
  std::vector<Transaction> copies;
  for (const size_t index : {0, 2, 1}) {
    ASSERT_OK_AND_ASSIGN(auto copy, Copy(parts[index]));
    copies.push_back(std::move(copy));
  }
  ASSERT_OK(Transaction::CommitAll(parts));
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(copies));
  EXPECT_EQ(result.version, 2U);
  EXPECT_EQ(result.repeated_parts, 1U);
  EXPECT_EQ(DiscardOthers(copies), 1);
  EXPECT_EQ(ReadIds(uri_), Range(0, 30));
  ExpectNoOrphans();
}

TEST_F(PartsTest, TwoCoordinatorsCommitAPartOnce) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  for (int round = 0; round < 10; ++round) {
    const std::string name = "round " + std::to_string(round);
    std::vector<Transaction> both;
    for (int i = 0; i < 2; ++i) {
      ASSERT_OK_AND_ASSIGN(auto part, Part(name, 10 + 10 * round));
      both.push_back(std::move(part));
    }
    auto first = both[0].CommitAsync();
    auto second = both[1].CommitAsync();
    first.Wait();
    second.Wait();
    for (const auto* commit : {&first, &second}) {
      if (!commit->status().ok()) {
        EXPECT_THAT(commit->status(), FailsWith(ErrorCode::kCommitConflict));
      }
    }
    EXPECT_TRUE(first.status().ok() || second.status().ok());
    EXPECT_EQ(DiscardOthers(both), 1);
    EXPECT_EQ(ReadIds(uri_), Range(0, 20 + 10 * round));
  }
  ExpectNoOrphans();
}

TEST_F(PartsTest, ADatasetIsMadeOfPartsOnce) {
  ASSERT_OK_AND_ASSIGN(auto parts,
                       Parts({{"job 1/2", 0}, {"job 1/2", 0}, {"job 2/2", 10}}, WriteMode::kCreate));
  ASSERT_OK_AND_ASSIGN(auto late, Part("job 2/2", 10, WriteMode::kCreate));
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(parts));
  EXPECT_EQ(result.version, 1U);
  EXPECT_EQ(result.repeated_parts, 1U);
  ASSERT_OK_AND_ASSIGN(const auto nothing, late.Commit());
  EXPECT_EQ(nothing.version, 1U);
  EXPECT_EQ(nothing.repeated_parts, 1U);
  ASSERT_OK(late.Discard());
  EXPECT_EQ(DiscardOthers(parts), 1);
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
  ExpectNoOrphans();
}

TEST_F(PartsTest, APartWithoutRowsIsAPart) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  WriteOptions options = Append();
  options.transaction_properties[Transaction::kPartProperty] = "job 1/2";
  std::vector<Transaction> parts;
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(auto part, Prepare(0, 0, options));
    parts.push_back(std::move(part));
  }
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(parts));
  EXPECT_EQ(result.repeated_parts, 1U);
  EXPECT_EQ(DiscardOthers(parts), 1);
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
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
  std::vector<Transaction> transactions;
  ASSERT_OK_AND_ASSIGN(auto first, Prepare(10, 10, Append()));
  ASSERT_OK_AND_ASSIGN(auto second, Prepare(20, 10, Overwrite()));
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

TEST_F(TransactionTest, WritesOnBothSidesOfAnOverwriteAreRefusedTogether) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto before, Prepare(10, 10, Append()));
  ASSERT_OK(WriteSimple(uri_, 100, 10, Overwrite()));
  ASSERT_OK_AND_ASSIGN(auto after, Prepare(20, 10, Append()));
  EXPECT_THAT(CommitBoth(std::move(after), std::move(before)),
              FailsWith(ErrorCode::kIncompatibleTransaction));
  EXPECT_EQ(ReadIds(uri_), Range(100, 10));
}

TEST_F(TransactionTest, NoValueComesUpInAnotherColumn) {
  ASSERT_OK(WriteRow(uri_, {{"a", 1}, {"b", 2}}, {}));
  ASSERT_OK_AND_ASSIGN(auto before, PrepareRow(uri_, {{"a", 1}, {"b", 2}}, Append()));
  ASSERT_OK(WriteRow(uri_, {{"b", 2}, {"a", 1}}, Overwrite()));
  ASSERT_OK_AND_ASSIGN(auto after, PrepareRow(uri_, {{"b", 2}, {"a", 1}}, Append()));
  std::vector<Transaction> both;
  both.push_back(std::move(after));
  both.push_back(std::move(before));
  EXPECT_THAT(Transaction::CommitAll(both), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(both[1].Commit(), FailsWith(ErrorCode::kIncompatibleTransaction));
  ASSERT_OK(both[0].Commit());
  ASSERT_OK_AND_ASSIGN(const auto table, ReadAll(uri_));
  EXPECT_EQ(Int64s(*table->GetColumnByName("a")), (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(Int64s(*table->GetColumnByName("b")), (std::vector<int64_t>{2, 2}));
}

TEST_F(TransactionTest, OverwritesOfOneSchemaBecomeOneVersion) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto first, Prepare(10, 10, Overwrite()));
  ASSERT_OK_AND_ASSIGN(auto second, Prepare(20, 10, Overwrite()));
  ASSERT_OK_AND_ASSIGN(const auto result, CommitBoth(std::move(first), std::move(second)));
  EXPECT_EQ(result.version, 2U);
  EXPECT_EQ(ReadIds(uri_), Range(10, 20));
}

TEST_F(TransactionTest, OverwritesOnBothSidesOfAnotherConflict) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto before, Prepare(10, 10, Overwrite()));
  ASSERT_OK(WriteSimple(uri_, 100, 10, Overwrite()));
  ASSERT_OK_AND_ASSIGN(auto after, Prepare(20, 10, Overwrite()));
  EXPECT_THAT(CommitBoth(std::move(after), std::move(before)),
              FailsWith(ErrorCode::kCommitConflictRetryable));
  EXPECT_EQ(ReadIds(uri_), Range(100, 10));
}

TEST_F(TransactionTest, OverwritesThatSawADatasetAndThatSawNoneAreRefusedTogether) {
  ASSERT_OK_AND_ASSIGN(auto blind, Prepare(10, 10, Overwrite()));
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto seeing, Prepare(20, 10, Overwrite()));
  EXPECT_THAT(CommitBoth(std::move(blind), std::move(seeing)), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_F(TransactionTest, OneTransactionUnderTwoHandlesIsRefused) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  for (const int64_t rows : {10, 0}) {
    ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(10, rows, Append()));
    ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
    EXPECT_THAT(CommitBoth(std::move(transaction), std::move(copy)), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_F(TransactionTest, SpellingsOfOnePlaceAreOneTarget) {
  std::filesystem::create_directory(dir_.path() / "real");
  std::filesystem::create_directory_symlink(dir_.path() / "real", dir_.path() / "link");
  const std::string real = dir_ / "real/dataset";
  std::vector<Transaction> transactions;
  int64_t first_id = 0;
  for (const auto& spelling : {real, real + "/", dir_ / "link/dataset", dir_ / "real/../real/./dataset",
                               "file://" + real, std::filesystem::relative(real).string()}) {
    ASSERT_OK_AND_ASSIGN(auto writer, lance::LanceWriter::Open(spelling, SimpleSchema()));
    ASSERT_OK(writer->Write(*SimpleBatch(first_id, 10)));
    ASSERT_OK_AND_ASSIGN(auto transaction, writer->FinishUncommitted());
    transactions.push_back(std::move(transaction));
    first_id += 10;
  }
  ASSERT_OK_AND_ASSIGN(const auto result, Transaction::CommitAll(transactions));
  EXPECT_EQ(result.version, 1U);
  EXPECT_EQ(ReadIds(real), Range(0, first_id));
}

TEST_F(TransactionTest, CommittedTwiceItIsThereOnce) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  for (const auto& options : {Append(), Overwrite()}) {
    ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(10, 10, options));
    ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
    ASSERT_OK_AND_ASSIGN(const auto first, copy.Commit());
    const auto ids = ReadIds(uri_);
    ASSERT_OK(WriteSimple(uri_, 50, 10, Append()));
    ASSERT_OK_AND_ASSIGN(const auto second, transaction.Commit());
    EXPECT_EQ(second.version, first.version);
    EXPECT_EQ(ReadIds(uri_).size(), ids.size() + 10);
  }
}

TEST_F(TransactionTest, ACreationCommittedTwiceIsThereOnce) {
  for (const auto& options : {WriteOptions{}, Overwrite()}) {
    for (const int64_t rows : {10, 0}) {
      const std::string uri = uri_ + std::to_string(rows) + std::to_string(static_cast<int>(options.mode));
      ASSERT_OK_AND_ASSIGN(auto writer, lance::LanceWriter::Open(uri, SimpleSchema(), options));
      ASSERT_OK(writer->Write(*SimpleBatch(0, rows)));
      ASSERT_OK_AND_ASSIGN(auto transaction, writer->FinishUncommitted());
      ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
      ASSERT_OK_AND_ASSIGN(const auto first, copy.Commit());
      ASSERT_OK_AND_ASSIGN(const auto second, transaction.Commit());
      EXPECT_EQ(first.version, 1U);
      EXPECT_EQ(second.version, 1U);
      ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
      ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset->LatestVersion());
      EXPECT_EQ(latest, 1U);
      EXPECT_EQ(ReadIds(uri), Range(0, rows));
    }
  }
}

TEST_F(TransactionTest, AnEmptyAppendCommittedTwiceIsOneVersion) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(10, 0, Append()));
  ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
  ASSERT_OK_AND_ASSIGN(const auto first, copy.Commit());
  ASSERT_OK_AND_ASSIGN(const auto second, transaction.Commit());
  EXPECT_EQ(first.version, 2U);
  EXPECT_EQ(second.version, 2U);
}

TEST_F(TransactionTest, WhatAnotherProcessCommittedIsNotDiscarded) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(10, 10, Append()));
  ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
  ASSERT_OK(copy.Commit());
  const auto files = ListFiles(dir_.path());
  EXPECT_THAT(transaction.Discard(), FailsWith(ErrorCode::kInvalidState));
  EXPECT_EQ(ListFiles(dir_.path()), files);
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
  // It is replaced, but the version that has it can still be read.
  ASSERT_OK(WriteSimple(uri_, 100, 10, Overwrite()));
  EXPECT_THAT(transaction.Discard(), FailsWith(ErrorCode::kInvalidState));
  ASSERT_OK_AND_ASSIGN(const auto before, Dataset::Open(uri_, {.version = 2}));
  ASSERT_OK_AND_ASSIGN(auto scanner, before->Scan());
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
  EXPECT_EQ(table->num_rows(), 20);
}

TEST_F(TransactionTest, MembersOfACommitAreKnown) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  std::vector<Transaction> members;
  std::vector<Transaction> copies;
  std::vector<Transaction> again;
  for (const int64_t first_id : {10, 20}) {
    ASSERT_OK_AND_ASSIGN(auto member, Prepare(first_id, 10, Append()));
    ASSERT_OK_AND_ASSIGN(auto copy, Copy(member));
    ASSERT_OK_AND_ASSIGN(auto one_more, Copy(member));
    members.push_back(std::move(member));
    copies.push_back(std::move(copy));
    again.push_back(std::move(one_more));
  }
  ASSERT_OK_AND_ASSIGN(const auto made, Transaction::CommitAll(copies));
  ASSERT_OK_AND_ASSIGN(const auto repeated, Transaction::CommitAll(again));
  EXPECT_EQ(repeated.version, made.version);
  EXPECT_THAT(members[0].Discard(), FailsWith(ErrorCode::kInvalidState));
  ASSERT_OK_AND_ASSIGN(const auto alone, members[1].Commit());
  EXPECT_EQ(alone.version, made.version);
  // One that is in a version already, and one that is not.
  ASSERT_OK_AND_ASSIGN(auto fresh, Prepare(30, 10, Append()));
  EXPECT_THAT(CommitBoth(std::move(members[0]), std::move(fresh)), FailsWith(ErrorCode::kInvalidState));
  EXPECT_EQ(ReadIds(uri_), Range(0, 30));
}

TEST_F(TransactionTest, DiscardedElsewhereItIsGone) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  const auto files = ListFiles(dir_.path());
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(10, 10, Append()));
  ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
  ASSERT_OK(copy.Discard());
  EXPECT_EQ(ListFiles(dir_.path()), files);
  EXPECT_THAT(transaction.Commit(), FailsWith(ErrorCode::kNotFound));
  ASSERT_OK(transaction.Discard());
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

/// The working directory is another one for the rest of the test.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::filesystem::path& path) { std::filesystem::current_path(path); }
  ~WorkingDirectory() { std::filesystem::current_path(before_); }

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
};

TEST_F(TransactionTest, TheTargetIsWhereItWasAtOpen) {
  std::filesystem::create_directory(dir_.path() / "elsewhere");
  const WorkingDirectory back(dir_.path());
  ASSERT_OK_AND_ASSIGN(auto finished, lance::LanceWriter::Open("dataset", SimpleSchema()));
  std::filesystem::current_path("elsewhere");
  ASSERT_OK(finished->Write(*SimpleBatch(0, 10)));
  ASSERT_OK(finished->Finish());

  std::filesystem::current_path(dir_.path());
  ASSERT_OK_AND_ASSIGN(auto writer, lance::LanceWriter::Open("./dataset", SimpleSchema(), Append()));
  ASSERT_OK_AND_ASSIGN(auto aborted, lance::LanceWriter::Open("dataset", SimpleSchema(), Append()));
  ASSERT_OK(aborted->Write(*SimpleBatch(50, 10)));
  ASSERT_OK(writer->Write(*SimpleBatch(10, 10)));
  ASSERT_OK_AND_ASSIGN(const auto transaction, writer->FinishUncommitted());
  std::filesystem::current_path("elsewhere");
  ASSERT_OK(aborted->Abort());
  ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
  ASSERT_OK_AND_ASSIGN(const auto result, copy.Commit());
  EXPECT_EQ(result.version, 2U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
  EXPECT_THAT(ListFiles(dir_.path() / "elsewhere"), IsEmpty());
}

TEST_F(TransactionTest, AReaderStaysWhereItWasOpened) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  std::filesystem::create_directory(dir_.path() / "elsewhere");
  const WorkingDirectory back(dir_.path());
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open("dataset"));
  std::filesystem::current_path("elsewhere");
  ASSERT_OK(WriteSimple(uri_, 10, 10, Append()));
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset->LatestVersion());
  EXPECT_EQ(latest, 2U);
  ASSERT_OK_AND_ASSIGN(const auto versions, dataset->Versions());
  EXPECT_EQ(versions.size(), 2U);
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan());
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
  EXPECT_EQ(table->num_rows(), 10);
}

TEST_F(TransactionTest, ALinkThatIsTurnedDoesNotTakeTheWriteWithIt) {
  for (const auto* name : {"one", "two"}) std::filesystem::create_directory(dir_.path() / name);
  const auto link = dir_.path() / "link";
  std::filesystem::create_directory_symlink("one", link);
  ASSERT_OK_AND_ASSIGN(auto writer, lance::LanceWriter::Open((link / "dataset").string(), SimpleSchema()));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 10)));
  std::filesystem::remove(link);
  std::filesystem::create_directory_symlink("two", link);
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(ReadIds(dir_ / "one/dataset"), Range(0, 10));
  EXPECT_THAT(ListFiles(dir_.path() / "two"), IsEmpty());
}

TEST_F(TransactionTest, MessagesShowWhatWasTyped) {
  const WorkingDirectory back(dir_.path());
  EXPECT_THAT(Dataset::Open("./nothing.lance"), FailsSaying(HasSubstr("at ./nothing.lance")));
  EXPECT_THAT(lance::LanceWriter::Open("./nothing.lance", SimpleSchema(), Append()),
              FailsSaying(HasSubstr("at ./nothing.lance")));
}

/// How a write is committed after its dataset was removed and made anew.
enum class Via { kFinish, kTransaction, kJson };

class MadeAnewTest : public TransactionTest, public ::testing::WithParamInterface<Via> {
 protected:
  /// Write rows 50 to 59 around `meanwhile`.
  template <typename Meanwhile>
  arrow::Status WriteAround(const WriteOptions& options, Meanwhile meanwhile) {
    ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(uri_, SimpleSchema(), options));
    if (GetParam() == Via::kFinish) {
      meanwhile();
      ARROW_RETURN_NOT_OK(writer->Write(*SimpleBatch(50, 10)));
      return writer->Finish().status();
    }
    ARROW_RETURN_NOT_OK(writer->Write(*SimpleBatch(50, 10)));
    ARROW_ASSIGN_OR_RAISE(auto transaction, writer->FinishUncommitted());
    if (GetParam() == Via::kJson) {
      ARROW_ASSIGN_OR_RAISE(transaction, Copy(transaction));
    }
    // The data files stay where they are, as in a store without directories.
    const std::filesystem::path data = std::filesystem::path(uri_) / "data";
    std::filesystem::rename(data, dir_.path() / "data");
    meanwhile();
    for (const auto& file : std::filesystem::directory_iterator(dir_.path() / "data")) {
      std::filesystem::create_directories(data);
      std::filesystem::rename(file.path(), data / file.path().filename());
    }
    return transaction.Commit().status();
  }

  void Remove() const { std::filesystem::remove_all(uri_); }

  /// Other rows, and other columns, in as many versions.
  void MakeAnew(int64_t versions) const {
    Remove();
    ASSERT_OK(WriteRow(uri_, {{"name", 7}}, {}));
    for (int64_t i = 1; i < versions; ++i) ASSERT_OK(WriteRow(uri_, {{"name", 7}}, Append()));
  }

  void ExpectNew(int64_t versions) const {
    ASSERT_OK_AND_ASSIGN(const auto table, ReadAll(uri_));
    EXPECT_EQ(Int64s(*table->GetColumnByName("name")),
              std::vector<int64_t>(static_cast<size_t>(versions), 7));
  }
};

TEST_P(MadeAnewTest, ItTakesNoWriteThatBeganBefore) {
  for (const auto& options : {Append(), Overwrite()}) {
    // Fewer versions than the write has seen, as many, and more.
    for (const int64_t versions : {1, 2, 3}) {
      Remove();
      ASSERT_OK(WriteSimple(uri_, 0, 10));
      ASSERT_OK(WriteSimple(uri_, 10, 10, Append()));
      EXPECT_THAT(WriteAround(options, [&] { MakeAnew(versions); }),
                  FailsWith(ErrorCode::kIncompatibleTransaction))
          << versions;
      ExpectNew(versions);
    }
  }
}

TEST_P(MadeAnewTest, WithTheSameColumnsItTakesNoneEither) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  EXPECT_THAT(WriteAround(Append(),
                          [&] {
                            Remove();
                            ASSERT_OK(WriteSimple(uri_, 0, 10));
                          }),
              FailsWith(ErrorCode::kIncompatibleTransaction));
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
}

TEST_P(MadeAnewTest, ACreationLosesToAnother) {
  EXPECT_THAT(WriteAround({}, [&] { MakeAnew(1); }), FailsWith(ErrorCode::kAlreadyExists));
  ExpectNew(1);
}

TEST_P(MadeAnewTest, WhatIsRemovedForGoodTakesNoAppendButAnOverwrite) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  EXPECT_THAT(WriteAround(Append(), [&] { Remove(); }), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_FALSE(Dataset::Open(uri_).ok());
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  EXPECT_OK(WriteAround(Overwrite(), [&] { Remove(); }));
  EXPECT_EQ(ReadIds(uri_), Range(50, 10));
}

INSTANTIATE_TEST_SUITE_P(Ways, MadeAnewTest, ::testing::Values(Via::kFinish, Via::kTransaction, Via::kJson),
                         [](const auto& info) {
                           return info.param == Via::kFinish        ? "Finish"
                                  : info.param == Via::kTransaction ? "Transaction"
                                                                    : "Json";
                         });

TEST_F(TransactionTest, OneThatIsBeingCommittedIsNotDiscarded) {
  for (int i = 0; i < 30; ++i) {
    const std::string uri = dir_ / ("stopped" + std::to_string(i));
    ASSERT_OK(WriteSimple(uri, 0, 1));
    ASSERT_OK_AND_ASSIGN(const auto writer,
                         lance::LanceWriter::Open(uri, SimpleSchema(), {.mode = lance::WriteMode::kAppend}));
    ASSERT_OK(writer->Write(*SimpleBatch(1, 9)));
    ASSERT_OK_AND_ASSIGN(auto transaction, writer->FinishUncommitted());
    arrow::StopSource source;
    const auto commit = transaction.CommitAsync(source.token());
    if (i % 3 > 0) std::this_thread::sleep_for(std::chrono::microseconds(100 * i));
    source.RequestStop();
    const arrow::Status discarded = transaction.Discard();
    commit.Wait();
    if (discarded.ok()) {
      EXPECT_FALSE(commit.status().ok());
      EXPECT_THAT(transaction.Commit(), FailsWith(ErrorCode::kInvalidState));
      EXPECT_EQ(ReadIds(uri), Range(0, 1));
      continue;
    }
    EXPECT_THAT(discarded, FailsWith(ErrorCode::kInvalidState));
    // Another commit tells what has become of one that was stopped.
    if (!commit.status().ok()) {
      ASSERT_OK(transaction.Commit());
    }
    EXPECT_EQ(ReadIds(uri), Range(0, 10));
  }
}

}  // namespace
}  // namespace lance_test
