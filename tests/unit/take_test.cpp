// Takes of all kinds beside a scan of the same rows, and random samples.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
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

using lance::ErrorCode;
using lance::RowRange;
using lance::TakeOptions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Columns = std::vector<std::string>;

constexpr uint64_t kRows = 10'000;
constexpr uint64_t kRowsPerFragment = 2'500;

/// Ids 0-9999 in four fragments.
class TakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, kRows, {.max_rows_per_file = kRowsPerFragment}));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> dataset_;
};

std::vector<int64_t> Ids(const arrow::RecordBatch& batch) {
  return Int64s(arrow::ChunkedArray(batch.GetColumnByName("id")));
}

std::vector<int64_t> Ids(const std::shared_ptr<arrow::Table>& table) {
  return Int64s(*table->GetColumnByName("id"));
}

uint64_t Address(uint64_t position) {
  return (position / kRowsPerFragment << 32) + position % kRowsPerFragment;
}

TEST_F(TakeTest, AddressesNameRowsInTheOrderAskedFor) {
  ASSERT_OK_AND_ASSIGN(const auto few,
                       dataset_->TakeAddresses({Address(9999), Address(0), Address(2500), Address(0)}));
  EXPECT_THAT(Ids(*few), ElementsAre(9999, 0, 2500, 0));
  EXPECT_TRUE(few->schema()->Equals(*SimpleSchema()));
  std::vector<uint64_t> addresses;
  std::vector<uint64_t> positions;
  for (uint64_t i = 0; i < 2 * kRows; ++i) {
    positions.push_back(i * 7919 % kRows);
    addresses.push_back(Address(positions.back()));
  }
  ASSERT_OK_AND_ASSIGN(const auto many, dataset_->TakeAddresses(addresses));
  ASSERT_OK_AND_ASSIGN(const auto expected, dataset_->Take(positions));
  EXPECT_TRUE(many->Equals(*expected));
  ASSERT_OK_AND_ASSIGN(const auto none, dataset_->TakeAddresses({}));
  EXPECT_EQ(none->num_rows(), 0);
}

TEST_F(TakeTest, AnAddressWhereNothingIsStoredIsRefused) {
  const uint64_t behind_the_last_row = kRowsPerFragment;
  const uint64_t no_fragment = uint64_t{4} << 32;
  for (const uint64_t wrong : {behind_the_last_row, no_fragment, std::numeric_limits<uint64_t>::max()}) {
    for (const auto& addresses : {std::vector{wrong}, std::vector{wrong, uint64_t{7}, wrong, uint64_t{3}}}) {
      EXPECT_THAT(dataset_->TakeAddresses(addresses), FailsWith(ErrorCode::kInvalidArgument));
      EXPECT_THAT(dataset_->TakeAddresses(addresses), FailsSaying(HasSubstr(std::to_string(wrong))));
    }
  }
}

TEST_F(TakeTest, RowIdsThatNoRowHasAreLeftOut) {
  const uint64_t behind_the_last_row = kRowsPerFragment;
  const uint64_t no_fragment = (uint64_t{7} << 32) + 1;
  ASSERT_OK_AND_ASSIGN(const auto batch, dataset_->TakeRowIds({no_fragment, 5, behind_the_last_row, 3}));
  EXPECT_THAT(Ids(*batch), ElementsAre(5, 3));
  ASSERT_OK_AND_ASSIGN(const auto none, dataset_->TakeRowIds({no_fragment, behind_the_last_row}));
  EXPECT_EQ(none->num_rows(), 0);
  EXPECT_TRUE(none->schema()->Equals(*SimpleSchema()));
}

TEST_F(TakeTest, ComputesColumnsBehindThoseThatAreNamed) {
  const TakeOptions options{.columns = Columns{"name"},
                            .expressions = {{"twice", "id * 2"}, {"n", "length(name)"}}};
  for (const std::vector<uint64_t>& rows : {std::vector<uint64_t>{9, 1, 5}, std::vector<uint64_t>(4000, 7)}) {
    std::vector<uint64_t> addresses;
    for (const uint64_t row : rows) addresses.push_back(Address(row));
    ASSERT_OK_AND_ASSIGN(const auto batch, dataset_->TakePositions(rows, options));
    EXPECT_THAT(batch->schema()->field_names(), ElementsAre("name", "twice", "n"));
    ASSERT_EQ(batch->num_rows(), static_cast<int64_t>(rows.size()));
    const auto twice = Int64s(arrow::ChunkedArray(batch->GetColumnByName("twice")));
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(twice[i], static_cast<int64_t>(2 * rows[i]));
    ASSERT_OK_AND_ASSIGN(const auto by_id, dataset_->TakeRowIds(addresses, options));
    EXPECT_TRUE(by_id->Equals(*batch));
    ASSERT_OK_AND_ASSIGN(const auto by_address, dataset_->TakeAddresses(addresses, options));
    EXPECT_TRUE(by_address->Equals(*batch));
  }
  ASSERT_OK_AND_ASSIGN(const auto alone, dataset_->TakePositions({4}, {.expressions = {{"x", "id + 0.5"}}}));
  EXPECT_THAT(alone->schema()->field_names(), ElementsAre("x"));
}

TEST_F(TakeTest, ComputesColumnsBesideOffsets) {
  const TakeOptions options{.columns = Columns{"_rowoffset", "name", "_rowid"},
                            .expressions = {{"twice", "id * 2"}, {"one", "1"}}};
  for (const std::vector<uint64_t>& rows : {std::vector<uint64_t>{9, 1, 5}, std::vector<uint64_t>(4000, 7)}) {
    ASSERT_OK_AND_ASSIGN(const auto batch, dataset_->TakePositions(rows, options));
    EXPECT_THAT(batch->schema()->field_names(), ElementsAre("_rowoffset", "name", "_rowid", "twice", "one"));
    ASSERT_OK_AND_ASSIGN(const auto plain, dataset_->TakePositions(rows, {.columns = options.columns}));
    ASSERT_OK_AND_ASSIGN(const auto computed,
                         dataset_->TakePositions(rows, {.expressions = options.expressions}));
    ASSERT_OK_AND_ASSIGN(const auto first, batch->SelectColumns({0, 1, 2}));
    EXPECT_TRUE(first->Equals(*plain));
    ASSERT_OK_AND_ASSIGN(const auto last, batch->SelectColumns({3, 4}));
    EXPECT_TRUE(last->Equals(*computed));
  }
  EXPECT_THAT(dataset_->TakePositions({0}, {.columns = Columns{"_rowoffset"}, .expressions = {{"x", "nam"}}}),
              FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(TakeTest, WrongColumnsAndExpressionsAreRefused) {
  const auto take = [&](const TakeOptions& options) { return dataset_->TakePositions({0}, options); };
  EXPECT_THAT(take({.columns = Columns{"nope"}}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(take({.expressions = {{"x", "nam + 1"}}}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(take({.expressions = {{"x", "id +"}}}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(take({.columns = Columns{"id"}, .expressions = {{"id", "id"}}}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->TakePositions({kRows}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->TakeRanges({{0, 1}}, {.columns = Columns{"nope"}}),
              FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->Sample(1, 1, {.columns = Columns{"nope"}}), FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(TakeTest, RangesComeOneAfterAnother) {
  std::mt19937_64 random(17);
  for (int round = 0; round < 20; ++round) {
    std::vector<RowRange> ranges;
    std::vector<uint64_t> positions;
    const int count = static_cast<int>(random() % (round % 2 == 0 ? 4 : 400));
    for (int i = 0; i < count; ++i) {
      const uint64_t first = random() % kRows;
      const uint64_t rows = random() % std::min<uint64_t>(kRows - first + 1, round % 2 == 0 ? kRows : 50);
      ranges.push_back({.first_row = first, .row_count = rows});
      for (uint64_t row = first; row < first + rows; ++row) positions.push_back(row);
    }
    const TakeOptions options{.columns = Columns{"id", "name"}, .expressions = {{"odd", "id % 2 = 1"}}};
    ASSERT_OK_AND_ASSIGN(const auto reader, dataset_->TakeRanges(ranges, options));
    ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
    ASSERT_OK_AND_ASSIGN(const auto expected, dataset_->TakePositions(positions, options));
    EXPECT_TRUE(table->schema()->Equals(*expected->schema())) << table->schema()->ToString();
    ASSERT_OK_AND_ASSIGN(const auto expected_table, arrow::Table::FromRecordBatches({expected}));
    EXPECT_TRUE(table->Equals(*expected_table)) << "round " << round;
  }
}

TEST_F(TakeTest, RangesCountRowsWithoutColumns) {
  ASSERT_OK_AND_ASSIGN(const auto reader, dataset_->TakeRanges({{0, 3}, {5, 9'000}}, {.columns = Columns{}}));
  int64_t rows = 0;
  for (const auto& batch : *reader) rows += batch.ValueOrDie()->num_rows();
  EXPECT_EQ(rows, 9'003);
}

TEST_F(TakeTest, ARangeBeyondTheEndIsRefused) {
  for (const RowRange wrong : {RowRange{kRows, 1}, RowRange{0, kRows + 1}, RowRange{kRows + 1, 0},
                               RowRange{std::numeric_limits<uint64_t>::max(), 2},
                               RowRange{1, std::numeric_limits<uint64_t>::max()}}) {
    EXPECT_THAT(dataset_->TakeRanges({{0, 1}, wrong}), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(dataset_->TakeRanges({wrong}), FailsSaying(HasSubstr("10000 rows")));
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, dataset_->TakeRanges({{kRows, 0}}));
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_EQ(table->num_rows(), 0);
}

TEST_F(TakeTest, AReaderOfRangesOutlivesTheDataset) {
  ASSERT_OK_AND_ASSIGN(const auto reader, dataset_->TakeRanges({{100, 9'000}}));
  dataset_.reset();
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_EQ(Ids(table), Range(100, 9'000));
}

TEST_F(TakeTest, ASampleIsSortedDistinctAndFollowsFromItsSeed) {
  ASSERT_OK_AND_ASSIGN(const auto sample, dataset_->Sample(500, 42));
  const auto ids = Ids(*sample);
  ASSERT_EQ(ids.size(), 500U);
  for (size_t i = 1; i < ids.size(); ++i) EXPECT_LT(ids[i - 1], ids[i]);
  ASSERT_OK_AND_ASSIGN(const auto again, dataset_->Sample(500, 42));
  EXPECT_TRUE(again->Equals(*sample));
  ASSERT_OK_AND_ASSIGN(const auto other, dataset_->Sample(500, 43));
  EXPECT_FALSE(other->Equals(*sample));
  ASSERT_OK_AND_ASSIGN(const auto unseeded, dataset_->Sample(500));
  EXPECT_EQ(unseeded->num_rows(), 500);
  ASSERT_OK_AND_ASSIGN(const auto all, dataset_->Sample(kRows * 2, 1));
  EXPECT_EQ(Ids(*all), Range(0, kRows));
  ASSERT_OK_AND_ASSIGN(const auto none, dataset_->Sample(0, 1, {.expressions = {{"x", "id + 1"}}}));
  EXPECT_EQ(none->num_rows(), 0);
  EXPECT_THAT(none->schema()->field_names(), ElementsAre("x"));
}

TEST(TakeFromNothingTest, NothingCanBeTaken) {
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {SimpleBatch(0, 0)}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(const auto sample, dataset->Sample(5));
  EXPECT_EQ(sample->num_rows(), 0);
  ASSERT_OK_AND_ASSIGN(const auto reader, dataset->TakeRanges({{0, 0}}));
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_TRUE(table->schema()->Equals(*SimpleSchema()));
  EXPECT_THAT(dataset->TakeAddresses({0}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(TakeTest, FuturesEndAsTheCallsThatWait) {
  const TakeOptions options{.expressions = {{"x", "id * 3"}}};
  const std::vector<uint64_t> rows{7, 3};
  ASSERT_OK_AND_ASSIGN(const auto expected, dataset_->TakePositions(rows, options));
  for (auto future : {dataset_->TakePositionsAsync(rows, options), dataset_->TakeRowIdsAsync(rows, options),
                      dataset_->TakeAddressesAsync(rows, options)}) {
    ASSERT_OK_AND_ASSIGN(const auto batch, Wait(future));
    EXPECT_TRUE(batch->Equals(*expected));
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, Wait(dataset_->TakeRangesAsync({{7, 2}})));
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_THAT(Ids(table), ElementsAre(7, 8));
  ASSERT_OK_AND_ASSIGN(const auto sample, Wait(dataset_->SampleAsync(9, 4)));
  EXPECT_TRUE(sample->Equals(**dataset_->Sample(9, 4)));
  EXPECT_THAT(Wait(dataset_->TakeRangesAsync({{kRows, 1}})), FailsWith(ErrorCode::kInvalidArgument));
}

/// All types that there are, read in every way.
TEST(TakeOfAllTypesTest, EveryWayReadsTheSame) {
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8()),
                     arrow::field("tags", arrow::list(arrow::utf8())),
                     arrow::field("place", arrow::struct_({arrow::field("x", arrow::float64())})),
                     arrow::field("price", arrow::decimal128(15, 2)),
                     arrow::field("code", arrow::dictionary(arrow::int8(), arrow::utf8()))});
  constexpr uint64_t kSome = 3'000;
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {MakeBatch(schema, kSome)}, {.max_rows_per_file = 700}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan({.with_row_address = true}));
  ASSERT_OK_AND_ASSIGN(auto all, scanner->ToTable());
  std::vector<uint64_t> addresses;
  for (const auto& chunk : all->GetColumnByName("_rowaddr")->chunks()) {
    const auto& values = static_cast<const arrow::UInt64Array&>(*chunk);
    addresses.insert(addresses.end(), values.raw_values(), values.raw_values() + values.length());
  }
  ASSERT_OK_AND_ASSIGN(const auto by_address, dataset->TakeAddresses(addresses));
  ASSERT_OK_AND_ASSIGN(const auto reader, dataset->TakeRanges({{0, kSome}}));
  ASSERT_OK_AND_ASSIGN(const auto ranged, reader->ToTable());
  ASSERT_OK_AND_ASSIGN(const auto ranged_once, ranged->CombineChunksToBatch());
  ASSERT_OK_AND_ASSIGN(const auto sampled, dataset->Sample(kSome));
  for (const auto& field : schema->fields()) {
    const auto expected = Plain(by_address->GetColumnByName(field->name()));
    EXPECT_TRUE(Plain(ranged_once->GetColumnByName(field->name()))->Equals(expected)) << field->name();
    EXPECT_TRUE(Plain(sampled->GetColumnByName(field->name()))->Equals(expected)) << field->name();
  }
}

}  // namespace
}  // namespace lance_test
