// Columns that a function computes: several batches at once with the result of one at a time, what it returns
// is checked, and what is finished survives failures, stops and kills.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"
#include "tripled.h"

namespace lance_test {
namespace {

using lance::AddColumnsOptions;
using lance::AddColumnsProgress;
using lance::Dataset;
using lance::ErrorCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using DatasetPtr = std::shared_ptr<Dataset>;

constexpr int64_t kRows = 2000;
constexpr int64_t kFiles = 8;

class ColumnFunctionTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    lance::WriteOptions options;
    options.max_rows_per_file = kRows / kFiles;
    options.stable_row_ids = GetParam();
    ASSERT_OK(WriteSimple(uri_, 0, kRows, options));
    ASSERT_OK_AND_ASSIGN(const auto whole, Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(const auto deleted, whole->Delete("id % 10 = 7 or (id >= 300 and id < 400)"));
    dataset_ = deleted.dataset;
    files_ = ListFiles(uri_);
  }

  arrow::Result<DatasetPtr> Add(const lance::ColumnFunction& function, const AddColumnsOptions& options = {},
                                const arrow::StopToken& stop = {}) const {
    return dataset_->AddColumnsByFunction(function, TripledSchema(), options, stop);
  }

  void ExpectUnchanged(const arrow::Result<DatasetPtr>& failed, ErrorCode code,
                       const std::string& saying = "") const {
    EXPECT_THAT(failed, AllOf(FailsWith(code), FailsSaying(HasSubstr(saying))));
    EXPECT_EQ(ListFiles(uri_), files_);
  }

  static void ExpectTripled(const Dataset& dataset) {
    lance::ScanOptions options;
    options.columns = std::vector<std::string>{"id", "tripled"};
    ASSERT_OK_AND_ASSIGN(const auto scanner, dataset.Scan(options));
    ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
    const auto ids = Int64s(*table->column(0));
    const auto tripled = Int64s(*table->column(1));
    ASSERT_OK_AND_ASSIGN(const auto info, dataset.Info());
    ASSERT_EQ(ids.size(), info.rows);
    ASSERT_EQ(ids.size(), tripled.size());
    for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(tripled[i], 3 * ids[i]) << "row " << i;
    EXPECT_OK(dataset.Validate());
  }

  TempDir dir_;
  const std::string uri_ = dir_ / "data.lance";
  const std::string checkpoint_ = dir_ / "checkpoint";
  DatasetPtr dataset_;
  std::vector<std::string> files_;
};

INSTANTIATE_TEST_SUITE_P(RowIds, ColumnFunctionTest, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Stable") : std::string("Addresses");
});

TEST_P(ColumnFunctionTest, TheResultIsTheSameHoweverManyRunAtOnce) {
  for (const int32_t parallelism : {1, 2, 7}) {
    AddColumnsOptions options;
    options.columns = {"id"};
    options.batch_size = 33;
    options.parallelism = parallelism;
    std::mutex mutex;
    std::mt19937 random(42);
    int running = 0;
    int most = 0;
    const auto function = [&](const BatchPtr& batch) {
      unsigned pause = 0;
      {
        const std::lock_guard lock(mutex);
        most = std::max(most, ++running);
        pause = random() % 500;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(pause));
      const std::lock_guard lock(mutex);
      --running;
      EXPECT_LE(batch->num_rows(), 33);
      return Tripled(batch);
    };
    ASSERT_OK_AND_ASSIGN(const auto added, Add(function, options));
    ExpectTripled(*added);
    EXPECT_LE(most, parallelism);
    EXPECT_EQ(running, 0);
    ASSERT_OK_AND_ASSIGN(dataset_, added->DropColumns({"tripled"}));
  }
}

TEST_P(ColumnFunctionTest, TwoCallsOfOneFragmentMeet) {
  const std::string uri = dir_ / "one.lance";
  ASSERT_OK(WriteSimple(uri, 0, 100));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
  AddColumnsOptions options;
  options.batch_size = 50;
  options.parallelism = 2;
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  const auto function = [&](const BatchPtr& batch) -> arrow::Result<BatchPtr> {
    std::unique_lock lock(mutex);
    ++calls;
    changed.notify_all();
    const bool met = changed.wait_for(lock, std::chrono::seconds(20), [&] { return calls == 2; });
    if (!met) return arrow::Status::Invalid("the other call has not begun");
    return Tripled(batch);
  };
  ASSERT_OK_AND_ASSIGN(const auto added, dataset->AddColumnsByFunction(function, TripledSchema(), options));
  ExpectTripled(*added);
}

TEST_P(ColumnFunctionTest, ItReadsWhatIsNamed) {
  AddColumnsOptions options;
  options.columns = {"name", "_rowid", "id"};
  const auto function = [](const BatchPtr& batch) -> arrow::Result<BatchPtr> {
    EXPECT_EQ(batch->schema()->field_names(), (std::vector<std::string>{"name", "_rowid", "id"}));
    return Tripled(batch);
  };
  ASSERT_OK_AND_ASSIGN(const auto added, Add(function, options));
  ExpectTripled(*added);
}

TEST_P(ColumnFunctionTest, ColumnsOfEveryTypeAreKept) {
  arrow::FieldVector fields;
  for (const auto& field : AllFields()) {
    if (!IsRefused(*field)) fields.push_back(field);
  }
  const auto schema = arrow::schema(fields);
  std::atomic<uint64_t> seed = 0;
  std::mutex mutex;
  std::map<int64_t, BatchPtr> made;
  const auto function = [&](const BatchPtr& batch) -> arrow::Result<BatchPtr> {
    auto values = MakeBatch(schema, batch->num_rows(), ++seed);
    const std::lock_guard lock(mutex);
    made[static_cast<const arrow::Int64Array&>(*batch->column(0)).Value(0)] = values;
    return values;
  };
  ASSERT_OK_AND_ASSIGN(const auto added, dataset_->AddColumnsByFunction(function, schema));
  ASSERT_OK_AND_ASSIGN(const auto table, ReadAll(uri_));
  for (const auto& field : fields) {
    arrow::ArrayVector expected;
    for (const auto& [_, batch] : made) expected.push_back(Plain(batch->GetColumnByName(field->name())));
    arrow::ArrayVector actual;
    for (const auto& chunk : table->GetColumnByName(field->name())->chunks()) actual.push_back(Plain(chunk));
    EXPECT_TRUE(arrow::ChunkedArray(expected).Equals(arrow::ChunkedArray(actual))) << field->ToString();
  }
}

TEST_P(ColumnFunctionTest, WhatItReturnsIsChecked) {
  const auto returning = [](const std::shared_ptr<arrow::Schema>& schema, int64_t rows) {
    return [schema, rows](const BatchPtr& batch) -> arrow::Result<BatchPtr> {
      return MakeBatch(schema, batch->num_rows() + rows);
    };
  };
  const auto column = [](const std::string& name, const std::shared_ptr<arrow::DataType>& type) {
    return arrow::field(name, type);
  };
  ExpectUnchanged(Add(returning(TripledSchema(), -1)), ErrorCode::kSchemaMismatch, "rows");
  ExpectUnchanged(Add(returning(TripledSchema(), 1)), ErrorCode::kSchemaMismatch, "rows");
  ExpectUnchanged(Add(returning(arrow::schema({column("tripled", arrow::int32())}), 0)),
                  ErrorCode::kSchemaMismatch);
  ExpectUnchanged(Add(returning(arrow::schema({column("other", arrow::int64())}), 0)),
                  ErrorCode::kSchemaMismatch);
  ExpectUnchanged(
      Add(returning(arrow::schema({column("tripled", arrow::int64()), column("a", arrow::int8())}), 0)),
      ErrorCode::kSchemaMismatch);
  ExpectUnchanged(Add([](const BatchPtr&) -> arrow::Result<BatchPtr> { return nullptr; }),
                  ErrorCode::kCallback, "no batch");
  ExpectUnchanged(Add(nullptr), ErrorCode::kInvalidArgument);
  // A NULL in a column that has none.
  const auto required = arrow::schema({arrow::field("tripled", arrow::int64(), false)});
  ExpectUnchanged(dataset_->AddColumnsByFunction(returning(TripledSchema(), 0), required),
                  ErrorCode::kInvalidArgument, "NULL");
}

TEST_P(ColumnFunctionTest, ItsErrorsAndExceptionsAreThoseOfTheCall) {
  const auto at_row = [](int64_t row, auto fail) {
    return [row, fail](const BatchPtr& batch) -> arrow::Result<BatchPtr> {
      const auto& ids = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("id"));
      for (int64_t i = 0; i < ids.length(); ++i) {
        if (ids.Value(i) == row) return fail();
      }
      return Tripled(batch);
    };
  };
  for (const int64_t row : {0, 1234, 1999}) {
    const auto failing = [] { return arrow::Status::KeyError("no such thing"); };
    const auto failed = Add(at_row(row, failing));
    ExpectUnchanged(failed, ErrorCode::kCallback, "no such thing");
    EXPECT_TRUE(failed.status().IsKeyError());
    const auto throwing = []() -> arrow::Status { throw std::runtime_error("out of ideas"); };
    ExpectUnchanged(Add(at_row(row, throwing)), ErrorCode::kCallback, "out of ideas");
    const auto odd = []() -> arrow::Status { throw 7; };
    ExpectUnchanged(Add(at_row(row, odd)), ErrorCode::kCallback);
  }
}

TEST_P(ColumnFunctionTest, CallsThatWaitAreRefusedInIt) {
  const auto function = [&](const BatchPtr& batch) -> arrow::Result<BatchPtr> {
    EXPECT_THAT(dataset_->Info(), FailsWith(ErrorCode::kInvalidState));
    return Tripled(batch);
  };
  EXPECT_OK(Add(function));
}

TEST_P(ColumnFunctionTest, AStopEndsItAndLeavesNothing) {
  arrow::StopSource source;
  std::atomic<int> calls = 0;
  std::atomic<int> running = 0;
  const auto function = [&](const BatchPtr& batch) {
    ++running;
    if (++calls == 3) source.RequestStop();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    --running;
    return Tripled(batch);
  };
  AddColumnsOptions options;
  options.batch_size = 10;
  const auto stopped = Add(function, options, source.token());
  EXPECT_EQ(running, 0) << "it is called after the end";
  const int called = calls;
  ExpectUnchanged(stopped, ErrorCode::kCancelled);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(calls, called);
}

TEST_P(ColumnFunctionTest, ProgressComesToItsEnd) {
  std::mutex mutex;
  std::vector<AddColumnsProgress> told;
  AddColumnsOptions options;
  options.batch_size = 50;
  options.progress = [&](const AddColumnsProgress& progress) {
    const std::lock_guard lock(mutex);
    told.push_back(progress);
  };
  ASSERT_OK_AND_ASSIGN(const auto added, Add(Tripled, options));
  ASSERT_OK_AND_ASSIGN(const auto info, added->Info());
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(std::ranges::is_sorted(told, {}, &AddColumnsProgress::fragments));
  EXPECT_TRUE(std::ranges::is_sorted(told, {}, &AddColumnsProgress::rows));
  EXPECT_EQ(told.back().rows, info.rows);
  EXPECT_EQ(told.back().total_rows, info.rows);
  EXPECT_EQ(told.back().fragments, info.fragments);
  EXPECT_EQ(told.back().total_fragments, info.fragments);
  EXPECT_EQ(told.back().resumed_fragments, 0U);
}

TEST_P(ColumnFunctionTest, WhatIsFinishedIsNotComputedAgain) {
  std::atomic<int> calls = 0;
  const auto failing = [&] {
    if (++calls == 20) throw std::runtime_error("out of ideas");
  };
  AddColumnsOptions options;
  options.parallelism = 2;
  EXPECT_THAT(AddTripled(*dataset_, checkpoint_, failing, options), FailsWith(ErrorCode::kCallback));
  uint64_t resumed = 0;
  std::atomic<int> more = 0;
  options.progress = [&](const AddColumnsProgress& progress) { resumed = progress.resumed_fragments; };
  ASSERT_OK_AND_ASSIGN(const auto added, AddTripled(*dataset_, checkpoint_, [&] { ++more; }, options));
  ExpectTripled(*added);
  EXPECT_GT(resumed, 0U);
  EXPECT_LT(resumed, static_cast<uint64_t>(kFiles));
  EXPECT_THAT(ListFiles(checkpoint_), IsEmpty());
  // Every batch once, but for those of the fragments that were not finished.
  EXPECT_LE(calls + more, 40 + 10);
}

TEST_P(ColumnFunctionTest, ANewerVersionGoesOnWithTheFragmentsThatAreTheSame) {
  std::atomic<int> calls = 0;
  const auto appending = [&] {
    if (++calls != 30) return;
    lance::WriteOptions append;
    append.mode = lance::WriteMode::kAppend;
    std::thread([&] { EXPECT_OK(WriteSimple(uri_, kRows, 100, append)); }).join();
  };
  EXPECT_THAT(AddTripled(*dataset_, checkpoint_, appending), FailsWith(ErrorCode::kCommitConflictRetryable));
  ASSERT_OK_AND_ASSIGN(const auto newest, Dataset::Open(uri_));
  std::atomic<int> more = 0;
  ASSERT_OK_AND_ASSIGN(const auto added, AddTripled(*newest, checkpoint_, [&] { ++more; }));
  ExpectTripled(*added);
  EXPECT_EQ(more, 2) << "but for the new rows all was finished";
}

TEST_P(ColumnFunctionTest, ACheckpointOfSomethingElseIsRefused) {
  const auto failing = [] { throw std::runtime_error("out of ideas"); };
  ASSERT_THAT(AddTripled(*dataset_, checkpoint_, failing), FailsWith(ErrorCode::kCallback));
  files_ = ListFiles(uri_);
  AddColumnsOptions options;
  options.columns = {"id"};
  options.checkpoint = checkpoint_;
  ExpectUnchanged(Add(Tripled, options), ErrorCode::kInvalidArgument, "function_id");
  options.function_id = "four times the id";
  ExpectUnchanged(Add(Tripled, options), ErrorCode::kFailedPrecondition, "function");
  options.function_id = "three times the id";
  const auto other = arrow::schema({arrow::field("tripled", arrow::int32())});
  ExpectUnchanged(dataset_->AddColumnsByFunction(Tripled, other, options), ErrorCode::kFailedPrecondition,
                  "schema");
  options.columns = {"id", "name"};
  ExpectUnchanged(Add(Tripled, options), ErrorCode::kFailedPrecondition, "columns");
  ASSERT_OK(WriteSimple(dir_ / "other.lance", 0, 10));
  ASSERT_OK_AND_ASSIGN(const auto elsewhere, Dataset::Open(dir_ / "other.lance"));
  EXPECT_THAT(AddTripled(*elsewhere, checkpoint_, [] {}), FailsWith(ErrorCode::kFailedPrecondition));
  EXPECT_OK(AddTripled(*dataset_, checkpoint_, [] {}));
}

TEST_P(ColumnFunctionTest, AFileThatIsGoneIsComputedAgain) {
  std::atomic<int> calls = 0;
  const auto failing = [&] {
    if (++calls == 30) throw std::runtime_error("out of ideas");
  };
  ASSERT_THAT(AddTripled(*dataset_, checkpoint_, failing), FailsWith(ErrorCode::kCallback));
  std::set<std::string> left;
  for (const std::string& file : ListFiles(uri_)) left.insert(file);
  for (const std::string& file : files_) left.erase(file);
  ASSERT_FALSE(left.empty());
  std::filesystem::remove(std::filesystem::path(uri_) / *left.begin());
  if (left.size() > 1) std::filesystem::resize_file(std::filesystem::path(uri_) / *left.rbegin(), 10);
  ASSERT_OK_AND_ASSIGN(const auto added, AddTripled(*dataset_, checkpoint_, [] {}));
  ExpectTripled(*added);
}

/// Run the program that adds the column, and is killed after some time or at a call: whether it came to its
/// end.
bool RunAdder(const std::string& uri, const std::string& checkpoint, int64_t micros, int calls) {
  const char* adder = std::getenv("LANCE_COLUMN_ADDER");
  EXPECT_NE(adder, nullptr) << "set it to the program `column_adder`";
  if (adder == nullptr) return true;
  const std::string command = std::string(adder) + " " + uri + " " + checkpoint + " " +
                              std::to_string(micros) + " " + std::to_string(calls) + " 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

TEST_P(ColumnFunctionTest, WhatAKilledProcessHasFinishedStays) {
  constexpr int64_t kNever = 600'000'000;
  ASSERT_FALSE(RunAdder(uri_, checkpoint_, kNever, 20));
  EXPECT_EQ(Dataset::Open(uri_).ValueOrDie()->schema()->num_fields(), 2);
  uint64_t resumed = 0;
  AddColumnsOptions options;
  options.progress = [&](const AddColumnsProgress& progress) { resumed = progress.resumed_fragments; };
  ASSERT_OK_AND_ASSIGN(const auto added, AddTripled(*dataset_, checkpoint_, [] {}, options));
  ExpectTripled(*added);
  EXPECT_GE(resumed, 2U) << "two at once, of five batches each";
  EXPECT_THAT(ListFiles(checkpoint_), IsEmpty());
}

TEST_P(ColumnFunctionTest, AProcessIsKilledAtAnyMoment) {
  std::mt19937 random(GetParam() ? 7 : 8);
  int64_t pause = 1'000;
  bool done = false;
  // Each gets a little more time, so that one comes to its end.
  for (; !done && pause < 10'000'000; pause += pause / 4) {
    done = RunAdder(uri_, checkpoint_, pause / 2 + static_cast<int64_t>(random() % pause), -1);
    ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
    EXPECT_OK(dataset->Validate());
    // The one that was killed behind its commit has done it, too.
    done = done || dataset->schema()->num_fields() == 3;
  }
  ASSERT_TRUE(done);
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
  ExpectTripled(*dataset);
}

}  // namespace
}  // namespace lance_test
