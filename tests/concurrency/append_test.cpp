// Many threads or processes append to one dataset: every acknowledged row is there once, in the version that
// was acknowledged, and no version is missing.

#include <stdio.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lance/api.h"
#include "support/datasets.h"
#include "support/figures.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;

constexpr int64_t kRows = 20;

/// The first id of each acknowledged append, by version.
using Acknowledged = std::map<uint64_t, int64_t>;

class AppendTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(WriteSimple(uri_, 0, 0)); }

  /// Check the dataset against what all writers were told, each of `acknowledged` being one writer's, and
  /// report.
  void Check(const std::vector<Acknowledged>& acknowledged, size_t appends, const std::string& writers) {
    Acknowledged all;
    for (const auto& one : acknowledged) {
      for (const auto& [version, first_id] : one) {
        EXPECT_TRUE(all.emplace(version, first_id).second) << "version " << version << " is two writers'";
      }
    }
    EXPECT_EQ(all.size(), appends);
    std::vector<int64_t> expected;
    uint64_t last = 1;
    for (const auto& [version, first_id] : all) {
      EXPECT_EQ(version, last + 1) << "versions are not dense";
      last = version;
      // In the order of the commits.
      const auto rows = Range(first_id, kRows);
      expected.insert(expected.end(), rows.begin(), rows.end());
      ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_, {.version = version}));
      ASSERT_OK_AND_ASSIGN(const uint64_t count, dataset->CountRows());
      EXPECT_EQ(count, expected.size());
    }
    const auto ids = ReadIds(uri_);
    EXPECT_EQ(ids, expected);
    ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset->LatestVersion());
    EXPECT_EQ(latest, last);

    const std::set<int64_t> present(ids.begin(), ids.end());
    const auto lost =
        std::count_if(expected.begin(), expected.end(), [&](int64_t id) { return !present.contains(id); });
    Figure("C1", {{"store", "local"},
                  {"writers", writers},
                  {"acknowledged_appends", std::to_string(all.size())},
                  {"rows", std::to_string(ids.size())},
                  {"lost", std::to_string(lost)},
                  {"duplicated", std::to_string(ids.size() - present.size())}});
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
};

TEST_F(AppendTest, ThreadsLoseNoRowsAndRepeatNone) {
  constexpr int64_t kThreads = 8;
  constexpr int64_t kAppends = 15;
  std::vector<Acknowledged> acknowledged(kThreads);
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      lance::WriteOptions options;
      options.mode = lance::WriteMode::kAppend;
      for (int64_t k = 0; k < kAppends; ++k) {
        const int64_t first_id = (i * kAppends + k) * kRows;
        const auto result = WriteSimple(uri_, first_id, kRows, options);
        EXPECT_OK(result);
        if (result.ok()) acknowledged[i].emplace(result->version, first_id);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Check(acknowledged, kThreads * kAppends, std::to_string(kThreads) + "_threads");
}

TEST_F(AppendTest, ProcessesLoseNoRowsAndRepeatNone) {
  constexpr int64_t kProcesses = 4;
  constexpr int64_t kAppends = 25;
  const char* appender = std::getenv("LANCE_APPENDER");
  ASSERT_NE(appender, nullptr) << "set it to the program `appender`";
  std::vector<FILE*> processes;
  for (int64_t i = 0; i < kProcesses; ++i) {
    const std::string command = std::string(appender) + " " + uri_ + " " +
                                std::to_string(i * kAppends * kRows) + " " + std::to_string(kAppends) + " " +
                                std::to_string(kRows);
    processes.push_back(popen(command.c_str(), "r"));
    ASSERT_NE(processes.back(), nullptr);
  }
  std::vector<Acknowledged> acknowledged(kProcesses);
  for (int64_t i = 0; i < kProcesses; ++i) {
    uint64_t version = 0;
    int64_t first_id = 0;
    while (fscanf(processes[i], "%lu %ld", &version, &first_id) == 2) {
      acknowledged[i].emplace(version, first_id);
    }
    EXPECT_EQ(pclose(processes[i]), 0);
  }
  Check(acknowledged, kProcesses * kAppends, std::to_string(kProcesses) + "_processes");
}

TEST_F(AppendTest, OverwritesThatAreRedoneAllCommit) {
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      lance::WriteOptions options;
      options.mode = lance::WriteMode::kOverwrite;
      auto result = WriteSimple(uri_, i * kRows, kRows, options);
      while (lance::GetErrorCode(result.status()) == lance::ErrorCode::kCommitConflictRetryable) {
        result = WriteSimple(uri_, i * kRows, kRows, options);
      }
      EXPECT_OK(result);
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const uint64_t version, dataset->Version());
  EXPECT_EQ(version, 1U + kThreads);
  const auto ids = ReadIds(uri_);
  ASSERT_EQ(ids.size(), static_cast<size_t>(kRows));
  EXPECT_EQ(ids, Range(ids.front(), kRows)) << "rows of two writers";
}

}  // namespace
}  // namespace lance_test
