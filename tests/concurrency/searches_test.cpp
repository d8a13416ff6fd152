// Searches of many threads on one dataset, while rows are appended to it and its indices take them up.

#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/figures.h"
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::IndexType;
using lance::ScanOptions;
using lance::TextQuery;
using lance::VectorQuery;

using ArrayPtr = std::shared_ptr<arrow::Array>;
using DatasetPtr = std::shared_ptr<Dataset>;

constexpr int32_t kLength = 4;
constexpr int64_t kBefore = 600;
/// The rows of an append.
constexpr int64_t kNew = 20;

/// Each row has a place of its own in a cube of side 1, where codes learnt from the first rows fit later
/// ones, too.
ArrayPtr Vectors(int64_t first, int64_t count) {
  constexpr std::array<double, kLength> kSteps = {0.6180339887, 0.4142135624, 0.7320508076, 0.2360679775};
  arrow::FloatBuilder numbers;
  for (int64_t id = first; id < first + count; ++id) {
    for (const double step : kSteps) {
      EXPECT_OK(numbers.Append(static_cast<float>(std::fmod(static_cast<double>(id) * step, 1.0))));
    }
  }
  return arrow::FixedSizeListArray::FromArrays(numbers.Finish().ValueOrDie(), kLength).ValueOrDie();
}

/// ... and a word of its own.
std::string Word(int64_t id) { return "word" + std::to_string(id); }

std::shared_ptr<arrow::RecordBatch> Rows(int64_t first, int64_t count) {
  arrow::Int64Builder ids;
  arrow::StringBuilder texts;
  for (int64_t id = first; id < first + count; ++id) {
    EXPECT_OK(ids.Append(id));
    EXPECT_OK(texts.Append("common " + Word(id)));
  }
  const std::vector<ArrayPtr> columns = {ids.Finish().ValueOrDie(), Vectors(first, count),
                                         texts.Finish().ValueOrDie()};
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("v", columns[1]->type()),
                     arrow::field("text", arrow::utf8())});
  return arrow::RecordBatch::Make(schema, count, columns);
}

/// The three ways to look for the row that has this id.
ScanOptions ByVector(int64_t id) {
  lance::VectorQueryOptions how;
  how.k = 1;
  how.minimum_nprobes = how.maximum_nprobes = 4;
  how.refine_factor = 40;
  ScanOptions options;
  options.nearest = VectorQuery::Make("v", Vectors(id, 1), how).ValueOrDie();
  return options;
}

ScanOptions ByKey(int64_t id) { return {.filter = "id = " + std::to_string(id)}; }

ScanOptions ByText(int64_t id) {
  ScanOptions options;
  options.full_text = TextQuery::Match(Word(id), {.column = "text"});
  return options;
}

std::vector<int64_t> Found(const Dataset& dataset, ScanOptions options) {
  options.columns = std::vector<std::string>{"id"};
  const auto scanner = dataset.Scan(options).ValueOrDie();
  const auto table = scanner->ToTable();
  EXPECT_OK(table.status());
  return table.ok() ? Int64s(*(*table)->GetColumnByName("id")) : std::vector<int64_t>{};
}

/// With each kind of index of the vectors.
class SearchesTest : public ::testing::TestWithParam<IndexType> {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteBatches(uri_, {Rows(0, kBefore)}));
    ASSERT_OK_AND_ASSIGN(DatasetPtr dataset, Dataset::Open(uri_));
    for (const auto& [column, type, parameters] :
         std::vector<std::tuple<std::string, IndexType, std::map<std::string, std::string>>>{
             {"v", GetParam(), {{"num_partitions", "4"}}},
             {"id", IndexType::kBtree, {}},
             {"text", IndexType::kInverted, {}}}) {
      ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex(column, type, {.parameters = parameters}));
    }
    dataset_ = dataset;
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

TEST_P(SearchesTest, FindEveryRowOfTheirVersionWhileOthersAppend) {
  const int appends = Pick(12, 60);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < appends; ++i) {
      EXPECT_OK(WriteBatches(uri_, {Rows(kBefore + i * kNew, kNew)}, {.mode = lance::WriteMode::kAppend}));
      if (i % 4 != 3) continue;
      const auto latest = dataset_->Latest();
      EXPECT_OK(latest.status());
      if (latest.ok()) {
        EXPECT_OK((*latest)->OptimizeIndices().status());
      }
    }
    done = true;
  });

  std::atomic<int64_t> searches{0};
  std::atomic<int64_t> wrong{0};
  std::vector<std::thread> threads;
  for (int64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t turn = thread; !done || turn < 12; ++turn) {
        // One dataset for all of them, and the newest version of it.
        const DatasetPtr newest = dataset_->Latest().ValueOrDie();
        const auto rows = static_cast<int64_t>(newest->CountRows().ValueOrDie());
        for (const auto& [dataset, id] : {std::pair{dataset_, turn * 37 % kBefore}, {newest, rows - 1}}) {
          for (const ScanOptions& options : {ByVector(id), ByKey(id), ByText(id)}) {
            ++searches;
            wrong += Found(*dataset, options) != std::vector{id};
          }
        }
        // Rows that came later are not of the old version.
        ++searches;
        wrong += !Found(*dataset_, ByKey(kBefore)).empty();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer.join();
  EXPECT_EQ(wrong, 0);
  Figure("T1", {{"searches", std::to_string(searches)},
                {"appends", std::to_string(appends)},
                {"wrong", std::to_string(wrong)}});
}

TEST_P(SearchesTest, OneSearcherServesThreadsWhileOthersAppend) {
  ScanOptions options = ByVector(0);
  options.columns = std::vector<std::string>{"id"};
  ASSERT_OK_AND_ASSIGN(const auto searcher,
                       lance::Searcher::Open(*dataset_, options, {.gather_milliseconds = 0}));
  std::atomic<bool> done{false};
  std::atomic<int64_t> wrong{0};
  std::vector<std::thread> threads;
  for (int64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t turn = thread; !done || turn < 12; ++turn) {
        const int64_t id = turn * 37 % kBefore;
        const auto found = searcher->Search(Vectors(id, 1));
        EXPECT_OK(found.status());
        if (!found.ok()) return;
        wrong += Int64s(arrow::ChunkedArray((*found)->GetColumnByName("id"))) != std::vector{id};
      }
    });
  }
  for (int i = 0; i < Pick(6, 30); ++i) {
    EXPECT_OK(WriteBatches(uri_, {Rows(kBefore + i * kNew, kNew)}, {.mode = lance::WriteMode::kAppend}));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SearchesTest,
                         ::testing::Values(IndexType::kIvfFlat, IndexType::kIvfSq, IndexType::kIvfHnswSq),
                         [](const auto& info) { return lance::IndexTypeName(info.param); });

}  // namespace
}  // namespace lance_test
