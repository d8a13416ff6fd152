#include "lance/maintenance.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/dataset.h"
#include "lance/lance_writer.h"
#include "lance/scanner.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

namespace fs = std::filesystem;

using lance::CheckDataset;
using lance::CheckOptions;
using lance::CheckProgress;
using lance::CheckReport;
using lance::CleanupDataset;
using lance::CleanupOptions;
using lance::CleanupResult;
using lance::Dataset;
using lance::ErrorCode;
using lance::OpenOptions;
using lance::Problem;
using lance::ProblemKind;
using lance::WriteMode;
using lance::WriteOptions;
using std::chrono::hours;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr auto kNoAge = seconds(0);

WriteOptions Mode(WriteMode mode) {
  WriteOptions options;
  options.mode = mode;
  return options;
}

std::string Contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Overwrite(const fs::path& path, size_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes;
}

void Append(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

void MakeOlder(const fs::path& path, seconds age) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - age);
}

std::string ManifestName(uint64_t version) {
  return "_versions/" + std::to_string(UINT64_MAX - version) + ".manifest";
}

auto IsProblem(ProblemKind kind, const std::string& path) {
  return AllOf(Field(&Problem::kind, kind), Field(&Problem::path, path));
}

/// A local dataset of three versions: ids 0-99, then 100-149 appended, then 150-159 appended.
class MaintenanceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, 100));
    first_file_ = ListFiles(root_ / "data").front();
    ASSERT_OK(WriteSimple(uri_, 100, 50, Mode(WriteMode::kAppend)));
    ASSERT_OK(WriteSimple(uri_, 150, 10, Mode(WriteMode::kAppend)));
  }

  CheckReport Check(const CheckOptions& options = {}) const {
    auto report = CheckDataset(uri_, options);
    EXPECT_OK(report);
    return report.ValueOr(CheckReport());
  }

  std::vector<Problem> Problems() const { return Check().problems; }
  std::vector<Problem> DeepProblems() const { return Check({.deep = true}).problems; }

  /// Clean up for real, after a dry run that must tell the same and change nothing.
  CleanupResult Cleanup(CleanupOptions options) const {
    const auto before = ListFiles(root_);
    options.dry_run = true;
    const auto foretold = CleanupDataset(uri_, options);
    EXPECT_OK(foretold);
    EXPECT_EQ(ListFiles(root_), before);
    uint64_t bytes = Bytes();
    options.dry_run = false;
    const auto result = CleanupDataset(uri_, options);
    EXPECT_OK(result);
    EXPECT_EQ(Describe(*foretold), Describe(*result));
    EXPECT_EQ(bytes - Bytes(), result->bytes);
    EXPECT_EQ(before.size() - ListFiles(root_).size(),
              result->versions + result->data_files + result->other_files + result->temporary_files);
    return *result;
  }

  static std::map<std::string, uint64_t> Describe(const CleanupResult& result) {
    return {{"versions", result.versions},
            {"data files", result.data_files},
            {"other files", result.other_files},
            {"temporary files", result.temporary_files},
            {"bytes", result.bytes}};
  }

  uint64_t Bytes() const {
    uint64_t bytes = 0;
    for (const std::string& file : ListFiles(root_)) bytes += fs::file_size(root_ / file);
    return bytes;
  }

  arrow::Result<std::vector<int64_t>> ReadVersion(uint64_t version) const {
    OpenOptions options;
    options.version = version;
    ARROW_ASSIGN_OR_RAISE(const auto dataset, Dataset::Open(uri_, options));
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan());
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    return Int64s(*table->GetColumnByName("id"));
  }

  arrow::Result<lance::Transaction> WriteUncommitted() const {
    ARROW_ASSIGN_OR_RAISE(auto writer,
                          lance::LanceWriter::Open(uri_, SimpleSchema(), Mode(WriteMode::kAppend)));
    ARROW_RETURN_NOT_OK(writer->Write(*SimpleBatch(1000, 10)));
    return writer->FinishUncommitted();
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  const fs::path root_ = uri_;
  /// The data file of the first version.
  std::string first_file_;
};

using CheckTest = MaintenanceTest;
using CleanupTest = MaintenanceTest;

TEST_F(CheckTest, ASoundDatasetHasNoProblem) {
  for (const bool deep : {false, true}) {
    const CheckReport report = Check({.deep = deep});
    EXPECT_THAT(report.problems, IsEmpty());
    EXPECT_EQ(report.manifests, 3U);
    EXPECT_EQ(report.versions, 3U);
    EXPECT_EQ(report.data_files, 3U);
    EXPECT_EQ(report.rows, 160U);
    EXPECT_EQ(report.deletion_files + report.index_files + report.missing_transactions, 0U);
    EXPECT_EQ(report.orphans + report.temporary_files, 0U);
    uint64_t bytes = 0;
    for (const std::string& file : ListFiles(root_)) {
      if (file.ends_with(".lance") || file.ends_with(".manifest") || file.ends_with(".txn")) {
        bytes += fs::file_size(root_ / file);
      }
    }
    EXPECT_EQ(report.bytes, bytes);
  }
}

TEST_F(CheckTest, ATruncatedDataFileHasTheWrongSize) {
  const fs::path file = root_ / "data" / first_file_;
  const uint64_t size = fs::file_size(file);
  for (const uint64_t left : {size - 1, size / 2, uint64_t{0}}) {
    fs::resize_file(file, left);
    EXPECT_THAT(
        Problems(),
        ElementsAre(AllOf(
            IsProblem(ProblemKind::kWrongSize, "data/" + first_file_), Field(&Problem::version, Optional(3)),
            Field(&Problem::message, "has " + std::to_string(left) + " of " + std::to_string(size) +
                                         " bytes; needed by versions 1 to 3"))));
  }
}

TEST_F(CheckTest, ALongerDataFileHasTheWrongSize) {
  Append(root_ / "data" / first_file_, "x");
  EXPECT_THAT(Problems(), ElementsAre(IsProblem(ProblemKind::kWrongSize, "data/" + first_file_)));
}

TEST_F(CheckTest, EveryMissingDataFileIsFound) {
  for (const std::string& file : ListFiles(root_ / "data")) {
    fs::rename(root_ / "data" / file, dir_ / "away");
    EXPECT_THAT(Problems(), ElementsAre(IsProblem(ProblemKind::kMissingFile, "data/" + file)));
    fs::rename(dir_ / "away", root_ / "data" / file);
  }
}

TEST_F(CheckTest, ADamagedFooterIsUnreadable) {
  const fs::path file = root_ / "data" / first_file_;
  const std::string sound = Contents(file);
  // The magic number, and each byte of the positions and counts.
  constexpr size_t kFooterBytes = 40;
  std::vector<size_t> damaged = {sound.size() - 1};
  for (size_t i = 0; i < 32; ++i) damaged.push_back(sound.size() - kFooterBytes + i);
  for (const size_t at : damaged) {
    Overwrite(file, at, std::string(1, static_cast<char>(sound[at] ^ 0x7f)));
    EXPECT_THAT(Problems(), ElementsAre(IsProblem(ProblemKind::kUnreadableFile, "data/" + first_file_)))
        << "byte " << at << " of " << sound.size();
    Overwrite(file, at, sound.substr(at, 1));
  }
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(CheckTest, AnUnreadableManifestIsNamedAndTheOtherVersionsAreStillChecked) {
  fs::remove(root_ / "data" / first_file_);
  for (const uint64_t version : {1, 2, 3}) {
    const fs::path manifest = root_ / ManifestName(version);
    const std::string sound = Contents(manifest);
    for (const size_t left : {sound.size() - 1, sound.size() / 2, size_t{0}}) {
      fs::resize_file(manifest, left);
      const CheckReport report = Check();
      EXPECT_THAT(
          report.problems,
          UnorderedElementsAre(AllOf(IsProblem(ProblemKind::kUnreadableManifest, ManifestName(version)),
                                     Field(&Problem::version, Optional(version))),
                               IsProblem(ProblemKind::kMissingFile, "data/" + first_file_)));
      EXPECT_EQ(report.manifests, 3U);
      EXPECT_EQ(report.versions, 2U);
    }
    std::ofstream(manifest, std::ios::binary) << sound;
  }
}

TEST_F(CheckTest, ALostNewestManifestIsFound) {
  fs::remove(root_ / ManifestName(3));
  EXPECT_THAT(Problems(), ElementsAre(AllOf(IsProblem(ProblemKind::kMissingFile, ManifestName(3)),
                                            Field(&Problem::version, Optional(3)))));
}

TEST_F(CheckTest, AMissingTransactionFileIsNoProblem) {
  fs::remove(root_ / "_transactions" / ListFiles(root_ / "_transactions").front());
  const CheckReport report = Check();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.missing_transactions, 1U);
}

TEST_F(CheckTest, AnotherNumberOfRowsIsFound) {
  // Files of equal size, as no values are stored.
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  const auto make = [&](int64_t rows) {
    return arrow::RecordBatch::Make(schema, rows,
                                    {arrow::MakeArrayOfNull(arrow::int64(), rows).ValueOrDie()});
  };
  const std::string uri = dir_ / "nulls";
  const std::string other = dir_ / "other";
  ASSERT_OK(WriteBatches(uri, {make(100)}));
  ASSERT_OK(WriteBatches(other, {make(101)}));
  const std::string file = "data/" + ListFiles(uri + "/data").front();
  fs::copy_file(other + "/data/" + ListFiles(other + "/data").front(), uri + "/" + file,
                fs::copy_options::overwrite_existing);
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckDataset(uri));
  EXPECT_THAT(report.problems, ElementsAre(AllOf(IsProblem(ProblemKind::kRowCount, file),
                                                 Field(&Problem::message, HasSubstr("101 rows")))));
}

TEST_F(CheckTest, ADeepCheckFindsValuesThatCannotBeDecoded) {
  WriteOptions options = Mode(WriteMode::kOverwrite);
  options.encodings = {{.column = "name", .compression = lance::ColumnEncoding::Compression::kZstd}};
  ASSERT_OK(WriteSimple(uri_, 0, 50'000, options));
  std::string largest;
  for (const std::string& file : ListFiles(root_ / "data")) {
    const auto size = [&](const std::string& name) { return fs::file_size(root_ / "data" / name); };
    if (largest.empty() || size(file) > size(largest)) largest = file;
  }
  const fs::path file = root_ / "data" / largest;
  const uint64_t size = fs::file_size(file);
  for (uint64_t at = size / 8; at < size - size / 4; at += size / 8)
    Overwrite(file, at, std::string(64, '\x55'));
  EXPECT_THAT(Problems(), IsEmpty()) << "sizes, footers and row counts are right";
  EXPECT_THAT(DeepProblems(),
              ElementsAre(AllOf(IsProblem(ProblemKind::kUndecodableData, "data/" + largest),
                                Field(&Problem::version, Optional(4)),
                                Field(&Problem::message, StartsWith("values cannot be decoded: ")))));
}

TEST_F(CheckTest, OneVersionCanBeCheckedAlone) {
  const std::string newest_only = [&] {
    for (const std::string& file : ListFiles(root_ / "data")) {
      const auto time = [&](const std::string& name) { return fs::last_write_time(root_ / "data" / name); };
      if (time(file) > time(first_file_)) return file;
    }
    return std::string();
  }();
  fs::remove(root_ / "data" / newest_only);
  const CheckReport report = Check({.version = 1});
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.manifests, 1U);
  EXPECT_EQ(report.data_files, 1U);
  EXPECT_THAT(Check({.version = 3}).problems,
              ElementsAre(IsProblem(ProblemKind::kMissingFile, "data/" + newest_only)));
  EXPECT_THAT(CheckDataset(uri_, {.version = 9}), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(CheckDataset(uri_, {.version = 0}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(CheckTest, FilesThatBelongToNoVersionAreCountedAndNoProblem) {
  ASSERT_OK_AND_ASSIGN(auto transaction, WriteUncommitted());
  Append(root_ / "data" / "x.lance#1", "12345");
  Append(root_ / "_versions" / ".tmpAbC", "123");
  Append(root_ / "data" / "notes.txt", "not ours");
  const CheckReport report = Check();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.orphans, 1U);
  EXPECT_GT(report.orphan_bytes, 0U);
  EXPECT_EQ(report.temporary_files, 2U);
  EXPECT_EQ(report.temporary_bytes, 8U);
  ASSERT_OK(transaction.Discard());
  EXPECT_EQ(Check().orphans, 0U);
}

TEST_F(CheckTest, WhatCannotBeCheckedIsAnError) {
  EXPECT_THAT(CheckDataset(dir_ / "nothing"), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(CheckDataset(dir_.path().string()), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(CheckDataset(""), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(CheckDataset("gopher://x"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(CheckTest, ProgressIsReported) {
  CheckProgress last;
  CheckOptions options{.deep = true, .progress = [&](const CheckProgress& now) {
                         EXPECT_LE(last.files, now.files);
                         EXPECT_LE(last.rows_decoded, now.rows_decoded);
                         last = now;
                       }};
  EXPECT_THAT(Check(options).problems, IsEmpty());
  EXPECT_EQ(last.manifests, 3U);
  EXPECT_EQ(last.files, 6U) << "three data files and three transactions";
  EXPECT_EQ(last.rows_decoded, 160U);
  EXPECT_GT(last.bytes_decoded, 0U);

  options.progress = [](const CheckProgress&) { throw 42; };
  EXPECT_THAT(Check(options).problems, IsEmpty());
}

TEST_F(CheckTest, EveryKindHasAName) {
  EXPECT_STREQ(ProblemKindName(ProblemKind::kMissingFile), "MISSING_FILE");
  EXPECT_STREQ(ProblemKindName(ProblemKind::kBrokenReference), "BROKEN_REFERENCE");
  EXPECT_STREQ(ProblemKindName(static_cast<ProblemKind>(99)), "UNKNOWN");
}

TEST_F(CleanupTest, ByDefaultNoVersionIsRemoved) {
  EXPECT_EQ(Describe(Cleanup({})), Describe({}));
  EXPECT_EQ(ReadIds(uri_), Range(0, 160));
}

TEST_F(CleanupTest, OldVersionsGoWithTheFilesThatOnlyTheyNeed) {
  ASSERT_OK(WriteSimple(uri_, 500, 10, Mode(WriteMode::kOverwrite)));
  ASSERT_OK(WriteSimple(uri_, 510, 10, Mode(WriteMode::kAppend)));
  const CleanupResult result = Cleanup({.keep_versions = 2});
  EXPECT_EQ(result.versions, 3U);
  EXPECT_EQ(result.data_files, 3U);
  EXPECT_EQ(result.other_files, 3U) << "their transactions";
  EXPECT_THAT(ReadVersion(3), FailsWith(ErrorCode::kVersionNotFound));
  ASSERT_OK_AND_ASSIGN(const auto ids, ReadVersion(4));
  EXPECT_EQ(ids, Range(500, 10));
  EXPECT_EQ(ReadIds(uri_), Range(500, 20));
  const CheckReport report = Check({.deep = true});
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.versions, 2U);
  EXPECT_EQ(report.orphans, 0U);
}

TEST_F(CleanupTest, FilesThatLaterVersionsNeedStay) {
  EXPECT_EQ(Cleanup({.keep_versions = 1}).data_files, 0U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 160));
  EXPECT_THAT(DeepProblems(), IsEmpty());
}

TEST_F(CleanupTest, VersionsGoByAge) {
  EXPECT_EQ(Cleanup({.older_than = hours(1)}).versions, 0U);
  EXPECT_EQ(Cleanup({.older_than = kNoAge}).versions, 2U) << "the latest stays";
}

TEST_F(CleanupTest, AgeAndNumberMustBothAllowIt) {
  EXPECT_EQ(Cleanup({.older_than = hours(1), .keep_versions = 1}).versions, 0U);
  EXPECT_EQ(Cleanup({.older_than = kNoAge, .keep_versions = 3}).versions, 0U);
  EXPECT_EQ(Cleanup({.older_than = kNoAge, .keep_versions = 2}).versions, 1U);
  EXPECT_THAT(ReadVersion(2), IsOk());
}

TEST_F(CleanupTest, FilesOfAWriteInProgressStayUntilTheAgeIsReached) {
  ASSERT_OK_AND_ASSIGN(auto transaction, WriteUncommitted());
  EXPECT_EQ(Cleanup({.older_than = kNoAge}).data_files, 0U);
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(ReadIds(uri_).size(), 170U);
  EXPECT_THAT(DeepProblems(), IsEmpty());
}

TEST_F(CleanupTest, WithoutWritersEveryFileOfNoVersionGoes) {
  ASSERT_OK_AND_ASSIGN(auto transaction, WriteUncommitted());
  Append(root_ / "data" / "x.lance#17", "12345");
  Append(root_ / "data" / ".tmpAbC", "123");
  Append(root_ / "_versions" / ".tmp_4.manifest", "123");
  Append(root_ / "_transactions" / "3-0b0f3c5e.txn", "1");
  Append(root_ / "_deletions-are-not-this", "1");
  fs::create_directories(root_ / "_indices" / "0b0f3c5e");
  Append(root_ / "_indices" / "0b0f3c5e" / "page.lance", "1");
  Append(root_ / "data" / "notes.txt", "not ours");
  const CleanupResult result = Cleanup({.orphan_min_age = kNoAge});
  EXPECT_EQ(result.versions, 0U);
  EXPECT_EQ(result.data_files, 1U);
  EXPECT_EQ(result.other_files, 2U);
  EXPECT_EQ(result.temporary_files, 3U);
  EXPECT_TRUE(fs::exists(root_ / "data" / "notes.txt"));
  EXPECT_FALSE(fs::exists(root_ / "_indices" / "0b0f3c5e"));
  const CheckReport report = Check({.deep = true});
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.orphans + report.temporary_files, 0U);
  EXPECT_THAT(transaction.Commit(), FailsWith(ErrorCode::kNotFound)) << "its files are gone";
  EXPECT_EQ(ReadIds(uri_), Range(0, 160));
}

TEST_F(CleanupTest, LeftoversGoByAge) {
  for (const std::string name : {"a.lance", "b.lance#1", ".tmpC"}) {
    Append(root_ / "data" / name, "1");
    MakeOlder(root_ / "data" / name, hours(6 * 24));
  }
  EXPECT_EQ(Describe(Cleanup({})), Describe({})) << "seven days is the default";
  EXPECT_EQ(Describe(Cleanup({.orphan_min_age = hours(7 * 24)})), Describe({}));
  MakeOlder(root_ / "data" / "b.lance#1", hours(8 * 24));
  EXPECT_EQ(Cleanup({}).temporary_files, 1U);
  EXPECT_FALSE(fs::exists(root_ / "data" / "b.lance#1"));
  const CleanupResult rest = Cleanup({.orphan_min_age = hours(5 * 24)});
  EXPECT_EQ(rest.data_files, 1U);
  EXPECT_EQ(rest.temporary_files, 1U);
}

TEST_F(CleanupTest, AnAgeBeyondTheEnginesOwnIsKept) {
  Append(root_ / "data" / "a.lance", "1");
  MakeOlder(root_ / "data" / "a.lance", hours(10 * 24));
  EXPECT_EQ(Cleanup({.orphan_min_age = hours(30 * 24)}).data_files, 0U);
}

TEST_F(CleanupTest, WithAManifestThatCannotBeReadNothingIsRemoved) {
  Append(root_ / "data" / "a.lance", "1");
  const CleanupOptions everything{.keep_versions = 1, .orphan_min_age = kNoAge};
  for (const uint64_t version : {1, 3}) {
    const std::string sound = Contents(root_ / ManifestName(version));
    fs::resize_file(root_ / ManifestName(version), 0);
    const auto before = ListFiles(root_);
    EXPECT_FALSE(CleanupDataset(uri_, everything).ok());
    EXPECT_EQ(ListFiles(root_), before);
    std::ofstream(root_ / ManifestName(version), std::ios::binary) << sound;
  }
  fs::rename(root_ / ManifestName(3), dir_ / "away");
  const auto before = ListFiles(root_);
  EXPECT_THAT(CleanupDataset(uri_, everything), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(ListFiles(root_), before);
  fs::rename(dir_ / "away", root_ / ManifestName(3));
  EXPECT_EQ(Cleanup(everything).data_files, 1U);
}

TEST_F(CleanupTest, BadOptionsAreRefused) {
  EXPECT_THAT(CleanupDataset(dir_ / "nothing"), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(CleanupDataset(uri_, {.older_than = seconds(-1)}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(CleanupDataset(uri_, {.keep_versions = 0}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(CleanupDataset(uri_, {.orphan_min_age = seconds(-1)}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_OK(CleanupDataset(uri_, {.older_than = seconds::max(), .orphan_min_age = seconds::max()}));
}

TEST(MaintenanceInMemoryTest, DatasetsInMemoryAreCheckedAndCleanedUp) {
  const std::string uri = "memory://maintenance_test/dataset";
  ASSERT_OK(WriteSimple(uri, 0, 100));
  ASSERT_OK(WriteSimple(uri, 100, 50, Mode(WriteMode::kOverwrite)));
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckDataset(uri, {.deep = true}));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.versions, 2U);
  EXPECT_EQ(report.rows, 150U);
  ASSERT_OK_AND_ASSIGN(const CleanupResult result, CleanupDataset(uri, {.keep_versions = 1}));
  EXPECT_EQ(result.versions, 1U);
  EXPECT_EQ(result.data_files, 1U);
  ASSERT_OK_AND_ASSIGN(const CheckReport after, CheckDataset(uri, {.deep = true}));
  EXPECT_THAT(after.problems, IsEmpty());
  EXPECT_EQ(after.versions, 1U);
  EXPECT_EQ(ReadIds(uri), Range(100, 50));
}

}  // namespace
}  // namespace lance_test
