// Versions: checked out, restored, tagged, continued on branches, cloned, compared. What is refused changes
// nothing and leaves no file. tests/conformance/test_refs.py compares with pylance.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
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
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

namespace fs = std::filesystem;

using lance::BranchInfo;
using lance::CheckoutOptions;
using lance::CleanupOptions;
using lance::Dataset;
using lance::DeltaKind;
using lance::DeltaOptions;
using lance::ErrorCode;
using lance::LanceWriter;
using lance::TagInfo;
using lance::WriteMode;
using lance::WriteOptions;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

using DatasetPtr = std::shared_ptr<Dataset>;
using Ids = std::vector<int64_t>;

constexpr auto kNoAge = std::chrono::seconds(0);

arrow::Result<Ids> IdsOf(const Dataset& dataset) {
  lance::ScanOptions options;
  options.columns = std::vector<std::string>{"id"};
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  return Int64s(*table->GetColumnByName("id"));
}

WriteOptions Appending(const std::string& branch = "main") {
  return {.mode = WriteMode::kAppend, .branch = branch};
}

/// A dataset of three versions, each with ten rows more.
class RefsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, 10, {.stable_row_ids = true}));
    ASSERT_OK(WriteSimple(uri_, 10, 10, Appending()));
    ASSERT_OK(WriteSimple(uri_, 20, 10, Appending()));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  arrow::Result<DatasetPtr> At(uint64_t version) const { return dataset_->Checkout({.version = version}); }

  std::vector<std::string> Files() const { return ListFiles(dir_.path()); }

  bool HasDirectory(const std::string& name) const { return fs::exists(fs::path(uri_) / name); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

/// Expect a version to have a number, and these rows.
void ExpectVersion(const DatasetPtr& dataset, uint64_t version, const Ids& expected) {
  ASSERT_OK_AND_ASSIGN(const uint64_t number, dataset->Version());
  EXPECT_EQ(number, version);
  ASSERT_OK_AND_ASSIGN(const Ids ids, IdsOf(*dataset));
  EXPECT_EQ(ids, expected);
}

TEST_F(RefsTest, AVersionIsCheckedOutByItsNumberATagABranchAndATime) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  ExpectVersion(first, 1, Range(0, 10));
  ASSERT_OK(first->CreateTag("v1.0"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr second, At(2));
  ASSERT_OK(second->CreateBranch("team/trial").status());
  ASSERT_OK(WriteSimple(uri_, 100, 5, Appending("team/trial")));

  ASSERT_OK_AND_ASSIGN(const DatasetPtr tagged, dataset_->Checkout({.tag = "v1.0"}));
  ExpectVersion(tagged, 1, Range(0, 10));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr trial, tagged->Checkout({.branch = "team/trial"}));
  Ids expected = Range(0, 20);
  const Ids more = Range(100, 5);
  expected.insert(expected.end(), more.begin(), more.end());
  ExpectVersion(trial, 3, expected);
  EXPECT_THAT(trial->uri(), ::testing::EndsWith("/dataset/tree/team/trial"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr begun, trial->Checkout({.version = 2}));
  ExpectVersion(begun, 2, Range(0, 20));
  EXPECT_THAT(begun->uri(), ::testing::EndsWith("/trial"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr main, begun->Checkout({.branch = "main"}));
  ExpectVersion(main, 3, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr same, begun->Checkout({}));
  ExpectVersion(same, 3, expected);

  ASSERT_OK_AND_ASSIGN(const auto versions, dataset_->Versions());
  for (const auto& version : versions) {
    ASSERT_OK_AND_ASSIGN(const DatasetPtr then,
                         trial->Checkout({.branch = "main", .as_of_micros = version.timestamp_micros}));
    ASSERT_OK_AND_ASSIGN(const uint64_t number, then->Version());
    EXPECT_EQ(number, version.version);
  }
  ASSERT_OK_AND_ASSIGN(const DatasetPtr now, dataset_->Checkout({.as_of_micros = INT64_MAX - 1}));
  ExpectVersion(now, 3, Range(0, 30));
}

TEST_F(RefsTest, AVersionIsOpenedByATime) {
  ASSERT_OK(dataset_->CreateBranch("trial").status());
  ASSERT_OK(WriteSimple(uri_, 100, 5, Appending("trial")));
  ASSERT_OK_AND_ASSIGN(const auto versions, dataset_->Versions());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr second,
                       Dataset::Open(uri_, {.as_of_micros = versions[1].timestamp_micros}));
  ExpectVersion(second, 2, Range(0, 20));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr trial,
                       Dataset::Open(uri_, {.branch = "trial", .as_of_micros = INT64_MAX}));
  ASSERT_OK_AND_ASSIGN(const uint64_t version, trial->Version());
  EXPECT_EQ(version, 4U);
  EXPECT_THAT(Dataset::Open(uri_, {.as_of_micros = 0}), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(Dataset::Open(uri_, {.version = 1, .as_of_micros = 0}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(RefsTest, AnAppendMakesTheDatasetWhereItMay) {
  const WriteOptions options = {.mode = WriteMode::kAppendOrCreate};
  ASSERT_OK(WriteSimple(dir_ / "new", 0, 3, options));
  ASSERT_OK(WriteSimple(dir_ / "new", 3, 3, options));
  EXPECT_EQ(ReadIds(dir_ / "new"), Range(0, 6));
  // Two that begin where nothing is do not both make it.
  ASSERT_OK_AND_ASSIGN(const auto first, LanceWriter::Open(dir_ / "other", SimpleSchema(), options));
  ASSERT_OK_AND_ASSIGN(const auto second, LanceWriter::Open(dir_ / "other", SimpleSchema(), options));
  ASSERT_OK(first->Write(*SimpleBatch(0, 3)));
  ASSERT_OK(second->Write(*SimpleBatch(3, 3)));
  ASSERT_OK(first->Finish());
  EXPECT_THAT(second->Finish(), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_EQ(ReadIds(dir_ / "other"), Range(0, 3));
}

TEST_F(RefsTest, WhatCannotBeCheckedOutIsTold) {
  ASSERT_OK(dataset_->CreateTag("stable"));
  ASSERT_OK(dataset_->CreateBranch("trial").status());
  ASSERT_OK_AND_ASSIGN(const auto versions, dataset_->Versions());
  struct Case {
    CheckoutOptions options;
    ErrorCode code;
    std::string message;
  };
  const Case cases[] = {
      {{.version = 99}, ErrorCode::kVersionNotFound, "no version 99"},
      {{.version = UINT64_MAX - 1}, ErrorCode::kVersionNotFound, "no version"},
      {{.version = 0}, ErrorCode::kInvalidArgument, "version"},
      {{.version = 1, .branch = "trial"}, ErrorCode::kVersionNotFound, "branch \"trial\""},
      {{.tag = "stabel"}, ErrorCode::kRefNotFound, "nearest name is \"stable\""},
      {{.tag = ""}, ErrorCode::kRefNotFound, "no tag \"\""},
      {{.tag = "../stable"}, ErrorCode::kRefNotFound, "no tag"},
      {{.branch = "trail"}, ErrorCode::kRefNotFound, "\"trial\""},
      {{.branch = ""}, ErrorCode::kRefNotFound, "no branch"},
      {{.branch = "../dataset"}, ErrorCode::kRefNotFound, "no branch"},
      {{.version = 1, .tag = "stable"}, ErrorCode::kInvalidArgument, "a tag cannot be combined"},
      {{.tag = "stable", .branch = "trial"}, ErrorCode::kInvalidArgument, "a tag cannot be combined"},
      {{.version = 1, .as_of_micros = 1}, ErrorCode::kInvalidArgument, "a time cannot be combined"},
      {{.as_of_micros = versions[0].timestamp_micros - 1}, ErrorCode::kVersionNotFound, "version 1"},
      {{.as_of_micros = -1}, ErrorCode::kVersionNotFound, "no version that old"},
  };
  for (const Case& it : cases) {
    EXPECT_THAT(dataset_->Checkout(it.options),
                AllOf(FailsWith(it.code), FailsSaying(HasSubstr(it.message))));
  }
  ASSERT_OK(lance::CleanupDataset(uri_, {.keep_versions = 1}));
  EXPECT_THAT(At(1), AllOf(FailsWith(ErrorCode::kVersionNotFound), FailsSaying(HasSubstr("no version 1"))));
  EXPECT_THAT(dataset_->Checkout({.as_of_micros = versions[0].timestamp_micros}),
              FailsSaying(HasSubstr("the oldest that is there is version 3")));
}

TEST_F(RefsTest, ARestoredVersionIsEqualAndTheOthersStay) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr restored, first->Restore({.commit_message = "back"}));
  ExpectVersion(restored, 4, Range(0, 10));
  ExpectVersion(first, 1, Range(0, 10));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr third, restored->Checkout({.version = 3}));
  ExpectVersion(third, 3, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(const auto history, restored->Transactions(1));
  ASSERT_THAT(history, SizeIs(1));
  EXPECT_EQ(history[0].operation, "Restore");
  EXPECT_EQ(history[0].message, "back");
  ASSERT_OK(WriteSimple(uri_, 50, 1, Appending()));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, restored->Latest());
  ASSERT_OK_AND_ASSIGN(const Ids ids, IdsOf(*latest));
  EXPECT_EQ(ids.back(), 50);
  EXPECT_THAT(ids, SizeIs(11));
}

TEST_F(RefsTest, ARestoreOnABranchIsABranchsOwn) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr begun, dataset_->CreateBranch("trial"));
  ASSERT_OK(WriteSimple(uri_, 100, 5, Appending("trial")));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr restored, begun->Restore());
  ExpectVersion(restored, 5, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset_->LatestVersion());
  EXPECT_EQ(latest, 3U);
}

TEST_F(RefsTest, AnAppendThatWasBegunBeforeARestoreIsRefusedAfterIt) {
  ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(uri_, SimpleSchema(), Appending()));
  ASSERT_OK(writer->Write(*SimpleBatch(90, 3)));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  ASSERT_OK(first->Restore().status());
  EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kIncompatibleTransaction));
  // The other way round the restore wins, as it is of an earlier version anyway.
  ASSERT_OK(WriteSimple(uri_, 70, 2, Appending()));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr restored, first->Restore());
  ExpectVersion(restored, 6, Range(0, 10));
}

TEST_F(RefsTest, AVersionThatIsGoneIsNeitherRestoredNorPointedTo) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  ASSERT_OK(lance::CleanupDataset(uri_, {.keep_versions = 1}));
  const auto before = Files();
  EXPECT_THAT(first->Restore(), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(first->CreateTag("gone"), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(first->CreateBranch("gone"), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(first->ShallowClone(dir_ / "shallow"), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(first->DeepClone(dir_ / "deep"), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_EQ(Files(), before);
  // A dataset of the same place is another one.
  fs::remove_all(uri_);
  ASSERT_OK(WriteSimple(uri_, 500, 1));
  EXPECT_THAT(first->Restore(), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(first->CreateTag("gone"), FailsWith(ErrorCode::kVersionNotFound));
}

TEST_F(RefsTest, TagsAreMadeListedMovedAndDeleted) {
  ASSERT_OK_AND_ASSIGN(auto tags, dataset_->Tags());
  EXPECT_THAT(tags, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  ASSERT_OK(first->CreateTag("stable", {.metadata = {{"owner", "me"}, {"ä \"", ""}}}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr trial, first->CreateBranch("trial"));
  ASSERT_OK(trial->CreateTag("a.b-c_1"));
  ASSERT_OK_AND_ASSIGN(tags, trial->Tags());
  ASSERT_THAT(tags, SizeIs(2));
  EXPECT_EQ(tags[0].name, "a.b-c_1");
  EXPECT_EQ(tags[0].branch, "trial");
  EXPECT_EQ(tags[1].name, "stable");
  EXPECT_EQ(tags[1].branch, "main");
  EXPECT_EQ(tags[1].version, 1U);
  EXPECT_THAT(tags[1].metadata, ElementsAre(Pair("owner", "me"), Pair("ä \"", "")));
  EXPECT_GT(tags[1].created_micros.value_or(0), 1'577'836'800'000'000);
  EXPECT_EQ(tags[1].created_micros, tags[1].updated_micros);

  ASSERT_OK(dataset_->UpdateTag("stable"));
  ASSERT_OK(dataset_->ReplaceTagMetadata("a.b-c_1", {{"k", "v"}}));
  ASSERT_OK_AND_ASSIGN(tags, dataset_->Tags());
  EXPECT_THAT(tags[0].metadata, ElementsAre(Pair("k", "v")));
  EXPECT_EQ(tags[1].version, 3U);
  EXPECT_THAT(tags[1].metadata, SizeIs(2));
  EXPECT_GT(tags[1].updated_micros, tags[1].created_micros);
  ASSERT_OK_AND_ASSIGN(const DatasetPtr moved, dataset_->Checkout({.tag = "stable"}));
  ExpectVersion(moved, 3, Range(0, 30));

  ASSERT_OK(dataset_->DeleteTag("stable"));
  ASSERT_OK_AND_ASSIGN(tags, dataset_->Tags());
  EXPECT_THAT(tags, SizeIs(1));
}

TEST_F(RefsTest, WhatATagCannotBeIsToldAndChangesNothing) {
  ASSERT_OK(dataset_->CreateTag("stable"));
  const auto before = Files();
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  EXPECT_THAT(first->CreateTag("stable"),
              AllOf(FailsWith(ErrorCode::kAlreadyExists), FailsSaying(HasSubstr("\"stable\""))));
  for (const std::string name : {"", "a b", "a/b", "a\"b", "größe", "..", ".a", "a.", "x.lock", "a\\b"}) {
    EXPECT_THAT(first->CreateTag(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(first->CreateTag(std::string(300, 'x')), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(first->CreateTag(std::string("a\0b", 3)), FailsWith(ErrorCode::kInvalidArgument));
  for (const auto& status :
       {first->UpdateTag("stabel"), first->DeleteTag("stabel"), first->ReplaceTagMetadata("stabel", {})}) {
    EXPECT_THAT(status, AllOf(FailsWith(ErrorCode::kRefNotFound), FailsSaying(HasSubstr("\"stable\""))));
  }
  EXPECT_EQ(Files(), before);
  ASSERT_OK_AND_ASSIGN(const auto tags, first->Tags());
  ASSERT_THAT(tags, SizeIs(1));
  EXPECT_EQ(tags[0].version, 3U);
  ASSERT_OK(first->CreateTag(std::string(180, 'x')));
}

/// Do it in several threads at once, and count the successes; the others have to find that it exists.
template <typename Make>
int CountMade(Make make) {
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const arrow::Status status = make(i);
      if (status.ok()) {
        ++made;
      } else {
        EXPECT_THAT(status, FailsWith(ErrorCode::kAlreadyExists));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return made;
}

TEST_F(RefsTest, OfManyThatMakeOneTagBranchOrCloneOneDoes) {
  std::vector<DatasetPtr> versions;
  for (uint64_t version = 1; version <= 3; ++version) {
    ASSERT_OK_AND_ASSIGN(versions.emplace_back(), At(version));
  }
  for (int round = 0; round < 5; ++round) {
    const std::string name = "n" + std::to_string(round);
    EXPECT_EQ(CountMade([&](int i) { return versions[i % 3]->CreateTag(name); }), 1);
    EXPECT_EQ(CountMade([&](int i) { return versions[i % 3]->CreateBranch(name).status(); }), 1);
    EXPECT_EQ(CountMade([&](int i) { return versions[i % 3]->DeepClone(dir_ / ("deep" + name)).status(); }),
              1);
    EXPECT_EQ(CountMade([&](int i) { return versions[i % 3]->ShallowClone(dir_ / name).status(); }), 1);
    for (const std::string& clone : {dir_ / name, dir_ / ("deep" + name)}) {
      ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(clone, {.deep = true}));
      EXPECT_THAT(report.problems, IsEmpty());
      EXPECT_EQ(report.versions, 1U);
    }
    ASSERT_OK_AND_ASSIGN(const auto branches, dataset_->Branches());
    ASSERT_OK_AND_ASSIGN(const DatasetPtr branch, dataset_->Checkout({.branch = name}));
    ASSERT_OK_AND_ASSIGN(const auto there, branch->Versions());
    ASSERT_THAT(there, SizeIs(1));
    const auto found = std::ranges::find(branches, name, &BranchInfo::name);
    ASSERT_NE(found, branches.end());
    EXPECT_EQ(there[0].version, found->parent_version);
  }
}

TEST_F(RefsTest, ABranchBeginsAtAVersionATagOrABranch) {
  ASSERT_OK_AND_ASSIGN(auto branches, dataset_->Branches());
  EXPECT_THAT(branches, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr second, At(2));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr trial,
                       second->CreateBranch("trial", {.metadata = {{"why", "to try"}}}));
  ExpectVersion(trial, 2, Range(0, 20));
  ASSERT_OK(WriteSimple(uri_, 200, 1, Appending("trial")));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr continued, trial->Latest());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr nested, continued->CreateBranch("trial/of.it"));
  ASSERT_OK_AND_ASSIGN(branches, dataset_->Branches());
  ASSERT_THAT(branches, SizeIs(2));
  EXPECT_EQ(branches[0].name, "trial");
  EXPECT_EQ(branches[0].parent_branch, "main");
  EXPECT_EQ(branches[0].parent_version, 2U);
  EXPECT_THAT(branches[0].metadata, ElementsAre(Pair("why", "to try")));
  EXPECT_GT(branches[0].created_micros, 1'577'836'800'000'000);
  EXPECT_EQ(branches[1].name, "trial/of.it");
  EXPECT_EQ(branches[1].parent_branch, "trial");
  EXPECT_EQ(branches[1].parent_version, 3U);
  ASSERT_OK(nested->ReplaceBranchMetadata("trial", {}));
  ASSERT_OK_AND_ASSIGN(branches, nested->Branches());
  EXPECT_THAT(branches[0].metadata, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Ids ids, IdsOf(*nested));
  EXPECT_THAT(ids, SizeIs(21));
}

TEST_F(RefsTest, WritersWriteToABranchAndTheDatasetStaysAsItIs) {
  ASSERT_OK(dataset_->CreateBranch("a/b").status());
  ASSERT_OK_AND_ASSIGN(auto writer, LanceWriter::Open(uri_, SimpleSchema(), Appending("a/b")));
  ASSERT_OK(writer->Write(*SimpleBatch(30, 2)));
  ASSERT_OK_AND_ASSIGN(const auto appended, writer->Finish());
  EXPECT_EQ(appended.version, 4U);

  // Not committed at first, and by another process.
  ASSERT_OK_AND_ASSIGN(writer, LanceWriter::Open(uri_, SimpleSchema(), Appending("a/b")));
  ASSERT_OK(writer->Write(*SimpleBatch(32, 2)));
  ASSERT_OK_AND_ASSIGN(auto transaction, writer->FinishUncommitted());
  ASSERT_OK_AND_ASSIGN(const std::string json, transaction.ToJson());
  ASSERT_OK_AND_ASSIGN(auto copy, lance::Transaction::FromJson(json));
  ASSERT_OK_AND_ASSIGN(const auto committed, copy.Commit());
  EXPECT_EQ(committed.version, 5U);
  ASSERT_OK_AND_ASSIGN(const auto again, transaction.Commit());
  EXPECT_EQ(again.version, 5U);
  ASSERT_OK_AND_ASSIGN(DatasetPtr branch, dataset_->Checkout({.branch = "a/b"}));
  ExpectVersion(branch, 5, Range(0, 34));

  ASSERT_OK_AND_ASSIGN(const auto replaced,
                       WriteSimple(uri_, 7, 1, {.mode = WriteMode::kOverwrite, .branch = "a/b"}));
  EXPECT_EQ(replaced.version, 6U);
  ASSERT_OK_AND_ASSIGN(branch, branch->Latest());
  ExpectVersion(branch, 6, Range(7, 1));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr main, dataset_->Latest());
  ExpectVersion(main, 3, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(uri_, {.deep = true}));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.orphans, 0U);
}

TEST_F(RefsTest, WhatCannotBeWrittenToABranchIsToldAndLeavesNothing) {
  ASSERT_OK(dataset_->CreateBranch("trial").status());
  const auto before = Files();
  struct Case {
    std::string uri;
    WriteMode mode;
    std::string branch;
    ErrorCode code;
    std::string message;
  };
  const Case cases[] = {
      {uri_, WriteMode::kAppend, "trail", ErrorCode::kRefNotFound, "\"trial\""},
      {uri_, WriteMode::kOverwrite, "trail", ErrorCode::kRefNotFound, "\"trial\""},
      {uri_, WriteMode::kCreate, "trial", ErrorCode::kInvalidArgument, "append or overwrite"},
      {uri_, WriteMode::kAppend, "", ErrorCode::kRefNotFound, "no branch"},
      {uri_, WriteMode::kAppend, "../dataset", ErrorCode::kRefNotFound, "no branch"},
      {dir_ / "nothing", WriteMode::kAppend, "trial", ErrorCode::kDatasetNotFound, "no dataset"},
      {dir_ / "nothing", WriteMode::kOverwrite, "trial", ErrorCode::kDatasetNotFound, "no dataset"},
  };
  for (const Case& it : cases) {
    EXPECT_THAT(LanceWriter::Open(it.uri, SimpleSchema(), {.mode = it.mode, .branch = it.branch}),
                AllOf(FailsWith(it.code), FailsSaying(HasSubstr(it.message))));
  }
  // A branch that is deleted takes no commit any more.
  ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(uri_, SimpleSchema(), Appending("trial")));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 3)));
  ASSERT_OK(dataset_->DeleteBranch("trial"));
  EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(ListFiles(fs::path(uri_) / "tree"), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset_->LatestVersion());
  EXPECT_EQ(latest, 3U);
}

TEST_F(RefsTest, WhatABranchCannotBeIsToldAndLeavesNothing) {
  ASSERT_OK(dataset_->CreateBranch("trial").status());
  const auto before = Files();
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  EXPECT_THAT(first->CreateBranch("trial"),
              AllOf(FailsWith(ErrorCode::kAlreadyExists), FailsSaying(HasSubstr("\"trial\""))));
  for (const std::string name : {"", "main", "a b", "/a", "a/", "a//b", "a/../b", "a/.b", "a\"b", "größe",
                                 "x.lock", "a/data", "_versions", "a\\b"}) {
    EXPECT_THAT(first->CreateBranch(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(first->CreateBranch(std::string(300, 'x')), FailsWith(ErrorCode::kInvalidArgument));
  for (const auto& status : {first->DeleteBranch("trail"), first->ReplaceBranchMetadata("trail", {})}) {
    EXPECT_THAT(status, AllOf(FailsWith(ErrorCode::kRefNotFound), FailsSaying(HasSubstr("\"trial\""))));
  }
  EXPECT_THAT(first->DeleteBranch("main"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(first->DeleteBranch("../../x", true), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(Files(), before);
  ASSERT_OK(first->CreateBranch(std::string(180, 'x')).status());
}

TEST_F(RefsTest, ABranchInUseIsNotDeletedAndWhoUsesItIsTold) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr parent, dataset_->CreateBranch("parent"));
  ASSERT_OK(WriteSimple(uri_, 30, 1, Appending("parent")));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr continued, parent->Latest());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr child, continued->CreateBranch("child"));
  ASSERT_OK(child->CreateBranch("parent/grandchild").status());
  ASSERT_OK(continued->CreateTag("release"));
  EXPECT_THAT(dataset_->DeleteBranch("parent"),
              AllOf(FailsWith(ErrorCode::kFailedPrecondition), FailsSaying(HasSubstr("branch \"child\"")),
                    FailsSaying(HasSubstr("tag \"release\""))));
  EXPECT_THAT(dataset_->DeleteBranch("parent", true), FailsWith(ErrorCode::kFailedPrecondition));
  ExpectVersion(child, 4, Range(0, 31));
  ASSERT_OK(dataset_->DeleteTag("release"));
  ASSERT_OK(dataset_->DeleteBranch("parent/grandchild"));
  ASSERT_OK(dataset_->DeleteBranch("child"));
  ASSERT_OK(dataset_->DeleteBranch("parent"));
  ASSERT_OK_AND_ASSIGN(const auto branches, dataset_->Branches());
  EXPECT_THAT(branches, IsEmpty());
  EXPECT_FALSE(HasDirectory("tree"));
}

TEST_F(RefsTest, ABranchThatAShallowCloneReadsIsNotDeleted) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr branch, dataset_->CreateBranch("trial"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr of_main, branch->ShallowClone(dir_ / "of main"));
  ASSERT_OK(WriteSimple(uri_, 30, 5, Appending("trial")));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr written, branch->Latest());
  ASSERT_OK(written->DeepClone(dir_ / "deep").status());
  ASSERT_OK(dataset_->CreateBranch("other").status());
  for (const std::string& clone : {dir_ / "clone", uri_ + "/below/clone"}) {
    fs::create_directories(fs::path(clone).parent_path());
    ASSERT_OK_AND_ASSIGN(const DatasetPtr made, written->ShallowClone(clone));
    ASSERT_OK(made->Delete("true").status());
    EXPECT_THAT(dataset_->DeleteBranch("trial", true),
                AllOf(FailsWith(ErrorCode::kFailedPrecondition), FailsSaying(HasSubstr("/clone\""))));
    ExpectVersion(made, 4, Range(0, 35));
    fs::remove_all(clone);
  }
  // Nobody reads what is only its own.
  ASSERT_OK(dataset_->DeleteBranch("other"));
  ASSERT_OK(dataset_->DeleteBranch("trial"));
  ExpectVersion(of_main, 3, Range(0, 30));
}

TEST_F(RefsTest, FilesThatOnlyACloneNeedsAreNoOrphans) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr clone, dataset_->ShallowClone(dir_ / "clone"));
  ASSERT_OK(WriteSimple(uri_, 50, 10, {.mode = WriteMode::kOverwrite}));
  ASSERT_OK_AND_ASSIGN(const auto cleaned,
                       lance::CleanupDataset(uri_, {.keep_versions = 1, .orphan_min_age = kNoAge}));
  EXPECT_EQ(cleaned.versions, 3U);
  ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(uri_));
  EXPECT_EQ(report.orphans, 0U);
  ExpectVersion(clone, 3, Range(0, 30));
  fs::remove_all(dir_ / "clone");
  ASSERT_OK_AND_ASSIGN(const auto without, lance::CheckDataset(uri_));
  EXPECT_EQ(without.orphans, 3U);
}

TEST_F(RefsTest, ADeletedBranchLeavesNothingButBranchesBelowIt) {
  const auto before = Files();
  ASSERT_OK(dataset_->CreateBranch("a").status());
  ASSERT_OK(dataset_->CreateBranch("a/b").status());
  ASSERT_OK(WriteSimple(uri_, 30, 3, Appending("a")));
  ASSERT_OK(WriteSimple(uri_, 40, 3, Appending("a/b")));
  ASSERT_OK(dataset_->DeleteBranch("a"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr below, dataset_->Checkout({.branch = "a/b"}));
  ASSERT_OK_AND_ASSIGN(const Ids ids, IdsOf(*below));
  EXPECT_THAT(ids, SizeIs(33));
  EXPECT_THAT(dataset_->Checkout({.branch = "a"}), FailsWith(ErrorCode::kRefNotFound));
  // The name is free.
  ASSERT_OK_AND_ASSIGN(const DatasetPtr anew, dataset_->CreateBranch("a"));
  ExpectVersion(anew, 3, Range(0, 30));
  ASSERT_OK(dataset_->DeleteBranch("a/b"));
  ASSERT_OK(anew->DeleteBranch("a"));
  EXPECT_EQ(Files(), before);
  EXPECT_FALSE(HasDirectory("tree"));
}

TEST_F(RefsTest, WhatIsLeftOfAnInterruptedDeletionIsDeletedByForce) {
  ASSERT_OK(dataset_->CreateBranch("trial").status());
  fs::remove(fs::path(uri_) / "_refs" / "branches" / "trial.json");
  EXPECT_THAT(dataset_->CreateBranch("trial"),
              AllOf(FailsWith(ErrorCode::kFailedPrecondition), FailsSaying(HasSubstr("with force"))));
  EXPECT_FALSE(fs::exists(fs::path(uri_) / "_refs" / "branches" / "trial.json"));
  EXPECT_THAT(dataset_->DeleteBranch("trial"), FailsWith(ErrorCode::kRefNotFound));
  ASSERT_OK(dataset_->DeleteBranch("trial", true));
  EXPECT_FALSE(HasDirectory("tree"));
  ASSERT_OK(dataset_->CreateBranch("trial").status());
}

TEST_F(RefsTest, WhatIsStoppedLeavesEitherAllOrNothing) {
  const auto before = Files();
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    arrow::StopSource source;
    const bool is_branch = round % 2 == 0;
    const std::string place = dir_ / "clone";
    auto future = is_branch ? dataset_->CreateBranchAsync("trial", {}, source.token())
                            : dataset_->DeepCloneAsync(place, {}, source.token());
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    source.RequestStop();
    const auto made = Wait(std::move(future));
    if (made.ok()) ExpectVersion(*made, 3, Range(0, 30));
    if (is_branch) {
      ASSERT_OK_AND_ASSIGN(const auto branches, dataset_->Branches());
      if (!branches.empty()) {
        // A commit that has begun goes to its end before the call does.
        ASSERT_OK(dataset_->Checkout({.branch = "trial"}).status());
        ASSERT_OK(dataset_->DeleteBranch("trial"));
      }
    } else if (fs::exists(place)) {
      ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(place, {.deep = true}));
      EXPECT_THAT(report.problems, IsEmpty());
      fs::remove_all(place);
    }
    EXPECT_EQ(Files(), before);
    EXPECT_FALSE(fs::exists(place));
    EXPECT_FALSE(HasDirectory("tree"));
  }
}

TEST_F(RefsTest, ClonesAreDatasetsOfTheirOwn) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr second, At(2));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr shallow, second->ShallowClone(dir_ / "shallow"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr deep, second->DeepClone(dir_ / "deep"));
  ExpectVersion(shallow, 2, Range(0, 20));
  ExpectVersion(deep, 2, Range(0, 20));
  EXPECT_THAT(ListFiles(dir_.path() / "shallow" / "data"), IsEmpty());
  EXPECT_THAT(ListFiles(dir_.path() / "deep" / "data"), SizeIs(2));
  ASSERT_OK(WriteSimple(dir_ / "shallow", 100, 1, Appending()));
  ASSERT_OK(WriteSimple(dir_ / "deep", 100, 1, Appending()));
  EXPECT_THAT(ReadIds(dir_ / "shallow"), SizeIs(21));
  EXPECT_THAT(ReadIds(dir_ / "deep"), SizeIs(21));
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset_->LatestVersion());
  EXPECT_EQ(latest, 3U);

  // Of a clone, and of a branch.
  ASSERT_OK_AND_ASSIGN(const DatasetPtr clone, shallow->Latest());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr again, clone->ShallowClone(dir_ / "again"));
  EXPECT_THAT(ReadIds(dir_ / "again"), SizeIs(21));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr whole, again->DeepClone(dir_ / "whole"));
  ASSERT_OK(dataset_->CreateBranch("trial").status());
  ASSERT_OK(WriteSimple(uri_, 30, 1, Appending("trial")));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr trial, dataset_->Checkout({.branch = "trial"}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr of_branch, trial->DeepClone(dir_ / "of_branch"));
  ExpectVersion(of_branch, 4, Range(0, 31));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr shallow_of_branch, trial->ShallowClone(dir_ / "shallow_of_branch"));
  ExpectVersion(shallow_of_branch, 4, Range(0, 31));

  // Those that are deep need nobody.
  fs::remove_all(uri_);
  fs::remove_all(dir_ / "shallow");
  for (const std::string name : {"deep", "whole", "of_branch"}) {
    ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(dir_ / name, {.deep = true}));
    EXPECT_THAT(report.problems, IsEmpty()) << name;
    EXPECT_EQ(report.orphans, 0U) << name;
  }
  EXPECT_THAT(ReadIds(dir_ / "whole"), SizeIs(21));
}

/// Changes the working directory for as long as it lives.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const fs::path& path) : before_(fs::current_path()) { fs::current_path(path); }
  ~WorkingDirectory() { fs::current_path(before_); }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

 private:
  fs::path before_;
};

TEST_F(RefsTest, AClonePlaceIsThatOfTheMomentWhenItIsTyped) {
  fs::create_directory(dir_.path() / "elsewhere");
  fs::create_directory(dir_.path() / "real");
  fs::create_directory_symlink(dir_.path() / "real", dir_.path() / "link");
  {
    const WorkingDirectory here(dir_.path());
    ASSERT_OK_AND_ASSIGN(const DatasetPtr relative, Dataset::Open("dataset"));
    ASSERT_OK(relative->ShallowClone("link/shallow").status());
    ASSERT_OK(relative->DeepClone("deep clone%20ä#1").status());
  }
  fs::remove(dir_.path() / "link");
  const WorkingDirectory there(dir_.path() / "elsewhere");
  EXPECT_EQ(ReadIds(dir_ / "real/shallow"), Range(0, 30));
  EXPECT_EQ(ReadIds("../deep clone%20ä#1"), Range(0, 30));
}

TEST_F(RefsTest, ACloneMayBeInAnotherStore) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr in_memory, dataset_->DeepClone("memory://refs_test/clone"));
  ExpectVersion(in_memory, 3, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr shallow, dataset_->ShallowClone("memory://refs_test/shallow"));
  ExpectVersion(shallow, 3, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr back, in_memory->DeepClone(dir_ / "back"));
  ExpectVersion(back, 3, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr branch, in_memory->CreateBranch("trial"));
  ExpectVersion(branch, 3, Range(0, 30));
  EXPECT_THAT(branch->DeepClone(dir_ / "branch"), FailsWith(ErrorCode::kNotSupported));
  EXPECT_FALSE(fs::exists(dir_ / "branch"));
}

TEST_F(RefsTest, APlaceThatIsTakenIsNotClonedTo) {
  ASSERT_OK(WriteSimple(dir_ / "taken", 5, 1));
  std::ofstream(dir_ / "file") << "x";
  const auto before = Files();
  for (const bool shallow : {true, false}) {
    const auto clone = [&](const std::string& uri) {
      return shallow ? dataset_->ShallowClone(uri) : dataset_->DeepClone(uri);
    };
    EXPECT_THAT(clone(dir_ / "taken"), FailsWith(ErrorCode::kAlreadyExists));
    EXPECT_THAT(clone(uri_), FailsWith(ErrorCode::kAlreadyExists));
    EXPECT_THAT(clone(dir_ / "file"), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(clone(dir_ / "file/below"), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(clone(uri_ + "/tree/x"), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(clone(uri_ + "/data"), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(clone(""), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(clone("nosuch://bucket/x"), Not(IsOk()));
  }
  EXPECT_EQ(Files(), before);
  EXPECT_EQ(ReadIds(dir_ / "taken"), Range(5, 1));
}

TEST_F(RefsTest, ADeepCloneThatFailsLeavesNothing) {
  const auto data = ListFiles(fs::path(uri_) / "data");
  fs::remove(fs::path(uri_) / "data" / data[1]);
  const auto before = Files();
  EXPECT_THAT(dataset_->DeepClone(dir_ / "clone"), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(Files(), before);
  EXPECT_FALSE(fs::exists(dir_ / "clone"));
}

/// The ids of the rows that have changed.
arrow::Result<Ids> Changed(const Dataset& dataset, DeltaOptions options, DeltaKind kind) {
  options.kind = kind;
  ARROW_ASSIGN_OR_RAISE(const auto reader, dataset.Delta(options));
  ARROW_ASSIGN_OR_RAISE(const auto table, reader->ToTable());
  const auto column = table->GetColumnByName("id");
  if (column == nullptr) return Ids(static_cast<size_t>(table->num_rows()), -1);
  Ids ids = Int64s(*column);
  std::ranges::sort(ids);
  return ids;
}

TEST_F(RefsTest, ADeltaTellsWhatWasInsertedSince) {
  ASSERT_OK_AND_ASSIGN(Ids ids, Changed(*dataset_, {.from_version = 1}, DeltaKind::kInserted));
  EXPECT_EQ(ids, Range(10, 20));
  ASSERT_OK_AND_ASSIGN(ids, Changed(*dataset_, {.from_version = 0}, DeltaKind::kUpserted));
  EXPECT_EQ(ids, Range(0, 30));
  ASSERT_OK_AND_ASSIGN(ids, Changed(*dataset_, {.from_version = 3}, DeltaKind::kInserted));
  EXPECT_THAT(ids, IsEmpty());
  ASSERT_OK_AND_ASSIGN(ids, Changed(*dataset_, {.from_version = 1}, DeltaKind::kUpdated));
  EXPECT_THAT(ids, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr second, At(2));
  ASSERT_OK_AND_ASSIGN(ids, Changed(*second, {.from_version = 1}, DeltaKind::kInserted));
  EXPECT_EQ(ids, Range(10, 10));

  ASSERT_OK_AND_ASSIGN(const auto versions, dataset_->Versions());
  ASSERT_OK_AND_ASSIGN(
      ids, Changed(*dataset_, {.from_micros = versions[1].timestamp_micros}, DeltaKind::kInserted));
  EXPECT_EQ(ids, Range(20, 10));
  ASSERT_OK_AND_ASSIGN(ids, Changed(*dataset_, {.from_micros = 0}, DeltaKind::kInserted));
  EXPECT_EQ(ids, Range(0, 30));

  ASSERT_OK_AND_ASSIGN(const auto reader, dataset_->Delta({.from_version = 2}));
  std::vector<std::string> names = reader->schema()->field_names();
  EXPECT_THAT(names, UnorderedElementsAreArray({"id", "name", "_rowid", "_row_created_at_version",
                                                "_row_last_updated_at_version"}));
}

TEST_F(RefsTest, ADeltaTellsWhatIsGone) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr restored, first->Restore());
  ASSERT_OK_AND_ASSIGN(const auto reader, restored->Delta({.from_version = 3, .kind = DeltaKind::kDeleted}));
  EXPECT_THAT(reader->schema()->field_names(), ElementsAre("_rowid"));
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_EQ(table->num_rows(), 20);
  ASSERT_OK_AND_ASSIGN(const Ids none, Changed(*restored, {.from_version = 1}, DeltaKind::kDeleted));
  EXPECT_THAT(none, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Ids since_ever, Changed(*restored, {.from_version = 0}, DeltaKind::kDeleted));
  EXPECT_THAT(since_ever, IsEmpty());
}

TEST_F(RefsTest, ADeltaThatCannotBeIsTold) {
  EXPECT_THAT(dataset_->Delta({}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Delta({.from_version = 1, .from_micros = 1}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Delta({.from_version = 4}),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("newer than version 3"))));
  ASSERT_OK_AND_ASSIGN(const auto versions, dataset_->Versions());
  ASSERT_OK(lance::CleanupDataset(uri_, {.keep_versions = 1}));
  EXPECT_THAT(dataset_->Delta({.from_version = 1, .kind = DeltaKind::kDeleted}),
              FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(dataset_->Delta({.from_micros = versions[0].timestamp_micros}),
              FailsWith(ErrorCode::kVersionNotFound));
  ASSERT_OK_AND_ASSIGN(const Ids ids, Changed(*dataset_, {.from_version = 1}, DeltaKind::kInserted));
  EXPECT_EQ(ids, Range(10, 20));

  ASSERT_OK(WriteSimple(dir_ / "plain", 0, 5));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr plain, Dataset::Open(dir_ / "plain"));
  for (const auto kind :
       {DeltaKind::kInserted, DeltaKind::kUpdated, DeltaKind::kUpserted, DeltaKind::kDeleted}) {
    EXPECT_THAT(plain->Delta({.from_version = 0, .kind = kind}),
                AllOf(FailsWith(ErrorCode::kFailedPrecondition), FailsSaying(HasSubstr("stable row ids"))));
  }
}

TEST_F(RefsTest, TransactionsTellWhatMadeTheVersions) {
  WriteOptions options = Appending();
  options.commit_message = "ten more";
  options.transaction_properties = {{"job", "7"}};
  ASSERT_OK(WriteSimple(uri_, 30, 10, options));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
  ASSERT_OK_AND_ASSIGN(auto history, latest->Transactions());
  ASSERT_THAT(history, SizeIs(4));
  EXPECT_EQ(history[0].version, 4U);
  EXPECT_EQ(history[0].operation, "Append");
  EXPECT_EQ(history[0].read_version, 3U);
  EXPECT_EQ(history[0].message, "ten more");
  EXPECT_EQ(history[0].properties.at("job"), "7");
  EXPECT_THAT(history[0].uuid, SizeIs(36));
  EXPECT_EQ(history[3].operation, "Overwrite");
  EXPECT_EQ(history[3].version, 1U);
  ASSERT_OK_AND_ASSIGN(const auto versions, latest->Versions());
  for (size_t i = 0; i < history.size(); ++i) {
    EXPECT_EQ(history[i].timestamp_micros, versions[3 - i].timestamp_micros);
  }
  // Up to the version that is open, and so many.
  ASSERT_OK_AND_ASSIGN(history, dataset_->Transactions(2));
  ASSERT_THAT(history, SizeIs(2));
  EXPECT_EQ(history[0].version, 3U);
  EXPECT_THAT(dataset_->Transactions(0), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr branch, dataset_->CreateBranch("trial"));
  ASSERT_OK_AND_ASSIGN(history, branch->Transactions());
  ASSERT_THAT(history, SizeIs(1));
  EXPECT_EQ(history[0].operation, "Clone");
  // Those that are gone are left out.
  ASSERT_OK(lance::CleanupDataset(uri_, {.keep_versions = 1}));
  ASSERT_OK_AND_ASSIGN(history, latest->Transactions());
  EXPECT_THAT(history, SizeIs(2));
}

TEST_F(RefsTest, ACleanupIsExplained) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr first, At(1));
  ASSERT_OK(first->CreateTag("stable"));
  ASSERT_OK(WriteSimple(uri_, 7, 1, {.mode = WriteMode::kOverwrite}));
  std::ofstream(fs::path(uri_) / "data" / "orphan.lance") << "x";
  const auto before = Files();
  const CleanupOptions options = {.keep_versions = 1};
  ASSERT_OK_AND_ASSIGN(const auto plan, lance::ExplainCleanup(uri_, options));
  EXPECT_EQ(Files(), before);
  std::map<uint64_t, std::pair<bool, std::string>> versions;
  uint64_t bytes = 0;
  std::set<std::string> going;
  bool keeps_orphan = false;
  for (const auto& item : plan.items) {
    EXPECT_THAT(item.reason, Not(IsEmpty()));
    if (item.version) versions[*item.version] = {item.removed, item.reason};
    if (item.removed) {
      bytes += item.bytes;
      going.insert(item.path);
    }
    if (item.path == "data/orphan.lance") {
      keeps_orphan = !item.removed;
      EXPECT_EQ(item.kind, lance::CleanupItemKind::kDataFile);
    }
  }
  EXPECT_TRUE(keeps_orphan);
  ASSERT_THAT(versions, SizeIs(4));
  EXPECT_FALSE(versions[1].first);
  EXPECT_THAT(versions[1].second, HasSubstr("tag \"stable\""));
  EXPECT_TRUE(versions[2].first);
  EXPECT_TRUE(versions[3].first);
  EXPECT_FALSE(versions[4].first);
  EXPECT_THAT(versions[4].second, HasSubstr("latest"));
  EXPECT_EQ(plan.totals.versions, 2U);
  EXPECT_EQ(plan.totals.data_files, 2U);
  EXPECT_EQ(plan.totals.bytes, bytes);
  ASSERT_OK_AND_ASSIGN(const auto done, lance::CleanupDataset(uri_, options));
  EXPECT_EQ(done.bytes, bytes);
  std::set<std::string> gone;
  const auto after = Files();
  for (const std::string& path : before) {
    if (std::ranges::find(after, path) == after.end())
      gone.insert(path.substr(std::string("dataset/").size()));
  }
  EXPECT_EQ(gone, going);
}

/// What a dataset should have: the ids of each version of each branch, and where tags point.
struct Model {
  std::map<std::string, std::map<uint64_t, Ids>> versions;
  std::map<std::string, std::pair<std::string, uint64_t>> tags;
  /// Where each branch began.
  std::map<std::string, std::pair<std::string, uint64_t>> parents;

  bool IsUsed(const std::string& branch) const {
    const auto of_branch = [&](const auto& use) { return use.second.first == branch; };
    return std::ranges::any_of(tags, of_branch) || std::ranges::any_of(parents, of_branch);
  }

  /// What a cleanup that keeps so many versions of a branch leaves.
  void CleanUp(const std::string& branch, size_t keep) {
    auto& of_branch = versions[branch];
    std::vector<uint64_t> numbers;
    for (const auto& [number, _] : of_branch) numbers.push_back(number);
    for (size_t i = 0; i + keep < numbers.size(); ++i) {
      const auto points = [&](const auto& use) { return use.second == std::pair(branch, numbers[i]); };
      if (!std::ranges::any_of(tags, points) && !std::ranges::any_of(parents, points)) {
        of_branch.erase(numbers[i]);
      }
    }
  }
};

TEST_F(RefsTest, RandomHistoriesAreWhatAModelSays) {
  for (uint32_t seed = 0; seed < Pick(4U, 60U); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const std::string uri = dir_ / ("random" + std::to_string(seed));
    Model model;
    int64_t next_id = 0;
    const auto new_ids = [&] {
      const int64_t count = 1 + static_cast<int64_t>(random() % 5);
      next_id += count;
      return Range(next_id - count, count);
    };
    const auto any = [&](const auto& map) { return std::next(map.begin(), random() % map.size()); };
    const Ids first = new_ids();
    ASSERT_OK(WriteSimple(uri, first.front(), static_cast<int64_t>(first.size())));
    model.versions["main"][1] = first;
    ASSERT_OK_AND_ASSIGN(const DatasetPtr dataset, Dataset::Open(uri));
    int names = 0;
    for (int step = 0; step < 40; ++step) {
      SCOPED_TRACE(step);
      const std::string branch = any(model.versions)->first;
      auto& history = model.versions[branch];
      const auto [version, ids] = *any(history);
      const uint64_t latest = history.rbegin()->first;
      ASSERT_OK_AND_ASSIGN(const DatasetPtr at, dataset->Checkout({.version = version, .branch = branch}));
      switch (random() % 9) {
        case 0:
        case 1: {
          const bool appends = random() % 2 == 0;
          const Ids more = new_ids();
          ASSERT_OK(
              WriteSimple(uri, more.front(), static_cast<int64_t>(more.size()),
                          {.mode = appends ? WriteMode::kAppend : WriteMode::kOverwrite, .branch = branch}));
          Ids all = appends ? history.rbegin()->second : Ids{};
          all.insert(all.end(), more.begin(), more.end());
          history[latest + 1] = all;
          break;
        }
        case 2: {
          ASSERT_OK(at->Restore().status());
          history[latest + 1] = ids;
          break;
        }
        case 3: {
          const std::string name = "t" + std::to_string(++names);
          ASSERT_OK(at->CreateTag(name));
          model.tags[name] = {branch, version};
          break;
        }
        case 4: {
          const std::string name = (random() % 2 == 0  ? "b"
                                    : branch == "main" ? "x/b"
                                                       : branch + "/b") +
                                   std::to_string(++names);
          ASSERT_OK(at->CreateBranch(name).status());
          model.parents[name] = {branch, version};
          model.versions[name][version] = ids;
          break;
        }
        case 5: {
          if (model.tags.empty()) break;
          const std::string tag = any(model.tags)->first;
          if (random() % 2 == 0) {
            ASSERT_OK(at->UpdateTag(tag));
            model.tags[tag] = {branch, version};
          } else {
            ASSERT_OK(at->DeleteTag(tag));
            model.tags.erase(tag);
          }
          break;
        }
        case 6: {
          if (branch == "main") break;
          const arrow::Status deleted = dataset->DeleteBranch(branch);
          if (model.IsUsed(branch)) {
            EXPECT_THAT(deleted, FailsWith(ErrorCode::kFailedPrecondition));
          } else {
            ASSERT_OK(deleted);
            model.parents.erase(branch);
            model.versions.erase(branch);
          }
          break;
        }
        default: {
          const size_t keep = 1 + random() % 3;
          ASSERT_OK(lance::CleanupDataset(branch == "main" ? uri : uri + "/tree/" + branch,
                                          {.keep_versions = keep, .orphan_min_age = kNoAge}));
          model.CleanUp(branch, keep);
        }
      }
      if (step % 8 != 7) continue;
      for (const auto& [name, expected] : model.versions) {
        ASSERT_OK_AND_ASSIGN(const DatasetPtr newest, dataset->Checkout({.branch = name}));
        ASSERT_OK_AND_ASSIGN(const auto listed, newest->Versions());
        ASSERT_EQ(listed.size(), expected.size()) << name;
        for (const auto& [number, rows] : expected) {
          ASSERT_OK_AND_ASSIGN(const DatasetPtr then, newest->Checkout({.version = number}));
          ASSERT_OK_AND_ASSIGN(const Ids found, IdsOf(*then));
          ASSERT_EQ(found, rows) << name << " " << number;
        }
      }
      ASSERT_OK_AND_ASSIGN(const auto tags, dataset->Tags());
      ASSERT_EQ(tags.size(), model.tags.size());
      for (const TagInfo& tag : tags) {
        EXPECT_EQ(std::pair(tag.branch, tag.version), model.tags.at(tag.name));
        ASSERT_OK(dataset->Checkout({.tag = tag.name}).status());
      }
      ASSERT_OK_AND_ASSIGN(const auto branches, dataset->Branches());
      ASSERT_EQ(branches.size(), model.parents.size());
      ASSERT_OK_AND_ASSIGN(const auto report, lance::CheckDataset(uri));
      EXPECT_THAT(report.problems, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace lance_test
