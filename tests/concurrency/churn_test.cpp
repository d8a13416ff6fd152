// Eight processes append, delete, update, upsert, compact and index one dataset at once. Each has keys of its
// own and remembers what was acknowledged: that is what the dataset has to hold at the end, no row lost and
// none doubled.

#include <stdio.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
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

constexpr int kProcesses = 8;

struct Counts {
  int64_t acknowledged = 0;
  int64_t conflicts = 0;
};

struct Churn {
  const char* name;
  bool stable_row_ids;
  bool indexed;
};

std::ostream& operator<<(std::ostream& out, const Churn& churn) { return out << churn.name; }

class ChurnTest : public ::testing::TestWithParam<Churn> {
 protected:
  void SetUp() override {
    const auto schema =
        arrow::schema({arrow::field("key", arrow::int64(), false), arrow::field("value", arrow::int64())});
    lance::WriteOptions options;
    options.stable_row_ids = GetParam().stable_row_ids;
    ASSERT_OK_AND_ASSIGN(const auto empty, arrow::RecordBatch::MakeEmpty(schema));
    ASSERT_OK(WriteBatches(uri_, {empty}, options));
    if (GetParam().indexed) {
      ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
      ASSERT_OK(dataset->CreateIndex("key", lance::IndexType::kBtree));
    }
  }

  /// Run all processes, and add what they say.
  void Run() {
    const char* churner = std::getenv("LANCE_CHURNER");
    ASSERT_NE(churner, nullptr) << "set it to the program `churner`";
    std::vector<FILE*> processes;
    for (int i = 0; i < kProcesses; ++i) {
      const std::string command = std::string(churner) + " " + uri_ + " " + std::to_string(i) + " " +
                                  std::to_string(kProcesses) + " " + std::to_string(Pick(4000, 60'000));
      processes.push_back(popen(command.c_str(), "r"));
      ASSERT_NE(processes.back(), nullptr);
    }
    for (FILE* process : processes) {
      int64_t key = 0;
      int64_t value = 0;
      while (fscanf(process, "%ld %ld", &key, &value) == 2) {
        EXPECT_TRUE(expected_.emplace(key, value).second) << "two processes have key " << key;
      }
      EXPECT_EQ(fscanf(process, " did"), 0);
      char name[32];
      Counts counts;
      while (fscanf(process, "%31s %ld %ld", name, &counts.acknowledged, &counts.conflicts) == 3) {
        counts_[name].acknowledged += counts.acknowledged;
        counts_[name].conflicts += counts.conflicts;
      }
      EXPECT_EQ(pclose(process), 0);
    }
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::map<int64_t, int64_t> expected_;
  std::map<std::string, Counts> counts_;
};

TEST_P(ChurnTest, ProcessesLoseNoRowsAndDoubleNone) {
  ASSERT_NO_FATAL_FAILURE(Run());
  ASSERT_OK_AND_ASSIGN(const auto table, ReadAll(uri_));
  const auto keys = Int64s(*table->column(0));
  const auto values = Int64s(*table->column(1));
  int64_t doubled = 0;
  std::map<int64_t, int64_t> found;
  for (size_t i = 0; i < keys.size(); ++i) doubled += !found.emplace(keys[i], values[i]).second;
  int64_t lost = 0, wrong = 0;
  for (const auto& [key, value] : expected_) {
    const auto row = found.find(key);
    lost += row == found.end();
    wrong += row != found.end() && row->second != value;
  }
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(doubled, 0);
  EXPECT_EQ(wrong, 0) << "values";
  EXPECT_EQ(found.size(), expected_.size()) << "rows that were deleted are there";

  // By the index, too.
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
  for (const auto& [key, value] : expected_) {
    if (key % 50 != 0) continue;
    ASSERT_OK_AND_ASSIGN(const uint64_t count, dataset->CountRows("key = " + std::to_string(key)));
    EXPECT_EQ(count, 1U) << "key " << key;
  }
  ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(uri_, {.deep = true}));
  for (const auto& problem : report.problems) ADD_FAILURE() << problem.path << ": " << problem.message;
  // Who was in another's way has left nothing.
  ASSERT_OK_AND_ASSIGN(const auto usage, lance::MeasureDiskUsage(uri_));
  for (const auto& orphan : usage.orphans) ADD_FAILURE() << "left: " << orphan.path;

  int64_t acknowledged = 0, conflicts = 0;
  for (const auto& [name, counts] : counts_) {
    if (GetParam().indexed || name != "optimize") {
      EXPECT_GT(counts.acknowledged, 0) << name;
    }
    acknowledged += counts.acknowledged;
    conflicts += counts.conflicts;
  }
  Figure("C5", {{"dataset", GetParam().name},
                {"processes", std::to_string(kProcesses)},
                {"acknowledged", std::to_string(acknowledged)},
                {"conflicts", std::to_string(conflicts)},
                {"rows", std::to_string(keys.size())},
                {"lost", std::to_string(lost)},
                {"doubled", std::to_string(doubled)},
                {"wrong", std::to_string(wrong)}});
}

INSTANTIATE_TEST_SUITE_P(Datasets, ChurnTest,
                         ::testing::Values(Churn{"plain", false, false}, Churn{"indexed", false, true},
                                           Churn{"stable_row_ids", true, true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace lance_test
