// Scans that are cut into parts: every row once and in order, whatever happens meanwhile.

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/future.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using lance::Scanner;
using lance::ScanOptions;
using lance::ScanSplit;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

using Columns = std::vector<std::string>;

constexpr int64_t kRows = 20'000;

/// Ids 0-19999 in five fragments of 4500 rows, the last of 2000.
class SplitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, kRows, {.max_rows_per_file = 4'500}));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  arrow::Result<std::vector<ScanSplit>> Splits(const ScanOptions& options, uint64_t count) const {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset_->Scan(options));
    return scanner->Splits(count);
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<Dataset> dataset_;
};

/// All parts, opened and read one after another.
arrow::Result<std::shared_ptr<arrow::Table>> ReadParts(const std::vector<ScanSplit>& splits) {
  std::vector<std::shared_ptr<arrow::Table>> tables;
  for (const ScanSplit& split : splits) {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, Scanner::OpenSplit(split.text));
    ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
    tables.push_back(std::move(table));
  }
  return arrow::ConcatenateTables(tables);
}

TEST_F(SplitTest, PartsAreTheScanInItsOrder) {
  const ScanOptions scans[] = {
      {},
      {.columns = Columns{"id"}, .filter = "id % 3 = 1"},
      {.columns = Columns{}, .with_row_id = true, .with_row_address = true},
      {.columns = Columns{"_rowoffset", "name"}},
      {.filter = "id < 0"},
      {.batch_size = 100, .expressions = {{"twice", "id * 2"}}},
      {.fragments = std::vector<uint64_t>{1, 2, 4}},
      {.fragments = std::vector<uint64_t>{4, 0, 2}},
      {.fragments = std::vector<uint64_t>{}},
      {.slices = {{1, 4'000, 500}, {0, 100, 3'000}, {0, 3'000, 1'000}, {2, 0, 0}, {4, 1'999, 1}}},
      {.row_ids = std::vector<uint64_t>{5, 4'499, (uint64_t{3} << 32) + 9}},
  };
  for (size_t i = 0; i < std::size(scans); ++i) {
    ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan(scans[i]));
    ASSERT_OK_AND_ASSIGN(const auto expected, scanner->ToTable());
    for (const uint64_t count : {1, 2, 3, 7, 40}) {
      SCOPED_TRACE("scan " + std::to_string(i) + " in " + std::to_string(count));
      ASSERT_OK_AND_ASSIGN(const auto splits, scanner->Splits(count));
      EXPECT_GE(splits.size(), 1U);
      EXPECT_LE(splits.size(), count);
      ASSERT_OK_AND_ASSIGN(const auto table, ReadParts(splits));
      EXPECT_TRUE(table->schema()->Equals(*expected->schema()));
      EXPECT_TRUE(table->Equals(*expected));
    }
  }
}

TEST_F(SplitTest, PartsAreBalancedAndNoneIsEmpty) {
  for (const uint64_t count : {1, 2, 5, 16, 1'000}) {
    ASSERT_OK_AND_ASSIGN(const auto splits, Splits({}, count));
    ASSERT_THAT(splits, SizeIs(count));
    uint64_t rows = 0;
    for (const ScanSplit& split : splits) {
      EXPECT_GE(split.rows, kRows / count * 3 / 4);
      EXPECT_LE(split.rows, kRows / count * 5 / 4 + 1);
      EXPECT_GE(split.fragments, 1U);
      rows += split.rows;
    }
    EXPECT_EQ(rows, static_cast<uint64_t>(kRows));
  }
}

TEST_F(SplitTest, MorePartsThanRowsAreOnePerRow) {
  ASSERT_OK_AND_ASSIGN(const auto few, Splits({.slices = {{0, 10, 3}}}, 1'000'000));
  EXPECT_THAT(few, SizeIs(3));
  ASSERT_OK_AND_ASSIGN(const auto none, Splits({.fragments = std::vector<uint64_t>{}}, 5));
  ASSERT_THAT(none, SizeIs(1));
  EXPECT_EQ(none[0].rows, 0U);
  ASSERT_OK_AND_ASSIGN(const auto table, ReadParts(none));
  EXPECT_TRUE(table->schema()->Equals(*SimpleSchema()));
  EXPECT_EQ(table->num_rows(), 0);
}

TEST_F(SplitTest, PartsMergeInOrder) {
  ASSERT_OK_AND_ASSIGN(const auto splits, Splits({.columns = Columns{"id"}}, 6));
  std::vector<std::shared_ptr<arrow::RecordBatchReader>> parts;
  for (const ScanSplit& split : splits) {
    ASSERT_OK_AND_ASSIGN(const auto scanner, Scanner::OpenSplit(split.text));
    ASSERT_OK_AND_ASSIGN(parts.emplace_back(), scanner->ToReader());
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, lance::MergeOrdered(std::move(parts)));
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_EQ(Int64s(*table->GetColumnByName("id")), Range(0, kRows));
}

TEST_F(SplitTest, PartsStayWithTheirVersionWhileOthersWrite) {
  ASSERT_OK_AND_ASSIGN(const auto splits, Splits({.columns = Columns{"id"}}, 9));
  std::atomic<bool> done{false};
  const std::jthread writer([&] {
    for (int i = 0; i < 20; ++i) {
      const auto mode = i % 4 == 3 ? lance::WriteMode::kOverwrite : lance::WriteMode::kAppend;
      EXPECT_OK(WriteSimple(uri_, -1'000, 100, {.mode = mode}));
    }
    done = true;
  });
  do {
    ASSERT_OK_AND_ASSIGN(const auto table, ReadParts(splits));
    EXPECT_EQ(Int64s(*table->GetColumnByName("id")), Range(0, kRows));
  } while (!done);
}

TEST_F(SplitTest, AVersionThatIsGoneIsNotFound) {
  ASSERT_OK_AND_ASSIGN(const auto splits, Splits({}, 2));
  ASSERT_OK(WriteSimple(uri_, 0, 10, {.mode = lance::WriteMode::kOverwrite}));
  EXPECT_OK(Scanner::OpenSplit(splits[0].text));
  lance::CleanupOptions cleanup;
  cleanup.keep_versions = 1;
  cleanup.older_than = std::chrono::seconds(0);
  ASSERT_OK(lance::CleanupDataset(uri_, cleanup));
  EXPECT_THAT(Scanner::OpenSplit(splits[0].text), FailsWith(ErrorCode::kVersionNotFound));
  std::filesystem::remove_all(uri_);
  EXPECT_THAT(Scanner::OpenSplit(splits[0].text), FailsWith(ErrorCode::kDatasetNotFound));
  // The same number of another dataset.
  ASSERT_OK(WriteSimple(uri_, 0, kRows, {.max_rows_per_file = 4'500}));
  EXPECT_THAT(Scanner::OpenSplit(splits[0].text), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(Wait(Scanner::OpenSplitAsync(splits[0].text)),
              FailsSaying(HasSubstr("the dataset was made anew")));
}

TEST_F(SplitTest, WhatDependsOnAllRowsCannotBeCut) {
  const lance::Aggregate count{.function = lance::AggregateFunction::kCount, .name = "n"};
  for (const ScanOptions& options :
       {ScanOptions{.limit = 5}, ScanOptions{.offset = 5}, ScanOptions{.order_by = {{.column = "id"}}},
        ScanOptions{.aggregates = {count}}}) {
    EXPECT_THAT(Splits(options, 2), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(Splits(options, 2), FailsSaying(HasSubstr("cannot be cut")));
  }
  EXPECT_THAT(Splits({}, 0), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Splits({}, uint64_t{1} << 40), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(SplitTest, ADamagedTextIsRefused) {
  ASSERT_OK_AND_ASSIGN(const auto splits, Splits({.filter = "name <> 'x'"}, 3));
  const std::string& text = splits[1].text;
  const auto open = [](const std::string& split) { return Scanner::OpenSplit(split); };
  for (const std::string& wrong :
       {std::string(), std::string("{}"), text.substr(1), text + "}", std::string("\xff")}) {
    EXPECT_THAT(open(wrong), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(open("{\"format\":99}"), FailsWith(ErrorCode::kNotSupported));
  for (size_t place = 0; place < text.size(); place += 3) {
    std::string damaged = text;
    damaged[place] = damaged[place] == '7' ? '8' : '7';
    EXPECT_FALSE(open(damaged).ok()) << damaged;
    EXPECT_FALSE(open(text.substr(0, place)).ok());
  }
}

TEST_F(SplitTest, ATextHasNoCredentials) {
  lance::OpenOptions options;
  options.storage.Set("aws_secret_access_key", "canary");
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_, options));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan());
  ASSERT_OK_AND_ASSIGN(const auto splits, Wait(scanner->SplitsAsync(2)));
  for (const ScanSplit& split : splits) EXPECT_THAT(split.text, Not(HasSubstr("canary")));
  ASSERT_OK_AND_ASSIGN(const auto bytes, dataset->Serialize());
  EXPECT_THAT(bytes->ToString(), Not(HasSubstr("canary")));
  ASSERT_OK_AND_ASSIGN(const auto part, Scanner::OpenSplit(splits[1].text, {.storage = options.storage}));
  ASSERT_OK_AND_ASSIGN(const auto table, part->ToTable());
  EXPECT_EQ(table->num_rows(), static_cast<int64_t>(splits[1].rows));
}

TEST_F(SplitTest, APartIsCutAgain) {
  ASSERT_OK_AND_ASSIGN(const auto halves, Splits({.columns = Columns{"id"}}, 2));
  std::vector<ScanSplit> quarters;
  for (const ScanSplit& half : halves) {
    ASSERT_OK_AND_ASSIGN(const auto scanner, Scanner::OpenSplit(half.text));
    ASSERT_OK_AND_ASSIGN(const auto parts, scanner->Splits(2));
    quarters.insert(quarters.end(), parts.begin(), parts.end());
  }
  ASSERT_THAT(quarters, SizeIs(4));
  ASSERT_OK_AND_ASSIGN(const auto table, ReadParts(quarters));
  EXPECT_EQ(Int64s(*table->GetColumnByName("id")), Range(0, kRows));
}

}  // namespace
}  // namespace lance_test
