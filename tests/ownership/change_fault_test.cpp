// Every kind of change of a dataset, against the library with fault points: the k-th step fails, k = 1, 2,
// ... until none is left, with an error and with a panic, in calls that block and in asynchronous ones, which
// are cancelled, too. Whatever fails, each struct is released exactly once, the dataset is as after the last
// call that succeeded, nothing is left, and the next changes work.

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "gmock/gmock.h"
#include "support/async_calls.h"
#include "support/c_call.h"
#include "support/datasets.h"
#include "support/faults.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/release_probe.h"
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kRows = 40;

constexpr const LanceOpenOptions* kOpenDefaults = nullptr;
constexpr const LanceCheckOptions* kCheckDefaults = nullptr;
constexpr const LanceDeleteOptions* kDeleteDefaults = nullptr;
constexpr const LanceUpdateOptions* kUpdateDefaults = nullptr;
constexpr const LanceAddColumnsOptions* kAddDefaults = nullptr;
constexpr const LanceCompactOptions* kCompactDefaults = nullptr;
constexpr const LanceIndexOptions* kIndexDefaults = nullptr;
constexpr const LanceRestoreOptions* kRestoreDefaults = nullptr;
constexpr const LanceTagOptions* kTagDefaults = nullptr;
constexpr const LanceBranchOptions* kBranchDefaults = nullptr;
constexpr const LanceCloneOptions* kCloneDefaults = nullptr;
constexpr const char* kId[] = {"id"};
constexpr const char* kName[] = {"name"};

/// The asynchronous form of a function in an asynchronous session, and otherwise the blocking one.
#define CALL(function, ...) \
  (calls_ != nullptr ? calls_->Call(function##_async, __VA_ARGS__) : CallC(function, __VA_ARGS__))

/// A call that gives the dataset of the next step.
#define CHANGE(function, ...) \
  Become([&](LanceDataset** out) { return CALL(function, dataset(), __VA_ARGS__, out); })

/// The same of a function that tells numbers, too.
#define CHANGE_AND_COUNT(function, Result, ...)                                        \
  Become([&](LanceDataset** out) {                                                     \
    return CALL(function, dataset(), __VA_ARGS__, out, static_cast<Result*>(nullptr)); \
  })

std::shared_ptr<arrow::RecordBatch> Renamed(const arrow::RecordBatch& batch,
                                            const std::vector<std::string>& names) {
  return batch.RenameColumns(names).ValueOrDie();
}

/// Changes a dataset in every way the C ABI has. Stops at the first failure.
class Session {
 public:
  /// With `calls` it is asynchronous.
  Session(const TempDir& dir, AsyncCalls* calls)
      : uri_(dir / "dataset"), clone_(dir / "clone"), calls_(calls) {
    lance::WriteOptions two_files;
    two_files.max_rows_per_file = kRows / 2;
    EXPECT_OK(WriteSimple(uri_, 0, kRows, two_files));
    EXPECT_EQ(Made(&dataset_,
                   [&](auto* out) { return CallC(lance_dataset_open, uri_.c_str(), kOpenDefaults, out); }),
              LANCE_OK);
  }

  /// The first failure of a call, or OK.
  Outcome Run() {
    for (const auto step :
         {&Session::Delete, &Session::Update, &Session::Upsert, &Session::UpsertBatches, &Session::AddNulls,
          &Session::AddFromStream, &Session::AddByFunction, &Session::MergeColumns, &Session::Cast,
          &Session::Drop, &Session::Index, &Session::Compact, &Session::Tag, &Session::Branch,
          &Session::Restore, &Session::Clone}) {
      if (Outcome outcome = (this->*step)(); !outcome.ok()) return outcome;
    }
    return {};
  }

  const std::string& uri() const { return uri_; }
  const LanceDataset* dataset() const { return dataset_.get(); }
  const ReleaseProbe& probe() const { return probe_; }

 private:
  template <typename Call>
  Outcome Become(Call call) {
    DatasetPtr made;
    const Outcome outcome = Made(&made, call);
    if (outcome.ok()) dataset_ = std::move(made);
    return outcome;
  }

  /// A batch as a stream that the probe watches.
  ArrowArrayStream Stream(const std::shared_ptr<arrow::RecordBatch>& batch) {
    const auto reader = arrow::RecordBatchReader::Make({batch}, batch->schema()).ValueOrDie();
    ArrowArrayStream stream{};
    EXPECT_OK(arrow::ExportRecordBatchReader(reader, &stream));
    probe_.Watch(&stream);
    return stream;
  }

  Outcome Delete() {
    const Outcome outcome =
        CHANGE_AND_COUNT(lance_dataset_delete, LanceDeleteResult, LANCE_TEXT("id % 4 = 1"), kDeleteDefaults);
    if (!outcome.ok()) return outcome;
    const std::array<uint64_t, 2> rows{0, 2};
    return CHANGE_AND_COUNT(lance_dataset_delete_row_ids, LanceDeleteResult, rows.data(), rows.size(),
                            kDeleteDefaults);
  }

  Outcome Update() {
    const LanceKeyValue assignment = {LANCE_TEXT("name"), LANCE_TEXT("'new'")};
    return CHANGE_AND_COUNT(lance_dataset_update, LanceUpdateResult, &assignment, size_t{1}, kUpdateDefaults);
  }

  Outcome Upsert() {
    LanceMergeInsertOptions by_id = LANCE_MERGE_INSERT_OPTIONS_INIT;
    by_id.on = kId;
    by_id.on_count = 1;
    const LanceMergeInsertOptions* options = &by_id;
    ArrowArrayStream stream = Stream(SimpleBatch(kRows - 5, 10));
    const Outcome outcome =
        CHANGE_AND_COUNT(lance_dataset_merge_insert, LanceMergeInsertResult, &stream, options);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  Outcome UpsertBatches() {
    LanceMergeInsertOptions by_id = LANCE_MERGE_INSERT_OPTIONS_INIT;
    by_id.on = kId;
    by_id.on_count = 1;
    const LanceMergeInsertOptions* options = &by_id;
    ProbedSchema schema(*SimpleSchema(), probe_);
    MergeInserterPtr inserter;
    Outcome outcome = Made(&inserter, [&](auto* out) {
      return CALL(lance_dataset_open_merge_inserter, dataset(), &schema.schema, options, out);
    });
    EXPECT_EQ(schema.schema.release, nullptr);
    ProbedBatch batch(*SimpleBatch(kRows, 10), probe_);
    // Called after a failure too: the batch is consumed by a NULL handle as well.
    const Outcome write = CALL(lance_merge_inserter_write_batch, inserter.get(), &batch.array, &batch.schema);
    EXPECT_TRUE(batch.consumed());
    if (outcome.ok()) outcome = write;
    if (!outcome.ok()) return outcome;
    return Become([&](LanceDataset** out) {
      return CALL(lance_merge_inserter_finish, inserter.get(), out,
                  static_cast<LanceMergeInsertResult*>(nullptr));
    });
  }

  Outcome AddNulls() {
    ProbedSchema schema(*arrow::schema({arrow::field("nulls", arrow::float64())}), probe_);
    const Outcome outcome = CHANGE(lance_dataset_add_null_columns, &schema.schema);
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  Outcome AddFromStream() {
    uint64_t rows = 0;
    if (Outcome outcome = CALL(lance_dataset_count_rows, dataset(), LANCE_NO_TEXT, &rows); !outcome.ok())
      return outcome;
    ArrowArrayStream stream =
        Stream(Renamed(*SimpleBatch(0, static_cast<int64_t>(rows)), {"number", "text"}));
    const Outcome outcome = CHANGE(lance_dataset_add_columns_from_stream, &stream);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  /// The first column once more.
  static LanceStatusCode Copy(void*, ArrowArray* batch, ArrowSchema* schema, ArrowArray* out, char*, size_t) {
    const auto read = arrow::ImportRecordBatch(batch, schema);
    if (!read.ok()) return LANCE_CALLBACK;
    const auto type = arrow::schema({arrow::field("copy", arrow::int64())});
    const auto copy = arrow::RecordBatch::Make(type, (*read)->num_rows(), {(*read)->column(0)});
    return arrow::ExportRecordBatch(*copy, out).ok() ? LANCE_OK : LANCE_CALLBACK;
  }

  Outcome AddByFunction() {
    ColumnFunctionPtr function;
    const Outcome made = Made(&function, [&](auto* out) {
      return CallC(lance_column_function_create, &Copy, static_cast<void*>(nullptr), LanceReleaseFn{nullptr},
                   out);
    });
    ProbedSchema schema(*arrow::schema({arrow::field("copy", arrow::int64())}), probe_);
    const LanceColumnFunction* copy = function.get();
    const Outcome outcome = CHANGE(lance_dataset_add_columns_by_function, copy, &schema.schema, kAddDefaults);
    EXPECT_EQ(schema.schema.release, nullptr);
    return made.ok() ? outcome : made;
  }

  Outcome MergeColumns() {
    ArrowArrayStream stream = Stream(Renamed(*SimpleBatch(0, 10), {"key", "merged"}));
    const Outcome outcome = CHANGE(lance_dataset_merge_columns, &stream, "id", "key");
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  Outcome Cast() {
    const LanceColumnAlteration number = {
        .column = "number", .rename = "small", .nullability = LANCE_NULLABILITY_KEEP, .reserved = 0};
    ProbedSchema types(*arrow::schema({arrow::field("number", arrow::int32())}), probe_);
    const Outcome outcome = CHANGE(lance_dataset_alter_columns, &number, size_t{1}, &types.schema);
    EXPECT_EQ(types.schema.release, nullptr);
    return outcome;
  }

  Outcome Drop() { return CHANGE(lance_dataset_drop_columns, kName, size_t{1}); }

  Outcome Index() {
    return CHANGE(lance_dataset_create_index, kId, size_t{1}, LanceIndexType{LANCE_INDEX_BTREE},
                  kIndexDefaults);
  }

  Outcome Compact() { return CHANGE_AND_COUNT(lance_dataset_compact, LanceCompactResult, kCompactDefaults); }

  Outcome Tag() {
    const Outcome outcome = CALL(lance_dataset_create_tag, dataset(), "tag", kTagDefaults);
    return outcome.ok() ? CALL(lance_dataset_delete_tag, dataset(), "tag") : outcome;
  }

  Outcome Branch() {
    DatasetPtr branch;
    return Made(&branch, [&](auto* out) {
      return CALL(lance_dataset_create_branch, dataset(), "branch", kBranchDefaults, out);
    });
  }

  Outcome Restore() { return CHANGE(lance_dataset_restore, kRestoreDefaults); }

  Outcome Clone() {
    DatasetPtr clone;
    return Made(&clone, [&](auto* out) {
      return CALL(lance_dataset_shallow_clone, dataset(), clone_.c_str(), kCloneDefaults, out);
    });
  }

  const std::string uri_;
  const std::string clone_;
  AsyncCalls* const calls_;
  ReleaseProbe probe_;
  DatasetPtr dataset_;
};

/// What readers get of a version.
struct Content {
  uint64_t rows = 0;
  std::string columns;

  bool operator==(const Content&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Content& content) {
  return out << content.rows << " rows of " << content.columns;
}

Content ContentOf(const LanceDataset* dataset) {
  Content content;
  EXPECT_EQ(CallC(lance_dataset_count_rows, dataset, LANCE_TEXT("id >= 0"), &content.rows), LANCE_OK);
  ArrowSchema schema{};
  EXPECT_EQ(CallC(lance_dataset_schema, dataset, &schema), LANCE_OK);
  const auto imported = arrow::ImportSchema(&schema);
  if (imported.ok()) content.columns = (*imported)->ToString();
  return content;
}

/// Whether each struct is released once, soon at the latest: what a function of a column computes beside one
/// that has failed is dropped when it returns.
::testing::AssertionResult EachIsReleasedOnce(const ReleaseProbe& probe) {
  for (int tries = 0; tries < 1000 && !probe.EachReleasedOnce(); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return probe.EachReleasedOnce();
}

/// What holds after a session, whatever failed.
void ExpectSound(const Session& session, const Outcome& outcome) {
  EXPECT_TRUE(EachIsReleasedOnce(session.probe()));
  // A call that has panicked may have made its version, and one that says so has.
  const bool may_have_landed =
      outcome == LANCE_COMMIT_STATUS_UNKNOWN || outcome.message.find("was made") != std::string::npos;
  DatasetPtr newest;
  ASSERT_EQ(
      Made(&newest,
           [&](auto* out) { return CallC(lance_dataset_open, session.uri().c_str(), kOpenDefaults, out); }),
      LANCE_OK);
  const Content content = ContentOf(newest.get());
  if (!may_have_landed) {
    EXPECT_EQ(content, ContentOf(session.dataset()));
  }
  LanceCheckSummary summary = LANCE_CHECK_SUMMARY_INIT;
  ArrowArrayStream problems{};
  ASSERT_EQ(CallC(lance_dataset_check, session.uri().c_str(), kCheckDefaults, &summary, &problems), LANCE_OK);
  problems.release(&problems);
  EXPECT_EQ(summary.problems, 0U);
  if (!may_have_landed) {
    EXPECT_EQ(summary.orphans + summary.temporary_files, 0U);
  }
}

/// After a session: everything was released, and the next one works.
void ExpectNextWorks(AsyncCalls* calls) {
  EXPECT_EQ(ReleaseProbe::Live(), 0);
  const TempDir dir;
  Session clean(dir, calls);
  EXPECT_EQ(clean.Run(), LANCE_OK);
}

/// How steps fail, and whether calls are asynchronous.
class ChangeFaultTest : public ::testing::TestWithParam<std::tuple<FaultMode, bool>> {
 public:
  static std::string Name(const ::testing::TestParamInfo<ParamType>& info) {
    const auto [mode, is_asynchronous] = info.param;
    return std::string(mode == kPanic ? "Panic" : "Error") + (is_asynchronous ? "OfAsynchronousCalls" : "");
  }
};

TEST_P(ChangeFaultTest, EveryStepCanFail) {
  const auto [mode, is_asynchronous] = GetParam();
  const Faults faults;
  ASSERT_NE(faults.fail_at, nullptr) << "the library was built without fault points";
  AsyncCalls asynchronous;
  AsyncCalls* const calls = is_asynchronous ? &asynchronous : nullptr;

  int64_t k = 1;
  int tried = 0;
  for (bool fired = true; fired; k += Stride()) {
    SCOPED_TRACE("step " + std::to_string(k));
    {
      const TempDir dir;
      Session session(dir, calls);
      faults.fail_at(k, mode);
      const Outcome outcome = session.Run();
      fired = faults.points_hit() >= k;
      tried += fired;
      faults.fail_at(0, kOff);
      if (!outcome.ok()) {
        EXPECT_THAT(outcome.message, ::testing::HasSubstr("injected"));
      }
      if (!fired) {
        EXPECT_EQ(outcome, LANCE_OK);
      }
      ExpectSound(session, outcome);
    }
    if (!fired || tried % 16 == 0) ExpectNextWorks(calls);
  }
  const std::string steps = mode == kPanic ? "panics" : "errors";
  Figure("O4",
         {{"changes", "all"}, {is_asynchronous ? "asynchronous_" + steps : steps, std::to_string(tried)}});
  // Each change is a step at least.
  EXPECT_GT(k, 20);
}

INSTANTIATE_TEST_SUITE_P(Modes, ChangeFaultTest,
                         ::testing::Combine(::testing::Values(kError, kPanic), ::testing::Bool()),
                         ChangeFaultTest::Name);

TEST(ChangeCancelTest, EveryCallCanBeCancelled) {
  int64_t cancelled = 0;
  int64_t failed = 0;
  const auto pauses = Pick<std::vector<std::chrono::microseconds>>({300us}, {0us, 100us, 1000us, 5000us});
  for (const auto pause : pauses) {
    bool was_made = true;
    for (int64_t k = 1; was_made; ++k) {
      SCOPED_TRACE("call " + std::to_string(k) + " after " + std::to_string(pause.count()) + " us");
      const TempDir dir;
      AsyncCalls calls;
      calls.CancelAt(k, pause);
      Session session(dir, &calls);
      const Outcome outcome = session.Run();
      was_made = calls.made() >= k;
      cancelled += was_made;
      if (!outcome.ok()) {
        EXPECT_EQ(outcome, LANCE_CANCELLED);
        ++failed;
      }
      ExpectSound(session, outcome);
    }
  }
  EXPECT_GT(cancelled, 15);
  Figure("O4", {{"cancelled_changes", std::to_string(cancelled)}, {"failed", std::to_string(failed)}});
  // The others were too late.
  EXPECT_GT(failed, 0);
  AsyncCalls next;
  ExpectNextWorks(&next);
}

}  // namespace
}  // namespace lance_test
