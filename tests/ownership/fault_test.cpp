// A whole session against the library with fault points: the k-th step fails, k = 1, 2, ... until none is
// left, once with an error and once with a panic; with calls that block, and with asynchronous ones, of which
// the k-th is cancelled, too. Whatever fails, each struct is released exactly once, each end is told exactly
// once, the process lives, and the next session works.

#include <array>
#include <chrono>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "gmock/gmock.h"
#include "support/async_calls.h"
#include "support/c_call.h"
#include "support/faults.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/pushed_scan.h"
#include "support/release_probe.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kBatches = 3;
constexpr int64_t kRowsPerBatch = 100;
constexpr uint64_t kRows = (kBatches + 2) * kRowsPerBatch;

constexpr const LanceOpenOptions* kOpenDefaults = nullptr;
constexpr const LanceScanOptions* kScanDefaults = nullptr;
constexpr const LanceSqlOptions* kSqlDefaults = nullptr;
constexpr const LanceVectorQueryOptions* kQueryDefaults = nullptr;
constexpr const LanceCheckOptions* kCheckDefaults = nullptr;
constexpr const LanceCleanupOptions* kCleanupDefaults = nullptr;
constexpr const LanceKeyValue* kNoStorageOptions = nullptr;
constexpr LanceCommitResult* kNoResult = nullptr;
constexpr const char* const* kOutermost = nullptr;
constexpr const char* kTable[] = {"table"};

/// The asynchronous form of a function in an asynchronous session, and otherwise the blocking one.
#define CALL(function, ...) \
  (calls_ != nullptr ? calls_->Call(function##_async, __VA_ARGS__) : CallC(function, __VA_ARGS__))

#define MAKE(owned, function, ...) \
  Made(owned, [&](auto* handle) { return CALL(function, __VA_ARGS__, handle); })

/// Writes a dataset and reads it in every way the C ABI has. Stops at the first failure.
class Session {
 public:
  /// With `calls` it is asynchronous.
  Session(std::string uri, AsyncCalls* calls) : uri_(std::move(uri)), calls_(calls) {}

  /// The first failure of a call, or OK.
  Outcome Run() {
    for (const auto step :
         {&Session::WriteAll, &Session::OpenAndDescribe, &Session::Scan, &Session::ScanBatches,
          &Session::ScanPushed, &Session::Query, &Session::Search, &Session::LookUp, &Session::Take,
          &Session::TakeRanges, &Session::Shuffle, &Session::OpenSplit, &Session::AppendInHalves,
          &Session::Discard, &Session::Maintain, &Session::ByName}) {
      if (Outcome outcome = (this->*step)(); !outcome.ok()) return outcome;
    }
    return {};
  }

  const std::string& uri() const { return uri_; }
  bool committed() const { return committed_; }
  /// Whether there are files whose transaction was neither committed nor discarded.
  bool pending() const { return pending_; }
  const LanceDataset* dataset() const { return dataset_.get(); }
  const ReleaseProbe& probe() const { return probe_; }

 private:
  Outcome WriteAll() {
    WriterPtr writer;
    ProbedSchema schema(*SimpleSchema(), probe_);
    Outcome outcome = Open(&schema, nullptr, &writer);
    for (int64_t i = 0; i < kBatches; ++i) {
      ProbedBatch exported(*SimpleBatch(i * kRowsPerBatch, kRowsPerBatch), probe_);
      // Called after a failure too: the batch is consumed by a NULL or failed writer as well.
      const Outcome write = Write(writer, &exported);
      if (outcome.ok()) outcome = write;
    }
    if (const Outcome stream = WriteStream(writer); outcome.ok()) outcome = stream;
    if (!outcome.ok()) return outcome;

    LanceWriteStats stats = LANCE_WRITE_STATS_INIT;
    if (outcome = CallC(lance_writer_stats, writer.get(), &stats); !outcome.ok()) return outcome;
    EXPECT_EQ(stats.rows, kRows);
    outcome = CALL(lance_writer_finish, writer.get(), kNoResult);
    committed_ = outcome.ok();
    return outcome;
  }

  Outcome Open(ProbedSchema* schema, const LanceWriteOptions* options, WriterPtr* out) {
    const Outcome outcome = MAKE(out, lance_writer_open, uri_.c_str(), &schema->schema, options);
    EXPECT_EQ(schema->schema.release, nullptr);
    return outcome;
  }

  Outcome Write(const WriterPtr& writer, ProbedBatch* batch) {
    const Outcome outcome = CALL(lance_writer_write_batch, writer.get(), &batch->array, &batch->schema);
    EXPECT_TRUE(batch->consumed());
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
    const Outcome outcome = CALL(lance_writer_write_stream, writer.get(), 0U, &stream);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  Outcome OpenAndDescribe() {
    Outcome outcome = MAKE(&dataset_, lance_dataset_open, uri_.c_str(), kOpenDefaults);
    if (!outcome.ok()) return outcome;

    ArrowSchema schema{};
    if (outcome = CallC(lance_dataset_schema, dataset(), &schema); !outcome.ok()) return outcome;
    probe_.Watch(&schema);
    schema.release(&schema);

    LanceDatasetInfo info = LANCE_DATASET_INFO_INIT;
    if (outcome = CALL(lance_dataset_info, dataset(), &info); !outcome.ok()) return outcome;
    EXPECT_EQ(info.rows, kRows);

    uint64_t rows = 0;
    if (outcome = CALL(lance_dataset_count_rows, dataset(), LANCE_TEXT("id < 50"), &rows); !outcome.ok())
      return outcome;
    EXPECT_EQ(rows, 50U);

    ArrowArrayStream versions{};
    if (outcome = CALL(lance_dataset_versions, dataset(), &versions); !outcome.ok()) return outcome;
    if (outcome = Read(&versions, 1); !outcome.ok()) return outcome;

    ArrowArrayStream fragments{};
    if (outcome = CALL(lance_dataset_fragments, dataset(), &fragments); !outcome.ok()) return outcome;
    return Read(&fragments, 1);
  }

  Outcome Scan() {
    ScannerPtr scanner;
    Outcome outcome = MAKE(&scanner, lance_scanner_open, dataset(), kScanDefaults);
    if (!outcome.ok()) return outcome;
    ArrowArrayStream stream{};
    outcome = CALL(lance_scanner_to_stream, scanner.get(), &stream);
    return outcome.ok() ? Read(&stream, kRows) : outcome;
  }

  Outcome ScanBatches() {
    ScannerPtr scanner;
    Outcome outcome = MAKE(&scanner, lance_scanner_open, dataset(), kScanDefaults);
    if (!outcome.ok()) return outcome;
    BatchesPtr batches;
    if (outcome = MAKE(&batches, lance_batches_open, scanner.get()); !outcome.ok()) return outcome;
    uint64_t rows = 0;
    for (;;) {
      ArrowArray array{};
      outcome = CALL(lance_batches_next, batches.get(), &array);
      if (array.release == nullptr) break;
      EXPECT_TRUE(outcome.ok());
      probe_.Watch(&array);
      rows += static_cast<uint64_t>(array.length);
      array.release(&array);
    }
    if (outcome.ok()) {
      EXPECT_EQ(rows, kRows);
    }
    return outcome;
  }

  Outcome Query() {
    SqlContextPtr context;
    Outcome outcome =
        Made(&context, [&](auto* handle) { return CallC(lance_sql_context_create, kSqlDefaults, handle); });
    if (!outcome.ok()) return outcome;
    const LanceSqlContext* tables = context.get();
    if (outcome = CALL(lance_sql_context_register, tables, "simple", dataset()); !outcome.ok())
      return outcome;
    ArrowArrayStream list{};
    if (outcome = CallC(lance_sql_context_tables, tables, &list); !outcome.ok()) return outcome;
    if (outcome = Read(&list, 1); !outcome.ok()) return outcome;
    ProbedBatch row(*SimpleBatch(50, 1), probe_);
    const LanceText text =
        LANCE_TEXT("select a.id from simple a join simple b on a.id = b.id where a.id < $id");
    SqlQueryPtr query;
    // The other column is no parameter.
    const Outcome refused = MAKE(&query, lance_sql_prepare, tables, text, &row.array, &row.schema);
    EXPECT_TRUE(row.consumed());
    if (refused.code != LANCE_INVALID_ARGUMENT) return refused;
    ArrowArray* const no_row = nullptr;
    ArrowSchema* const no_types = nullptr;
    const LanceText plain =
        LANCE_TEXT("select a.id from simple a join simple b on a.id = b.id where a.id < 50");
    outcome = MAKE(&query, lance_sql_prepare, tables, plain, no_row, no_types);
    if (!outcome.ok()) return outcome;
    ArrowArrayStream stream{};
    const LanceSqlQuery* planned = query.get();
    outcome = CALL(lance_sql_query_to_stream, planned, &stream);
    return outcome.ok() ? Read(&stream, 50) : outcome;
  }

  /// Look for vectors in a column that has none.
  Outcome Search() {
    const auto row = SimpleBatch(0, 8)->column(0);
    ArrowArray vector{};
    ArrowSchema type{};
    EXPECT_TRUE(arrow::ExportArray(*row, &vector, &type).ok());
    probe_.Watch(&vector);
    probe_.Watch(&type);
    VectorQueryPtr query;
    const Outcome made = Made(&query, [&](auto* handle) {
      return CallC(lance_vector_query_new, "id", &vector, &type, kQueryDefaults, handle);
    });
    EXPECT_TRUE(vector.release == nullptr && type.release == nullptr);
    if (!made.ok()) return made;
    LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
    options.nearest = query.get();
    const LanceScanOptions* nearest = &options;
    ScannerPtr scanner;
    const Outcome refused = MAKE(&scanner, lance_scanner_open, dataset(), nearest);
    return refused.code == LANCE_INVALID_ARGUMENT ? Outcome{} : refused;
  }

  /// Look ids up, which are not indexed.
  Outcome LookUp() {
    LookupPtr lookup;
    Outcome outcome =
        MAKE(&lookup, lance_lookup_open, dataset(), "id", static_cast<LanceLookupOptions*>(nullptr));
    if (!outcome.ok()) return outcome;
    ArrowArray values{};
    ArrowSchema type{};
    EXPECT_TRUE(arrow::ExportArray(*SimpleBatch(0, 5)->column(0), &values, &type).ok());
    probe_.Watch(&values);
    probe_.Watch(&type);
    ArrowArray array{};
    ArrowSchema schema{};
    const LanceLookup* ids = lookup.get();
    outcome = CALL(lance_lookup_take, ids, &values, &type, &array, &schema);
    EXPECT_TRUE(values.release == nullptr && type.release == nullptr);
    EXPECT_EQ(array.release == nullptr, !outcome.ok());
    if (!outcome.ok()) return outcome;
    EXPECT_EQ(array.length, 5);
    probe_.Watch(&array);
    probe_.Watch(&schema);
    array.release(&array);
    schema.release(&schema);
    return outcome;
  }

  /// Write a table of a namespace and open it.
  Outcome ByName() {
    NamespacePtr ns;
    const std::string place = uri_ + ".names";
    const LanceKeyValue root = {LANCE_TEXT("root"), LANCE_TEXT(place.c_str())};
    Outcome outcome = MAKE(&ns, lance_namespace_connect, "dir", &root, size_t{1},
                           static_cast<LanceNamespaceOptions*>(nullptr));
    const LanceNamespace* names = ns.get();
    WriterPtr writer;
    ProbedSchema schema(*SimpleSchema(), probe_);
    // Called after a failure too: the schema is consumed by a NULL namespace as well.
    const Outcome opened = MAKE(&writer, lance_namespace_open_writer, names, kTable, size_t{1},
                                &schema.schema, static_cast<LanceWriteOptions*>(nullptr));
    EXPECT_EQ(schema.schema.release, nullptr);
    if (outcome.ok()) outcome = opened;
    if (!outcome.ok()) return outcome;
    if (outcome = CALL(lance_writer_finish, writer.get(), kNoResult); !outcome.ok()) return outcome;

    ArrowArrayStream tables{};
    if (outcome = CALL(lance_namespace_list_tables, names, kOutermost, size_t{0}, &tables); !outcome.ok())
      return outcome;
    if (outcome = Read(&tables, 1); !outcome.ok()) return outcome;
    ArrowArrayStream described{};
    if (outcome = CALL(lance_namespace_describe_table, names, kTable, size_t{1}, &described); !outcome.ok())
      return outcome;
    if (outcome = Read(&described, 1); !outcome.ok()) return outcome;
    DatasetPtr table;
    return MAKE(&table, lance_namespace_open_table, names, kTable, size_t{1}, kOpenDefaults);
  }

  Outcome ScanPushed() {
    ScannerPtr scanner;
    Outcome outcome = MAKE(&scanner, lance_scanner_open, dataset(), kScanDefaults);
    if (!outcome.ok()) return outcome;
    PushedScan pushed(probe_);
    if (outcome = pushed.Run(scanner.get()); outcome.ok()) {
      EXPECT_EQ(pushed.rows(), kRows);
    }
    return outcome;
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
    Outcome outcome = CALL(lance_dataset_take, dataset(), rows.data(), rows.size(), all_columns, size_t{0},
                           &array, &schema);
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

  /// The second half of an epoch, as another process reads it.
  Outcome Shuffle() {
    const LanceShuffleOptions* defaults = nullptr;
    const LanceAccessOptions* access = nullptr;
    ShufflerPtr shuffler;
    Outcome outcome = MAKE(&shuffler, lance_shuffler_open, dataset(), defaults);
    if (!outcome.ok()) return outcome;
    const LanceShuffler* shuffled = shuffler.get();
    StringPtr state;
    outcome = Made(&state, [&](auto* handle) {
      return CallC(lance_shuffler_state, shuffled, uint64_t{2}, kRows / 2, handle);
    });
    if (!outcome.ok()) return outcome;
    LanceShufflePosition position = LANCE_SHUFFLE_POSITION_INIT;
    ShufflerPtr resumed;
    outcome = Made(&resumed, [&](auto* handle) {
      return CALL(lance_shuffler_resume, LANCE_TEXT(state.get()), access, handle, &position);
    });
    if (!outcome.ok()) return outcome;
    EXPECT_EQ(position.rows_done, kRows / 2);
    const LanceShuffler* rest = resumed.get();
    ArrowArrayStream stream{};
    outcome = CALL(lance_shuffler_to_stream, rest, position.epoch, position.rows_done, &stream);
    return outcome.ok() ? Read(&stream, kRows - kRows / 2) : outcome;
  }

  Outcome TakeRanges() {
    const std::array<LanceRowRange, 2> ranges{{{490, 10}, {0, 5}}};
    const LanceTakeOptions* all_columns = nullptr;
    ArrowArrayStream stream{};
    Outcome outcome =
        CALL(lance_dataset_take_ranges, dataset(), ranges.data(), ranges.size(), all_columns, &stream);
    if (!outcome.ok()) {
      EXPECT_EQ(stream.release, nullptr);
      return outcome;
    }
    probe_.Watch(&stream);
    const auto reader = arrow::ImportRecordBatchReader(&stream).ValueOrDie();
    // An error of a stream is told by the scan's own step.
    const auto table = reader->ToTable();
    if (table.ok()) {
      EXPECT_EQ((*table)->num_rows(), 15);
    }
    return outcome;
  }

  /// A scan in two parts, the second of which is opened by its text.
  Outcome OpenSplit() {
    ScannerPtr scanner;
    Outcome outcome = MAKE(&scanner, lance_scanner_open, dataset(), kScanDefaults);
    if (!outcome.ok()) return outcome;
    const LanceScanner* whole = scanner.get();
    ArrowArrayStream stream{};
    outcome = CALL(lance_scanner_splits, whole, uint64_t{2}, &stream);
    if (!outcome.ok()) {
      EXPECT_EQ(stream.release, nullptr);
      return outcome;
    }
    probe_.Watch(&stream);
    const auto reader = arrow::ImportRecordBatchReader(&stream).ValueOrDie();
    const auto list = reader->Next();
    if (!list.ok()) return outcome;
    const auto texts = std::static_pointer_cast<arrow::StringArray>((*list)->GetColumnByName("text"));
    const std::string text = texts->GetString(1);
    const LanceAccessOptions* access = nullptr;
    return MAKE(&scanner, lance_scanner_open_split, LANCE_TEXT(text.c_str()), access);
  }

  /// Append a batch, with the commit left to the transaction.
  Outcome WriteUncommitted(TransactionPtr* out) {
    LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
    options.mode = LANCE_WRITE_APPEND;
    WriterPtr writer;
    ProbedSchema schema(*SimpleSchema(), probe_);
    Outcome outcome = Open(&schema, &options, &writer);
    ProbedBatch exported(*SimpleBatch(kRows, kRowsPerBatch), probe_);
    const Outcome write = Write(writer, &exported);
    if (outcome.ok()) outcome = write;
    if (!outcome.ok()) return outcome;
    outcome = MAKE(out, lance_writer_finish_uncommitted, writer.get());
    pending_ = outcome.ok();
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
    TransactionPtr read;
    outcome = Made(&read, [&](auto* handle) {
      return CallC(lance_transaction_from_json, LANCE_TEXT(text), kNoStorageOptions, size_t{0}, handle);
    });
    if (!outcome.ok()) return outcome;
    LanceTransaction* const transactions[] = {read.get()};
    outcome = CALL(lance_transaction_commit, &transactions[0], size_t{1}, kNoResult);
    pending_ = !outcome.ok();
    if (outcome == LANCE_CANCELLED) {
      // It may have landed, which another one tells.
      EXPECT_EQ(CallC(lance_transaction_commit, &transactions[0], size_t{1}, kNoResult), LANCE_OK);
    }
    return outcome;
  }

  Outcome Discard() {
    TransactionPtr transaction;
    Outcome outcome = WriteUncommitted(&transaction);
    if (!outcome.ok()) return outcome;
    outcome = CALL(lance_transaction_discard, transaction.get());
    pending_ = !outcome.ok();
    if (outcome == LANCE_CANCELLED) {
      EXPECT_EQ(CallC(lance_transaction_discard, transaction.get()), LANCE_OK);
      pending_ = false;
    }
    return outcome;
  }

  Outcome Maintain() {
    LanceCheckSummary summary = LANCE_CHECK_SUMMARY_INIT;
    ArrowArrayStream problems{};
    Outcome outcome = CALL(lance_dataset_check, uri_.c_str(), kCheckDefaults, &summary, &problems);
    if (!outcome.ok()) return outcome;
    if (outcome = Read(&problems, 0); !outcome.ok()) return outcome;
    EXPECT_EQ(summary.versions, 2U);
    EXPECT_EQ(summary.problems + summary.orphans + summary.temporary_files, 0U);
    LanceCleanupResult removed = LANCE_CLEANUP_RESULT_INIT;
    return CALL(lance_dataset_cleanup, uri_.c_str(), kCleanupDefaults, &removed);
  }

  const std::string uri_;
  AsyncCalls* const calls_;
  bool committed_ = false;
  bool pending_ = false;
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
  DatasetPtr dataset;
  const Outcome outcome = Made(
      &dataset, [&](auto* handle) { return CallC(lance_dataset_open, uri.c_str(), kOpenDefaults, handle); });
  if (outcome == LANCE_DATASET_NOT_FOUND) return false;
  EXPECT_EQ(outcome, LANCE_OK);
  uint64_t rows = 0;
  EXPECT_EQ(CallC(lance_dataset_count_rows, dataset.get(), LANCE_TEXT("id >= 0"), &rows), LANCE_OK);
  EXPECT_THAT(rows, ::testing::AnyOf(kRows, kRows + kRowsPerBatch));
  return true;
}

/// Files of a dataset that no version needs.
uint64_t CountUnneededFiles(const std::string& uri) {
  LanceCheckSummary summary = LANCE_CHECK_SUMMARY_INIT;
  ArrowArrayStream problems{};
  EXPECT_EQ(CallC(lance_dataset_check, uri.c_str(), kCheckDefaults, &summary, &problems), LANCE_OK);
  problems.release(&problems);
  return summary.orphans + summary.temporary_files;
}

/// What holds after a session, whatever failed. Returns whether there is a dataset.
bool ExpectSound(const TempDir& dir, const Session& session, const Outcome& outcome) {
  EXPECT_TRUE(session.probe().EachReleasedOnce());
  if (session.dataset() != nullptr) {
    // It never changes, so that it stays usable.
    uint64_t rows = 0;
    EXPECT_EQ(CallC(lance_dataset_count_rows, session.dataset(), LANCE_TEXT("id >= 0"), &rows), LANCE_OK);
    EXPECT_EQ(rows, kRows);
  }
  if (outcome.code == LANCE_COMMIT_STATUS_UNKNOWN) return ReadsWhole(session.uri());
  if (!session.committed()) {
    EXPECT_THAT(ListFiles(dir.path()), ::testing::IsEmpty());
    return false;
  }
  EXPECT_TRUE(ReadsWhole(session.uri()));
  if (!session.pending()) {
    EXPECT_EQ(CountUnneededFiles(session.uri()), 0U);
  }
  return true;
}

/// After a session: everything was released, and the next one works.
void ExpectNextWorks(const TempDir& dir, AsyncCalls* calls) {
  EXPECT_EQ(ReleaseProbe::Live(), 0);
  Session clean(dir / "clean", calls);
  EXPECT_EQ(clean.Run(), LANCE_OK);
}

/// How steps fail, and whether calls are asynchronous.
class FaultTest : public ::testing::TestWithParam<std::tuple<FaultMode, bool>> {
 public:
  static std::string Name(const ::testing::TestParamInfo<ParamType>& info) {
    const auto [mode, is_asynchronous] = info.param;
    return std::string(mode == kPanic ? "Panic" : "Error") + (is_asynchronous ? "OfAsynchronousCalls" : "");
  }
};

TEST_P(FaultTest, EveryStepCanFail) {
  const auto [mode, is_asynchronous] = GetParam();
  const Faults faults;
  ASSERT_NE(faults.fail_at, nullptr) << "the library was built without fault points";
  ASSERT_NE(faults.points_hit, nullptr);
  AsyncCalls asynchronous;
  AsyncCalls* const calls = is_asynchronous ? &asynchronous : nullptr;

  int64_t k = 1;
  int tried = 0;
  int landed = 0;
  for (bool fired = true; fired; k += Stride()) {
    SCOPED_TRACE("step " + std::to_string(k));
    const TempDir dir;
    {
      Session session(dir / "dataset", calls);
      faults.fail_at(k, mode);
      const Outcome outcome = session.Run();
      fired = faults.points_hit() >= k;
      tried += fired;
      faults.fail_at(0, kOff);
      if (!fired) {
        EXPECT_EQ(outcome, LANCE_OK);
      }
      if (!outcome.ok()) {
        EXPECT_THAT(outcome.message, ::testing::HasSubstr("injected"));
        EXPECT_THAT(outcome.code, ::testing::AnyOfArray(ExpectedCodes(mode)));
      }
      const bool is_there = ExpectSound(dir, session, outcome);
      landed += is_there && outcome.code == LANCE_COMMIT_STATUS_UNKNOWN;
    }
    ExpectNextWorks(dir, calls);
  }
  const std::string steps = mode == kPanic ? "panics" : "errors";
  Figure("O4", {{is_asynchronous ? "asynchronous_" + steps : steps, std::to_string(tried)}});
  // A panic behind the manifest's last byte: the commit has landed, so its files must stay.
  if (Stride() == 1) {
    EXPECT_EQ(landed > 0, mode == kPanic);
  }
  // Opening, three writes, a stream, and each way to read are steps of their own.
  EXPECT_GT(k, 30);
}

INSTANTIATE_TEST_SUITE_P(Modes, FaultTest,
                         ::testing::Combine(::testing::Values(kError, kPanic), ::testing::Bool()),
                         FaultTest::Name);

TEST(CancelTest, EveryCallCanBeCancelled) {
  int64_t cancelled = 0;
  int64_t failed = 0;
  for (const auto pause : {0us, 100us, 1000us}) {
    bool was_made = true;
    for (int64_t k = AsyncCalls::kEach; was_made; ++k) {
      SCOPED_TRACE("call " + std::to_string(k) + " after " + std::to_string(pause.count()) + " us");
      const TempDir dir;
      AsyncCalls calls;
      calls.CancelAt(k, pause);
      {
        Session session(dir / "dataset", &calls);
        const Outcome outcome = session.Run();
        was_made = calls.made() >= k;
        cancelled += was_made;
        if (!outcome.ok()) {
          EXPECT_EQ(outcome, LANCE_CANCELLED);
          ++failed;
        }
        ExpectSound(dir, session, outcome);
      }
      AsyncCalls next;
      ExpectNextWorks(dir, &next);
    }
  }
  EXPECT_GT(cancelled, 3 * 25);
  Figure("O4", {{"cancels", std::to_string(cancelled)}});
  // The others were too late.
  EXPECT_GT(failed, 0);
}

}  // namespace
}  // namespace lance_test
