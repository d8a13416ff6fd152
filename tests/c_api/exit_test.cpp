// A process that ends with handles open ends in time and with the code it asked for, whichever way it ends,
// also inside a callback; unfinished writers release their batches and leave no files where they can still be
// waited for.
//
// Each process is a program of its own: a forked copy lacks the threads that this one has, such as that of an
// allocator, and may wait for them.
//
// usage: exit_test [runs [way...]]
//        exit_test --child way directory descriptor

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "arrow/util/future.h"
#include "arrow/util/logging.h"
#include "arrow/util/thread_pool.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

constexpr const char* kChild = "--child";
constexpr unsigned kHangSeconds = 60;
constexpr int64_t kRowsPerBatch = 1000;

/// Buffers that are not released yet; the parent reads it when the process is gone.
std::atomic<int64_t>* live_buffers;

class CountedBuffer : public arrow::Buffer {
 public:
  explicit CountedBuffer(std::shared_ptr<arrow::Buffer> parent)
      : Buffer(std::move(parent), 0, kRowsPerBatch * static_cast<int64_t>(sizeof(int64_t))) {
    live_buffers->fetch_add(1);
  }
  ~CountedBuffer() override { live_buffers->fetch_sub(1); }
};

std::shared_ptr<arrow::Schema> OneColumn() { return arrow::schema({arrow::field("id", arrow::int64())}); }

/// A batch in memory of Arrow's default pool.
std::shared_ptr<arrow::RecordBatch> CountedBatch() {
  const auto ids = MakeArray(arrow::Field("id", arrow::int64(), /*nullable=*/false), kRowsPerBatch);
  auto values = std::make_shared<CountedBuffer>(ids->data()->buffers[1]);
  return arrow::RecordBatch::Make(OneColumn(), kRowsPerBatch,
                                  {std::make_shared<arrow::Int64Array>(kRowsPerBatch, std::move(values))});
}

std::unique_ptr<lance::LanceWriter> OpenWriter(const std::string& uri, lance::WriteOptions options = {}) {
  options.max_rows_per_file = kRowsPerBatch;
  return lance::LanceWriter::Open(uri, OneColumn(), options).ValueOrDie();
}

/// A writer that has written files and is still encoding.
std::unique_ptr<lance::LanceWriter> UnfinishedWriter(const std::filesystem::path& dir) {
  auto writer = OpenWriter(dir / "unfinished");
  for (int i = 0; i < 20; ++i) ARROW_CHECK_OK(writer->Write(*CountedBatch()));
  return writer;
}

/// One handle of every kind, in the middle of its work.
struct Handles {
  std::unique_ptr<lance::LanceWriter> writer;
  std::shared_ptr<lance::Dataset> dataset;
  std::shared_ptr<lance::Scanner> scanner;
  std::shared_ptr<arrow::RecordBatchReader> reader;

  void Open(const std::filesystem::path& dir) {
    writer = UnfinishedWriter(dir);
    ARROW_CHECK_OK(WriteSimple(dir / "dataset", 0, 100'000).status());
    dataset = lance::Dataset::Open(dir / "dataset").ValueOrDie();
    scanner = dataset->Scan().ValueOrDie();
    reader = scanner->ToReader().ValueOrDie();
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_CHECK_OK(reader->ReadNext(&batch));
  }
};

Handles static_handles;
thread_local Handles thread_handles;
std::unique_ptr<lance::LanceWriter> late_writer;

void StaticHandles(const std::filesystem::path& dir) { static_handles.Open(dir); }

void ThreadLocalHandles(const std::filesystem::path& dir) {
  thread_handles.Open(dir / "main");
  std::thread([&] { thread_handles.Open(dir / "other"); }).join();
  ARROW_CHECK(ListFiles(dir / "other" / "unfinished").empty()) << "the thread ended, and its writer did not";
}

void ExitWithWriterOnTheStack(const std::filesystem::path& dir) {
  const auto writer = UnfinishedWriter(dir);
  std::exit(EXIT_SUCCESS);
}

void ExitWhileAnotherThreadWrites(const std::filesystem::path& dir) {
  const auto writer = UnfinishedWriter(dir);
  std::thread([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::exit(EXIT_SUCCESS);
  }).detach();
  // Made before: what batches are made with is gone when static variables are.
  const auto batch = CountedBatch();
  while (writer->Write(*batch).ok()) continue;
  // The writer was aborted by the exit, which this thread must not outrun.
  while (true) pause();
}

std::atomic<bool> exiting{false};

/// Has another thread exit, and hands out its one batch when that is well under way.
class LateReader : public arrow::RecordBatchReader {
 public:
  std::shared_ptr<arrow::Schema> schema() const override { return batch_schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    std::thread([] { std::exit(EXIT_SUCCESS); }).detach();
    exiting.wait(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    *batch = std::move(batch_);
    return arrow::Status::OK();
  }

 private:
  const std::shared_ptr<arrow::Schema> batch_schema_ = OneColumn();
  std::shared_ptr<arrow::RecordBatch> batch_ = CountedBatch();
};

/// The exit waits for the batch to be released.
void ExitWhileAnotherThreadReads(const std::filesystem::path& dir) {
  const auto writer = UnfinishedWriter(dir);
  ARROW_CHECK_EQ(std::atexit([] {
                   exiting = true;
                   exiting.notify_all();
                 }),
                 0);
  ARROW_CHECK(!writer->Write(std::make_shared<LateReader>()).ok());
  while (true) pause();
}

/// The program's own exit handlers and static variables come first: they can still finish a write.
void FinishInAnExitHandler(const std::filesystem::path& dir) {
  ARROW_CHECK_EQ(std::atexit([] { ARROW_CHECK_OK(late_writer->Finish().status()); }), 0);
  late_writer = OpenWriter(dir / "finished");
  ARROW_CHECK_OK(late_writer->Write(*CountedBatch()));
}

/// What a process that exits in a callback asks for.
constexpr int kCodeOfCallback = 42;

/// Write to a writer until it is aborted, while a callback on another thread exits.
[[noreturn]] void WriteUntilAborted(lance::LanceWriter& writer) {
  // Made before: what batches are made with is gone when static variables are.
  const auto batch = CountedBatch();
  while (writer.Write(*batch).ok()) continue;
  while (true) pause();
}

/// Batches do not wait until there are more to encode.
lance::WriteOptions EncodedAtOnce() {
  lance::WriteOptions options;
  options.encoder_cache_bytes = 1;
  return options;
}

lance::WriteOptions ExitInProgress() {
  lance::WriteOptions options = EncodedAtOnce();
  options.progress = [](const lance::WriteStats&) { std::exit(kCodeOfCallback); };
  return options;
}

/// On a thread of the library, which an encoder waits for; static variables are destroyed on it, handles of
/// all kinds among them.
void ExitInAProgressCallback(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  const auto writer = OpenWriter(dir / "unfinished" / "more", ExitInProgress());
  WriteUntilAborted(*writer);
}

/// A writer that is destroyed on a thread that it waits for.
void ExitInAProgressCallbackOfAStaticWriter(const std::filesystem::path& dir) {
  late_writer = OpenWriter(dir / "unfinished", ExitInProgress());
  ARROW_CHECK_OK(late_writer->Write(*CountedBatch()));
  while (true) pause();
}

/// On the thread that finishes.
void ExitInTheLastProgressCallback(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  static const auto finisher = std::this_thread::get_id();
  lance::WriteOptions options;
  options.progress = [](const lance::WriteStats&) {
    if (std::this_thread::get_id() == finisher) std::exit(kCodeOfCallback);
  };
  const auto writer = OpenWriter(dir / "finished", options);
  ARROW_CHECK_OK(writer->Write(*CountedBatch()));
  ARROW_CHECK_OK(writer->Finish().status());
}

/// Exits when it is released.
class ExitingBuffer : public CountedBuffer {
 public:
  using CountedBuffer::CountedBuffer;
  ~ExitingBuffer() override { std::exit(kCodeOfCallback); }
};

std::shared_ptr<arrow::RecordBatch> ExitingBatch() {
  const auto ids = MakeArray(arrow::Field("id", arrow::int64(), /*nullable=*/false), kRowsPerBatch);
  auto values = std::make_shared<ExitingBuffer>(ids->data()->buffers[1]);
  return arrow::RecordBatch::Make(OneColumn(), kRowsPerBatch,
                                  {std::make_shared<arrow::Int64Array>(kRowsPerBatch, std::move(values))});
}

/// On a thread of the library that joins batches or encodes them, while this one waits for the end of the
/// write.
void ExitInTheReleaseOfABatch(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  const auto writer = OpenWriter(dir / "unfinished" / "more");
  ARROW_CHECK_OK(writer->Write(*CountedBatch()));
  ARROW_CHECK_OK(writer->Write(*ExitingBatch()));
  ARROW_CHECK_OK(writer->Write(*CountedBatch()));
  ARROW_CHECK_OK(writer->Finish().status());
}

/// On the thread that aborts, which releases what is queued.
void ExitInTheReleaseByAnAbort(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  const auto writer = OpenWriter(dir / "unfinished" / "more");
  ARROW_CHECK_OK(writer->Write(*ExitingBatch()));
  ARROW_CHECK_OK(writer->Abort());
}

/// Aborts the write that pulls from it, which then has a batch that nobody wants.
class AbortingReader : public arrow::RecordBatchReader {
 public:
  explicit AbortingReader(lance::LanceWriter* writer) : writer_(writer) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    ARROW_RETURN_NOT_OK(writer_->Abort());
    *batch = ExitingBatch();
    return arrow::Status::OK();
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_ = OneColumn();
  lance::LanceWriter* const writer_;
};

/// On the thread that writes.
void ExitInTheReleaseOfARefusedBatch(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  const auto writer = OpenWriter(dir / "unfinished" / "more");
  ARROW_CHECK_OK(writer->Write(std::make_shared<AbortingReader>(writer.get())));
}

/// Exits in the middle of a call that pulls from it.
class ExitingReader : public arrow::RecordBatchReader {
 public:
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    if (handed_out_++ == 3) std::exit(kCodeOfCallback);
    *batch = CountedBatch();
    return arrow::Status::OK();
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_ = OneColumn();
  int handed_out_ = 0;
};

void ExitInAStreamCallback(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  const auto writer = OpenWriter(dir / "unfinished" / "more");
  ARROW_CHECK_OK(writer->Write(std::make_shared<ExitingReader>()));
}

std::atomic<bool> written{false};
std::atomic<bool> destroyed{false};

/// The process ends right after, while another thread still ends the writer.
void DestroyAWriterInItsProgressCallback(const std::filesystem::path& dir) {
  lance::WriteOptions options = EncodedAtOnce();
  options.lanes = 4;
  options.progress = [](const lance::WriteStats&) {
    ARROW_CHECK(!destroyed) << "called after its writer was destroyed";
    written.wait(false);
    late_writer.reset();
    destroyed = true;
    destroyed.notify_all();
  };
  late_writer = OpenWriter(dir / "unfinished", options);
  for (uint32_t lane = 0; lane < options.lanes; ++lane) {
    ARROW_CHECK_OK(late_writer->WriteToLane(lane, *CountedBatch()));
  }
  written = true;
  written.notify_all();
  destroyed.wait(false);
}

std::atomic<bool> is_log_open{true};
std::atomic<bool> has_enough{false};
std::thread late_opener;

/// A logger is not called when what it uses is gone, although the library goes on.
void ExitWithALogger(const std::filesystem::path& dir) {
  // Runs after the library's own handlers.
  ARROW_CHECK_EQ(std::atexit([] {
                   is_log_open = false;
                   std::this_thread::sleep_for(std::chrono::milliseconds(50));
                   has_enough = true;
                   late_opener.join();
                 }),
                 0);
  std::atomic<int> events{0};
  const auto log = [&events](const lance::LogEvent&) {
    ARROW_CHECK(is_log_open) << "told after the log was closed";
    ++events;
    events.notify_all();
  };
  ARROW_CHECK_OK(lance::SetLogger(log, lance::LogLevel::kTrace));
  static_handles.Open(dir);
  late_opener = std::thread([uri = dir / "dataset"] {
    while (!has_enough) ARROW_CHECK_OK(lance::Dataset::Open(uri).status());
  });
  events.wait(0);
  std::exit(EXIT_SUCCESS);
}

/// A call that has ended, on a thread of the library which goes on when the process is exiting.
arrow::Future<uint64_t> CountHeldUntilExit(const lance::Dataset& dataset) {
  static std::atomic<bool> is_held;
  static const auto main_thread = std::this_thread::get_id();
  const auto hold = [](uint64_t rows) {
    // The call was faster than its caller.
    if (std::this_thread::get_id() == main_thread) return rows;
    is_held = true;
    is_held.notify_all();
    exiting.wait(false);
    // This was told by the handler that runs first.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return rows;
  };
  arrow::Future<uint64_t> held;
  do {
    held = dataset.CountRowsAsync().Then(hold);
  } while (held.is_finished());
  is_held.wait(false);
  return held;
}

void ExitWithAHeldCall() {
  ARROW_CHECK_EQ(std::atexit([] {
                   exiting = true;
                   exiting.notify_all();
                 }),
                 0);
  std::exit(EXIT_SUCCESS);
}

std::shared_ptr<lance::Dataset> SmallDataset(const std::filesystem::path& dir) {
  ARROW_CHECK_OK(WriteSimple(dir / "dataset", 0, 1000).status());
  return lance::Dataset::Open(dir / "dataset").ValueOrDie();
}

/// The exit waits for continuations, and for what Arrow does after each.
void ExitWhileAFutureEnds(const std::filesystem::path& dir) {
  const auto dataset = SmallDataset(dir);
  const auto again =
      CountHeldUntilExit(*dataset).Then([dataset](uint64_t) { return dataset->CountRowsAsync(); });
  again.AddCallback([](const arrow::Result<uint64_t>& count) {
    ARROW_CHECK(lance::GetErrorCode(count.status()) == lance::ErrorCode::kInvalidState);
  });
  ExitWithAHeldCall();
}

/// Arrow's threads are there as long as something can be transferred to them.
void ExitWhileAFutureIsTransferred(const std::filesystem::path& dir) {
  const auto held = CountHeldUntilExit(*SmallDataset(dir));
  const auto transferred = arrow::internal::GetCpuThreadPool()->Transfer(held);
  ExitWithAHeldCall();
}

/// As results are, with a type that nothing else here uses.
void ImportADate() {
  ArrowSchema date{};
  date.format = "tdD";
  date.release = [](ArrowSchema* schema) { schema->release = nullptr; };
  ARROW_CHECK_EQ(arrow::ImportType(&date).ValueOrDie()->ToString(), "date32[day]");
}

/// Types are there as long as something can be imported, also those that an import was the first to use.
void ExitWhileAFutureImports(const std::filesystem::path& dir) {
  const auto dataset = SmallDataset(dir);
  const auto import = [](const arrow::Result<uint64_t>&) { ImportADate(); };
  const auto held = CountHeldUntilExit(*dataset);
  held.AddCallback(import);
  ImportADate();
  ExitWithAHeldCall();
}

/// Wherever they are.
void ExitWhileFuturesAreUnderWay(const std::filesystem::path& dir) {
  const std::string uri = dir / "dataset";
  ARROW_CHECK_OK(WriteSimple(uri, 0, 1000).status());
  const auto scan = [](const std::shared_ptr<lance::Dataset>& dataset) { return dataset->ScanAsync(); };
  const auto read = [](const std::shared_ptr<lance::Scanner>& scanner) { return scanner->ToTableAsync(); };
  std::vector<arrow::Future<std::shared_ptr<arrow::Table>>> tables;
  for (int i = 0; i < 32; ++i) tables.push_back(lance::Dataset::OpenAsync(uri).Then(scan).Then(read));
  tables.front().Wait();
}

void QuickExit(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  std::quick_exit(EXIT_SUCCESS);
}

// The allocator of AddressSanitizer does not survive a fork while other threads allocate.
#ifndef LANCE_WITH_ADDRESS_SANITIZER
/// Children forked while another thread opens and closes writers end too, although nothing works in them.
void ExitInForkedChildren(const std::filesystem::path& dir) {
  static_handles.Open(dir);
  std::atomic<bool> stop{false};
  std::thread opener([&] {
    while (!stop) OpenWriter(dir / "unfinished" / "more");
  });
  for (int i = 0; i < 5; ++i) {
    const pid_t child = fork();
    ARROW_CHECK_GE(child, 0);
    if (child == 0) {
      alarm(kHangSeconds);
      std::exit(EXIT_SUCCESS);
    }
    int status = 0;
    ARROW_CHECK_EQ(waitpid(child, &status, 0), child);
    ARROW_CHECK_EQ(status, 0);
  }
  stop = true;
  opener.join();
}
#endif

struct Way {
  const char* name;
  void (*end)(const std::filesystem::path&);
  bool releases_batches = true;
  bool removes_files = true;
  int code = EXIT_SUCCESS;
};

/// Inside a callback of the library nothing can wait for what is on its way: it ends as after a kill.
constexpr Way ExitInCallback(const char* name, void (*end)(const std::filesystem::path&)) {
  return {name, end, /*releases_batches=*/false, /*removes_files=*/false, kCodeOfCallback};
}

constexpr Way kWays[] = {
    {"static", StaticHandles},
    {"thread_local", ThreadLocalHandles},
    {"stack", ExitWithWriterOnTheStack},
    // The thread that is cut off may hold a batch that it has not handed over.
    {"other_thread", ExitWhileAnotherThreadWrites, /*releases_batches=*/false},
    {"other_thread_reads", ExitWhileAnotherThreadReads},
    {"late_finish", FinishInAnExitHandler},
    ExitInCallback("progress", ExitInAProgressCallback),
    ExitInCallback("progress_static", ExitInAProgressCallbackOfAStaticWriter),
    ExitInCallback("last_progress", ExitInTheLastProgressCallback),
    ExitInCallback("release", ExitInTheReleaseOfABatch),
    ExitInCallback("release_by_abort", ExitInTheReleaseByAnAbort),
    // The one whose release exits is never released to the end.
    {"release_refused", ExitInTheReleaseOfARefusedBatch, /*releases_batches=*/false, /*removes_files=*/true,
     kCodeOfCallback},
    {"stream", ExitInAStreamCallback, true, true, kCodeOfCallback},
    {"destroyed_in_progress", DestroyAWriterInItsProgressCallback},
    {"logger", ExitWithALogger},
    {"future", ExitWhileAFutureEnds},
    {"future_transferred", ExitWhileAFutureIsTransferred},
    {"future_imports", ExitWhileAFutureImports},
    {"futures", ExitWhileFuturesAreUnderWay},
    // Nothing is cleaned up, as after a kill.
    {"quick_exit", QuickExit, /*releases_batches=*/false, /*removes_files=*/false},
#ifndef LANCE_WITH_ADDRESS_SANITIZER
    {"forked_child", ExitInForkedChildren},
#endif
};

void MapLiveBuffers(int descriptor) {
  void* shared = mmap(nullptr, sizeof(*live_buffers), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ARROW_CHECK_NE(shared, MAP_FAILED);
  live_buffers = static_cast<std::atomic<int64_t>*>(shared);
}

/// The process that ends.
int Child(const std::string& name, const std::filesystem::path& dir, int descriptor) {
  MapLiveBuffers(descriptor);
  for (const Way& way : kWays) {
    if (way.name != name) continue;
    alarm(kHangSeconds);
    way.end(dir);
    std::exit(EXIT_SUCCESS);
  }
  return EXIT_FAILURE;
}

/// End a process this way; true if all is well.
bool Run(const Way& way, int descriptor) {
  const TempDir dir;
  live_buffers->store(0);
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string directory = dir.path();
  const std::string number = std::to_string(descriptor);
  const pid_t child = fork();
  if (child == 0) {
    // What is not released is a leak for the sanitizer, which would choose another exit code.
    if (way.code == kCodeOfCallback && !way.releases_batches) setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    execl(program.c_str(), program.c_str(), kChild, way.name, directory.c_str(), number.c_str(), nullptr);
    _exit(EXIT_FAILURE);
  }
  int status = 0;
  bool ok = child > 0 && waitpid(child, &status, 0) == child;
  const auto fail = [&](const std::string& what) {
    std::cerr << way.name << ": " << what << std::endl;
    ok = false;
  };
  if (WIFSIGNALED(status)) fail("killed by signal " + std::to_string(WTERMSIG(status)));
  if (WIFEXITED(status) && WEXITSTATUS(status) != way.code) {
    fail("exit code " + std::to_string(WEXITSTATUS(status)));
  }
  if (way.releases_batches && live_buffers->load() != 0) {
    fail(std::to_string(live_buffers->load()) + " buffers were not released");
  }
  if (way.removes_files) {
    for (const auto& file : ListFiles(dir.path())) {
      if (file.find("unfinished") != std::string::npos) fail("left behind: " + file);
    }
  }
  return ok;
}

int Main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == kChild) return Child(argv[2], argv[3], std::atoi(argv[4]));
  const int runs = argc > 1 ? std::atoi(argv[1]) : Pick(5, 100);
  const std::vector<std::string> chosen(argv + std::min(argc, 2), argv + argc);
  const int descriptor = memfd_create("live buffers", 0);
  ARROW_CHECK_EQ(ftruncate(descriptor, sizeof(*live_buffers)), 0);
  MapLiveBuffers(descriptor);

  int total = 0;
  int failed = 0;
  std::chrono::milliseconds slowest{0};
  for (const Way& way : kWays) {
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), way.name) == chosen.end()) continue;
    for (int i = 0; i < runs; ++i, ++total) {
      const auto start = std::chrono::steady_clock::now();
      if (!Run(way, descriptor)) ++failed;
      const auto took = std::chrono::steady_clock::now() - start;
      slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::milliseconds>(took));
    }
  }
  Figure("L3", {{"exits", std::to_string(total)},
                {"failed", std::to_string(failed)},
                {"slowest_process_ms", std::to_string(slowest.count())}});
  return failed == 0 && total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace lance_test

int main(int argc, char** argv) { return lance_test::Main(argc, argv); }
