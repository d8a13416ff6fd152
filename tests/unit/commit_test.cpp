// Commits of transactions of any kind, from JSON, and their options.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/ipc/writer.h"
#include "arrow/util/base64.h"
#include "arrow/util/future.h"
#include "lance/dataset.h"
#include "lance/fragment.h"
#include "lance/lance_writer.h"
#include "lance/scanner.h"
#include "lance/transaction.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::CommitOptions;
using lance::Dataset;
using lance::ErrorCode;
using lance::Fragment;
using lance::Transaction;
using lance::WriteMode;
using lance::WriteOptions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using DatasetPtr = std::shared_ptr<Dataset>;

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what << " is not in " << text;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

class CommitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, 20, {.max_rows_per_file = 10}));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  arrow::Result<Transaction> Prepare(const std::string& uri, int64_t first_id, int64_t rows,
                                     WriteMode mode = WriteMode::kAppend) const {
    WriteOptions options;
    options.mode = mode;
    ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(uri, SimpleSchema(), options));
    ARROW_RETURN_NOT_OK(writer->Write(*SimpleBatch(first_id, rows)));
    return writer->FinishUncommitted();
  }

  /// A transaction as another process gets it.
  static arrow::Result<Transaction> Copy(const Transaction& transaction) {
    ARROW_ASSIGN_OR_RAISE(const auto json, transaction.ToJson());
    return Transaction::FromJson(json);
  }

  /// Stage an operation, pass it on as JSON, and commit it.
  arrow::Result<DatasetPtr> Do(const DatasetPtr& dataset, const std::string& operation) const {
    ARROW_ASSIGN_OR_RAISE(const auto staged, dataset->Stage(operation));
    ARROW_ASSIGN_OR_RAISE(auto copy, Copy(staged));
    ARROW_ASSIGN_OR_RAISE(const auto made, dataset->Commit(copy));
    return made.dataset;
  }

  static arrow::Result<std::vector<int64_t>> Ids(const DatasetPtr& dataset) {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan({.columns = {{"id"}}}));
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    return Int64s(*table->column(0));
  }

  std::vector<std::string> Files() const { return ListFiles(dir_.path()); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

TEST_F(CommitTest, ACommitToADatasetGivesTheVersion) {
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(uri_, 20, 5));
  ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(transaction));
  EXPECT_EQ(made.result.version, 2U);
  ASSERT_OK_AND_ASSIGN(const auto ids, Ids(made.dataset));
  EXPECT_EQ(ids, Range(0, 25));
  ASSERT_OK_AND_ASSIGN(auto next, Prepare(uri_, 25, 5));
  ASSERT_OK_AND_ASSIGN(const auto later, Wait(dataset_->CommitAsync(next)));
  EXPECT_EQ(later.result.version, 3U);
}

TEST_F(CommitTest, FragmentsOfATransactionAreAppendedToAnotherVersion) {
  ASSERT_OK_AND_ASSIGN(const auto all, dataset_->DescribeFragments());
  // Only the fragments travel, as to pylance; here the same rows come once more.
  ASSERT_OK_AND_ASSIGN(const auto doubled,
                       Do(dataset_, R"({"type": "Append", "fragments": [)" + all[1].metadata + "]}"));
  ASSERT_OK_AND_ASSIGN(const auto ids, Ids(doubled));
  EXPECT_THAT(ids, SizeIs(30));
}

TEST_F(CommitTest, OperationsOfEachKindAreCommitted) {
  ASSERT_OK_AND_ASSIGN(const auto all, dataset_->DescribeFragments());
  ASSERT_OK_AND_ASSIGN(auto now, Do(dataset_, R"({"type": "Delete", "updated_fragments": [],
                                                  "deleted_fragment_ids": [0], "predicate": "id < 10"})"));
  ASSERT_OK_AND_ASSIGN(auto ids, Ids(now));
  EXPECT_EQ(ids, Range(10, 10));
  ASSERT_OK_AND_ASSIGN(now, Do(now, R"({"type": "Restore", "version": 1})"));
  ASSERT_OK_AND_ASSIGN(ids, Ids(now));
  EXPECT_EQ(ids, Range(0, 20));
  ASSERT_OK_AND_ASSIGN(now, Do(now, R"({"type": "Update", "removed_fragment_ids": [1],
                                        "new_fragments": [)" +
                                        Replaced(all[1].metadata, "\"id\":1", "\"id\":0") +
                                        R"(], "update_mode": "rewrite_rows"})"));
  ASSERT_OK_AND_ASSIGN(ids, Ids(now));
  EXPECT_EQ(ids, Range(0, 20));
  ASSERT_OK_AND_ASSIGN(now, Do(now, R"({"type": "UpdateConfig",
      "config_updates": {"updates": {"a": "1"}}, "table_metadata_updates": {"updates": {"b": "2"}},
      "schema_metadata_updates": {"updates": {"c": "3"}},
      "field_metadata_updates": {"0": {"updates": {"d": "4"}, "replace": true}}})"));
  EXPECT_EQ(now->schema()->metadata()->Get("c").ValueOrDie(), "3");
  EXPECT_EQ(now->schema()->field(0)->metadata()->Get("d").ValueOrDie(), "4");
  ASSERT_OK_AND_ASSIGN(now, Do(now, R"({"type": "UpdateConfig",
      "schema_metadata_updates": {"updates": {"c": null}}})"));
  EXPECT_TRUE(now->schema()->metadata() == nullptr || !now->schema()->metadata()->Contains("c"));
}

TEST_F(CommitTest, WhatMadeAVersionIsReadBack) {
  ASSERT_OK_AND_ASSIGN(auto fragment, Fragment::Get(dataset_, 0));
  ASSERT_OK_AND_ASSIGN(auto deletion, fragment.Delete("id < 3"));
  ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(deletion));
  ASSERT_OK_AND_ASSIGN(const std::string json, made.dataset->ReadTransaction(2));
  EXPECT_THAT(json, HasSubstr("\"type\":\"Delete\""));
  EXPECT_THAT(json, HasSubstr("\"predicate\":\"id < 3\""));
  EXPECT_THAT(json, HasSubstr("\"read_version\":1"));
  EXPECT_THAT(made.dataset->ReadTransaction(7), FailsWith(ErrorCode::kNotFound));
}

TEST_F(CommitTest, ANewSchemaIsGivenAsArrowHasIt) {
  const auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())},
                                    arrow::key_value_metadata({"owner"}, {"tests"}));
  ASSERT_OK_AND_ASSIGN(const auto message, arrow::ipc::SerializeSchema(*schema));
  const std::string arrow = arrow::util::base64_encode(std::string_view(*message));
  ASSERT_OK_AND_ASSIGN(const auto all, dataset_->DescribeFragments());
  ASSERT_OK_AND_ASSIGN(const auto now, Do(dataset_, R"({"type": "Overwrite", "schema": {"arrow": ")" + arrow +
                                                        R"("}, "fragments": [)" + all[1].metadata + "]}"));
  ASSERT_OK_AND_ASSIGN(const auto ids, Ids(now));
  EXPECT_EQ(ids, Range(10, 10));
  EXPECT_EQ(now->schema()->metadata()->Get("owner").ValueOrDie(), "tests");
  // A column less: the numbers of the others are kept.
  const auto narrow = arrow::schema({arrow::field("label", arrow::utf8())});
  ASSERT_OK_AND_ASSIGN(const auto other, arrow::ipc::SerializeSchema(*narrow));
  ASSERT_OK_AND_ASSIGN(
      const auto projected,
      Do(now, R"({"type": "Project", "schema": {"arrow": ")" +
                  arrow::util::base64_encode(std::string_view(*other)) + R"(", "field_ids": [1]}})"));
  EXPECT_THAT(projected->schema()->field_names(), ElementsAre("label"));
}

TEST_F(CommitTest, WhatIsNoOperationIsRefused) {
  const auto files = Files();
  for (const std::string operation :
       {"", "{", "[]", "{}", R"({"type": "Explode"})", R"({"type": "Append"})",
        R"({"type": "Append", "fragments": [{}]})", R"({"type": "Append", "fragments": [], "more": 1})",
        R"({"type": "Delete", "updated_fragments": []})", R"({"type": "Restore", "version": -1})",
        R"({"type": "Project", "schema": {"arrow": "AAAA"}})",
        R"({"type": "Project", "schema": {"fields": "////"}})",
        R"({"type": "CreateIndex", "new_indices": [{"uuid": "x"}]})",
        R"({"type": "UpdateConfig", "field_metadata_updates": {"x": {"updates": {}}}})"}) {
    EXPECT_THAT(dataset_->Stage(operation), FailsWith(ErrorCode::kInvalidArgument)) << operation;
  }
  EXPECT_EQ(Files(), files);
}

TEST_F(CommitTest, AFileThatIsNotThereIsFoundBeforeTheCommit) {
  ASSERT_OK_AND_ASSIGN(const auto all, dataset_->DescribeFragments());
  const auto files = Files();
  const std::string path = all[0].metadata.substr(all[0].metadata.find("\"path\":\"") + 8, 8);
  for (const std::string& fragment :
       {Replaced(all[0].metadata, path, "deadbeef"),
        Replaced(all[0].metadata, "\"file_size_bytes\":", "\"file_size_bytes\":1")}) {
    ASSERT_OK_AND_ASSIGN(auto staged,
                         dataset_->Stage(R"({"type": "Append", "fragments": [)" + fragment + "]}"));
    EXPECT_FALSE(dataset_->Commit(staged).ok());
    CommitOptions rehearsal;
    rehearsal.dry_run = true;
    EXPECT_FALSE(dataset_->Commit(staged, rehearsal).ok());
  }
  EXPECT_EQ(Files(), files);
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
}

TEST_F(CommitTest, ADamagedTransactionIsRefused) {
  ASSERT_OK_AND_ASSIGN(const auto transaction, Prepare(uri_, 20, 5));
  ASSERT_OK_AND_ASSIGN(const std::string json, transaction.ToJson());
  for (size_t length = 0; length < json.size(); length += 7) {
    EXPECT_THAT(Transaction::FromJson(json.substr(0, length)), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(Transaction::FromJson(json + json), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Transaction::FromJson(Replaced(json, "\"format\":2", "\"format\":9")),
              FailsWith(ErrorCode::kNotSupported));
  EXPECT_THAT(Transaction::FromJson(Replaced(json, "\"uuid\":\"", "\"uuid\":\"../")),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(CommitTest, ATransactionThatIsGivenTwiceIsCommittedOnce) {
  ASSERT_OK_AND_ASSIGN(const auto transaction, Prepare(uri_, 20, 5));
  std::vector<Transaction> twice;
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(auto copy, Copy(transaction));
    twice.push_back(std::move(copy));
  }
  EXPECT_THAT(dataset_->Commit(twice), FailsWith(ErrorCode::kInvalidArgument));
  for (Transaction& copy : twice) {
    ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(copy));
    EXPECT_EQ(made.result.version, 2U);
  }
  EXPECT_EQ(ReadIds(uri_), Range(0, 25));
}

TEST_F(CommitTest, ATransactionOfAnotherDatasetIsRefused) {
  const std::string other = dir_ / "other";
  ASSERT_OK(WriteSimple(other, 0, 20));
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(other, 20, 5));
  EXPECT_THAT(dataset_->Commit(transaction), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const std::string json, transaction.ToJson());
  ASSERT_OK_AND_ASSIGN(auto moved, Transaction::FromJson(Replaced(json, other, uri_)));
  EXPECT_THAT(dataset_->Commit(moved), FailsWith(ErrorCode::kIncompatibleTransaction));
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
  ASSERT_OK(transaction.Commit());
}

TEST_F(CommitTest, AStrictOverwriteIsOfTheNewestVersionOnly) {
  CommitOptions strict;
  strict.max_retries = 0;
  ASSERT_OK_AND_ASSIGN(auto late, Prepare(uri_, 100, 5, WriteMode::kOverwrite));
  ASSERT_OK_AND_ASSIGN(auto append, Prepare(uri_, 20, 5));
  ASSERT_OK(append.Commit());
  EXPECT_THAT(late.Commit(strict), FailsWith(ErrorCode::kCommitConflict));
  EXPECT_EQ(ReadIds(uri_), Range(0, 25));
  ASSERT_OK(late.Discard());
  ASSERT_OK_AND_ASSIGN(auto in_time, Prepare(uri_, 100, 5, WriteMode::kOverwrite));
  ASSERT_OK(in_time.Commit(strict));
  EXPECT_EQ(ReadIds(uri_), Range(100, 5));
}

TEST_F(CommitTest, PropertiesAndAMessageAreKept) {
  CommitOptions options;
  options.commit_message = "by hand";
  options.transaction_properties = {{"job", "7"}};
  options.timeout = std::chrono::seconds(60);
  options.retry_timeout = std::chrono::seconds(5);
  options.max_retries = 3;
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(uri_, 20, 5));
  ASSERT_OK(transaction.Commit(options));
  ASSERT_OK_AND_ASSIGN(auto next, Prepare(uri_, 25, 5));
  options.timeout = std::chrono::seconds(0);
  EXPECT_THAT(next.Commit(options), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(ReadIds(uri_), Range(0, 25));
}

TEST_F(CommitTest, ADetachedVersionIsNotInTheHistory) {
  CommitOptions options;
  options.detached = true;
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(uri_, 20, 5));
  ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(transaction, options));
  ASSERT_OK_AND_ASSIGN(const auto ids, Ids(made.dataset));
  EXPECT_EQ(ids, Range(0, 25));
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
  ASSERT_OK_AND_ASSIGN(const auto versions, dataset_->Versions());
  EXPECT_THAT(versions, SizeIs(1));
}

TEST_F(CommitTest, ADryRunMakesNoVersion) {
  CommitOptions options;
  options.dry_run = true;
  ASSERT_OK_AND_ASSIGN(auto transaction, Prepare(uri_, 20, 5));
  const auto files = Files();
  ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(transaction, options));
  EXPECT_EQ(made.result.version, 2U);
  ASSERT_OK_AND_ASSIGN(const uint64_t version, dataset_->LatestVersion());
  EXPECT_EQ(version, 1U);
  EXPECT_EQ(Files(), files);
  ASSERT_OK(dataset_->Commit(transaction));
  EXPECT_EQ(ReadIds(uri_), Range(0, 25));
}

TEST_F(CommitTest, WhatIsStagedOfADatasetThatWasMadeAnewIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto fragment, Fragment::Get(dataset_, 0));
  ASSERT_OK_AND_ASSIGN(auto deletion, fragment.Delete("id = 3"));
  std::filesystem::remove_all(uri_);
  ASSERT_OK(WriteSimple(uri_, 50, 10));
  EXPECT_THAT(deletion.Commit(), FailsWith(ErrorCode::kIncompatibleTransaction));
  EXPECT_EQ(ReadIds(uri_), Range(50, 10));
}

}  // namespace
}  // namespace lance_test
