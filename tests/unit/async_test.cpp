// Asynchronous forms and tokens: futures end as the calls do that wait, and a stop ends the work, not only
// the wait for it.

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "arrow/util/async_generator.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "arrow/util/thread_pool.h"
#include "lance/api.h"
#include "support/c_call.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using std::chrono::milliseconds;

constexpr int64_t kRows = 10'000;
/// Of work that takes seconds: a filter that hashes each row some times.
constexpr int64_t kManyRows = 3'000'000;
const std::string kSlowFilter = "md5(md5(md5(md5(md5(cast(id as string)))))) like '%no digest ends so'";

milliseconds CpuTime() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(time.tv_sec) +
                                                    std::chrono::microseconds(time.tv_usec));
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// Whether the process comes to rest: in some while it uses next to no CPU.
bool ComesToRest() {
  for (int i = 0; i < 20; ++i) {
    const auto before = CpuTime();
    std::this_thread::sleep_for(milliseconds(100));
    if (CpuTime() - before < milliseconds(20)) return true;
  }
  return false;
}

class AsyncTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, kRows, {.max_rows_per_file = 2500}));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> dataset_;
};

TEST_F(AsyncTest, FuturesOfReadsEndAsTheCallsThatWait) {
  ASSERT_OK_AND_ASSIGN(const auto dataset, Wait(lance::Dataset::OpenAsync(uri_)));
  EXPECT_EQ(dataset->uri(), uri_);
  EXPECT_TRUE(dataset->schema()->Equals(*dataset_->schema()));
  ASSERT_OK_AND_ASSIGN(const auto info, Wait(dataset->InfoAsync()));
  EXPECT_EQ(info.rows, kRows);
  EXPECT_EQ(info.data_storage_version, dataset_->Info()->data_storage_version);
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, Wait(dataset->LatestVersionAsync()));
  EXPECT_EQ(latest, 1);
  ASSERT_OK_AND_ASSIGN(const auto versions, Wait(dataset->VersionsAsync()));
  EXPECT_EQ(versions.size(), 1);
  ASSERT_OK_AND_ASSIGN(const auto fragments, Wait(dataset->FragmentsAsync()));
  EXPECT_EQ(fragments.size(), 4);
  ASSERT_OK_AND_ASSIGN(const uint64_t few, Wait(dataset->CountRowsAsync("id < 7")));
  EXPECT_EQ(few, 7);
  const std::vector<uint64_t> rows = {9, 1, 5};
  ASSERT_OK_AND_ASSIGN(const auto taken, Wait(dataset->TakeAsync(rows, {{"id"}})));
  EXPECT_TRUE(taken->Equals(**dataset->Take(rows, {{"id"}})));
  ASSERT_OK_AND_ASSIGN(const auto by_id, Wait(dataset->TakeRowsAsync(rows)));
  EXPECT_TRUE(by_id->Equals(**dataset->TakeRows(rows)));
}

TEST_F(AsyncTest, FuturesOfScansEndAsTheCallsThatWait) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, Wait(dataset_->ScanAsync({.filter = "id % 2 = 0"})));
  ASSERT_OK_AND_ASSIGN(const uint64_t count, Wait(scanner->CountRowsAsync()));
  EXPECT_EQ(count, kRows / 2);
  ASSERT_OK_AND_ASSIGN(const std::string plan, Wait(scanner->ExplainAsync()));
  EXPECT_EQ(plan, *scanner->Explain());
  ASSERT_OK_AND_ASSIGN(const std::string analysis, Wait(scanner->AnalyzeAsync()));
  EXPECT_THAT(analysis, ::testing::HasSubstr("output_rows="));
  ASSERT_OK_AND_ASSIGN(const auto reader, Wait(scanner->ToReaderAsync()));
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_TRUE(table->Equals(**scanner->ToTable()));
  ASSERT_OK_AND_ASSIGN(const auto at_once, Wait(scanner->ToTableAsync()));
  EXPECT_TRUE(at_once->Equals(*table));
  ASSERT_OK_AND_ASSIGN(const auto none, Wait(dataset_->ScanAsync({.filter = "id < 0"})));
  ASSERT_OK_AND_ASSIGN(const auto empty, Wait(none->ToTableAsync()));
  EXPECT_TRUE(empty->Equals(**none->ToTable()));
  ASSERT_OK_AND_ASSIGN(const lance::Scanner::Generator generator, Wait(scanner->ToGenerator()));
  ASSERT_OK_AND_ASSIGN(const auto batches, Wait(arrow::CollectAsyncGenerator(generator)));
  ASSERT_OK_AND_ASSIGN(const auto collected, arrow::Table::FromRecordBatches(batches));
  EXPECT_TRUE(collected->CombineChunks().ValueOrDie()->Equals(*table->CombineChunks().ValueOrDie()));
}

TEST_F(AsyncTest, FuturesOfWritesEndAsTheCallsThatWait) {
  const std::string uri = dir_ / "written";
  ASSERT_OK_AND_ASSIGN(const auto writer, Wait(lance::LanceWriter::OpenAsync(uri, SimpleSchema())));
  ASSERT_OK(writer->WriteAsync(*SimpleBatch(0, 10)).status());
  ASSERT_OK_AND_ASSIGN(const auto reader, arrow::RecordBatchReader::Make({SimpleBatch(10, 10)}));
  ASSERT_OK(writer->WriteToLaneAsync(0, reader).status());
  ASSERT_OK_AND_ASSIGN(const auto result, Wait(writer->FinishAsync()));
  EXPECT_EQ(result.version, 1);
  EXPECT_EQ(ReadIds(uri), Range(0, 20));

  ASSERT_OK_AND_ASSIGN(const auto more,
                       lance::LanceWriter::Open(uri, SimpleSchema(), {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK(more->Write(*SimpleBatch(20, 10)));
  ASSERT_OK_AND_ASSIGN(const auto transaction, Wait(more->FinishUncommittedAsync()));
  ASSERT_OK_AND_ASSIGN(const auto committed, Wait(transaction->CommitAsync()));
  EXPECT_EQ(committed.version, 2);
  EXPECT_EQ(ReadIds(uri), Range(0, 30));

  ASSERT_OK_AND_ASSIGN(const auto dropped,
                       lance::LanceWriter::Open(uri, SimpleSchema(), {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK(dropped->Write(*SimpleBatch(30, 10)));
  ASSERT_OK_AND_ASSIGN(auto discarded, dropped->FinishUncommitted());
  ASSERT_OK(discarded.DiscardAsync().status());
  EXPECT_EQ(ReadIds(uri), Range(0, 30));
}

TEST_F(AsyncTest, FuturesOfStatisticsEndAsTheCallsThatWait) {
  ASSERT_OK_AND_ASSIGN(const auto session, lance::Session::Make());
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(uri_, {.session = session}));
  ASSERT_OK(dataset->CountRows("id < 10"));
  ASSERT_OK_AND_ASSIGN(const auto stats, Wait(session->StatsAsync()));
  EXPECT_GT(stats.metadata_cache_misses, 0U);
  EXPECT_EQ(stats.metadata_cache_misses, session->Stats()->metadata_cache_misses);
  ASSERT_OK_AND_ASSIGN(const auto metrics, Wait(lance::GetMetricsAsync()));
  EXPECT_GT(metrics.process.io_threads, 0U);
  EXPECT_EQ(metrics.stores.size(), lance::GetMetrics()->stores.size());
}

TEST_F(AsyncTest, FuturesOfMaintenanceEndAsTheCallsThatWait) {
  int reports = 0;
  lance::CheckOptions options;
  options.progress = [&](const lance::CheckProgress&) { ++reports; };
  ASSERT_OK_AND_ASSIGN(const auto report, Wait(lance::CheckDatasetAsync(uri_, options)));
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.rows, kRows);
  EXPECT_GT(reports, 0);
  ASSERT_OK_AND_ASSIGN(const auto removed, Wait(lance::CleanupDatasetAsync(uri_, {.dry_run = true})));
  EXPECT_EQ(removed.versions, 0);
}

TEST_F(AsyncTest, FailuresKeepTheirCodes) {
  EXPECT_THAT(lance::Dataset::OpenAsync(dir_ / "none").result(), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(dataset_->CountRowsAsync("nope = 1").result(), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->ScanAsync({.limit = -1}).result(), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(lance::LanceWriter::OpenAsync(uri_, SimpleSchema()).result(),
              FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(lance::LanceWriter::OpenAsync(uri_, nullptr).result(), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(AsyncTest, AReadersOwnErrorComesBack) {
  const std::string uri = dir_ / "written";
  ASSERT_OK_AND_ASSIGN(const auto writer, lance::LanceWriter::Open(uri, SimpleSchema()));
  auto failing = arrow::MakeFunctionIterator([]() -> arrow::Result<std::shared_ptr<arrow::RecordBatch>> {
    return arrow::Status::IOError("the disk is on fire");
  });
  ASSERT_OK_AND_ASSIGN(const auto reader,
                       arrow::RecordBatchReader::MakeFromIterator(std::move(failing), SimpleSchema()));
  const arrow::Status status = writer->WriteAsync(reader).status();
  EXPECT_THAT(status, FailsSaying(::testing::HasSubstr("on fire")));
}

TEST_F(AsyncTest, CallsThatWaitAreRefusedInAContinuation) {
  arrow::StopSource source;
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan());
  ASSERT_OK_AND_ASSIGN(const auto reader, Wait(scanner->ToReaderAsync()));
  // A call that ends after something was chained to it, which then runs on a thread of the library.
  std::promise<void> chained;
  auto waiting = arrow::MakeFunctionIterator([&]() -> arrow::Result<std::shared_ptr<arrow::RecordBatch>> {
    chained.get_future().wait();
    return nullptr;
  });
  ASSERT_OK_AND_ASSIGN(const auto nothing,
                       arrow::RecordBatchReader::MakeFromIterator(std::move(waiting), SimpleSchema()));
  ASSERT_OK_AND_ASSIGN(const auto writer, lance::LanceWriter::Open(dir_ / "empty", SimpleSchema()));
  std::vector<arrow::Status> inside;
  auto counted = writer->WriteAsync(nothing).Then([&] {
    inside.push_back(dataset_->CountRows("id > 5").status());
    inside.push_back(dataset_->CountRows("id > 5", source.token()).status());
    inside.push_back(scanner->ToReader(source.token()).status());
    inside.push_back(lance::LanceWriter::Open(dir_ / "written", SimpleSchema(), {}, source.token()).status());
    std::shared_ptr<arrow::RecordBatch> batch;
    inside.push_back(reader->ReadNext(&batch));
    return dataset_->CountRowsAsync("id < 5");
  });
  chained.set_value();
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, Wait(counted));
  EXPECT_EQ(rows, 5);
  EXPECT_EQ(inside.size(), 5);
  EXPECT_THAT(inside, ::testing::Each(FailsWith(ErrorCode::kInvalidState)));
  // The scan goes on where it may be waited for.
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_EQ(table->num_rows(), kRows);
}

TEST_F(AsyncTest, AStopThatWasAskedForBeforeLetsNothingBegin) {
  arrow::StopSource source;
  source.RequestStop(arrow::Status::Cancelled("the user has left"));
  const arrow::StopToken stop = source.token();
  const std::string uri = dir_ / "written";
  const auto is_cancelled = FailsWith(ErrorCode::kCancelled);
  EXPECT_THAT(lance::Dataset::Open(uri_, {}, stop), is_cancelled);
  EXPECT_THAT(dataset_->CountRows("id > 5", stop), is_cancelled);
  EXPECT_THAT(dataset_->CountRowsAsync("id > 5", stop).result(),
              FailsSaying(::testing::HasSubstr("the user has left")));
  EXPECT_THAT(dataset_->Scan({}, stop), is_cancelled);
  EXPECT_THAT(lance::LanceWriter::Open(uri, SimpleSchema(), {}, stop), is_cancelled);
  EXPECT_THAT(lance::CheckDatasetAsync(uri_, {}, stop).result(), is_cancelled);
  EXPECT_THAT(lance::GetMetrics(stop), is_cancelled);
  EXPECT_THAT(lance::GetMetricsAsync(stop).result(), is_cancelled);
  EXPECT_FALSE(std::filesystem::exists(uri));
}

TEST_F(AsyncTest, ATokenThatNeverStopsChangesNothing) {
  arrow::StopSource source;
  const arrow::StopToken stop = source.token();
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(uri_, {}, stop));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan({}, stop));
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable(stop));
  EXPECT_EQ(table->num_rows(), kRows);
  const std::string uri = dir_ / "written";
  ASSERT_OK_AND_ASSIGN(const auto writer, lance::LanceWriter::Open(uri, SimpleSchema(), {}, stop));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 10), stop));
  ASSERT_OK(writer->Finish(stop));
  EXPECT_EQ(ReadIds(uri), Range(0, 10));
}

/// Arrow's own consumer of what is pushed. Its destructor expects that it was released once.
class ArrowConsumer : public ArrowAsyncDeviceStreamHandler {
 public:
  explicit ArrowConsumer(uint64_t queue_size) : ArrowAsyncDeviceStreamHandler{} {
    stream_ = arrow::CreateAsyncDeviceStreamHandler(this, arrow::internal::GetCpuThreadPool(), queue_size);
    arrows_release_ = std::exchange(release, Release);
  }
  ~ArrowConsumer() {
    if (pushed_) released_->get_future().wait();
    EXPECT_EQ(releases_, pushed_);
  }
  ArrowConsumer(const ArrowConsumer&) = delete;
  ArrowConsumer& operator=(const ArrowConsumer&) = delete;

  /// Push the batches of a scan.
  void Scan(const std::string& uri, LanceText filter) {
    constexpr const LanceOpenOptions* kOpenDefaults = nullptr;
    LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
    options.filter = filter;
    options.batch_size = 500;
    DatasetPtr dataset;
    ASSERT_EQ(
        Made(&dataset, [&](auto* out) { return CallC(lance_dataset_open, uri.c_str(), kOpenDefaults, out); }),
        LANCE_OK);
    ScannerPtr scanner;
    const LanceDataset* opened = dataset.get();
    const LanceScanOptions* given = &options;
    ASSERT_EQ(Made(&scanner, [&](auto* out) { return CallC(lance_scanner_open, opened, given, out); }),
              LANCE_OK);
    pushed_ = true;
    // A race detector does not see that the library's threads come after this.
    releases_ = 0;
    EXPECT_EQ(CallC(lance_scanner_to_async_device_stream, static_cast<const LanceScanner*>(scanner.get()),
                    static_cast<ArrowAsyncDeviceStreamHandler*>(this)),
              LANCE_OK);
  }

  arrow::Result<arrow::AsyncRecordBatchGenerator> Stream() { return Wait(stream_); }

  /// Read a stream to its end. Not with CollectAsyncGenerator(): the last copy of the generator would then be
  /// destroyed on Arrow's own thread, which it waits for.
  static arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> Read(
      const arrow::AsyncRecordBatchGenerator& stream) {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    while (true) {
      ARROW_ASSIGN_OR_RAISE(const auto next, Wait(stream.generator()));
      if (next.batch == nullptr) return batches;
      batches.push_back(next.batch);
    }
  }

 private:
  static void Release(ArrowAsyncDeviceStreamHandler* self) {
    auto* const consumer = static_cast<ArrowConsumer*>(self);
    if (consumer->releases_++ > 0) return;
    consumer->arrows_release_(self);
    // The consumer may be gone before set_value() returns.
    const auto released = consumer->released_;
    released->set_value();
  }

  arrow::Future<arrow::AsyncRecordBatchGenerator> stream_;
  void (*arrows_release_)(ArrowAsyncDeviceStreamHandler*) = nullptr;
  bool pushed_ = false;
  std::atomic<int> releases_ = 0;
  std::shared_ptr<std::promise<void>> released_ = std::make_shared<std::promise<void>>();
};

TEST_F(AsyncTest, ArrowsConsumerGetsWhatIsPushed) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.filter = "id % 3 = 1"}));
  ASSERT_OK_AND_ASSIGN(const auto expected, scanner->ToTable());
  for (const uint64_t queue_size : {1, 4, 1000}) {
    ArrowConsumer consumer(queue_size);
    consumer.Scan(uri_, LANCE_TEXT("id % 3 = 1"));
    ASSERT_OK_AND_ASSIGN(const auto stream, consumer.Stream());
    EXPECT_EQ(stream.device_type, arrow::DeviceAllocationType::kCPU);
    EXPECT_TRUE(stream.schema->Equals(*expected->schema()));
    ASSERT_OK_AND_ASSIGN(const auto batches, ArrowConsumer::Read(stream));
    EXPECT_GT(batches.size(), 4U);
    ASSERT_OK_AND_ASSIGN(const auto table, arrow::Table::FromRecordBatches(stream.schema, batches));
    EXPECT_TRUE(table->CombineChunks().ValueOrDie()->Equals(*expected->CombineChunks().ValueOrDie()));
  }
}

TEST_F(AsyncTest, ArrowsConsumerIsToldOfAnError) {
  ArrowConsumer consumer(2);
  consumer.Scan(uri_, LANCE_TEXT("10 / (id - 5000) > 1"));
  ASSERT_OK_AND_ASSIGN(const auto stream, consumer.Stream());
  const arrow::Status status = ArrowConsumer::Read(stream).status();
  ASSERT_NE(status.detail(), nullptr) << status;
  ASSERT_STREQ(status.detail()->type_id(), "AsyncErrorDetail");
  EXPECT_NE(static_cast<const arrow::AsyncErrorDetail&>(*status.detail()).code(), 0);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("ivide by zero"));
}

/// A dataset that takes seconds to filter.
class StopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, kManyRows, {.max_rows_per_file = 500'000}));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  /// Stop what `future` stands for, in the middle of its work: it fails, and uses no more CPU.
  template <typename T>
  void StopInTheMiddle(const arrow::Future<T>& future, milliseconds after = milliseconds(50)) {
    std::this_thread::sleep_for(after);
    ASSERT_FALSE(future.is_finished()) << "too little work for this test";
    source_.RequestStop();
    future.Wait();
    EXPECT_THAT(future.status(), FailsWith(ErrorCode::kCancelled));
    EXPECT_TRUE(ComesToRest());
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> dataset_;
  arrow::StopSource source_;
};

TEST_F(StopTest, EndsACount) { StopInTheMiddle(dataset_->CountRowsAsync(kSlowFilter, source_.token())); }

TEST_F(StopTest, EndsACountOfAScan) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.filter = kSlowFilter, .limit = 5}));
  StopInTheMiddle(scanner->CountRowsAsync(source_.token()));
}

TEST_F(StopTest, EndsADeepCheck) {
  StopInTheMiddle(lance::CheckDatasetAsync(uri_, {.deep = true}, source_.token()), milliseconds(2));
}

TEST_F(StopTest, EndsAReaderThatWaits) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.filter = kSlowFilter}));
  ASSERT_OK_AND_ASSIGN(const auto reader, scanner->ToReader(source_.token()));
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(50));
    source_.RequestStop();
  });
  std::shared_ptr<arrow::RecordBatch> batch;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(reader->ReadNext(&batch), FailsWith(ErrorCode::kCancelled));
    EXPECT_EQ(batch, nullptr);
  }
  stopper.join();
  EXPECT_TRUE(ComesToRest());
}

TEST_F(StopTest, EndsACallThatWaits) {
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(50));
    source_.RequestStop();
  });
  EXPECT_THAT(dataset_->CountRows(kSlowFilter, source_.token()), FailsWith(ErrorCode::kCancelled));
  stopper.join();
  EXPECT_TRUE(ComesToRest());
}

TEST_F(StopTest, AReaderThatIsClosedOrDestroyedEndsItsScan) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.filter = kSlowFilter}));
  for (const bool closes : {true, false}) {
    ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
    std::this_thread::sleep_for(milliseconds(50));
    if (closes) {
      ASSERT_OK(reader->Close());
    }
    reader.reset();
    EXPECT_TRUE(ComesToRest());
  }
}

TEST_F(StopTest, AGeneratorThatIsDestroyedEndsItsScan) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.filter = kSlowFilter}));
  ASSERT_OK_AND_ASSIGN(lance::Scanner::Generator generator, Wait(scanner->ToGenerator()));
  const auto next = generator();
  std::this_thread::sleep_for(milliseconds(50));
  generator = nullptr;
  next.Wait();
  EXPECT_THAT(next.status(), FailsWith(ErrorCode::kCancelled));
  EXPECT_TRUE(ComesToRest());
}

TEST_F(StopTest, AbortsAWriterThatFinishesAndLeavesNoFile) {
  const std::string uri = dir_ / "written";
  ASSERT_OK_AND_ASSIGN(const auto writer, lance::LanceWriter::Open(uri, SimpleSchema()));
  for (int i = 0; i < 60; ++i) ASSERT_OK(writer->Write(*SimpleBatch(0, 50'000)));
  const auto finished = writer->FinishAsync(source_.token());
  source_.RequestStop();
  finished.Wait();
  if (finished.status().ok()) {
    EXPECT_EQ(ReadIds(uri).size(), 60 * 50'000);
    return;
  }
  EXPECT_THAT(finished.status(), FailsWith(ErrorCode::kCancelled));
  EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kInvalidState));
  EXPECT_FALSE(std::filesystem::exists(uri));
}

TEST_F(StopTest, EndsAWriteThatWaitsForRoom) {
  const std::string uri = dir_ / "written";
  ASSERT_OK_AND_ASSIGN(const auto writer,
                       lance::LanceWriter::Open(uri, SimpleSchema(), {.max_bytes_in_flight = 1}));
  std::vector<arrow::Future<>> writes;
  const auto batch = SimpleBatch(0, 500'000);
  for (int i = 0; i < 20; ++i) writes.push_back(writer->WriteAsync(*batch, source_.token()));
  source_.RequestStop();
  int cancelled = 0;
  for (const auto& write : writes) {
    write.Wait();
    if (write.status().ok()) continue;
    EXPECT_THAT(write.status(), FailsWith(ErrorCode::kCancelled));
    ++cancelled;
  }
  EXPECT_GT(cancelled, 0);
  EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kCancelled));
  EXPECT_FALSE(std::filesystem::exists(uri));
}

}  // namespace
}  // namespace lance_test
