#include "lance/scanner.h"

#include <algorithm>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "lance/dataset.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using lance::ScanOptions;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Columns = std::vector<std::string>;

/// Ids 0-9999 in four fragments.
class ScannerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lance::WriteOptions options;
    options.max_rows_per_file = 2500;
    ASSERT_OK(WriteSimple(uri_, 0, kRows, options));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  arrow::Result<std::shared_ptr<arrow::Table>> Scan(const ScanOptions& options) const {
    ARROW_ASSIGN_OR_RAISE(auto scanner, dataset_->Scan(options));
    return scanner->ToTable();
  }

  static constexpr int64_t kRows = 10'000;
  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> dataset_;
};

std::vector<int64_t> Ids(const arrow::Table& table) { return Int64s(*table.GetColumnByName("id")); }

TEST_F(ScannerTest, ReturnsAllRowsInOrderByDefault) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({}));
  EXPECT_TRUE(table->schema()->Equals(*SimpleSchema()));
  EXPECT_EQ(Ids(*table), Range(0, kRows));
}

TEST_F(ScannerTest, ProjectsInTheOrderAskedFor) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.columns = Columns{"name", "id"}}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("name", "id"));
  ASSERT_OK_AND_ASSIGN(auto one, Scan({.columns = Columns{"name"}, .limit = 1}));
  EXPECT_THAT(one->schema()->field_names(), ElementsAre("name"));
}

TEST_F(ScannerTest, SchemaIsKnownBeforeTheScan) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.columns = Columns{"id"}, .with_row_id = true}));
  EXPECT_THAT(scanner->schema()->field_names(), ElementsAre("id", "_rowid"));
  ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
  EXPECT_TRUE(reader->schema()->Equals(*scanner->schema()));
}

TEST_F(ScannerTest, EmptyProjectionStillCounts) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.columns = Columns{}, .filter = "id < 7"}));
  EXPECT_EQ(table->num_columns(), 0);
  EXPECT_EQ(table->num_rows(), 7);
}

TEST_F(ScannerTest, UnknownColumnFailsWhenPrepared) {
  const auto fails = AnyOf(FailsWith(ErrorCode::kFieldNotFound), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.columns = Columns{"nope"}}), fails);
  EXPECT_THAT(dataset_->Scan({.columns = Columns{"nope"}}), FailsSaying(HasSubstr("nope")));
  EXPECT_THAT(dataset_->Scan({.filter = "nope = 1"}), fails);
}

TEST_F(ScannerTest, BadSqlFailsWhenPrepared) {
  EXPECT_THAT(dataset_->Scan({.filter = "id = = 1"}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScannerTest, Filters) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.filter = "id % 1000 = 1 OR name = 'name 5'"}));
  EXPECT_THAT(Ids(*table), ElementsAre(1, 5, 1001, 2001, 3001, 4001, 5001, 6001, 7001, 8001, 9001));
}

TEST_F(ScannerTest, FiltersAlikeHoweverManyRowsPass) {
  // Other columns are read late, as the engine likes, or early.
  for (const int64_t rows : {0, 1, 20, 300, 1'000, 5'000, 10'000}) {
    ASSERT_OK_AND_ASSIGN(auto table, Scan({.filter = "id < " + std::to_string(rows)}));
    EXPECT_EQ(Ids(*table), Range(0, rows));
    ASSERT_OK_AND_ASSIGN(const auto expected, arrow::Table::FromRecordBatches({SimpleBatch(0, rows)}));
    EXPECT_TRUE(table->Equals(*expected)) << rows;
  }
}

TEST(LongFragmentTest, TextIsFilteredAlikeWithAndWithoutADictionary) {
  constexpr int64_t kRows = 200'000;
  arrow::Int64Builder ids;
  arrow::StringBuilder kinds;
  arrow::StringBuilder notes;
  for (int64_t i = 0; i < kRows; ++i) {
    ASSERT_OK(ids.Append(i * 7919 % kRows));
    ASSERT_OK(kinds.Append("kind " + std::to_string(i % 7)));
    ASSERT_OK(notes.Append("a note of its own, number " + std::to_string(i)));
  }
  const auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("kind", arrow::utf8()),
                                     arrow::field("note", arrow::utf8())});
  const auto batch = arrow::RecordBatch::Make(
      schema, kRows, {ids.Finish().ValueOrDie(), kinds.Finish().ValueOrDie(), notes.Finish().ValueOrDie()});
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {batch}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  for (const int64_t rows : {100, 20'000, 100'000}) {
    ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan({.filter = "id < " + std::to_string(rows)}));
    ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
    arrow::BooleanBuilder passes;
    for (int64_t i = 0; i < kRows; ++i) ASSERT_OK(passes.Append(i * 7919 % kRows < rows));
    ASSERT_OK_AND_ASSIGN(const auto expected, arrow::compute::Filter(batch, passes.Finish().ValueOrDie()));
    ASSERT_OK_AND_ASSIGN(const auto expected_table,
                         arrow::Table::FromRecordBatches({expected.record_batch()}));
    EXPECT_TRUE(table->Equals(*expected_table)) << rows;
  }
}

TEST_F(ScannerTest, FilterNeedNotBeProjected) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.columns = Columns{"name"}, .filter = "id = 42"}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("name"));
  EXPECT_EQ(table->num_rows(), 1);
}

TEST_F(ScannerTest, LimitsAndSkips) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.limit = 10, .offset = 2495}));
  EXPECT_EQ(Ids(*table), Range(2495, 10));
  ASSERT_OK_AND_ASSIGN(auto none, Scan({.limit = 0}));
  EXPECT_EQ(none->num_rows(), 0);
  ASSERT_OK_AND_ASSIGN(auto beyond, Scan({.offset = 20'000}));
  EXPECT_EQ(beyond->num_rows(), 0);
  ASSERT_OK_AND_ASSIGN(auto skipped, Scan({.offset = 9'990}));
  EXPECT_EQ(Ids(*skipped), Range(9'990, 10));
}

TEST_F(ScannerTest, NegativeLimitsAreRefused) {
  EXPECT_THAT(dataset_->Scan({.limit = -5}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.offset = -1}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.batch_size = -1}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScannerTest, BatchesAreNoLargerThanAskedFor) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.batch_size = 100}));
  ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
  ASSERT_OK_AND_ASSIGN(const auto batches, reader->ToRecordBatches());
  EXPECT_GE(batches.size(), 100U);
  for (const auto& batch : batches) EXPECT_LE(batch->num_rows(), 100);
}

TEST_F(ScannerTest, ReadsEverythingThroughTheSmallestBuffer) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.io_buffer_bytes = 1}));
  EXPECT_EQ(Ids(*table), Range(0, kRows));
  EXPECT_THAT(dataset_->Scan({.io_buffer_bytes = 0}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScannerTest, AddsSystemColumns) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.with_row_id = true, .with_row_address = true}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "name", "_rowid", "_rowaddr"));
}

TEST_F(ScannerTest, UnorderedScanReturnsTheSameRows) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.ordered = false, .batch_readahead = 4}));
  auto ids = Ids(*table);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, Range(0, kRows));
}

TEST_F(ScannerTest, CountsWithoutReading) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id < 123"}));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, scanner->CountRows());
  EXPECT_EQ(rows, 123U);
}

TEST_F(ScannerTest, ExplainsThePlan) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id < 123"}));
  ASSERT_OK_AND_ASSIGN(const std::string plan, scanner->Explain());
  EXPECT_THAT(plan, HasSubstr("id < "));
}

TEST_F(ScannerTest, RunsAnyNumberOfTimes) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id < 10"}));
  for (int run = 0; run < 3; ++run) {
    ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
    EXPECT_EQ(Ids(*table), Range(0, 10));
  }
}

TEST_F(ScannerTest, ReadersOutliveScannerAndDataset) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan());
  ASSERT_OK_AND_ASSIGN(auto first, scanner->ToReader());
  ASSERT_OK_AND_ASSIGN(auto second, scanner->ToReader());
  scanner.reset();
  dataset_.reset();
  ASSERT_OK_AND_ASSIGN(auto table, first->ToTable());
  EXPECT_EQ(Ids(*table), Range(0, kRows));
  ASSERT_OK(second->Close());
}

TEST(NestedScanTest, ProjectsAndFiltersNestedColumns) {
  const TempDir dir;
  const auto schema = arrow::schema({arrow::field(
      "s", arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", arrow::utf8())}))});
  const auto written = MakeBatch(schema, 100);
  ASSERT_OK(WriteBatches(dir / "dataset", {written}));
  ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan({.columns = Columns{"s.a"}}));
  ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
  EXPECT_EQ(table->num_rows(), 100);
  ASSERT_EQ(table->num_columns(), 1);

  const auto& s = static_cast<const arrow::StructArray&>(*written->column(0));
  ASSERT_OK_AND_ASSIGN(auto a, s.GetFlattenedField(0));
  ASSERT_OK_AND_ASSIGN(const uint64_t not_null, dataset->CountRows("s.a IS NOT NULL"));
  EXPECT_EQ(not_null, static_cast<uint64_t>(a->length() - a->null_count()));
}

}  // namespace
}  // namespace lance_test
