// An open version reads the same, whatever others write; after its removal it fails, and clearly.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

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
using lance::ErrorCode;
using lance::WriteMode;
using ::testing::HasSubstr;

constexpr int64_t kRows = 20'000;

lance::WriteOptions InMode(WriteMode mode) {
  lance::WriteOptions options;
  options.mode = mode;
  options.max_rows_per_file = kRows / 4;
  return options;
}

class SnapshotTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, kRows, InMode(WriteMode::kCreate)));
    ASSERT_OK_AND_ASSIGN(snapshot_, Dataset::Open(uri_));
  }

  std::shared_ptr<arrow::Table> ReadSnapshot() const {
    const auto scanner = snapshot_->Scan().ValueOrDie();
    return scanner->ToTable().ValueOrDie();
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<Dataset> snapshot_;
};

TEST_F(SnapshotTest, ReadsTheSameDuringCommits) {
  const int commits = Pick(40, 200);
  const auto expected = ReadSnapshot();
  // Half read when the writing is done, too.
  ASSERT_OK_AND_ASSIGN(const auto scanner, snapshot_->Scan({.batch_size = 100}));
  ASSERT_OK_AND_ASSIGN(const auto slow_reader, scanner->ToReader());
  ASSERT_OK_AND_ASSIGN(const auto first_batch, slow_reader->Next());

  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < commits; ++i) {
      const auto mode = i % 4 == 3 ? WriteMode::kOverwrite : WriteMode::kAppend;
      EXPECT_OK(WriteSimple(uri_, -1000, 100, InMode(mode)));
    }
    done = true;
  });
  int scans = 0;
  int64_t different = 0;
  do {
    ++scans;
    different += !ReadSnapshot()->Equals(*expected);
    EXPECT_EQ(snapshot_->CountRows("id < 0").ValueOrDie(), 0U);
    EXPECT_EQ(snapshot_->Version().ValueOrDie(), 1U);
  } while (!done);
  writer.join();
  EXPECT_EQ(different, 0);

  ASSERT_OK_AND_ASSIGN(const auto rest, slow_reader->ToTable());
  ASSERT_OK_AND_ASSIGN(const auto begin, arrow::Table::FromRecordBatches({first_batch}));
  ASSERT_OK_AND_ASSIGN(const auto all, arrow::ConcatenateTables({begin, rest}));
  EXPECT_TRUE(all->Equals(*expected));
  EXPECT_EQ(snapshot_->LatestVersion().ValueOrDie(), 1U + commits);
  Figure("C4", {{"commits", std::to_string(commits)},
                {"scans", std::to_string(scans)},
                {"different", std::to_string(different)}});
}

TEST_F(SnapshotTest, FailsClearlyWhenItsVersionIsRemoved) {
  ASSERT_OK(WriteSimple(uri_, 0, 10, InMode(WriteMode::kOverwrite)));
  lance::CleanupOptions cleanup;
  cleanup.keep_versions = 1;
  cleanup.older_than = std::chrono::seconds(0);
  ASSERT_OK_AND_ASSIGN(const auto removed, lance::CleanupDataset(uri_, cleanup));
  ASSERT_EQ(removed.versions, 1U);

  ASSERT_OK_AND_ASSIGN(const auto scanner, snapshot_->Scan());
  EXPECT_THAT(scanner->ToTable(), FailsSaying(HasSubstr("not found")));
  EXPECT_THAT(snapshot_->Take({0}), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(snapshot_->CountRows("id < 0"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(Dataset::Open(uri_, {.version = 1}), FailsWith(ErrorCode::kVersionNotFound));
  // Others are not disturbed.
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
  Figure("C4", {{"after_cleanup", "NOT_FOUND"}});
}

}  // namespace
}  // namespace lance_test
