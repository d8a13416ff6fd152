// Compaction: rows and their ids stay; nothing is doubled, and what is given up leaves no file.
// tests/conformance/test_compaction.py exchanges plans with pylance.

#include "lance/compact.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
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

namespace lance_test {
namespace {

namespace fs = std::filesystem;

using lance::CommitCompactionOptions;
using lance::CompactionMode;
using lance::CompactionProgress;
using lance::CompactionTask;
using lance::CompactOptions;
using lance::CompactResult;
using lance::Dataset;
using lance::ErrorCode;
using lance::IndexRemap;
using lance::IndexType;
using lance::OptimizePart;
using lance::WriteMode;
using lance::WriteOptions;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using DatasetPtr = std::shared_ptr<Dataset>;
using Names = std::vector<std::string>;

uint64_t VersionOf(const Dataset& dataset) { return dataset.Version().ValueOrDie(); }

size_t CountFragments(const Dataset& dataset) { return dataset.Fragments().ValueOrDie().size(); }

std::shared_ptr<arrow::Table> TableOf(const Dataset& dataset, const lance::ScanOptions& options = {}) {
  return dataset.Scan(options).ValueOrDie()->ToTable().ValueOrDie()->CombineChunks().ValueOrDie();
}

std::vector<int64_t> IdsOf(const Dataset& dataset) {
  return Int64s(*TableOf(dataset, {.columns = {{"id"}}})->GetColumnByName("id"));
}

/// In the order of their ids: fragments that were not written anew come first.
std::vector<int64_t> SortedIdsOf(const Dataset& dataset) {
  auto ids = IdsOf(dataset);
  std::ranges::sort(ids);
  return ids;
}

/// Each id with the row id it has.
std::vector<std::pair<int64_t, uint64_t>> RowIdsOf(const Dataset& dataset) {
  const auto table = TableOf(dataset, {.columns = {{"id"}}, .with_row_id = true});
  const auto ids = Int64s(*table->GetColumnByName("id"));
  std::vector<std::pair<int64_t, uint64_t>> pairs;
  const auto column = table->GetColumnByName("_rowid");
  for (int64_t i = 0; i < column->length(); ++i) {
    const auto value = column->GetScalar(i).ValueOrDie();
    pairs.emplace_back(ids[static_cast<size_t>(i)], static_cast<const arrow::UInt64Scalar&>(*value).value);
  }
  std::ranges::sort(pairs);
  return pairs;
}

Names TextsOf(const std::vector<CompactionTask>& tasks) {
  Names texts;
  for (const auto& task : tasks) texts.push_back(task.text);
  return texts;
}

DatasetPtr Deleted(const Dataset& dataset, const std::string& predicate) {
  return dataset.Delete(predicate).ValueOrDie().dataset;
}

/// Six fragments of 50 rows, with ids from 0 on.
class CompactTest : public ::testing::Test {
 protected:
  void SetUp() override { dataset_ = Make(uri_, {}); }

  static DatasetPtr Make(const std::string& uri, WriteOptions options) {
    for (int64_t i = 0; i < 6; ++i) {
      EXPECT_OK(WriteSimple(uri, 50 * i, 50, options));
      options.mode = WriteMode::kAppend;
    }
    return Dataset::Open(uri).ValueOrDie();
  }

  Names Files() const { return ListFiles(uri_); }
  Names DataFiles() const { return ListFiles(fs::path(uri_) / "data"); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "d";
  DatasetPtr dataset_;
};

TEST_F(CompactTest, SmallFragmentsAreJoinedAndRowsStayAsTheyAre) {
  const auto before = TableOf(*dataset_);
  ASSERT_OK_AND_ASSIGN(const CompactResult result,
                       dataset_->Compact({.commit_message = "tidy", .transaction_properties = {{"k", "v"}}}));
  EXPECT_EQ(result.fragments_removed, 6U);
  EXPECT_EQ(result.fragments_added, 1U);
  EXPECT_EQ(result.files_removed, 6U);
  EXPECT_EQ(result.files_added, 1U);
  EXPECT_EQ(result.rows, 300U);
  EXPECT_GT(result.bytes_removed, result.bytes_added);
  EXPECT_GT(result.bytes_added, 0U);
  EXPECT_EQ(VersionOf(*result.dataset), 8U);
  EXPECT_EQ(CountFragments(*result.dataset), 1U);
  EXPECT_TRUE(TableOf(*result.dataset)->Equals(*before));
  EXPECT_EQ(result.dataset->schema()->ToString(true), dataset_->schema()->ToString(true));
  // The version of before is as it was.
  EXPECT_EQ(CountFragments(*dataset_), 6U);
  EXPECT_TRUE(TableOf(*dataset_)->Equals(*before));

  ASSERT_OK_AND_ASSIGN(const CompactResult again, result.dataset->Compact());
  EXPECT_EQ(again.fragments_removed, 0U);
  EXPECT_EQ(VersionOf(*again.dataset), 8U);
  ASSERT_OK_AND_ASSIGN(const auto latest, dataset_->LatestVersion());
  EXPECT_EQ(latest, 8U);
}

TEST_F(CompactTest, FragmentsAreAboutAsLongAsTheTarget) {
  ASSERT_OK_AND_ASSIGN(const CompactResult result, dataset_->Compact({.target_rows_per_fragment = 100}));
  ASSERT_OK_AND_ASSIGN(const auto fragments, result.dataset->Fragments());
  ASSERT_THAT(fragments, SizeIs(3));
  for (const auto& fragment : fragments) EXPECT_EQ(fragment.rows, 100U);
  EXPECT_EQ(IdsOf(*result.dataset), Range(0, 300));
  ASSERT_OK_AND_ASSIGN(const CompactResult same, result.dataset->Compact({.target_rows_per_fragment = 100}));
  EXPECT_EQ(same.fragments_removed, 0U);
}

TEST_F(CompactTest, DeletedRowsAreFreedByTheThreshold) {
  const auto deleted = Deleted(*dataset_, "id >= 100 and id < 110 or id = 200");
  const CompactOptions never = {.target_rows_per_fragment = 1, .materialize_deletions_threshold = 1};
  ASSERT_OK_AND_ASSIGN(const CompactResult none, deleted->Compact(never));
  EXPECT_EQ(none.fragments_removed, 0U);
  ASSERT_OK_AND_ASSIGN(const CompactResult one, deleted->Compact({.target_rows_per_fragment = 1}));
  EXPECT_EQ(one.fragments_removed, 1U);
  EXPECT_EQ(one.rows, 40U);
  const CompactOptions all = {.target_rows_per_fragment = 1, .materialize_deletions_threshold = 0};
  ASSERT_OK_AND_ASSIGN(const CompactResult two, one.dataset->Compact(all));
  EXPECT_EQ(two.rows, 49U);
  ASSERT_OK_AND_ASSIGN(const auto info, two.dataset->Info());
  EXPECT_EQ(info.deleted_rows, 0U);
  EXPECT_EQ(SortedIdsOf(*two.dataset), IdsOf(*deleted));
}

TEST_F(CompactTest, BudgetsAndExclusionsBoundWhatIsReplaced) {
  const auto planned = [this](const CompactOptions& options) {
    uint64_t fragments = 0;
    for (const auto& task : dataset_->PlanCompaction(options).ValueOrDie()) fragments += task.fragments;
    return fragments;
  };
  EXPECT_EQ(planned({}), 6U);
  EXPECT_EQ(planned({.target_rows_per_fragment = 100, .max_source_fragments = 4}), 4U);
  EXPECT_EQ(planned({.target_rows_per_fragment = 100, .max_source_rows = 299}), 4U);
  EXPECT_EQ(planned({.target_rows_per_fragment = 100, .max_source_bytes = 1}), 0U);
  EXPECT_EQ(planned({.excluded_fragments = {{2, 2, 77, UINT64_MAX}}}), 5U);
  EXPECT_EQ(planned({.excluded_fragments = {{1, 4}}}), 2U);
  ASSERT_OK_AND_ASSIGN(const CompactResult result, dataset_->Compact({.excluded_fragments = {{2}}}));
  EXPECT_EQ(CountFragments(*result.dataset), 3U);
  EXPECT_EQ(SortedIdsOf(*result.dataset), Range(0, 300));
}

TEST_F(CompactTest, OptionsOutOfRangeAreRefused) {
  const CompactOptions wrong[] = {
      {.target_rows_per_fragment = 0},
      {.target_rows_per_fragment = uint64_t{1} << 32},
      {.max_bytes_per_file = 0},
      {.materialize_deletions_threshold = -0.1},
      {.materialize_deletions_threshold = 1.5},
      {.max_source_fragments = 0},
      {.mode = static_cast<CompactionMode>(9)},
      {.index_remap = static_cast<IndexRemap>(9)},
      {.data_storage_version = "7.0"},
      {.threads = 0},
      {.batch_size = 0},
  };
  const auto before = Files();
  for (const auto& options : wrong) {
    EXPECT_THAT(dataset_->Compact(options), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(dataset_->PlanCompaction(options), FailsWith(ErrorCode::kInvalidArgument));
  }
  // Pages of another format cannot be copied.
  EXPECT_THAT(dataset_->Compact({.mode = CompactionMode::kForceBinaryCopy, .data_storage_version = "2.0"}),
              FailsWith(ErrorCode::kNotSupported));
  EXPECT_EQ(Files(), before);
}

TEST_F(CompactTest, EveryModeKeepsTheRows) {
  for (const auto mode :
       {CompactionMode::kReencode, CompactionMode::kTryBinaryCopy, CompactionMode::kForceBinaryCopy}) {
    const std::string uri = dir_ / std::to_string(static_cast<int>(mode));
    const auto dataset = Make(uri, {});
    ASSERT_OK_AND_ASSIGN(const CompactResult result,
                         dataset->Compact({.mode = mode, .binary_copy_read_bytes = 100}));
    EXPECT_EQ(result.fragments_added, 1U);
    EXPECT_TRUE(TableOf(*result.dataset)->Equals(*TableOf(*dataset)));
  }
}

TEST_F(CompactTest, ColumnsOfEveryTypeAreKeptAndEncodedAsAWriterWould) {
  arrow::FieldVector fields;
  for (const auto& field : AllFields()) {
    if (!IsRefused(*field)) fields.push_back(field);
  }
  const auto schema = arrow::schema(fields);
  const std::string uri = dir_ / "types";
  WriteOptions options;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    ASSERT_OK(WriteBatches(uri, {MakeBatch(schema, 500, seed)}, options));
    options.mode = WriteMode::kAppend;
  }
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
  ASSERT_OK_AND_ASSIGN(const CompactResult result, dataset->Compact());
  EXPECT_EQ(result.fragments_added, 1U);
  const auto before = TableOf(*dataset);
  const auto after = TableOf(*result.dataset);
  for (int i = 0; i < before->num_columns(); ++i) {
    const auto expected = before->column(i)->num_chunks() == 0 ? nullptr : Plain(before->column(i)->chunk(0));
    const auto found = after->column(i)->num_chunks() == 0 ? nullptr : Plain(after->column(i)->chunk(0));
    ASSERT_TRUE(expected != nullptr && found != nullptr);
    EXPECT_TRUE(found->Equals(*expected)) << before->field(i)->name();
  }
  EXPECT_TRUE(result.dataset->schema()->Equals(*dataset->schema(), true));
}

TEST_F(CompactTest, WhatIsCompactedTakesWhatIsWrittenAtOnceDoes) {
  // Of a letter each, with keys in runs and amounts of which most differ.
  constexpr int64_t kRows = 120'000;
  std::mt19937 random(3);
  arrow::StringBuilder letters;
  arrow::Int64Builder keys;
  arrow::Decimal128Builder amounts(arrow::decimal128(12, 2));
  for (int64_t i = 0; i < kRows; ++i) {
    ASSERT_OK(letters.Append(std::string(1, "ANR"[random() % 3])));
    ASSERT_OK(keys.Append(i / 4));
    ASSERT_OK(amounts.Append(arrow::Decimal128(static_cast<int64_t>(random() % 10'000'000))));
  }
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("letter", arrow::utf8()), arrow::field("key", arrow::int64()),
                     arrow::field("amount", arrow::decimal128(12, 2))}),
      kRows, {letters.Finish().ValueOrDie(), keys.Finish().ValueOrDie(), amounts.Finish().ValueOrDie()});
  for (const auto profile : {lance::EncodingProfile::kRead, lance::EncodingProfile::kSize}) {
    const std::string uri = dir_ / ("p" + std::to_string(static_cast<int>(profile)));
    ASSERT_OK(WriteBatches(uri + "-whole", {batch}, {.encoding_profile = profile}));
    WriteOptions options{.encoding_profile = profile};
    for (int64_t first = 0; first < kRows; first += kRows / 10) {
      ASSERT_OK(WriteBatches(uri, {batch->Slice(first, kRows / 10)}, options));
      options.mode = WriteMode::kAppend;
    }
    ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
    ASSERT_OK_AND_ASSIGN(const CompactResult result, dataset->Compact({.encoding_profile = profile}));
    ASSERT_OK_AND_ASSIGN(const auto whole, Dataset::Open(uri + "-whole"));
    ASSERT_OK_AND_ASSIGN(const auto expected, whole->ColumnSizes());
    ASSERT_OK_AND_ASSIGN(const auto sizes, result.dataset->ColumnSizes());
    ASSERT_THAT(sizes, SizeIs(3));
    for (size_t i = 0; i < sizes.size(); ++i) {
      EXPECT_EQ(sizes[i].column, expected[i].column);
      EXPECT_LE(static_cast<double>(sizes[i].bytes), 1.05 * static_cast<double>(expected[i].bytes))
          << sizes[i].column;
    }
    EXPECT_TRUE(TableOf(*result.dataset)->Equals(*TableOf(*whole)));
    // Nobody sees how it was encoded.
    EXPECT_TRUE(result.dataset->schema()->Equals(*whole->schema(), true));
  }
}

TEST_F(CompactTest, StableRowIdsStay) {
  const auto dataset = Make(dir_ / "stable", {.stable_row_ids = true});
  const auto deleted = Deleted(*dataset, "id % 7 = 3");
  const lance::ScanOptions with_ids = {.with_row_id = true};
  const auto before = TableOf(*deleted, with_ids);
  ASSERT_OK_AND_ASSIGN(const CompactResult result, deleted->Compact({.materialize_deletions_threshold = 0}));
  EXPECT_EQ(result.fragments_added, 1U);
  EXPECT_TRUE(TableOf(*result.dataset, with_ids)->Equals(*before));
}

TEST_F(CompactTest, IndicesFindTheSameRowsHoweverTheyAreRemapped) {
  for (const bool stable : {false, true}) {
    for (const auto remap :
         {IndexRemap::kAsConfigured, IndexRemap::kCompact, IndexRemap::kDirect, IndexRemap::kDeferred}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(stable)) + " " + std::to_string(static_cast<int>(remap)));
      const std::string uri =
          dir_ / ("i" + std::to_string(static_cast<int>(stable)) + std::to_string(static_cast<int>(remap)));
      auto dataset = Make(uri, {.stable_row_ids = stable});
      ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex("id", IndexType::kBtree));
      ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex("name", IndexType::kBitmap));
      dataset = Deleted(*dataset, "id % 5 = 1");
      const auto result = dataset->Compact({.index_remap = remap});
      if (stable && remap == IndexRemap::kDeferred) {
        EXPECT_FALSE(result.ok());
        continue;
      }
      ASSERT_OK(result);
      auto compacted = result->dataset;
      EXPECT_EQ(CountFragments(*compacted), 1U);
      for (int pass = 0; pass < 2; ++pass) {
        const auto found = TableOf(*compacted, {.columns = {{"id"}}, .filter = "id in (7, 11, 140, 299)"});
        EXPECT_THAT(Int64s(*found->GetColumnByName("id")), ElementsAre(7, 140, 299));
        ASSERT_OK_AND_ASSIGN(const auto indices, compacted->Indices());
        ASSERT_THAT(indices, SizeIs(2));
        EXPECT_EQ(indices[0].unindexed_rows, 0U);
        EXPECT_EQ(indices[1].unindexed_rows, 0U);
        // What was deferred is taken up.
        ASSERT_OK_AND_ASSIGN(compacted, compacted->OptimizeIndices());
      }
    }
  }
}

TEST_F(CompactTest, IndicesOfTheOriginOfABranchOrCloneFindTheSameRows) {
  for (const bool stable : {false, true}) {
    for (const auto remap : {IndexRemap::kCompact, IndexRemap::kDirect, IndexRemap::kDeferred}) {
      if (stable && remap == IndexRemap::kDeferred) continue;
      const std::string name =
          std::to_string(static_cast<int>(stable)) + " " + std::to_string(static_cast<int>(remap));
      SCOPED_TRACE(name);
      const std::string uri = dir_ / ("origin " + name);
      auto origin = Make(uri, {.stable_row_ids = stable});
      ASSERT_OK_AND_ASSIGN(origin, origin->CreateIndex("id", IndexType::kBtree));
      ASSERT_OK_AND_ASSIGN(origin, origin->CreateIndex("name", IndexType::kBitmap));
      const std::string clone = dir_ / ("clone " + name);
      ASSERT_OK_AND_ASSIGN(const auto cloned, origin->ShallowClone(clone));
      ASSERT_OK_AND_ASSIGN(const auto branch, origin->CreateBranch("b"));
      for (auto [dataset, place] : {std::pair{cloned, clone}, std::pair{branch, uri + "/tree/b"}}) {
        // Of the second kind, which is its own.
        ASSERT_OK_AND_ASSIGN(dataset, dataset->DropIndex("name_idx"));
        ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex("name", IndexType::kBitmap));
        dataset = Deleted(*dataset, "id % 5 = 1");
        ASSERT_OK_AND_ASSIGN(const auto result, dataset->Compact({.index_remap = remap}));
        auto compacted = result.dataset;
        for (int pass = 0; pass < 2; ++pass) {
          const auto found = TableOf(*compacted, {.columns = {{"id"}}, .filter = "id in (7, 11, 140, 299)"});
          EXPECT_THAT(Int64s(*found->GetColumnByName("id")), ElementsAre(7, 140, 299));
          ASSERT_OK_AND_ASSIGN(const auto indices, compacted->Indices());
          ASSERT_THAT(indices, SizeIs(2));
          const auto own = std::ranges::find(indices, "name_idx", &lance::IndexInfo::name);
          EXPECT_EQ(own->unindexed_rows, 0U);
          ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(place, {.deep = true}));
          EXPECT_THAT(report.problems, IsEmpty());
          ASSERT_OK_AND_ASSIGN(compacted, compacted->OptimizeIndices());
        }
        ASSERT_OK_AND_ASSIGN(const auto indices, compacted->Indices());
        for (const auto& index : indices) EXPECT_EQ(index.unindexed_rows, 0U);
      }
    }
  }
}

TEST_F(CompactTest, WorkersExecuteWhatOneHasPlannedAndOneCommits) {
  const auto before = Files();
  const CompactOptions options = {.target_rows_per_fragment = 100};
  ASSERT_OK_AND_ASSIGN(const auto tasks, dataset_->PlanCompaction(options));
  ASSERT_THAT(tasks, SizeIs(3));
  for (const auto& task : tasks) {
    EXPECT_EQ(task.fragments, 2U);
    EXPECT_EQ(task.rows, 100U);
    EXPECT_GT(task.bytes, 0U);
  }
  EXPECT_EQ(Files(), before);
  // Others go on meanwhile.
  ASSERT_OK(WriteSimple(uri_, 300, 20, {.mode = WriteMode::kAppend}));
  Names results;
  for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) {
    ASSERT_OK_AND_ASSIGN(const auto worker, Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(auto result, worker->ExecuteCompaction(task->text));
    results.push_back(std::move(result));
  }
  ASSERT_OK_AND_ASSIGN(const auto latest, dataset_->Latest());
  EXPECT_EQ(CountFragments(*latest), 7U);
  // One may be left out.
  ASSERT_OK_AND_ASSIGN(const CompactResult partly, dataset_->CommitCompaction({results[0], results[2]}));
  EXPECT_EQ(partly.fragments_removed, 4U);
  EXPECT_EQ(partly.rows, 200U);
  EXPECT_EQ(CountFragments(*partly.dataset), 5U);
  auto expected = Range(100, 100);
  const auto rest = Range(300, 20);
  const auto first = Range(0, 100);
  const auto last = Range(200, 100);
  for (const auto* part : {&rest, &first, &last}) expected.insert(expected.end(), part->begin(), part->end());
  EXPECT_EQ(IdsOf(*partly.dataset), expected);
  ASSERT_OK_AND_ASSIGN(const CompactResult none, dataset_->CommitCompaction({}));
  EXPECT_EQ(none.rows, 0U);
}

TEST_F(CompactTest, NothingIsCountedTwice) {
  ASSERT_OK_AND_ASSIGN(const auto tasks, dataset_->PlanCompaction({.target_rows_per_fragment = 100}));
  Names results;
  for (const auto& task : tasks) {
    ASSERT_OK_AND_ASSIGN(auto result, dataset_->ExecuteCompaction(task.text));
    results.push_back(std::move(result));
  }
  ASSERT_OK_AND_ASSIGN(const auto retried, dataset_->ExecuteCompaction(tasks[0].text));
  ASSERT_OK_AND_ASSIGN(const CompactResult once,
                       dataset_->CommitCompaction({results[0], results[0], retried, results[1], results[2]}));
  EXPECT_EQ(once.rows, 300U);
  EXPECT_EQ(IdsOf(*once.dataset), Range(0, 300));
  // Whoever does not know that it is done does it again, from whichever version.
  for (const auto& from : {dataset_, once.dataset}) {
    ASSERT_OK_AND_ASSIGN(const CompactResult twice, from->CommitCompaction(results));
    EXPECT_EQ(VersionOf(*twice.dataset), VersionOf(*once.dataset));
    EXPECT_EQ(twice.rows, 300U);
  }
  // The other result of a task that is committed.
  EXPECT_THAT(dataset_->CommitCompaction({retried}), FailsWith(ErrorCode::kCommitConflictRetryable));
  ASSERT_OK_AND_ASSIGN(const auto latest, dataset_->Latest());
  EXPECT_EQ(IdsOf(*latest), Range(0, 300));
  // Tasks that share fragments.
  ASSERT_OK_AND_ASSIGN(const auto all, dataset_->PlanCompaction());
  ASSERT_OK_AND_ASSIGN(const auto overlapping, dataset_->ExecuteCompaction(all[0].text));
  EXPECT_THAT(dataset_->CommitCompaction({overlapping, results[1]}),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("fragment 2"))));
}

TEST_F(CompactTest, TasksAndResultsThatAreNoneAreRefused) {
  ASSERT_OK_AND_ASSIGN(const auto tasks, dataset_->PlanCompaction());
  const std::string& task = tasks[0].text;
  ASSERT_OK_AND_ASSIGN(const auto result, dataset_->ExecuteCompaction(task));
  const auto before = Files();
  for (const auto& text : {std::string(), std::string("{}"), std::string("[]"),
                           task.substr(0, task.size() / 2), task + task, result}) {
    EXPECT_THAT(dataset_->ExecuteCompaction(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
  for (const auto& text : {std::string("{}"), result.substr(0, result.size() / 2), result + result, task}) {
    EXPECT_THAT(dataset_->CommitCompaction({text}), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
  // Of another dataset, which has fragments of the same numbers.
  const auto stranger = Make(dir_ / "other", {});
  EXPECT_THAT(stranger->ExecuteCompaction(task),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("another dataset"))));
  EXPECT_THAT(stranger->CommitCompaction({result}), FailsWith(ErrorCode::kInvalidArgument));
  // Of a version that is gone, or to come.
  auto later = task;
  later.replace(later.find("\"read_version\":6"), 16, "\"read_version\":77");
  EXPECT_THAT(dataset_->ExecuteCompaction(later), FailsSaying(HasSubstr("version 77")));
  // With rows that are missing.
  auto shorter = result;
  shorter.replace(shorter.find("\"physical_rows\":300"), 19, "\"physical_rows\":299");
  EXPECT_THAT(dataset_->CommitCompaction({shorter}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(Files(), before);

  // Whose files are damaged or missing.
  Names added = DataFiles();
  std::erase_if(added, [&](const std::string& file) { return task.find(file) != std::string::npos; });
  ASSERT_THAT(added, SizeIs(1));
  const auto file = fs::path(uri_) / "data" / added[0];
  const auto size = fs::file_size(file);
  fs::resize_file(file, size - 1);
  EXPECT_THAT(dataset_->CommitCompaction({result}),
              AllOf(FailsWith(ErrorCode::kNotFound), FailsSaying(HasSubstr("bytes"))));
  fs::remove(file);
  EXPECT_THAT(dataset_->CommitCompaction({result}), FailsWith(ErrorCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const auto latest, dataset_->LatestVersion());
  EXPECT_EQ(latest, 6U);
}

TEST_F(CompactTest, WhatOthersHaveChangedIsAConflictThatCanBeRedone) {
  ASSERT_OK_AND_ASSIGN(const auto tasks, dataset_->PlanCompaction());
  ASSERT_OK_AND_ASSIGN(const auto result, dataset_->ExecuteCompaction(tasks[0].text));
  const auto deleted = Deleted(*dataset_, "id = 7");
  const auto before = DataFiles();
  EXPECT_THAT(dataset_->CommitCompaction({result}), FailsWith(ErrorCode::kCommitConflictRetryable));
  // The result's files are another's to remove.
  EXPECT_EQ(DataFiles(), before);
  ASSERT_OK_AND_ASSIGN(auto latest, dataset_->Latest());
  EXPECT_THAT(IdsOf(*latest), SizeIs(299));
  EXPECT_THAT(dataset_->Compact(), FailsWith(ErrorCode::kCommitConflictRetryable));
  // Of what the call has written itself nothing stays.
  EXPECT_EQ(DataFiles(), before);
  ASSERT_OK_AND_ASSIGN(latest, dataset_->Latest());
  ASSERT_OK_AND_ASSIGN(const CompactResult redone, latest->Compact());
  EXPECT_EQ(redone.rows, 299U);
  EXPECT_EQ(IdsOf(*redone.dataset), IdsOf(*deleted));
}

TEST_F(CompactTest, AStopLeavesNoFile) {
  const auto before = Files();
  for (const bool in_task : {false, true}) {
    arrow::StopSource source;
    std::atomic<int> calls = 0;
    const auto stop = [&](const CompactionProgress& progress) {
      ++calls;
      EXPECT_LE(progress.rows, progress.total_rows);
      EXPECT_LE(progress.bytes_read, progress.total_bytes);
      source.RequestStop();
      // Whoever looks at the token sees it.
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    };
    if (in_task) {
      ASSERT_OK_AND_ASSIGN(const auto tasks, dataset_->PlanCompaction());
      auto future = dataset_->ExecuteCompactionAsync(tasks[0].text, {.progress = stop}, source.token());
      EXPECT_THAT(future.status(), FailsWith(ErrorCode::kCancelled));
    } else {
      auto future = dataset_->CompactAsync({.progress = stop}, source.token());
      EXPECT_THAT(future.status(), FailsWith(ErrorCode::kCancelled));
    }
    EXPECT_GT(calls, 0);
    EXPECT_EQ(Files(), before);
  }
  arrow::StopSource stopped;
  stopped.RequestStop();
  EXPECT_THAT(dataset_->Compact({}, stopped.token()), FailsWith(ErrorCode::kCancelled));
}

TEST_F(CompactTest, ProgressEndsWithAll) {
  CompactionProgress last;
  // An exception is dropped.
  const auto progress = [&last](const CompactionProgress& told) {
    last = told;
    throw 1;
  };
  ASSERT_OK(dataset_->Compact({.target_rows_per_fragment = 100, .progress = progress}));
  EXPECT_EQ(last.tasks, 3U);
  EXPECT_EQ(last.total_tasks, 3U);
  EXPECT_EQ(last.fragments, 6U);
  EXPECT_EQ(last.total_fragments, 6U);
  EXPECT_EQ(last.rows, 300U);
  EXPECT_EQ(last.total_rows, 300U);
  EXPECT_EQ(last.bytes_read, last.total_bytes);
}

TEST_F(CompactTest, FilesOfResultsThatNobodyCommitsAreOrphansThatACleanupRemoves) {
  const auto before = DataFiles();
  ASSERT_OK_AND_ASSIGN(const auto tasks, dataset_->PlanCompaction());
  ASSERT_OK_AND_ASSIGN(const auto result, dataset_->ExecuteCompaction(tasks[0].text));
  EXPECT_THAT(DataFiles(), SizeIs(before.size() + 1));
  ASSERT_OK_AND_ASSIGN(const auto usage, lance::MeasureDiskUsage(uri_));
  ASSERT_THAT(usage.orphans, SizeIs(1));
  EXPECT_FALSE(usage.orphans[0].is_temporary);
  EXPECT_EQ(usage.orphans[0].bytes, usage.orphan_bytes);
  EXPECT_TRUE(fs::exists(fs::path(uri_) / usage.orphans[0].path));
  ASSERT_OK(lance::CleanupDataset(uri_, {.orphan_min_age = std::chrono::seconds(0)}));
  EXPECT_EQ(DataFiles(), before);
  EXPECT_THAT(dataset_->CommitCompaction({result}), FailsWith(ErrorCode::kNotFound));
}

TEST_F(CompactTest, AsynchronousFormsEndAsTheOthers) {
  ASSERT_OK_AND_ASSIGN(const auto tasks,
                       Wait(dataset_->PlanCompactionAsync({.target_rows_per_fragment = 100})));
  Names results;
  for (const auto& text : TextsOf(tasks)) {
    ASSERT_OK_AND_ASSIGN(auto result, Wait(dataset_->ExecuteCompactionAsync(text)));
    results.push_back(std::move(result));
  }
  ASSERT_OK_AND_ASSIGN(const CompactResult parts, Wait(dataset_->CommitCompactionAsync(results)));
  ASSERT_OK_AND_ASSIGN(const CompactResult whole, Wait(parts.dataset->CompactAsync()));
  EXPECT_EQ(IdsOf(*whole.dataset), Range(0, 300));
  ASSERT_OK_AND_ASSIGN(const auto sizes, Wait(whole.dataset->ColumnSizesAsync()));
  EXPECT_THAT(sizes, SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const auto range, Wait(whole.dataset->ColumnRangeAsync("id")));
  EXPECT_FALSE(range.has_value());
  ASSERT_OK_AND_ASSIGN(const auto usage, Wait(lance::MeasureDiskUsageAsync(uri_)));
  EXPECT_GT(usage.bytes, 0U);
  EXPECT_THAT(dataset_->ExecuteCompactionAsync("x").status(), FailsWith(ErrorCode::kInvalidArgument));
}

/// Appends, deletions and compactions with options at random; a list of ids is the model.
class RandomCompactTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(RandomCompactTest, RowsAndTheirIdsAreThoseOfTheModel) {
  std::mt19937 random(GetParam());
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  const TempDir dir;
  const std::string uri = dir / "d";
  const bool stable = below(2) == 0;
  WriteOptions write{.stable_row_ids = stable};
  std::vector<int64_t> model;
  int64_t next = 0;
  const auto append = [&] {
    const auto rows = static_cast<int64_t>(1 + below(80));
    ASSERT_OK(WriteSimple(uri, next, rows, write));
    write.mode = WriteMode::kAppend;
    for (int64_t i = 0; i < rows; ++i) model.push_back(next + i);
    next += rows;
  };
  append();
  for (int step = 0; step < 25; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri));
    switch (below(4)) {
      case 0:
      case 1:
        append();
        break;
      case 2: {
        const auto divisor = static_cast<int64_t>(2 + below(9));
        const auto rest = static_cast<int64_t>(below(static_cast<uint64_t>(divisor)));
        const auto first = static_cast<int64_t>(below(static_cast<uint64_t>(next)));
        ASSERT_OK(dataset->Delete("id >= " + std::to_string(first) + " and id % " + std::to_string(divisor) +
                                  " = " + std::to_string(rest)));
        std::erase_if(model, [=](int64_t id) { return id >= first && id % divisor == rest; });
        break;
      }
      default: {
        CompactOptions options;
        if (below(2) == 0) options.target_rows_per_fragment = 1 + below(300);
        if (below(2) == 0) options.materialize_deletions_threshold = static_cast<double>(below(11)) / 10;
        if (below(3) == 0) options.max_source_fragments = 1 + below(10);
        if (below(3) == 0) options.excluded_fragments = std::vector<uint64_t>{below(20), below(20)};
        if (below(3) == 0) options.mode = CompactionMode::kTryBinaryCopy;
        if (below(3) == 0) options.batch_size = static_cast<uint32_t>(1 + below(50));
        if (below(3) == 0) options.threads = static_cast<uint32_t>(1 + below(3));
        const auto before = RowIdsOf(*dataset);
        DatasetPtr compacted;
        if (below(2) == 0) {
          ASSERT_OK_AND_ASSIGN(const CompactResult result, dataset->Compact(options));
          compacted = result.dataset;
        } else {
          ASSERT_OK_AND_ASSIGN(const auto tasks, dataset->PlanCompaction(options));
          Names results;
          for (const auto& task : tasks) {
            ASSERT_OK_AND_ASSIGN(auto result, dataset->ExecuteCompaction(task.text));
            results.push_back(std::move(result));
          }
          std::ranges::shuffle(results, random);
          ASSERT_OK_AND_ASSIGN(const CompactResult result, dataset->CommitCompaction(results));
          compacted = result.dataset;
        }
        if (stable) {
          EXPECT_EQ(RowIdsOf(*compacted), before);
        }
      }
    }
    ASSERT_OK_AND_ASSIGN(const auto latest, Dataset::Open(uri));
    ASSERT_EQ(SortedIdsOf(*latest), model);
  }
  ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(uri));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.orphans, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomCompactTest, ::testing::Range(0U, 8U));

TEST_F(CompactTest, ColumnsAndTheirFieldsHaveSizes) {
  const auto place = arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y z", arrow::utf8())});
  const auto schema = arrow::schema({arrow::field("o'd n", arrow::int64()), arrow::field("place", place)});
  const std::string uri = dir_ / "nested";
  ASSERT_OK(WriteBatches(uri, {MakeBatch(schema, 1000)}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
  ASSERT_OK_AND_ASSIGN(const auto sizes, dataset->ColumnSizes());
  Names names;
  for (const auto& size : sizes) names.push_back(size.column);
  EXPECT_THAT(names, ElementsAre(HasSubstr("o'd n"), "place", "place.x", HasSubstr("y z")));
  EXPECT_GT(sizes[0].bytes, 0U);
  EXPECT_EQ(sizes[0].data_type, "Int64");
  EXPECT_GT(sizes[2].bytes, 0U);
  EXPECT_GT(sizes[3].bytes, 0U);
}

TEST_F(CompactTest, TheRangeOfAColumnIsThatOfItsZoneMap) {
  ASSERT_OK_AND_ASSIGN(auto range, dataset_->ColumnRange("id"));
  EXPECT_FALSE(range.has_value());
  ASSERT_OK_AND_ASSIGN(const auto indexed, dataset_->CreateIndex("id", IndexType::kZonemap));
  ASSERT_OK_AND_ASSIGN(range, indexed->ColumnRange("id"));
  ASSERT_TRUE(range.has_value());
  EXPECT_TRUE(range->min->Equals(*arrow::MakeScalar(int64_t{0}))) << range->min->ToString();
  EXPECT_TRUE(range->max->Equals(*arrow::MakeScalar(int64_t{299}))) << range->max->ToString();
  EXPECT_THAT(indexed->ColumnRange("ID"), FailsWith(ErrorCode::kFieldNotFound));
  // Not of rows that are not indexed.
  ASSERT_OK(WriteSimple(uri_, 300, 5, {.mode = WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const auto latest, indexed->Latest());
  ASSERT_OK_AND_ASSIGN(range, latest->ColumnRange("id"));
  EXPECT_FALSE(range.has_value());
}

TEST_F(CompactTest, DiskUsageTellsWhatEachVersionNeeds) {
  ASSERT_OK_AND_ASSIGN(const CompactResult result, dataset_->Compact());
  ASSERT_OK_AND_ASSIGN(const auto indexed, result.dataset->CreateIndex("id", IndexType::kBtree));
  ASSERT_OK_AND_ASSIGN(const auto usage, lance::MeasureDiskUsage(uri_));
  uint64_t stored = 0;
  for (const auto& file : Files()) stored += fs::file_size(fs::path(uri_) / file);
  EXPECT_EQ(usage.bytes, stored);
  EXPECT_EQ(usage.orphan_bytes, 0U);
  EXPECT_EQ(usage.outside_bytes, 0U);
  EXPECT_EQ(usage.data_bytes + usage.deletion_bytes + usage.index_bytes + usage.transaction_bytes +
                usage.manifest_bytes,
            usage.latest_bytes + usage.old_bytes);
  EXPECT_LE(usage.latest_bytes + usage.old_bytes, usage.bytes);
  EXPECT_GT(usage.index_bytes, 0U);
  ASSERT_THAT(usage.versions, SizeIs(9));
  EXPECT_EQ(usage.versions[0].version, 9U);
  EXPECT_EQ(usage.versions[0].bytes, usage.latest_bytes);
  EXPECT_EQ(usage.versions[8].version, 1U);
  // Its data are those of the next versions, too.
  EXPECT_LT(usage.versions[8].own_bytes, usage.versions[8].bytes);
  // What only older versions need is what a cleanup frees.
  ASSERT_OK_AND_ASSIGN(const auto freed, lance::CleanupDataset(uri_, {.keep_versions = 1}));
  EXPECT_EQ(freed.bytes, usage.old_bytes);
  EXPECT_THAT(lance::MeasureDiskUsage(dir_ / "none"), FailsWith(ErrorCode::kDatasetNotFound));
}

TEST_F(CompactTest, IndicesAreOptimisedInPartsByWorkers) {
  ASSERT_OK_AND_ASSIGN(auto dataset, dataset_->CreateIndex("id", IndexType::kBtree));
  ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex("name", IndexType::kBitmap));
  for (int64_t i = 0; i < 3; ++i) {
    ASSERT_OK(WriteSimple(uri_, 300 + 50 * i, 50, {.mode = WriteMode::kAppend}));
  }
  ASSERT_OK_AND_ASSIGN(dataset, dataset->Latest());
  ASSERT_OK_AND_ASSIGN(const auto parts, dataset->PlanOptimizeIndices({.max_rows_per_task = 60}));
  Names built;
  Names merged;
  for (const auto& part : parts) {
    ASSERT_OK_AND_ASSIGN(const auto worker, Dataset::Open(uri_));
    EXPECT_THAT(part.index, testing::AnyOf("id_idx", "name_idx"));
    if (part.is_merge) {
      ASSERT_OK_AND_ASSIGN(auto result, worker->ExecuteOptimizeIndices(part.text, built));
      merged.push_back(std::move(result));
    } else {
      EXPECT_TRUE(merged.empty());
      ASSERT_OK_AND_ASSIGN(auto result, worker->ExecuteOptimizeIndices(part.text));
      built.push_back(std::move(result));
    }
  }
  EXPECT_GE(built.size(), 6U);
  EXPECT_THAT(merged, SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const auto optimized, dataset->CommitOptimizeIndices(merged));
  ASSERT_OK_AND_ASSIGN(const auto indices, optimized->Indices());
  ASSERT_THAT(indices, SizeIs(2));
  for (const auto& index : indices) EXPECT_EQ(index.unindexed_rows, 0U);
  const auto found = TableOf(*optimized, {.columns = {{"id"}}, .filter = "id in (7, 310, 449, 450)"});
  EXPECT_THAT(Int64s(*found->GetColumnByName("id")), ElementsAre(7, 310, 449));
  // It is done once.
  ASSERT_OK_AND_ASSIGN(const auto again, dataset->CommitOptimizeIndices(merged));
  EXPECT_EQ(VersionOf(*again), VersionOf(*optimized));
  ASSERT_OK_AND_ASSIGN(const auto nothing, optimized->PlanOptimizeIndices());
  EXPECT_THAT(nothing, IsEmpty());
}

TEST_F(CompactTest, PartsOfOptimisingThatAreNoneAreRefused) {
  ASSERT_OK_AND_ASSIGN(auto dataset, dataset_->CreateIndex("id", IndexType::kBtree));
  ASSERT_OK(WriteSimple(uri_, 300, 50, {.mode = WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(dataset, dataset->Latest());
  ASSERT_OK_AND_ASSIGN(const auto parts, dataset->PlanOptimizeIndices());
  ASSERT_THAT(parts, SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const auto built, dataset->ExecuteOptimizeIndices(parts[0].text));
  ASSERT_OK_AND_ASSIGN(const auto merged, dataset->ExecuteOptimizeIndices(parts[1].text, {built}));
  const auto before = Files();
  for (const auto& text : {std::string(), std::string("{}"), parts[0].text.substr(7), built}) {
    EXPECT_THAT(dataset->ExecuteOptimizeIndices(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
  EXPECT_THAT(dataset->CommitOptimizeIndices({"{}"}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset->CommitOptimizeIndices({parts[0].text}), FailsWith(ErrorCode::kInvalidArgument));
  auto stranger = Make(dir_ / "other", {});
  ASSERT_OK_AND_ASSIGN(stranger, stranger->CreateIndex("id", IndexType::kBtree));
  ASSERT_OK(WriteSimple(dir_ / "other", 300, 50, {.mode = WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(stranger, stranger->Latest());
  EXPECT_THAT(stranger->ExecuteOptimizeIndices(parts[0].text), Not(IsOk()));
  EXPECT_THAT(stranger->CommitOptimizeIndices({merged}), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(Files(), before);
  ASSERT_OK(dataset->CommitOptimizeIndices({"null", merged}));
  EXPECT_THAT(dataset->PlanOptimizeIndices({.names = {{"id_id"}}}), FailsWith(ErrorCode::kIndexNotFound));
}

}  // namespace
}  // namespace lance_test
