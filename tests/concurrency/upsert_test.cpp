// Many upserts of the same keys at once, beside appends of others: each key is there once, with the value
// that the last of them gave it.

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;

constexpr int kThreads = 4;
constexpr int64_t kKeys = 400;
/// Keys that only appends have.
constexpr int64_t kAppended = 1'000'000;

/// Rows of these keys, whose value says who wrote them.
std::shared_ptr<arrow::RecordBatch> Rows(const std::set<int64_t>& ids, const std::string& value) {
  arrow::Int64Builder id;
  arrow::StringBuilder name;
  for (const int64_t it : ids) {
    EXPECT_OK(id.Append(it));
    EXPECT_OK(name.Append(value));
  }
  return arrow::RecordBatch::Make(SimpleSchema(), static_cast<int64_t>(ids.size()),
                                  {id.Finish().ValueOrDie(), name.Finish().ValueOrDie()});
}

std::shared_ptr<arrow::RecordBatchReader> ToReader(const std::shared_ptr<arrow::RecordBatch>& batch) {
  return arrow::RecordBatchReader::Make({batch}, batch->schema()).ValueOrDie();
}

class UpsertTest : public ::testing::TestWithParam<bool> {};

TEST_P(UpsertTest, NoKeyIsDoubledOrLost) {
  const TempDir dir;
  const std::string uri = dir / "dataset";
  ASSERT_OK(WriteSimple(uri, 0, kKeys / 2));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri));
  if (GetParam()) {
    ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex("id", lance::IndexType::kBtree));
  }
  const int rounds = Pick(6, 60);
  std::mutex mutex;
  // By version: keys and the value they got.
  std::map<uint64_t, std::pair<std::set<int64_t>, std::string>> upserts;
  std::atomic<uint64_t> attempts{0};
  std::atomic<uint64_t> inserted{0};
  std::barrier start(kThreads + 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<uint32_t>(i));
      start.arrive_and_wait();
      for (int round = 0; round < rounds; ++round) {
        std::set<int64_t> ids;
        while (ids.size() < 60) ids.insert(random() % kKeys);
        const std::string value = std::to_string(i) + " in round " + std::to_string(round);
        const auto result = dataset->MergeInsert(
            ToReader(Rows(ids, value)),
            {.on = {{"id"}}, .conflict_retries = 1000, .retry_timeout = std::chrono::seconds(600)});
        ASSERT_OK(result);
        attempts += result->attempts;
        inserted += result->inserted_rows;
        const std::lock_guard lock(mutex);
        upserts.emplace(result->dataset->Version().ValueOrDie(), std::make_pair(ids, value));
      }
    });
  }
  threads.emplace_back([&] {
    start.arrive_and_wait();
    for (int round = 0; round < rounds; ++round) {
      ASSERT_OK(WriteSimple(uri, kAppended + round, 1, {.mode = lance::WriteMode::kAppend}));
    }
  });
  for (auto& thread : threads) thread.join();

  // Each upsert made a version of its own, so these tell what there must be.
  ASSERT_EQ(upserts.size(), static_cast<size_t>(kThreads * rounds));
  std::map<int64_t, std::string> expected;
  for (int64_t id = 0; id < kKeys / 2; ++id) expected[id] = "";
  for (const auto& [version, upsert] : upserts) {
    for (const int64_t id : upsert.first) expected[id] = upsert.second;
  }
  for (int round = 0; round < rounds; ++round) expected[kAppended + round] = "";
  ASSERT_OK_AND_ASSIGN(const auto table, ReadAll(uri));
  ASSERT_OK_AND_ASSIGN(const auto batch, table->CombineChunksToBatch());
  const auto& ids = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("id"));
  const auto& names = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("name"));
  std::map<int64_t, int> counts;
  int wrong = 0;
  for (int64_t i = 0; i < batch->num_rows(); ++i) {
    ++counts[ids.Value(i)];
    const auto found = expected.find(ids.Value(i));
    ASSERT_NE(found, expected.end()) << ids.Value(i);
    if (!found->second.empty() && names.GetString(i) != found->second) ++wrong;
  }
  int doubled = 0;
  for (const auto& [id, count] : counts) doubled += count > 1 ? 1 : 0;
  EXPECT_EQ(doubled, 0);
  EXPECT_EQ(counts.size(), expected.size());
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(inserted, expected.size() - static_cast<size_t>(kKeys / 2 + rounds));
  Figure("U1", {{"upserts", std::to_string(kThreads * rounds)},
                {"attempts", std::to_string(attempts)},
                {"doubled keys", std::to_string(doubled)},
                {"lost keys", std::to_string(expected.size() - counts.size())}});
}

INSTANTIATE_TEST_SUITE_P(WithIndexOrWithout, UpsertTest, ::testing::Bool());

}  // namespace
}  // namespace lance_test
