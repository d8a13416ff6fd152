// What is documented as thread-safe gives every thread what it would have got alone.

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
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
using lance::ErrorCode;
using lance::LanceWriter;
using ::testing::AnyOf;
using ::testing::IsEmpty;

constexpr int kThreads = 16;

/// Run `body(thread)` on many threads that start together.
void OnThreads(int count, const std::function<void(int)>& body) {
  std::barrier start(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
  for (auto& thread : threads) thread.join();
}

/// The first test of the program: the runtime starts in it.
TEST(ThreadsTest, FirstUseMayBeOnManyThreads) {
  OnThreads(kThreads, [](int i) {
    EXPECT_THAT(Dataset::Open("memory://threads_test/missing" + std::to_string(i)),
                FailsWith(ErrorCode::kDatasetNotFound));
  });
}

int64_t CountThreads(const std::string& name) {
  int64_t count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string found;
    std::getline(std::ifstream(thread.path() / "comm"), found);
    count += found == name;
  }
  return count;
}

/// A thread that has ended and is not joined keeps its stack, and is a leak for ThreadSanitizer.
TEST(ThreadsTest, ThreadsOfTheRuntimeStayWhenTheyAreIdle) {
  const TempDir dir;
  lance::WriteOptions options;
  options.max_rows_per_file = 1000;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 50'000, options));
  OnThreads(kThreads, [&](int) {
    ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));
    ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan());
    EXPECT_OK(scanner->ToTable().status());
  });
  const int64_t threads = CountThreads("lance-io");
  // More than its workers: others wait for files.
  EXPECT_GT(threads, std::thread::hardware_concurrency());
  // Longer than tokio would let them wait.
  std::this_thread::sleep_for(std::chrono::seconds(12));
  EXPECT_GE(CountThreads("lance-io"), threads);
}

/// A read of a shared dataset or scanner, as text to compare.
using Read = std::function<std::string()>;

template <typename T>
std::string Text(const arrow::Result<T>& result) {
  if (!result.ok()) return result.status().ToString();
  if constexpr (requires { (*result)->ToString(); }) {
    return (*result)->ToString();
  } else if constexpr (std::is_same_v<T, std::string>) {
    return *result;
  } else {
    return std::to_string(*result);
  }
}

TEST(ThreadsTest, DatasetAndScannerAreShared) {
  const TempDir dir;
  lance::WriteOptions options;
  options.max_rows_per_file = 1000;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 5000, options));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan({.filter = "id % 7 = 3", .with_row_id = true}));
  const std::vector<Read> reads = {
      [&] { return dataset->uri() + dataset->schema()->ToString() + scanner->schema()->ToString(); },
      [&] { return Text(dataset->Version()) + Text(dataset->LatestVersion()); },
      [&] { return std::to_string(dataset->Info().ValueOrDie().data_bytes); },
      [&] { return std::to_string(dataset->Versions().ValueOrDie().size()); },
      [&] { return std::to_string(dataset->Fragments().ValueOrDie().back().data_bytes); },
      [&] { return Text(dataset->CountRows()) + Text(dataset->CountRows("name > 'name 3'")); },
      [&] { return Text(dataset->CountRows("no such column")); },
      [&] { return Text(dataset->Take({4999, 0, 17})) + Text(dataset->TakeRows({5, 3})); },
      [&] { return Text((*dataset->Scan({.columns = {{"name"}}, .limit = 100}))->ToTable()); },
      [&] { return Text(scanner->ToTable()); },
      [&] { return Text((*scanner->ToReader())->Next()); },
      [&] { return Text(scanner->CountRows()) + Text(scanner->Explain()); },
  };
  std::vector<std::string> alone;
  for (const auto& read : reads) alone.push_back(read());

  const int rounds = Pick(5, 50);
  std::atomic<int> different{0};
  OnThreads(kThreads, [&](int thread) {
    for (int round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < reads.size(); ++i) {
        // Each thread begins elsewhere, so that different calls meet.
        const size_t k = (i + thread) % reads.size();
        if (reads[k]() != alone[k]) ++different;
      }
    }
  });
  EXPECT_EQ(different, 0);
  Figure("T1", {{"threads", std::to_string(kThreads)},
                {"reads", std::to_string(kThreads * rounds * reads.size())},
                {"different", std::to_string(different)}});
}

TEST(ThreadsTest, OneWriterTakesBatchesFromAllThreads) {
  constexpr int kLanes = 4;
  constexpr int64_t kBatches = 25;
  constexpr int64_t kRows = 100;
  const TempDir dir;
  lance::WriteOptions options;
  options.lanes = kLanes;
  options.max_rows_per_file = 2000;
  options.max_bytes_in_flight = 64 << 10;
  std::atomic<uint64_t> reports{0};
  options.progress = [&](const lance::WriteStats&) { ++reports; };
  ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(dir / "dataset", SimpleSchema(), options));
  const auto first_id = [](int thread, int64_t batch) { return (thread * kBatches + batch) * kRows; };
  OnThreads(kThreads, [&](int thread) {
    const uint32_t lane = thread % kLanes;
    for (int64_t i = 0; i < kBatches; ++i) {
      const auto batch = SimpleBatch(first_id(thread, i), kRows);
      if (i % 2 == 0) {
        EXPECT_OK(writer->WriteToLane(lane, *batch));
      } else {
        EXPECT_OK(writer->WriteToLane(lane, arrow::RecordBatchReader::Make({batch}).ValueOrDie()));
      }
      EXPECT_GE(writer->stats().rows, static_cast<uint64_t>((i + 1) * kRows));
    }
  });
  ASSERT_OK(writer->Finish());
  EXPECT_GT(reports, 0U);

  auto ids = ReadIds(dir / "dataset");
  // Lane after lane, and what each thread wrote in its order.
  std::map<int64_t, int64_t> last;
  int64_t last_lane = 0;
  for (const int64_t id : ids) {
    const int64_t thread = id / (kBatches * kRows);
    EXPECT_LE(last_lane, thread % kLanes);
    last_lane = thread % kLanes;
    if (const auto [previous, added] = last.emplace(thread, id); !added) {
      EXPECT_LT(previous->second, id);
      previous->second = id;
    }
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, Range(0, kThreads * kBatches * kRows));
}

/// Writers that are closed from two threads at once, round after round.
class CloseTest : public ::testing::Test {
 protected:
  static constexpr int64_t kRows = 1000;

  /// Call both on a writer that has accepted rows, then hand their outcomes to `check`.
  void Race(const std::function<arrow::Status(LanceWriter&)>& one,
            const std::function<arrow::Status(LanceWriter&)>& other,
            const std::function<void(const arrow::Status&, const arrow::Status&)>& check) {
    const int rounds = Pick(20, 500);
    for (int i = 0; i < rounds && !HasFailure(); ++i) {
      uri_ = dir_ / std::to_string(i);
      ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(uri_, SimpleSchema()));
      ASSERT_OK(writer->Write(*SimpleBatch(0, kRows)));
      arrow::Status outcomes[2];
      OnThreads(2, [&](int thread) { outcomes[thread] = thread == 0 ? one(*writer) : other(*writer); });
      check(outcomes[0], outcomes[1]);
      EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kInvalidState)) << "still open";
    }
  }

  static arrow::Status Finish(LanceWriter& writer) { return writer.Finish().status(); }
  static arrow::Status Abort(LanceWriter& writer) { return writer.Abort(); }

  void ExpectWritten() const { EXPECT_EQ(ReadIds(uri_), Range(0, kRows)); }
  void ExpectNothing() const { EXPECT_THAT(ListFiles(uri_), IsEmpty()); }

  const TempDir dir_;
  std::string uri_;
};

TEST_F(CloseTest, OnlyOneOfTwoFinishesWrites) {
  Race(Finish, Finish, [&](const auto& one, const auto& other) {
    EXPECT_NE(one.ok(), other.ok());
    EXPECT_THAT(one.ok() ? other : one, FailsWith(ErrorCode::kInvalidState));
    ExpectWritten();
  });
}

TEST_F(CloseTest, FinishOrAbortWinsAsAWhole) {
  Race(Finish, Abort, [&](const auto& finish, const auto& abort) {
    if (finish.ok()) {
      EXPECT_THAT(abort, FailsWith(ErrorCode::kInvalidState));
      ExpectWritten();
    } else {
      EXPECT_THAT(finish, AnyOf(FailsWith(ErrorCode::kCancelled), FailsWith(ErrorCode::kInvalidState)));
      EXPECT_OK(abort);
      ExpectNothing();
    }
  });
}

TEST_F(CloseTest, AbortsMayMeet) {
  Race(Abort, Abort, [&](const auto& one, const auto& other) {
    EXPECT_OK(one);
    EXPECT_OK(other);
    ExpectNothing();
  });
}

TEST_F(CloseTest, AbortStopsAThreadThatWrites) {
  const auto write_on = [](LanceWriter& writer) {
    arrow::Status status;
    while (status.ok()) status = writer.Write(*SimpleBatch(0, 100));
    return status;
  };
  Race(write_on, Abort, [&](const auto& write, const auto& abort) {
    EXPECT_THAT(write, AnyOf(FailsWith(ErrorCode::kCancelled), FailsWith(ErrorCode::kInvalidState)));
    EXPECT_OK(abort);
    ExpectNothing();
  });
}

TEST_F(CloseTest, FinishStopsAThreadThatWritesBetweenBatches) {
  std::atomic<int64_t> accepted{0};
  const auto write_on = [&](LanceWriter& writer) {
    accepted = 0;
    arrow::Status status;
    while ((status = writer.Write(*SimpleBatch(kRows + accepted, 10))).ok()) accepted += 10;
    return status;
  };
  Race(write_on, Finish, [&](const auto& write, const auto& finish) {
    EXPECT_THAT(write, FailsWith(ErrorCode::kInvalidState));
    EXPECT_OK(finish);
    EXPECT_EQ(ReadIds(uri_), Range(0, kRows + accepted)) << "an accepted batch is missing";
  });
}

}  // namespace
}  // namespace lance_test
