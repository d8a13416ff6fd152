// A whole session against the library with fault points: the k-th step fails, k = 1, 2, ... until none is
// left, once with an error and once with a panic. Whatever fails, each struct is released exactly once, the
// process lives, and the next session works.

#include <dlfcn.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "gmock/gmock.h"
#include "support/c_call.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/release_probe.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

enum FaultMode : int32_t { kOff = 0, kError = 1, kPanic = 2 };

/// The testing functions of the library with fault points.
struct Faults {
  void (*fail_at)(int64_t k, int32_t mode) =
      reinterpret_cast<void (*)(int64_t, int32_t)>(dlsym(RTLD_DEFAULT, "lance_testing_fail_at"));
  int64_t (*points_hit)() = reinterpret_cast<int64_t (*)()>(dlsym(RTLD_DEFAULT, "lance_testing_points_hit"));
};

constexpr int64_t kBatches = 3;
constexpr int64_t kRowsPerBatch = 100;
constexpr uint64_t kRows = (kBatches + 2) * kRowsPerBatch;

/// Writes a dataset and reads it in every way the C ABI has. Stops at the first failure.
class Session {
 public:
  explicit Session(std::string uri) : uri_(std::move(uri)) {}

  /// The first failure of a call, or OK.
  Outcome Run() {
    for (const auto step : {&Session::WriteAll, &Session::OpenAndDescribe, &Session::Scan, &Session::Take,
                            &Session::AppendInHalves, &Session::Discard, &Session::Maintain}) {
      if (Outcome outcome = (this->*step)(); !outcome.ok()) return outcome;
    }
    return {};
  }

  bool committed() const { return committed_; }
  const ReleaseProbe& probe() const { return probe_; }

 private:
  Outcome WriteAll() {
    WriterPtr writer;
    ProbedSchema schema(*SimpleSchema(), probe_);
    Outcome outcome = OpenWriter(uri_, &schema.schema, nullptr, &writer);
    EXPECT_EQ(schema.schema.release, nullptr);
    for (int64_t i = 0; i < kBatches; ++i) {
      ProbedBatch exported(*SimpleBatch(i * kRowsPerBatch, kRowsPerBatch), probe_);
      // Called after a failure too: the batch is consumed by a NULL or failed writer as well.
      const Outcome write = Write(writer, &exported.array, &exported.schema);
      EXPECT_TRUE(exported.consumed());
      if (outcome.ok()) outcome = write;
    }
    if (const Outcome stream = WriteStream(writer); outcome.ok()) outcome = stream;
    if (!outcome.ok()) return outcome;

    LanceWriteStats stats = LANCE_WRITE_STATS_INIT;
    if (outcome = CallC(lance_writer_stats, writer.get(), &stats); !outcome.ok()) return outcome;
    EXPECT_EQ(stats.rows, kRows);
    outcome = Finish(writer);
    committed_ = outcome.ok();
    return outcome;
  }

  Outcome WriteStream(const WriterPtr& writer) {
    const auto reader =
        arrow::RecordBatchReader::Make({SimpleBatch(kBatches * kRowsPerBatch, kRowsPerBatch),
                                        SimpleBatch((kBatches + 1) * kRowsPerBatch, kRowsPerBatch)})
            .ValueOrDie();
    ArrowArrayStream stream{};
    EXPECT_TRUE(arrow::ExportRecordBatchReader(reader, &stream).ok());
    probe_.Watch(&stream);
    const Outcome outcome = CallC(lance_writer_write_stream, writer.get(), 0U, &stream);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  Outcome OpenAndDescribe() {
    LanceDataset* dataset = nullptr;
    Outcome outcome =
        CallC(lance_dataset_open, uri_.c_str(), static_cast<const LanceOpenOptions*>(nullptr), &dataset);
    dataset_.reset(dataset);
    if (!outcome.ok()) return outcome;

    ArrowSchema schema{};
    if (outcome = CallC(lance_dataset_schema, const_dataset(), &schema); !outcome.ok()) return outcome;
    probe_.Watch(&schema);
    schema.release(&schema);

    LanceDatasetInfo info = LANCE_DATASET_INFO_INIT;
    if (outcome = CallC(lance_dataset_info, const_dataset(), &info); !outcome.ok()) return outcome;
    EXPECT_EQ(info.rows, kRows);

    uint64_t rows = 0;
    if (outcome = CallC(lance_dataset_count_rows, const_dataset(), LANCE_TEXT("id < 50"), &rows);
        !outcome.ok())
      return outcome;
    EXPECT_EQ(rows, 50U);

    ArrowArrayStream versions{};
    if (outcome = CallC(lance_dataset_versions, const_dataset(), &versions); !outcome.ok()) return outcome;
    if (outcome = Read(&versions, 1); !outcome.ok()) return outcome;

    ArrowArrayStream fragments{};
    if (outcome = CallC(lance_dataset_fragments, const_dataset(), &fragments); !outcome.ok()) return outcome;
    return Read(&fragments, 1);
  }

  Outcome Scan() {
    LanceScanner* scanner = nullptr;
    Outcome outcome =
        CallC(lance_scanner_open, const_dataset(), static_cast<const LanceScanOptions*>(nullptr), &scanner);
    const ScannerPtr owned_scanner(scanner);
    if (!outcome.ok()) return outcome;
    ArrowArrayStream stream{};
    outcome = CallC(lance_scanner_to_stream, static_cast<const LanceScanner*>(scanner), &stream);
    return outcome.ok() ? Read(&stream, kRows) : outcome;
  }

  /// Read a stream of so many rows to its end, and release it.
  Outcome Read(ArrowArrayStream* stream, uint64_t expected) {
    // The probe puts its own callbacks round those that tell the library's streams.
    const ArrowArrayStream plain = *stream;
    probe_.Watch(stream);
    const Outcome outcome = Drain(stream, plain, expected);
    stream->release(stream);
    return outcome;
  }

  static Outcome Drain(ArrowArrayStream* stream, const ArrowArrayStream& plain, uint64_t expected) {
    ArrowSchema schema{};
    if (stream->get_schema(stream, &schema) != 0) return StreamFailure(stream, plain);
    schema.release(&schema);
    uint64_t rows = 0;
    for (;;) {
      ArrowArray array{};
      if (stream->get_next(stream, &array) != 0) return StreamFailure(stream, plain);
      if (array.release == nullptr) break;
      rows += static_cast<uint64_t>(array.length);
      array.release(&array);
    }
    EXPECT_EQ(rows, expected);
    return {};
  }

  /// A stream's callbacks have no status codes; the error behind them has.
  static Outcome StreamFailure(ArrowArrayStream* stream, const ArrowArrayStream& plain) {
    const char* message = stream->get_last_error(stream);
    EXPECT_NE(message, nullptr);
    LanceError* error = nullptr;
    const Outcome asked = CallC(lance_stream_last_error, &plain, &error);
    EXPECT_EQ(asked, LANCE_OK);
    if (message == nullptr || error == nullptr) return asked;
    const Outcome outcome{.code = lance_error_code(error), .message = lance_error_message(error)};
    EXPECT_EQ(outcome.message, message);
    lance_error_free(error);
    return outcome;
  }

  Outcome Take() {
    const std::array<uint64_t, 3> rows{499, 0, 250};
    const char* const* all_columns = nullptr;
    ArrowArray array{};
    ArrowSchema schema{};
    Outcome outcome = CallC(lance_dataset_take, const_dataset(), rows.data(), rows.size(), all_columns,
                            size_t{0}, &array, &schema);
    if (!outcome.ok()) {
      EXPECT_EQ(array.release, nullptr);
      EXPECT_EQ(schema.release, nullptr);
      return outcome;
    }
    probe_.Watch(&array);
    probe_.Watch(&schema);
    const auto batch = arrow::ImportRecordBatch(&array, &schema);
    EXPECT_TRUE(batch.ok() && (*batch)->num_rows() == 3) << batch.status().ToString();
    return outcome;
  }

  /// Append a batch, with the commit left to the transaction.
  Outcome WriteUncommitted(TransactionPtr* out) {
    LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
    options.mode = LANCE_WRITE_APPEND;
    WriterPtr writer;
    ProbedSchema schema(*SimpleSchema(), probe_);
    Outcome outcome = OpenWriter(uri_, &schema.schema, &options, &writer);
    ProbedBatch exported(*SimpleBatch(kRows, kRowsPerBatch), probe_);
    const Outcome write = Write(writer, &exported.array, &exported.schema);
    EXPECT_TRUE(exported.consumed());
    if (outcome.ok()) outcome = write;
    if (!outcome.ok()) return outcome;
    LanceTransaction* transaction = nullptr;
    outcome = CallC(lance_writer_finish_uncommitted, writer.get(), &transaction);
    out->reset(transaction);
    return outcome;
  }

  /// The two halves of an append, with JSON between them.
  Outcome AppendInHalves() {
    TransactionPtr written;
    Outcome outcome = WriteUncommitted(&written);
    if (!outcome.ok()) return outcome;
    char* text = nullptr;
    outcome = CallC(lance_transaction_to_json, static_cast<const LanceTransaction*>(written.get()), &text);
    const StringPtr json(text);
    if (!outcome.ok()) return outcome;
    LanceTransaction* read = nullptr;
    outcome = CallC(lance_transaction_from_json, LANCE_TEXT(text), static_cast<const LanceKeyValue*>(nullptr),
                    size_t{0}, &read);
    const TransactionPtr owned(read);
    if (!outcome.ok()) return outcome;
    return CallC(lance_transaction_commit, static_cast<LanceTransaction* const*>(&read), size_t{1},
                 static_cast<LanceCommitResult*>(nullptr));
  }

  Outcome Discard() {
    TransactionPtr transaction;
    const Outcome outcome = WriteUncommitted(&transaction);
    return outcome.ok() ? CallC(lance_transaction_discard, transaction.get()) : outcome;
  }

  Outcome Maintain() {
    LanceCheckSummary summary = LANCE_CHECK_SUMMARY_INIT;
    ArrowArrayStream problems{};
    Outcome outcome = CallC(lance_dataset_check, uri_.c_str(), static_cast<const LanceCheckOptions*>(nullptr),
                            &summary, &problems);
    if (!outcome.ok()) return outcome;
    if (outcome = Read(&problems, 0); !outcome.ok()) return outcome;
    EXPECT_EQ(summary.versions, 2U);
    EXPECT_EQ(summary.problems + summary.orphans + summary.temporary_files, 0U);
    LanceCleanupResult removed = LANCE_CLEANUP_RESULT_INIT;
    return CallC(lance_dataset_cleanup, uri_.c_str(), static_cast<const LanceCleanupOptions*>(nullptr),
                 &removed);
  }

  const LanceDataset* const_dataset() const { return dataset_.get(); }

  const std::string uri_;
  bool committed_ = false;
  ReleaseProbe probe_;
  DatasetPtr dataset_;
};

/// A fault of the store is an I/O error, one in the exported stream or in a commit has a code of its own.
std::vector<int32_t> ExpectedCodes(FaultMode mode) {
  if (mode == kPanic) return {LANCE_PANIC, LANCE_CALLBACK, LANCE_IO, LANCE_COMMIT_STATUS_UNKNOWN};
  return {LANCE_INTERNAL, LANCE_CALLBACK, LANCE_IO};
}

/// Whether there is a dataset; one that is there must have all its rows.
bool ReadsWhole(const std::string& uri) {
  LanceDataset* dataset = nullptr;
  const Outcome outcome =
      CallC(lance_dataset_open, uri.c_str(), static_cast<const LanceOpenOptions*>(nullptr), &dataset);
  const DatasetPtr owned(dataset);
  if (outcome == LANCE_DATASET_NOT_FOUND) return false;
  EXPECT_EQ(outcome, LANCE_OK);
  uint64_t rows = 0;
  EXPECT_EQ(CallC(lance_dataset_count_rows, static_cast<const LanceDataset*>(dataset), LANCE_TEXT("id >= 0"),
                  &rows),
            LANCE_OK);
  EXPECT_THAT(rows, ::testing::AnyOf(kRows, kRows + kRowsPerBatch));
  return true;
}

class FaultTest : public ::testing::TestWithParam<FaultMode> {};

TEST_P(FaultTest, EveryStepCanFail) {
  const Faults faults;
  ASSERT_NE(faults.fail_at, nullptr) << "the library was built without fault points";
  ASSERT_NE(faults.points_hit, nullptr);

  int64_t k = 0;
  int landed = 0;
  for (bool fired = true; fired;) {
    SCOPED_TRACE("step " + std::to_string(++k));
    const TempDir dir;
    {
      Session session(dir / "dataset");
      faults.fail_at(k, GetParam());
      const Outcome outcome = session.Run();
      fired = faults.points_hit() >= k;
      faults.fail_at(0, kOff);
      if (!fired) {
        EXPECT_EQ(outcome, LANCE_OK);
      }
      if (!outcome.ok()) {
        EXPECT_THAT(outcome.message, ::testing::HasSubstr("injected"));
        EXPECT_THAT(outcome.code, ::testing::AnyOfArray(ExpectedCodes(GetParam())));
      }
      if (outcome.code == LANCE_COMMIT_STATUS_UNKNOWN) {
        landed += ReadsWhole(dir / "dataset");
      } else if (session.committed()) {
        EXPECT_TRUE(ReadsWhole(dir / "dataset"));
      } else {
        EXPECT_THAT(ListFiles(dir.path()), ::testing::IsEmpty());
      }
      EXPECT_TRUE(session.probe().EachReleasedOnce());
    }
    EXPECT_EQ(ReleaseProbe::Live(), 0);
    Session clean(dir / "clean");
    EXPECT_EQ(clean.Run(), LANCE_OK);
  }
  Figure("O4", {{GetParam() == kPanic ? "panics" : "errors", std::to_string(k - 1)}});
  // A panic behind the manifest's last byte: the commit has landed, so its files must stay.
  EXPECT_EQ(landed > 0, GetParam() == kPanic);
  // Opening, three writes, a stream, and each way to read are steps of their own.
  EXPECT_GT(k, 30);
}

INSTANTIATE_TEST_SUITE_P(Modes, FaultTest, ::testing::Values(kError, kPanic),
                         [](const auto& info) { return info.param == kPanic ? "Panic" : "Error"; });

}  // namespace
}  // namespace lance_test
