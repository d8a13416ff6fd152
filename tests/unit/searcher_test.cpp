// Prepared searches beside scans and beside distances computed here.
// tests/conformance/test_prepared_searches.py has each kind of index, deletions and new rows.

#include "lance/searcher.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
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

using lance::Dataset;
using lance::ErrorCode;
using lance::IndexType;
using lance::ScanOptions;
using lance::Searcher;
using lance::SearcherOptions;
using lance::VectorQuery;
using lance::VectorQueryOptions;
using ::testing::HasSubstr;

using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using SearcherPtr = std::shared_ptr<Searcher>;

constexpr int64_t kRows = 2000;
constexpr int32_t kLength = 8;
/// A name that has to be quoted in paths.
const std::string kOdd = "o d 'd\"";

ArrayPtr Numbers(std::mt19937* random, int64_t count) {
  std::normal_distribution<float> normal;
  arrow::FloatBuilder builder;
  for (int64_t i = 0; i < count; ++i) EXPECT_OK(builder.Append(normal(*random)));
  return builder.Finish().ValueOrDie();
}

ArrayPtr Lists(const ArrayPtr& numbers) {
  return arrow::FixedSizeListArray::FromArrays(numbers, kLength).ValueOrDie();
}

ArrayPtr Strings(int64_t count) {
  arrow::StringBuilder builder;
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_OK(i % 7 == 0 ? builder.AppendNull() : builder.Append("text " + std::to_string(i)));
  }
  return builder.Finish().ValueOrDie();
}

/// Vectors in a column, in one with an odd name, and within a struct.
BatchPtr Rows(uint32_t seed) {
  std::mt19937 random(seed);
  arrow::Int64Builder ids;
  for (int64_t i = 0; i < kRows; ++i) EXPECT_OK(ids.Append(i));
  const ArrayPtr vectors = Lists(Numbers(&random, kRows * kLength));
  const auto inner = arrow::StructArray::Make({vectors}, std::vector<std::string>{"v"}).ValueOrDie();
  const std::vector<ArrayPtr> columns = {ids.Finish().ValueOrDie(), vectors, vectors, inner, Strings(kRows)};
  const std::vector<std::string> names = {"id", "v", kOdd, "st", "text"};
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (size_t i = 0; i < names.size(); ++i) fields.push_back(arrow::field(names[i], columns[i]->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), kRows, columns);
}

class SearcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rows_ = Rows(1);
    lance::WriteOptions options;
    options.max_rows_per_file = 600;
    ASSERT_OK_AND_ASSIGN(auto writer, lance::LanceWriter::Open(uri_, rows_->schema(), options));
    ASSERT_OK(writer->Write(*rows_));
    ASSERT_OK(writer->Finish());
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  ArrayPtr Vector() { return Numbers(&random_, kLength); }

  static ScanOptions Near(const ArrayPtr& vectors, const VectorQueryOptions& how = {},
                          const std::string& column = "v") {
    ScanOptions options;
    options.nearest = VectorQuery::Make(column, vectors, how).ValueOrDie();
    return options;
  }

  arrow::Result<SearcherPtr> Open(const ScanOptions& options, const SearcherOptions& how = {}) const {
    return Searcher::Open(*dataset_, options, how);
  }

  /// What a scan finds.
  arrow::Result<BatchPtr> Scanned(const ScanOptions& options) const {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset_->Scan(options));
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    return table->CombineChunksToBatch();
  }

  /// The ids of the nearest rows, by distances in double.
  std::vector<int64_t> Nearest(const ArrayPtr& vector, size_t k) const {
    const auto& stored = static_cast<const arrow::FixedSizeListArray&>(*rows_->GetColumnByName("v"));
    const auto& all = static_cast<const arrow::FloatArray&>(*stored.values());
    const auto& asked = static_cast<const arrow::FloatArray&>(*vector);
    std::vector<std::pair<double, int64_t>> rows;
    for (int64_t row = 0; row < kRows; ++row) {
      double distance = 0;
      for (int64_t i = 0; i < kLength; ++i) {
        const double gap = double{all.Value(row * kLength + i)} - asked.Value(i);
        distance += gap * gap;
      }
      rows.emplace_back(distance, row);
    }
    std::ranges::sort(rows);
    std::vector<int64_t> ids;
    for (size_t i = 0; i < k; ++i) ids.push_back(rows[i].second);
    return ids;
  }

  static std::vector<int64_t> Ids(const arrow::RecordBatch& batch) {
    return Int64s(arrow::ChunkedArray(batch.GetColumnByName("id")));
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::mt19937 random_{2};
  BatchPtr rows_;
  std::shared_ptr<Dataset> dataset_;
};

TEST_F(SearcherTest, FindsTheNearestRows) {
  ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector(), {.k = 12})));
  EXPECT_TRUE(searcher->is_prepared());
  for (int i = 0; i < 10; ++i) {
    const ArrayPtr vector = Vector();
    ASSERT_OK_AND_ASSIGN(const BatchPtr found, searcher->Search(vector));
    EXPECT_EQ(Ids(*found), Nearest(vector, 12));
    ASSERT_OK_AND_ASSIGN(const BatchPtr scanned, Scanned(Near(vector, {.k = 12})));
    EXPECT_TRUE(found->Equals(*scanned, /*check_metadata=*/true));
  }
}

TEST_F(SearcherTest, FindsWhatScansFindThroughIndices) {
  for (const IndexType type : {IndexType::kIvfPq, IndexType::kIvfRq, IndexType::kIvfHnswSq}) {
    lance::IndexOptions options;
    options.name = "nearest";
    options.replace = true;
    options.parameters = {{"num_partitions", "6"}};
    if (type == IndexType::kIvfPq) options.parameters["num_sub_vectors"] = "4";
    ASSERT_OK_AND_ASSIGN(dataset_, dataset_->CreateIndex("v", type, options));
    for (const VectorQueryOptions& how :
         {VectorQueryOptions{}, VectorQueryOptions{.k = 5, .minimum_nprobes = 3, .maximum_nprobes = 3},
          VectorQueryOptions{.k = 20, .refine_factor = 3}}) {
      ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector(), how)));
      EXPECT_TRUE(searcher->is_prepared());
      for (int i = 0; i < 5; ++i) {
        const ArrayPtr vector = Vector();
        ASSERT_OK_AND_ASSIGN(const BatchPtr found, searcher->Search(vector));
        ASSERT_OK_AND_ASSIGN(const BatchPtr scanned, Scanned(Near(vector, how)));
        EXPECT_TRUE(found->Equals(*scanned)) << found->ToString() << scanned->ToString();
      }
    }
  }
}

TEST_F(SearcherTest, SearchesABatchOfVectors) {
  ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector())));
  for (const int64_t count : {1, 2, 17}) {
    const ArrayPtr vectors = Lists(Numbers(&random_, count * kLength));
    ASSERT_OK_AND_ASSIGN(const BatchPtr found, searcher->Search(vectors));
    EXPECT_EQ(found->num_rows(), count * 10);
    ASSERT_OK_AND_ASSIGN(const BatchPtr scanned, Scanned(Near(vectors)));
    EXPECT_TRUE(found->Equals(*scanned)) << found->ToString() << scanned->ToString();
  }
}

TEST_F(SearcherTest, ReturnsWhatIsAskedFor) {
  const ArrayPtr vector = Vector();
  const auto check = [&](ScanOptions options, bool is_prepared) {
    ASSERT_OK_AND_ASSIGN(const auto searcher, Open(options));
    EXPECT_EQ(searcher->is_prepared(), is_prepared);
    ASSERT_OK_AND_ASSIGN(const BatchPtr found, searcher->Search(vector));
    ASSERT_OK_AND_ASSIGN(const BatchPtr scanned, Scanned(options));
    EXPECT_TRUE(found->Equals(*scanned)) << found->ToString() << scanned->ToString();
  };
  const auto with = [&](const std::string& column, auto change) {
    ScanOptions options = Near(vector, {.k = 30}, column);
    change(&options);
    return options;
  };
  const auto nothing = [](ScanOptions*) {};
  check(with("v", [](auto* it) { it->columns = {{"text", kOdd, "_distance"}}; }), true);
  check(with("v", [](auto* it) { it->columns = {{"_distance"}}; }), true);
  check(with("v", [](auto* it) { it->columns = {{"st.v", "id"}}; }), false);
  check(with("v", [](auto* it) { it->with_row_id = true; }), true);
  check(with("v", [](auto* it) { it->filter = "id % 3 = 1"; }), true);
  check(with(kOdd, nothing), true);
  // A scan each.
  check(with("st.v", nothing), false);
  check(with("v", [](auto* it) { it->limit = 3; }), false);
  check(with("v", [](auto* it) { it->order_by = {{.column = "id"}}; }), false);
  check(with("v", [](auto* it) { it->expressions = {{"twice", "id * 2"}}; }), false);
  check(with("v", [](auto* it) { it->fragments = {{1, 2}}; }), false);
  check(with("v",
             [](auto* it) {
               it->filter = "id < 1000";
               it->prefilter = false;
             }),
        false);
}

TEST_F(SearcherTest, HoldsNoMoreThanItMay) {
  const ArrayPtr vector = Vector();
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1000}, uint64_t{1} << 20}) {
    ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(vector), {.held_bytes = bytes}));
    EXPECT_EQ(searcher->is_prepared(), bytes == uint64_t{1} << 20);
    ASSERT_OK_AND_ASSIGN(const BatchPtr found, searcher->Search(vector));
    EXPECT_EQ(Ids(*found), Nearest(vector, 10));
  }
}

TEST_F(SearcherTest, AnswersManyThreadsAtOnce) {
  for (const std::optional<uint32_t> gather :
       {std::optional<uint32_t>(), std::optional<uint32_t>(0), std::optional<uint32_t>(2)}) {
    ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector()), {.gather_milliseconds = gather}));
    std::vector<ArrayPtr> vectors;
    for (int i = 0; i < 60; ++i) vectors.push_back(Vector());
    std::vector<std::thread> threads;
    for (size_t thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&, thread] {
        for (size_t i = thread; i < vectors.size(); i += 6) {
          ASSERT_OK_AND_ASSIGN(const BatchPtr found, searcher->Search(vectors[i]));
          EXPECT_EQ(Ids(*found), Nearest(vectors[i], 10));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_F(SearcherTest, HoldsNoVectorOfACallThatHasEnded) {
  for (const std::optional<uint32_t> gather : {std::optional<uint32_t>(), std::optional<uint32_t>(0)}) {
    ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector()), {.gather_milliseconds = gather}));
    for (int i = 0; i < 300; ++i) {
      const ArrayPtr vector = Vector();
      ASSERT_OK(searcher->Search(vector));
      ASSERT_EQ(vector->data().use_count(), 1) << "after search " << i;
    }
  }
}

TEST_F(SearcherTest, StopsAndGoesOn) {
  ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector()), {.gather_milliseconds = 1000}));
  arrow::StopSource source;
  const ArrayPtr vector = Vector();
  auto stopped = searcher->SearchAsync(vector, source.token());
  auto waiting = searcher->SearchAsync(vector);
  source.RequestStop();
  EXPECT_THAT(stopped.result(), FailsWith(ErrorCode::kCancelled));
  ASSERT_OK_AND_ASSIGN(const BatchPtr found, waiting.result());
  EXPECT_EQ(Ids(*found), Nearest(vector, 10));
  EXPECT_THAT(searcher->Search(vector, source.token()), FailsWith(ErrorCode::kCancelled));
}

TEST_F(SearcherTest, OutlivesItsDataset) {
  ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector())));
  dataset_.reset();
  const ArrayPtr vector = Vector();
  ASSERT_OK_AND_ASSIGN(const BatchPtr found, searcher->Search(vector));
  EXPECT_EQ(Ids(*found), Nearest(vector, 10));
}

TEST_F(SearcherTest, RefusesWhatCannotBeSearched) {
  EXPECT_THAT(Open({}), FailsSaying(HasSubstr("nearest")));
  EXPECT_THAT(Open(Near(Vector(), {}, "nope")), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(Open(Near(Vector(), {}, "text")), FailsWith(ErrorCode::kInvalidArgument));
  ScanOptions told = Near(Vector());
  told.statistics = [](const lance::ScanStatistics&) {};
  EXPECT_THAT(Open(told), FailsSaying(HasSubstr("statistics")));
  ASSERT_OK_AND_ASSIGN(const auto searcher, Open(Near(Vector())));
  EXPECT_THAT(searcher->Search(nullptr), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(searcher->Search(Numbers(&random_, 7)), FailsSaying(HasSubstr("7 numbers")));
  EXPECT_THAT(searcher->Search(Strings(kLength)), FailsWith(ErrorCode::kInvalidArgument));
  arrow::FloatBuilder builder;
  for (int i = 0; i < kLength; ++i) ASSERT_OK(builder.Append(std::numeric_limits<float>::quiet_NaN()));
  ASSERT_OK_AND_ASSIGN(const ArrayPtr nan, builder.Finish());
  EXPECT_THAT(searcher->Search(nan), FailsSaying(HasSubstr("NaN")));
}

}  // namespace
}  // namespace lance_test
