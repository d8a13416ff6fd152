#include "lance/hybrid.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using lance::FuseRanks;
using lance::HybridOptions;
using lance::HybridSearch;
using lance::RankedRow;
using lance::ScanOptions;
using lance::TextQuery;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using Columns = std::vector<std::string>;
using Ids = std::vector<uint64_t>;

constexpr int64_t kRows = 60;

/// Row i is at (i, 0), and has the remainder of i by 7 of foxes in it.
BatchPtr Points(int64_t first) {
  arrow::Int64Builder ids;
  arrow::StringBuilder texts;
  arrow::FixedSizeListBuilder points(arrow::default_memory_pool(), std::make_shared<arrow::FloatBuilder>(),
                                     2);
  auto& numbers = static_cast<arrow::FloatBuilder&>(*points.value_builder());
  for (int64_t i = first; i < first + kRows; ++i) {
    EXPECT_OK(ids.Append(i));
    std::string text = "row";
    for (int64_t j = 0; j < i % 7; ++j) text += " fox";
    // No two texts have one score.
    for (int64_t j = 0; j < i; ++j) text += " w";
    EXPECT_OK(texts.Append(text));
    EXPECT_OK(points.Append());
    EXPECT_OK(numbers.Append(static_cast<float>(i)));
    EXPECT_OK(numbers.Append(0));
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("body", arrow::utf8()),
                     arrow::field("at", arrow::fixed_size_list(arrow::float32(), 2))}),
      kRows, {*ids.Finish(), *texts.Finish(), *points.Finish()});
}

std::shared_ptr<lance::VectorQuery> At(double x, uint32_t k, bool is_batch = false) {
  auto numbers = std::make_shared<arrow::DoubleBuilder>();
  std::shared_ptr<arrow::Array> vectors;
  if (is_batch) {
    arrow::FixedSizeListBuilder list(arrow::default_memory_pool(), numbers, 2);
    EXPECT_OK(list.AppendValues(2));
    EXPECT_OK(numbers->AppendValues({x, 0, x, 1}));
    vectors = *list.Finish();
  } else {
    EXPECT_OK(numbers->AppendValues({x, 0}));
    vectors = *numbers->Finish();
  }
  return lance::VectorQuery::Make("at", vectors, {.k = k}).ValueOrDie();
}

std::vector<int64_t> IdsOf(const arrow::RecordBatch& batch) {
  const auto& column = static_cast<const arrow::Int64Array&>(*batch.GetColumnByName("id"));
  return {column.raw_values(), column.raw_values() + column.length()};
}

class HybridTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lance::WriteOptions options;
    options.max_rows_per_file = 25;
    ASSERT_OK(WriteBatches(uri_, {Points(0)}, options));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(dataset_, dataset_->CreateIndex("body", lance::IndexType::kInverted));
  }

  ScanOptions Scan(double x = 20.1, uint32_t k = 10) const {
    return {.columns = Columns{"id"},
            .nearest = At(x, k),
            .full_text = TextQuery::Match("fox", {.column = "body"})};
  }

  /// The row ids of one of the searches, the best first.
  Ids RowIds(ScanOptions options) const {
    options.columns = Columns{"_rowid"};
    const auto table =
        dataset_->Scan(options).ValueOrDie()->ToTable().ValueOrDie()->CombineChunks().ValueOrDie();
    Ids ids;
    const auto column = table->GetColumnByName("_rowid");
    if (column == nullptr) {
      ADD_FAILURE() << "no row ids in " << table->schema()->ToString();
      return ids;
    }
    for (const auto& chunk : column->chunks()) {
      const auto& values = static_cast<const arrow::UInt64Array&>(*chunk);
      for (int64_t i = 0; i < values.length(); ++i) ids.push_back(values.Value(i));
    }
    return ids;
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> dataset_;
};

TEST(FuseRanksTest, AddsUpTheReciprocalRanks) {
  const auto rows = FuseRanks({{7, 8, 9}, {9, 5}});
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].row_id, 9U);
  EXPECT_DOUBLE_EQ(rows[0].score, 1.0 / 63 + 1.0 / 61);
  EXPECT_EQ(rows[1].row_id, 7U);
  EXPECT_DOUBLE_EQ(rows[1].score, 1.0 / 61);
  // Of equal ones the lower id comes first.
  EXPECT_EQ(rows[2].row_id, 5U);
  EXPECT_EQ(rows[3].row_id, 8U);
  EXPECT_THAT(FuseRanks({}), IsEmpty());
  EXPECT_THAT(FuseRanks({{}, {}}), IsEmpty());
}

TEST(FuseRanksTest, AgreesWithAPlainSumForRandomRankings) {
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<Ids> rankings(random() % 4);
    std::map<uint64_t, double> expected;
    const double constant = static_cast<double>(random() % 100);
    for (Ids& ranking : rankings) {
      Ids ids(random() % 30);
      for (size_t i = 0; i < ids.size(); ++i) ids[i] = i * 3;
      std::ranges::shuffle(ids, random);
      for (size_t i = 0; i < ids.size(); ++i) expected[ids[i]] += 1 / (constant + static_cast<double>(i + 1));
      ranking = ids;
      // A row that comes again counts once.
      if (!ids.empty()) ranking.push_back(ids[0]);
    }
    const auto rows = FuseRanks(rankings, constant);
    ASSERT_EQ(rows.size(), expected.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_NEAR(rows[i].score, expected.at(rows[i].row_id), 1e-12);
      if (i > 0) {
        EXPECT_GE(rows[i - 1].score, rows[i].score);
      }
    }
  }
}

TEST_F(HybridTest, RanksWhatBothSearchesFind) {
  ScanOptions scan = Scan();
  scan.with_row_id = true;
  ASSERT_OK_AND_ASSIGN(const auto batch, HybridSearch(dataset_, scan));
  ASSERT_OK(batch->ValidateFull());
  ASSERT_THAT(batch->schema()->field_names(),
              ElementsAre("id", "_rowid", "_distance", "_score", "_relevance_score"));
  ScanOptions nearest{.nearest = At(20.1, 10)};
  ScanOptions full_text{.limit = 100, .full_text = scan.full_text};
  const auto expected = FuseRanks({RowIds(nearest), RowIds(full_text)});
  ASSERT_EQ(static_cast<size_t>(batch->num_rows()), expected.size());
  const auto& ids = static_cast<const arrow::UInt64Array&>(*batch->GetColumnByName("_rowid"));
  const auto& relevance = static_cast<const arrow::DoubleArray&>(*batch->GetColumnByName("_relevance_score"));
  const auto& distances = static_cast<const arrow::FloatArray&>(*batch->GetColumnByName("_distance"));
  const auto& scores = static_cast<const arrow::FloatArray&>(*batch->GetColumnByName("_score"));
  int64_t near = 0;
  for (int64_t i = 0; i < batch->num_rows(); ++i) {
    EXPECT_EQ(ids.Value(i), expected[static_cast<size_t>(i)].row_id);
    EXPECT_DOUBLE_EQ(relevance.Value(i), expected[static_cast<size_t>(i)].score);
    const int64_t id = IdsOf(*batch)[static_cast<size_t>(i)];
    if (distances.IsValid(i)) {
      EXPECT_NEAR(distances.Value(i), std::pow(static_cast<double>(id) - 20.1, 2), 1e-3);
      ++near;
    }
    EXPECT_EQ(scores.IsValid(i), id % 7 != 0);
  }
  EXPECT_EQ(near, 10);
}

TEST_F(HybridTest, LimitsAndOffsetsAreOfTheAnswer) {
  ASSERT_OK_AND_ASSIGN(const auto all, HybridSearch(dataset_, Scan()));
  ScanOptions scan = Scan();
  scan.limit = 5;
  scan.offset = 2;
  ASSERT_OK_AND_ASSIGN(const auto some, HybridSearch(dataset_, scan));
  EXPECT_TRUE(some->Equals(*all->Slice(2, 5)));
  scan.offset = 1000;
  ASSERT_OK_AND_ASSIGN(const auto none, HybridSearch(dataset_, scan));
  EXPECT_EQ(none->num_rows(), 0);
  EXPECT_TRUE(none->schema()->Equals(*all->schema()));
}

TEST_F(HybridTest, FiltersHoldForBothAndColumnsForTheAnswer) {
  ScanOptions scan = Scan();
  scan.filter = "id % 2 = 0";
  scan.columns = Columns{"body", "id"};
  scan.expressions = {{"twice", "id * 2"}};
  ASSERT_OK_AND_ASSIGN(const auto batch, HybridSearch(dataset_, scan, {.full_text_rows = 4}));
  EXPECT_THAT(batch->schema()->field_names(),
              ElementsAre("body", "id", "twice", "_distance", "_score", "_relevance_score"));
  EXPECT_LE(batch->num_rows(), 14);
  for (const int64_t id : IdsOf(*batch)) EXPECT_EQ(id % 2, 0);
  scan = Scan();
  scan.columns.reset();
  ASSERT_OK_AND_ASSIGN(const auto all, HybridSearch(dataset_, scan));
  EXPECT_THAT(all->schema()->field_names(),
              ElementsAre("id", "body", "at", "_distance", "_score", "_relevance_score"));
  scan.filter = "id < 0";
  ASSERT_OK_AND_ASSIGN(const auto none, HybridSearch(dataset_, scan));
  EXPECT_EQ(none->num_rows(), 0);
}

TEST_F(HybridTest, ARerankerSeesBothAndDecides) {
  HybridOptions options;
  options.reranker_columns = {"id"};
  options.reranker = [](const BatchPtr& nearest, const BatchPtr& full_text) {
    EXPECT_THAT(nearest->schema()->field_names(), ElementsAre("id", "_distance", "_rowid"));
    EXPECT_THAT(full_text->schema()->field_names(), ElementsAre("id", "_score", "_rowid"));
    std::vector<RankedRow> rows;
    const auto& ids = static_cast<const arrow::UInt64Array&>(*nearest->GetColumnByName("_rowid"));
    // The farthest first, which is no order of the library's, and some with one score.
    for (int64_t i = 0; i < ids.length(); ++i) {
      rows.push_back({.row_id = ids.Value(i), .score = static_cast<double>(i / 2)});
    }
    return rows;
  };
  ASSERT_OK_AND_ASSIGN(const auto batch, HybridSearch(dataset_, Scan(20.1, 4), options));
  EXPECT_THAT(IdsOf(*batch), ElementsAre(19, 22, 20, 21));
  ASSERT_OK_AND_ASSIGN(const auto again,
                       lance::HybridSearchAsync(dataset_, Scan(20.1, 4), options).MoveResult());
  EXPECT_TRUE(again->Equals(*batch));
}

TEST_F(HybridTest, ARerankerThatFailsIsToldOf) {
  const auto with = [this](lance::Reranker reranker) {
    return HybridSearch(dataset_, Scan(), {.reranker = std::move(reranker)});
  };
  EXPECT_THAT(with([](const BatchPtr&, const BatchPtr&) -> arrow::Result<std::vector<RankedRow>> {
                return arrow::Status::Invalid("no model");
              }),
              AllOf(FailsWith(ErrorCode::kCallback), FailsSaying(HasSubstr("no model"))));
  EXPECT_THAT(with([](const BatchPtr&, const BatchPtr&) -> arrow::Result<std::vector<RankedRow>> {
                throw std::runtime_error("out of luck");
              }),
              AllOf(FailsWith(ErrorCode::kCallback), FailsSaying(HasSubstr("out of luck"))));
  const auto ranked = [](const std::vector<RankedRow>& rows) {
    return [rows](const BatchPtr&, const BatchPtr&) { return rows; };
  };
  EXPECT_THAT(with(ranked({{.row_id = 1ULL << 40, .score = 1}})),
              AllOf(FailsWith(ErrorCode::kCallback), FailsSaying(HasSubstr("neither"))));
  EXPECT_THAT(with(ranked({{.row_id = 20, .score = 1}, {.row_id = 20, .score = 2}})),
              FailsSaying(HasSubstr("twice")));
  EXPECT_THAT(with(ranked({{.row_id = 20, .score = std::nan("")}})), FailsSaying(HasSubstr("NaN")));
  ASSERT_OK_AND_ASSIGN(const auto none, with(ranked({})));
  EXPECT_EQ(none->num_rows(), 0);
}

TEST_F(HybridTest, TheAsynchronousFormReturnsTheSame) {
  ASSERT_OK_AND_ASSIGN(const auto batch, HybridSearch(dataset_, Scan()));
  auto future = lance::HybridSearchAsync(dataset_, Scan());
  // It keeps what it needs.
  dataset_.reset();
  ASSERT_OK_AND_ASSIGN(const auto again, future.MoveResult());
  EXPECT_TRUE(again->Equals(*batch));
}

TEST_F(HybridTest, StopsWhenItIsToldTo) {
  arrow::StopSource source;
  source.RequestStop();
  EXPECT_THAT(HybridSearch(dataset_, Scan(), {}, source.token()), FailsWith(ErrorCode::kCancelled));
  EXPECT_THAT(lance::HybridSearchAsync(dataset_, Scan(), {}, source.token()).MoveResult(),
              FailsWith(ErrorCode::kCancelled));
}

TEST_F(HybridTest, WhatDoesNotFitIsRefused) {
  const auto refuses = [this](auto change, const std::string& why) {
    ScanOptions scan = Scan();
    HybridOptions options;
    change(scan, options);
    EXPECT_THAT(HybridSearch(dataset_, scan, options),
                AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr(why))));
    EXPECT_THAT(lance::HybridSearchAsync(dataset_, scan, options).MoveResult(),
                FailsWith(ErrorCode::kInvalidArgument));
  };
  refuses([](ScanOptions& scan, HybridOptions&) { scan.nearest = nullptr; }, "both");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.full_text.reset(); }, "both");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.search_filter = lance::SearchFilter::kNearest; },
          "search_filter");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.order_by = {{.column = "id"}}; }, "order_by");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.with_row_address = true; }, "with_row_address");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.limit = -1; }, "limit");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.nearest = At(20, 3, true); }, "batch");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.filter = "nope("; }, "filter");
  refuses([](ScanOptions& scan, HybridOptions&) { scan.full_text = TextQuery::Match("\xff"); }, "UTF-8");
  refuses([](ScanOptions&, HybridOptions& options) { options.full_text_rows = 0; }, "full_text_rows");
  refuses([](ScanOptions&, HybridOptions& options) { options.rank_constant = -1; }, "rank_constant");
  ScanOptions scan = Scan();
  scan.columns = Columns{"nope"};
  EXPECT_THAT(HybridSearch(dataset_, scan), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(HybridSearch(nullptr, Scan()), FailsWith(ErrorCode::kInvalidArgument));
}

/// One search chooses the rows that the other ranks.
TEST_F(HybridTest, OneSearchMayBeTheFilterOfTheOther) {
  ScanOptions scan = Scan(20.1, 5);
  scan.columns = Columns{"id", "_distance"};
  scan.search_filter = lance::SearchFilter::kFullText;
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan(scan));
  ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
  auto ids = Int64s(*table->GetColumnByName("id"));
  std::ranges::sort(ids);
  // Row 21 has no fox.
  EXPECT_THAT(ids, ElementsAre(18, 19, 20, 22, 23));

  scan.columns = Columns{"id", "_score"};
  scan.search_filter = lance::SearchFilter::kNearest;
  ASSERT_OK_AND_ASSIGN(scanner, dataset_->Scan(scan));
  ASSERT_OK_AND_ASSIGN(table, scanner->ToTable());
  // Of the rows 18 to 22 those with most foxes first.
  ids = Int64s(*table->GetColumnByName("id"));
  ASSERT_FALSE(ids.empty());
  EXPECT_EQ(ids[0], 20);
  for (const int64_t id : ids) {
    EXPECT_GE(id, 18);
    EXPECT_LE(id, 22);
  }
}

}  // namespace
}  // namespace lance_test
