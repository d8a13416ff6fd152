#include "lance/telemetry.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "lance/dataset.h"
#include "lance/lance_writer.h"
#include "lance/session.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using lance::LogEvent;
using lance::LogLevel;
using lance::SetLogger;
using ::testing::Contains;
using ::testing::IsEmpty;

/// What a logger was told: targets, and details as "key=value".
struct Told {
  std::mutex mutex;
  std::vector<std::string> targets;
  std::vector<std::string> details;

  void Add(const LogEvent& event) {
    const std::lock_guard lock(mutex);
    targets.emplace_back(event.target);
    for (const auto& [key, value] : event.fields) {
      details.push_back(std::string(key) + "=" + std::string(value));
    }
  }
};

class LoggerTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(WriteSimple(uri_, 0, 10)); }
  void TearDown() override { ASSERT_OK(SetLogger({})); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
};

TEST_F(LoggerTest, HearsOfDatasetsThatAreOpenedAndCommitted) {
  const auto told = std::make_shared<Told>();
  ASSERT_OK(SetLogger([told](const LogEvent& event) { told->Add(event); }));
  lance::WriteOptions append;
  append.mode = lance::WriteMode::kAppend;
  ASSERT_OK(WriteSimple(uri_, 10, 10, append));
  ASSERT_OK(Dataset::Open(uri_));
  ASSERT_OK(SetLogger({}));
  EXPECT_THAT(told->targets, Contains("lance::dataset_events"));
  EXPECT_THAT(told->details, Contains("event=loading"));
  EXPECT_THAT(told->details, Contains("event=committed"));
  const size_t count = told->targets.size();
  ASSERT_OK(Dataset::Open(uri_));
  EXPECT_EQ(told->targets.size(), count);
}

TEST_F(LoggerTest, IsNotToldOfWhatIsMoreDetailed) {
  const auto told = std::make_shared<Told>();
  ASSERT_OK(SetLogger([told](const LogEvent& event) { told->Add(event); }, LogLevel::kError));
  ASSERT_OK(Dataset::Open(uri_));
  EXPECT_THAT(told->targets, IsEmpty());
}

TEST_F(LoggerTest, IsDestroyedWhenAnotherTakesItsPlace) {
  const auto owned = std::make_shared<int>(0);
  ASSERT_OK(SetLogger([owned](const LogEvent&) {}));
  EXPECT_EQ(owned.use_count(), 2);
  ASSERT_OK(SetLogger([](const LogEvent&) {}));
  EXPECT_EQ(owned.use_count(), 1);
}

TEST_F(LoggerTest, MayThrowAndMayRemoveItself) {
  std::atomic<int> calls = 0;
  ASSERT_OK(SetLogger([&](const LogEvent&) {
    ++calls;
    EXPECT_OK(SetLogger({}));
    throw std::runtime_error("a logger that fails");
  }));
  ASSERT_OK(Dataset::Open(uri_));
  EXPECT_GE(calls, 1);
  const int before = calls;
  ASSERT_OK(Dataset::Open(uri_));
  EXPECT_EQ(calls, before);
}

TEST_F(LoggerTest, CannotWaitForTheLibrary) {
  const auto code = std::make_shared<std::atomic<ErrorCode>>(ErrorCode::kOk);
  ASSERT_OK(SetLogger(
      [uri = uri_, code](const LogEvent&) { *code = lance::GetErrorCode(Dataset::Open(uri).status()); }));
  ASSERT_OK(Dataset::Open(uri_));
  EXPECT_EQ(*code, ErrorCode::kInvalidState);
}

TEST_F(LoggerTest, IsNotCalledAnyMoreWhenItsRemovalHasReturned) {
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) EXPECT_OK(Dataset::Open(uri_));
  });
  for (int i = 0; i < 50; ++i) {
    std::atomic<bool> alive = true;
    std::atomic<bool> called = false;
    const auto logger = [&](const LogEvent&) {
      EXPECT_TRUE(alive);
      called = true;
    };
    EXPECT_OK(SetLogger(logger, LogLevel::kTrace));
    while (!called) std::this_thread::yield();
    EXPECT_OK(SetLogger({}));
    alive = false;
  }
  stop = true;
  busy.join();
}

TEST_F(LoggerTest, RefusesALevelThatIsNone) {
  EXPECT_THAT(SetLogger([](const LogEvent&) {}, static_cast<LogLevel>(6)),
              FailsWith(ErrorCode::kInvalidArgument));
}

const lance::StoreMetrics* Find(const lance::MetricsSnapshot& metrics, const std::string& store) {
  const auto found = std::find_if(metrics.stores.begin(), metrics.stores.end(),
                                  [&](const auto& it) { return it.store == store; });
  return found == metrics.stores.end() ? nullptr : &*found;
}

TEST(MetricsTest, CountRequestsAndBytesOfAStore) {
  const std::string uri = "memory://metrics/dataset";
  ASSERT_OK(WriteSimple(uri, 0, 1000));
  ASSERT_OK_AND_ASSIGN(const auto before, lance::GetMetrics());
  const auto* const first = Find(before, "memory://metrics");
  ASSERT_NE(first, nullptr);
  EXPECT_GT(first->writes, 0U);
  EXPECT_GT(first->bytes_written, 8000U);
  EXPECT_EQ(first->retries, 0U);
  ASSERT_OK(ReadAll(uri));
  ASSERT_OK_AND_ASSIGN(const auto after, lance::GetMetrics());
  const auto* const second = Find(after, "memory://metrics");
  ASSERT_NE(second, nullptr);
  EXPECT_GT(second->reads, first->reads);
  EXPECT_GE(second->bytes_read, first->bytes_read + 8000);
  EXPECT_EQ(second->requests, second->reads + second->writes + second->lists + second->deletes);
}

TEST(MetricsTest, CountLocalFilesToo) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 1000));
  ASSERT_OK(ReadAll(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(const auto metrics, lance::GetMetrics());
  const auto* const files = Find(metrics, "file://");
  ASSERT_NE(files, nullptr);
  EXPECT_GT(files->reads, 0U);
  EXPECT_GT(files->bytes_read, 8000U);
  EXPECT_GT(files->bytes_written, 8000U);
}

TEST(MetricsTest, DescribeThreadsAndWriters) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto before, lance::GetMetrics());
  EXPECT_GT(before.process.io_threads, 0U);
  EXPECT_GT(before.process.cpu_threads, 0U);
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, lance::LanceWriter::Open(dir / "dataset", SimpleSchema()));
    ASSERT_OK_AND_ASSIGN(const auto during, lance::GetMetrics());
    EXPECT_EQ(during.process.writers, before.process.writers + 1);
    ASSERT_OK(writer->Abort());
  }
  ASSERT_OK_AND_ASSIGN(auto after, lance::GetMetrics());
  // Its encoders end on threads of the library.
  for (int i = 0; i < 1000 && after.process.writers != before.process.writers; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_OK_AND_ASSIGN(after, lance::GetMetrics());
  }
  EXPECT_EQ(after.process.writers, before.process.writers);
  EXPECT_GE(after.process.io_busy_nanoseconds, before.process.io_busy_nanoseconds);
}

TEST(SessionTest, HasCachesOfItsOwn) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 100));
  ASSERT_OK_AND_ASSIGN(const auto session, lance::Session::Make());
  ASSERT_OK_AND_ASSIGN(const auto other, lance::Session::Make());
  lance::OpenOptions options;
  options.session = session;
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset", options));
  ASSERT_OK(dataset->CountRows("id < 10"));
  ASSERT_OK_AND_ASSIGN(const auto used, session->Stats());
  EXPECT_GT(used.metadata_cache_entries, 0U);
  EXPECT_GT(used.metadata_cache_bytes, 0U);
  ASSERT_OK_AND_ASSIGN(const auto unused, other->Stats());
  EXPECT_EQ(unused.metadata_cache_entries, 0U);
}

TEST(SessionTest, OfAWriteIsThatOfItsCommit) {
  const std::string uri = "memory://session/dataset";
  ASSERT_OK(WriteSimple(uri, 0, 100));
  ASSERT_OK_AND_ASSIGN(const auto session, lance::Session::Make());
  lance::WriteOptions append;
  append.mode = lance::WriteMode::kAppend;
  append.session = session;
  ASSERT_OK(WriteSimple(uri, 100, 100, append));
  ASSERT_OK_AND_ASSIGN(const auto stats, session->Stats());
  EXPECT_GT(stats.metadata_cache_hits + stats.metadata_cache_misses, 0U);
  EXPECT_EQ(ReadIds(uri).size(), 200U);
}

TEST(SessionTest, OfTheSmallestBudgetsWorksAndKeepsNothing) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 100));
  ASSERT_OK_AND_ASSIGN(const auto session,
                       lance::Session::Make({.index_cache_bytes = 1, .metadata_cache_bytes = 1}));
  lance::OpenOptions options;
  options.session = session;
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset", options));
  ASSERT_OK_AND_ASSIGN(const auto rows, dataset->CountRows("id < 10"));
  EXPECT_EQ(rows, 10U);
  ASSERT_OK_AND_ASSIGN(const auto stats, session->Stats());
  EXPECT_LE(stats.metadata_cache_bytes, 1U);
  EXPECT_THAT(lance::Session::Make({.index_cache_bytes = 0}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(SessionTest, OutlivesItsObjectInADataset) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 100));
  lance::OpenOptions options;
  ASSERT_OK_AND_ASSIGN(options.session, lance::Session::Make());
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset", options));
  options.session.reset();
  ASSERT_OK_AND_ASSIGN(const auto rows, dataset->CountRows());
  EXPECT_EQ(rows, 100U);
}

}  // namespace
}  // namespace lance_test
