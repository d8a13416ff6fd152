// Every way a write through the C ABI can fail: the batch is consumed all the same, each struct is released
// exactly once, nothing is committed, and no file stays behind.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/c_call.h"
#include "support/file_size_limit.h"
#include "support/generators.h"
#include "support/release_probe.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FailureTest : public ::testing::Test {
 protected:
  void OpenSimple(const LanceWriteOptions* options = nullptr) {
    ProbedSchema schema(*SimpleSchema(), probe_);
    ASSERT_EQ(OpenWriter(uri_, &schema.schema, options, &writer_), LANCE_OK);
    EXPECT_EQ(schema.schema.release, nullptr);
  }

  /// Hand over a batch and expect that it is consumed, whatever the outcome.
  Outcome WriteAndExpectConsumed(const arrow::RecordBatch& batch) {
    ProbedBatch exported(batch, probe_);
    const Outcome outcome = Write(writer_, &exported.array, &exported.schema);
    EXPECT_TRUE(exported.consumed());
    return outcome;
  }

  void ExpectNothingLeft() {
    writer_.reset();
    EXPECT_TRUE(probe_.EachReleasedOnce());
    EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
    EXPECT_THAT(lance::Dataset::Open(uri_), FailsWith(lance::ErrorCode::kDatasetNotFound));
  }

  /// Expect the dataset of one version with `rows` rows.
  void ExpectUntouched(uint64_t rows, const std::vector<std::string>& files) {
    writer_.reset();
    EXPECT_TRUE(probe_.EachReleasedOnce());
    EXPECT_EQ(ListFiles(dir_.path()), files);
    ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(const auto info, dataset->Info());
    EXPECT_EQ(info.version, 1U);
    EXPECT_EQ(info.rows, rows);
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  ReleaseProbe probe_;
  WriterPtr writer_;
};

TEST_F(FailureTest, WriteToANullWriterConsumes) {
  const Outcome outcome = WriteAndExpectConsumed(*SimpleBatch(0, 7));
  EXPECT_EQ(outcome, LANCE_INVALID_ARGUMENT);
  ExpectNothingLeft();
}

TEST_F(FailureTest, NullArrayConsumesTheSchema) {
  OpenSimple();
  ProbedSchema schema(*SimpleSchema(), probe_);
  EXPECT_EQ(Write(writer_, nullptr, &schema.schema), LANCE_INVALID_ARGUMENT);
  EXPECT_EQ(schema.schema.release, nullptr);
  ExpectNothingLeft();
}

TEST_F(FailureTest, ReleasedArrayConsumesTheSchema) {
  OpenSimple();
  ProbedBatch exported(*SimpleBatch(0, 7), probe_);
  exported.array.release(&exported.array);
  const Outcome outcome = Write(writer_, &exported.array, &exported.schema);
  EXPECT_EQ(outcome, LANCE_INVALID_ARGUMENT);
  EXPECT_THAT(outcome.message, HasSubstr("released"));
  EXPECT_TRUE(exported.consumed());
  ExpectNothingLeft();
}

TEST_F(FailureTest, ReleasedSchemaConsumesTheArray) {
  OpenSimple();
  ProbedBatch exported(*SimpleBatch(0, 7), probe_);
  exported.schema.release(&exported.schema);
  EXPECT_EQ(Write(writer_, &exported.array, &exported.schema), LANCE_INVALID_ARGUMENT);
  EXPECT_TRUE(exported.consumed());
  ExpectNothingLeft();
}

TEST_F(FailureTest, WrongSchemaIsAMismatchThatNamesTheColumn) {
  OpenSimple();
  const auto wrong = arrow::schema({arrow::field("id", arrow::utf8()), arrow::field("name", arrow::utf8())});
  const Outcome outcome = WriteAndExpectConsumed(*MakeBatch(wrong, 7));
  EXPECT_EQ(outcome, LANCE_SCHEMA_MISMATCH);
  EXPECT_THAT(outcome.message, HasSubstr("id"));
  ExpectNothingLeft();
}

TEST_F(FailureTest, ArrayThatDoesNotFitTheSchemaAtOpenIsRefused) {
  OpenSimple();
  const auto narrow = arrow::schema({arrow::field("id", arrow::int64())});
  ProbedBatch exported(*MakeBatch(narrow, 7), probe_);
  EXPECT_EQ(Write(writer_, &exported.array, nullptr), LANCE_INVALID_ARGUMENT);
  EXPECT_EQ(exported.array.release, nullptr);
  exported.schema.release(&exported.schema);
  ExpectNothingLeft();
}

TEST_F(FailureTest, UnknownLaneConsumes) {
  OpenSimple();
  ProbedBatch exported(*SimpleBatch(0, 7), probe_);
  EXPECT_EQ(CallC(lance_writer_write_batch_to_lane, writer_.get(), 1U, &exported.array, &exported.schema),
            LANCE_INVALID_ARGUMENT);
  EXPECT_TRUE(exported.consumed());
  ExpectNothingLeft();
}

TEST_F(FailureTest, WriteAfterFinishConsumes) {
  OpenSimple();
  ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_OK);
  ASSERT_EQ(Finish(writer_), LANCE_OK);
  const auto files = ListFiles(dir_.path());
  EXPECT_EQ(WriteAndExpectConsumed(*SimpleBatch(7, 7)), LANCE_INVALID_STATE);
  ExpectUntouched(7, files);
}

TEST_F(FailureTest, SecondFinishIsRefused) {
  OpenSimple();
  ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_OK);
  ASSERT_EQ(Finish(writer_), LANCE_OK);
  const auto files = ListFiles(dir_.path());
  EXPECT_EQ(Finish(writer_), LANCE_INVALID_STATE);
  ExpectUntouched(7, files);
}

TEST_F(FailureTest, AbortAfterFinishKeepsTheDataset) {
  OpenSimple();
  ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_OK);
  ASSERT_EQ(Finish(writer_), LANCE_OK);
  const auto files = ListFiles(dir_.path());
  CallC(lance_writer_abort, writer_.get());
  ExpectUntouched(7, files);
}

TEST_F(FailureTest, WriteAndFinishAfterAbortAreRefused) {
  OpenSimple();
  ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 8192)), LANCE_OK);
  ASSERT_EQ(CallC(lance_writer_abort, writer_.get()), LANCE_OK);
  EXPECT_TRUE(probe_.EachReleasedOnce());
  // The same answer as for a producer that was blocked when the write was aborted.
  EXPECT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_CANCELLED);
  EXPECT_EQ(Finish(writer_), LANCE_INVALID_STATE);
  EXPECT_EQ(CallC(lance_writer_abort, writer_.get()), LANCE_OK) << "aborting twice is allowed";
  ExpectNothingLeft();
}

TEST_F(FailureTest, FreeWithoutFinishCommitsNothing) {
  OpenSimple();
  for (int64_t i = 0; i < 10; ++i) ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(i * 8192, 8192)), LANCE_OK);
  ExpectNothingLeft();
}

TEST_F(FailureTest, FreeWithoutFinishRemovesCompletedFiles) {
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.max_rows_per_file = 1000;
  options.max_bytes_in_flight = 1;
  OpenSimple(&options);
  for (int64_t i = 0; i < 10; ++i) ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(i * 2000, 2000)), LANCE_OK);
  ExpectNothingLeft();
}

TEST_F(FailureTest, FailedOpenConsumesTheSchema) {
  std::ofstream(dir_ / "file") << "not a directory";
  ProbedSchema schema(*SimpleSchema(), probe_);
  const Outcome outcome = OpenWriter(dir_ / "file/dataset", &schema.schema, nullptr, &writer_);
  if (outcome.ok()) {
    ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_OK);
    EXPECT_FALSE(Finish(writer_).ok());
  }
  EXPECT_EQ(schema.schema.release, nullptr);
  writer_.reset();
  EXPECT_TRUE(probe_.EachReleasedOnce());
  EXPECT_EQ(ListFiles(dir_.path()), std::vector<std::string>{"file"});
}

TEST_F(FailureTest, BadOptionsConsumeTheSchema) {
  std::vector<LanceWriteOptions> bad(5, LanceWriteOptions LANCE_WRITE_OPTIONS_INIT);
  bad[0].mode = 99;
  bad[1].data_storage_version = "99.0";
  bad[2].max_rows_per_file = uint64_t{1} << 32;
  bad[3].data_storage_version = "\xff";
  bad[4].struct_size = 0;
  for (const auto& options : bad) {
    ProbedSchema schema(*SimpleSchema(), probe_);
    EXPECT_EQ(OpenWriter(uri_, &schema.schema, &options, &writer_), LANCE_INVALID_ARGUMENT);
    EXPECT_EQ(schema.schema.release, nullptr);
  }
  ExpectNothingLeft();
}

TEST_F(FailureTest, CreateOverAnExistingDatasetIsRefusedAtOpen) {
  OpenSimple();
  ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_OK);
  ASSERT_EQ(Finish(writer_), LANCE_OK);
  const auto files = ListFiles(dir_.path());
  ProbedSchema schema(*SimpleSchema(), probe_);
  EXPECT_EQ(OpenWriter(uri_, &schema.schema, nullptr, &writer_), LANCE_ALREADY_EXISTS);
  EXPECT_EQ(schema.schema.release, nullptr);
  ExpectUntouched(7, files);
}

/// Values that do not compress, so that the file is as large as the data.
std::shared_ptr<arrow::Schema> RandomSchema() { return arrow::schema({arrow::field("c", arrow::uint64())}); }

class FullDiskTest : public FailureTest {
 protected:
  /// Write batches until one fails, then finish; return the first failure.
  Outcome WriteRandom(int batches, int64_t rows, const LanceWriteOptions* options) {
    ProbedSchema schema(*RandomSchema(), probe_);
    Outcome outcome = OpenWriter(uri_, &schema.schema, options, &writer_);
    for (int i = 0; i < batches && outcome.ok(); ++i) {
      outcome = WriteAndExpectConsumed(*MakeBatch(RandomSchema(), rows, static_cast<uint64_t>(i)));
    }
    const Outcome finished = Finish(writer_);
    return outcome.ok() ? finished : outcome;
  }
};

TEST_F(FullDiskTest, FailsInMidStreamWithNothingLeft) {
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.encoder_cache_bytes = 1 << 20;
  Outcome outcome;
  {
    const FileSizeLimit limit(4 << 20);
    outcome = WriteRandom(40, 1 << 17, &options);
  }
  EXPECT_EQ(outcome, LANCE_IO);
  ExpectNothingLeft();
}

// The engine's own local writer would swallow the failure of the last bytes and commit a truncated file.
TEST_F(FullDiskTest, FailureOfTheLastBytesIsNotSwallowed) {
  ASSERT_EQ(WriteRandom(1, 50'000, nullptr), LANCE_OK);
  writer_.reset();
  uint64_t data_file_bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(uri_) / "data")) {
    data_file_bytes = file.file_size();
  }
  ASSERT_GT(data_file_bytes, 400'000U);
  std::filesystem::remove_all(uri_);

  for (const uint64_t missing : {1, 100, 5'000, 16'384, 100'000}) {
    SCOPED_TRACE(missing);
    Outcome outcome;
    {
      const FileSizeLimit limit(data_file_bytes - missing);
      outcome = WriteRandom(1, 50'000, nullptr);
    }
    EXPECT_EQ(outcome, LANCE_IO);
    ExpectNothingLeft();
  }
}

TEST_F(FullDiskTest, FailedAppendKeepsTheOldVersion) {
  ASSERT_EQ(WriteRandom(1, 100, nullptr), LANCE_OK);
  const auto files = ListFiles(dir_.path());
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.mode = LANCE_WRITE_APPEND;
  Outcome outcome;
  {
    const FileSizeLimit limit(100'000);
    outcome = WriteRandom(1, 50'000, &options);
  }
  EXPECT_EQ(outcome, LANCE_IO);
  ExpectUntouched(100, files);
}

TEST_F(FailureTest, AbortFromAnotherThreadWakesABlockedProducer) {
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.max_bytes_in_flight = 1;
  OpenSimple(&options);
  Outcome last;
  std::thread producer([&] {
    for (int64_t first = 0; last.ok(); first += 8192)
      last = WriteAndExpectConsumed(*SimpleBatch(first, 8192));
  });
  LanceWriteStats stats = LANCE_WRITE_STATS_INIT;
  while (stats.batches < 3) {
    ASSERT_EQ(CallC(lance_writer_stats, writer_.get(), &stats), LANCE_OK);
    std::this_thread::yield();
  }
  EXPECT_EQ(CallC(lance_writer_abort, writer_.get()), LANCE_OK);
  producer.join();
  EXPECT_EQ(last, LANCE_CANCELLED);
  ExpectNothingLeft();
}

/// A writer whose progress callback, on a thread of the library, does something with it once.
class CallbackTest : public FailureTest {
 protected:
  using Action = std::function<void()>;

  /// Write until the callback has been called.
  void RunInCallback(Action action) {
    action_ = std::move(action);
    // The callback sees what was before: a race detector does not know that from the library.
    written_ = false;
    LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
    options.lanes = 4;
    options.encoder_cache_bytes = 1;
    options.max_rows_per_file = 1000;
    options.progress = [](void* context, const LanceWriteStats*) {
      static_cast<CallbackTest*>(context)->OnProgress();
    };
    options.progress_context = this;
    OpenSimple(&options);
    for (uint32_t lane = 0; lane < options.lanes; ++lane) {
      ProbedBatch exported(*SimpleBatch(lane * 2000, 2000), probe_);
      ASSERT_EQ(
          CallC(lance_writer_write_batch_to_lane, writer_.get(), lane, &exported.array, &exported.schema),
          LANCE_OK);
    }
    written_ = true;
    written_.notify_all();
    done_.wait(false);
  }

  /// In the callback and on this thread nothing waits for the rest.
  void WaitUntilNothingIsLeft() {
    while (!probe_.EachReleasedOnce() || !ListFiles(dir_.path()).empty()) std::this_thread::yield();
    EXPECT_EQ(late_calls_, 0);
  }

 private:
  void OnProgress() {
    written_.wait(false);
    if (done_) {
      ++late_calls_;
      return;
    }
    action_();
    done_ = true;
    done_.notify_all();
  }

  Action action_;
  std::atomic<bool> written_{false};
  std::atomic<bool> done_{false};
  std::atomic<int> late_calls_{0};
};

TEST_F(CallbackTest, AFreedWriterEndsBehindTheScenesAndCallsBackNoMore) {
  RunInCallback([this] { writer_.reset(); });
  WaitUntilNothingIsLeft();
  EXPECT_THAT(lance::Dataset::Open(uri_), FailsWith(lance::ErrorCode::kDatasetNotFound));
}

TEST_F(CallbackTest, AnAbortStopsTheWriteAndAnotherOneEndsIt) {
  RunInCallback([this] { EXPECT_EQ(CallC(lance_writer_abort, writer_.get()), LANCE_OK); });
  EXPECT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_CANCELLED);
  EXPECT_EQ(CallC(lance_writer_abort, writer_.get()), LANCE_OK);
  EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
  ExpectNothingLeft();
}

TEST_F(CallbackTest, AnAbortFailsTheFinish) {
  RunInCallback([this] { EXPECT_EQ(CallC(lance_writer_abort, writer_.get()), LANCE_OK); });
  EXPECT_EQ(Finish(writer_), LANCE_CANCELLED);
  ExpectNothingLeft();
}

TEST_F(CallbackTest, CallsThatWaitAreRefused) {
  RunInCallback([this] {
    EXPECT_EQ(Finish(writer_), LANCE_INVALID_STATE);
    EXPECT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_INVALID_STATE);
  });
  EXPECT_EQ(Finish(writer_), LANCE_OK);
}

TEST_F(FailureTest, AWriterMayBeFreedInTheReleaseOfItsBatch) {
  OpenSimple();
  ProbedBatch exported(*SimpleBatch(0, 7), probe_);
  // A release that frees the writer first.
  struct Contents {
    ArrowArray array;
    WriterPtr writer;
  };
  auto contents = std::make_unique<Contents>(Contents{exported.array, std::move(writer_)});
  ::LanceWriter* const writer = contents->writer.get();
  exported.array.release = [](ArrowArray* array) {
    const std::unique_ptr<Contents> owned(static_cast<Contents*>(array->private_data));
    owned->writer.reset();
    owned->array.release(&owned->array);
    array->release = nullptr;
  };
  exported.array.private_data = contents.release();
  ASSERT_EQ(CallC(lance_writer_write_batch, writer, &exported.array, &exported.schema), LANCE_OK);
  EXPECT_EQ(CallC(lance_writer_abort, writer), LANCE_OK);
  while (!probe_.EachReleasedOnce() || !ListFiles(dir_.path()).empty()) std::this_thread::yield();
}

TEST_F(FailureTest, EverythingStaysUsableAfterFailures) {
  ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_INVALID_ARGUMENT);
  OpenSimple();
  ASSERT_EQ(WriteAndExpectConsumed(*SimpleBatch(0, 7)), LANCE_OK);
  ASSERT_EQ(Finish(writer_), LANCE_OK);
  ExpectUntouched(7, ListFiles(dir_.path()));
  EXPECT_EQ(ReleaseProbe::Live(), 0);
}

}  // namespace
}  // namespace lance_test
