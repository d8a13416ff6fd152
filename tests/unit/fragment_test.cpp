#include "lance/fragment.h"

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "lance/dataset.h"
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

using lance::Dataset;
using lance::ErrorCode;
using lance::Fragment;
using lance::Transaction;
using lance::WriteMode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using DatasetPtr = std::shared_ptr<Dataset>;
using Numbers = std::vector<int64_t>;

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Columns(
    const std::vector<std::pair<std::string, Numbers>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, values] : columns) {
    fields.push_back(arrow::field(name, arrow::int64()));
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(values));
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder.Finish());
  }
  const auto rows = static_cast<int64_t>(columns.front().second.size());
  const auto batch = arrow::RecordBatch::Make(arrow::schema(fields), rows, arrays);
  return arrow::RecordBatchReader::Make({batch});
}

/// Three fragments of ten rows, with ids from 0 on; once with row ids that stay.
class FragmentTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, 30, {.max_rows_per_file = 10, .stable_row_ids = GetParam()}));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  arrow::Result<Fragment> Get(uint64_t id) const { return Fragment::Get(dataset_, id); }

  /// The values of a column, with -1 for NULL.
  static arrow::Result<Numbers> Values(const DatasetPtr& dataset, const std::string& column) {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan({.columns = {{column}}}));
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    Numbers values;
    for (const auto& chunk : table->column(0)->chunks()) {
      const auto& numbers = dynamic_cast<const arrow::Int64Array&>(*chunk);
      for (int64_t i = 0; i < numbers.length(); ++i) {
        values.push_back(numbers.IsNull(i) ? -1 : numbers.Value(i));
      }
    }
    return values;
  }

  arrow::Result<DatasetPtr> Commit(Transaction& transaction) const {
    ARROW_ASSIGN_OR_RAISE(const auto made, dataset_->Commit(transaction));
    return made.dataset;
  }

  std::vector<std::string> Files() const { return ListFiles(dir_.path()); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

INSTANTIATE_TEST_SUITE_P(StableRowIds, FragmentTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

TEST_P(FragmentTest, AFragmentIsAValueOfItsVersion) {
  ASSERT_OK_AND_ASSIGN(const auto all, Fragment::All(dataset_));
  ASSERT_THAT(all, SizeIs(3));
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].id(), i);
    EXPECT_EQ(all[i].metadata().physical_rows, 10U);
    EXPECT_EQ(all[i].metadata().deleted_rows, 0U);
    EXPECT_THAT(all[i].metadata().metadata, HasSubstr("\"physical_rows\":10"));
  }
  ASSERT_OK_AND_ASSIGN(const auto described, dataset_->DescribeFragments({{2, 0}}));
  ASSERT_THAT(described, SizeIs(2));
  EXPECT_EQ(described[0].id, 2U);
  EXPECT_THAT(Get(7), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->DescribeFragments({{0, 7}}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_P(FragmentTest, RowsOfOneAreScannedAndTaken) {
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(1));
  ASSERT_OK_AND_ASSIGN(const auto scanner, fragment.Scan());
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
  EXPECT_EQ(Int64s(*table->GetColumnByName("id")), Range(10, 10));
  ASSERT_OK_AND_ASSIGN(auto deletion, fragment.DeleteOffsets({0, 3}));
  ASSERT_OK_AND_ASSIGN(const auto without, Commit(deletion));
  ASSERT_OK_AND_ASSIGN(fragment, Fragment::Get(without, 1));
  EXPECT_EQ(fragment.metadata().deleted_rows, 2U);
  ASSERT_OK_AND_ASSIGN(const auto taken, fragment.Take({7, 0, 2, 0}, {.columns = {{"id"}}}));
  const auto& ids = dynamic_cast<const arrow::Int64Array&>(*taken->column(0));
  EXPECT_THAT(Numbers(ids.raw_values(), ids.raw_values() + ids.length()), ElementsAre(19, 11, 14, 11));
  EXPECT_THAT(fragment.Take({8}), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const auto none, Wait(fragment.TakeAsync({})));
  EXPECT_EQ(none->num_rows(), 0);
}

TEST_P(FragmentTest, WorkersDeleteInFragmentsOfTheirOwnAndOneVersionIsMade) {
  std::vector<std::string> results;
  for (const uint64_t id : {0, 2}) {
    ASSERT_OK_AND_ASSIGN(auto fragment, Get(id));
    ASSERT_OK_AND_ASSIGN(const auto deletion, fragment.Delete("id % 10 < 5"));
    ASSERT_OK_AND_ASSIGN(results.emplace_back(), deletion.ToJson());
  }
  ASSERT_OK_AND_ASSIGN(auto whole, Get(1));
  ASSERT_OK_AND_ASSIGN(const auto deletion, whole.Delete("id >= 10"));
  ASSERT_OK_AND_ASSIGN(results.emplace_back(), deletion.ToJson());
  std::vector<Transaction> transactions;
  for (const std::string& json : results) {
    ASSERT_OK_AND_ASSIGN(auto transaction, Transaction::FromJson(json));
    transactions.push_back(std::move(transaction));
  }
  ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(transactions));
  EXPECT_EQ(made.result.version, 2U);
  EXPECT_THAT(ReadIds(uri_), ElementsAre(5, 6, 7, 8, 9, 25, 26, 27, 28, 29));
  ASSERT_OK_AND_ASSIGN(const auto left, Fragment::All(made.dataset));
  EXPECT_THAT(left, SizeIs(2));
  // Whoever commits them again is told the version that has them.
  for (Transaction& transaction : transactions) {
    EXPECT_THAT(dataset_->Commit(transaction), FailsWith(ErrorCode::kInvalidState));
  }
  std::vector<Transaction> again;
  for (const std::string& json : results) {
    ASSERT_OK_AND_ASSIGN(auto transaction, Transaction::FromJson(json));
    again.push_back(std::move(transaction));
  }
  ASSERT_OK_AND_ASSIGN(const auto same, Transaction::CommitAll(again));
  EXPECT_EQ(same.version, 2U);
  EXPECT_THAT(ReadIds(uri_), SizeIs(10));
}

TEST_P(FragmentTest, TwoChangesOfOneFragmentAreNotOneVersion) {
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(0));
  ASSERT_OK_AND_ASSIGN(auto first, fragment.DeleteOffsets({0}));
  ASSERT_OK_AND_ASSIGN(auto second, fragment.DeleteOffsets({1}));
  std::vector<Transaction> both;
  both.push_back(std::move(first));
  both.push_back(std::move(second));
  EXPECT_THAT(dataset_->Commit(both), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ReadIds(uri_), SizeIs(30));
  // One after the other they are two, as they delete different rows.
  ASSERT_OK(dataset_->Commit(both[0]));
  ASSERT_OK(dataset_->Commit(both[1]));
  EXPECT_EQ(ReadIds(uri_), Range(2, 28));
}

TEST_P(FragmentTest, AnOverwriteConflictsWithAChange) {
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(0));
  ASSERT_OK_AND_ASSIGN(auto deletion, fragment.Delete("id = 1"));
  ASSERT_OK(WriteSimple(uri_, 100, 5, {.mode = WriteMode::kOverwrite}));
  EXPECT_FALSE(dataset_->Commit(deletion).ok());
  EXPECT_EQ(ReadIds(uri_), Range(100, 5));
  ASSERT_OK(deletion.Discard());
}

TEST_P(FragmentTest, ColumnsAreAddedFragmentByFragment) {
  std::vector<Transaction> transactions;
  for (const uint64_t id : {0, 2}) {
    ASSERT_OK_AND_ASSIGN(auto fragment, Get(id));
    const auto first = static_cast<int64_t>(id) * 10;
    ASSERT_OK_AND_ASSIGN(const auto values,
                         Columns({{"key", {first + 1, first}}, {"twice", {2 * first + 2, 2 * first}}}));
    ASSERT_OK_AND_ASSIGN(auto merged, fragment.MergeColumns(values, "id", "key"));
    transactions.push_back(std::move(merged));
  }
  ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(transactions));
  ASSERT_OK_AND_ASSIGN(const Numbers twice, Values(made.dataset, "twice"));
  Numbers expected(30, -1);
  for (const int64_t row : {0, 1, 20, 21}) expected[row] = 2 * row;
  EXPECT_EQ(twice, expected);
  ASSERT_OK_AND_ASSIGN(auto fragment, Fragment::Get(made.dataset, 1));
  ASSERT_OK_AND_ASSIGN(const auto values, Columns({{"key", {11}}, {"twice", {1}}}));
  EXPECT_THAT(fragment.MergeColumns(values, "id", "key"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_P(FragmentTest, ColumnsAreComputedFragmentByFragment) {
  std::vector<Transaction> transactions;
  for (const uint64_t id : {2, 1}) {
    ASSERT_OK_AND_ASSIGN(auto fragment, Get(id));
    ASSERT_OK_AND_ASSIGN(auto computed, fragment.AddColumns({{"twice", "id * 2"}, {"next", "id + 1"}}));
    transactions.push_back(std::move(computed));
  }
  ASSERT_OK_AND_ASSIGN(const auto made, dataset_->Commit(transactions));
  ASSERT_OK_AND_ASSIGN(const Numbers twice, Values(made.dataset, "twice"));
  for (int64_t row = 0; row < 30; ++row) EXPECT_EQ(twice[row], row < 10 ? -1 : 2 * row);
  ASSERT_OK_AND_ASSIGN(const auto fields, made.dataset->Fields());
  ASSERT_THAT(fields, SizeIs(4));
  EXPECT_EQ(fields[2].name, "twice");
  EXPECT_EQ(fields[2].logical_type, "int64");
  EXPECT_EQ(fields[2].parent_id, std::nullopt);
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(0));
  EXPECT_THAT(fragment.AddColumns({{"x", "no_such + 1"}}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(fragment.AddColumns({{"x", "id +"}}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fragment.AddColumns({{"id", "1"}}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fragment.AddColumns({}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_P(FragmentTest, ColumnsAreUpdatedAndReplaced) {
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(1));
  ASSERT_OK_AND_ASSIGN(auto values, Columns({{"key", {10, 19}}, {"extra", {7, 8}}}));
  ASSERT_OK_AND_ASSIGN(auto merged, fragment.MergeColumns(values, "id", "key"));
  ASSERT_OK_AND_ASSIGN(dataset_, Commit(merged));
  ASSERT_OK_AND_ASSIGN(fragment, Get(1));
  ASSERT_OK_AND_ASSIGN(values, Columns({{"key", {19}}, {"extra", {80}}}));
  ASSERT_OK_AND_ASSIGN(auto updated, fragment.UpdateColumns(values, "id", "key"));
  ASSERT_OK_AND_ASSIGN(dataset_, Commit(updated));
  ASSERT_OK_AND_ASSIGN(Numbers extra, Values(dataset_, "extra"));
  EXPECT_EQ(extra[10], 7);
  EXPECT_EQ(extra[19], 80);
  EXPECT_EQ(extra[11], -1);
  ASSERT_OK_AND_ASSIGN(fragment, Get(1));
  ASSERT_OK_AND_ASSIGN(values, Columns({{"extra", Range(50, 10)}}));
  ASSERT_OK_AND_ASSIGN(auto replaced, fragment.WriteColumns(values));
  ASSERT_OK_AND_ASSIGN(const std::string json, replaced.ToJson());
  ASSERT_OK_AND_ASSIGN(auto copy, Transaction::FromJson(json));
  ASSERT_OK_AND_ASSIGN(dataset_, Commit(copy));
  ASSERT_OK_AND_ASSIGN(extra, Values(dataset_, "extra"));
  for (int64_t row = 0; row < 30; ++row) {
    EXPECT_EQ(extra[row], row / 10 == 1 ? row + 40 : -1) << row;
  }
}

TEST_P(FragmentTest, WhatCannotBeDoneIsRefusedAndLeavesNothing) {
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(1));
  const auto files = Files();
  const auto reader = [](const std::vector<std::pair<std::string, Numbers>>& columns) {
    return Columns(columns).ValueOrDie();
  };
  EXPECT_THAT(fragment.Delete("no_such = 1"), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(fragment.Delete("id ="), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fragment.DeleteOffsets({3, 10}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fragment.WriteColumns(reader({{"idd", Range(0, 10)}})), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(fragment.WriteColumns(reader({{"id", Range(0, 9)}})), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fragment.WriteColumns(nullptr), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fragment.MergeColumns(reader({{"key", {1}}, {"x", {1}}}), "idd", "key"),
              FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(fragment.MergeColumns(reader({{"key", {1}}, {"x", {1}}}), "id", "kee"),
              FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(fragment.UpdateColumns(reader({{"key", {1}}, {"x", {1}}}), "id", "key"),
              FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_EQ(Files(), files);
}

TEST_P(FragmentTest, AReaderThatFailsIsTheFailure) {
  class Failing : public arrow::RecordBatchReader {
   public:
    std::shared_ptr<arrow::Schema> schema() const override {
      return arrow::schema({arrow::field("key", arrow::int64()), arrow::field("x", arrow::int64())});
    }
    arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>*) override {
      return arrow::Status::IOError("no more paper");
    }
  };
  const auto files = Files();
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(0));
  const auto failing = std::make_shared<Failing>();
  EXPECT_THAT(fragment.MergeColumns(failing, "id", "key"), FailsSaying(HasSubstr("no more paper")));
  EXPECT_THAT(fragment.MergeColumnsAsync(failing, "id", "key").result(),
              FailsSaying(HasSubstr("no more paper")));
  EXPECT_EQ(Files(), files);
}

TEST_P(FragmentTest, ADiscardedChangeLeavesNothing) {
  const auto files = Files();
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(0));
  ASSERT_OK_AND_ASSIGN(auto kept, fragment.Delete("id < 5"));
  ASSERT_OK(kept.Discard());
  EXPECT_EQ(Files(), files);
  // Also where another process may hold it, and the columns of the fragment stay.
  ASSERT_OK_AND_ASSIGN(const auto values, Columns({{"key", {1}}, {"x", {1}}}));
  ASSERT_OK_AND_ASSIGN(const auto merged, fragment.MergeColumns(values, "id", "key"));
  ASSERT_OK_AND_ASSIGN(const std::string json, merged.ToJson());
  ASSERT_OK_AND_ASSIGN(auto copy, Transaction::FromJson(json));
  ASSERT_OK(copy.Discard());
  EXPECT_EQ(Files(), files);
  EXPECT_EQ(ReadIds(uri_), Range(0, 30));
}

TEST_P(FragmentTest, AStoppedChangeLeavesNothing) {
  const auto files = Files();
  ASSERT_OK_AND_ASSIGN(auto fragment, Get(0));
  arrow::StopSource source;
  source.RequestStop();
  EXPECT_THAT(fragment.Delete("id < 5", source.token()), FailsWith(ErrorCode::kCancelled));
  EXPECT_THAT(fragment.DeleteAsync("id < 5", source.token()).status(), FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(Files(), files);
}

}  // namespace
}  // namespace lance_test
