#include "lance/dataset.h"

#include <filesystem>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "lance/lance_writer.h"
#include "lance/scanner.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A dataset of three versions: ids 0-99, then 100-149 appended, then 150-159 appended.
class DatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, 100));
    lance::WriteOptions append;
    append.mode = lance::WriteMode::kAppend;
    ASSERT_OK(WriteSimple(uri_, 100, 50, append));
    ASSERT_OK(WriteSimple(uri_, 150, 10, append));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<Dataset> dataset_;
};

std::vector<int64_t> Ids(const arrow::RecordBatch& batch) {
  return Int64s(arrow::ChunkedArray(batch.GetColumnByName("id")));
}

TEST_F(DatasetTest, KnowsItsUriAndSchema) {
  EXPECT_EQ(dataset_->uri(), uri_);
  EXPECT_TRUE(dataset_->schema()->Equals(*SimpleSchema()));
}

TEST_F(DatasetTest, InfoDescribesTheVersion) {
  ASSERT_OK_AND_ASSIGN(const auto info, dataset_->Info());
  EXPECT_EQ(info.version, 3U);
  EXPECT_EQ(info.fragments, 3U);
  EXPECT_EQ(info.rows, 160U);
  EXPECT_EQ(info.deleted_rows, 0U);
  EXPECT_EQ(info.data_files, 3U);
  EXPECT_EQ(info.data_storage_version, "2.2");
  EXPECT_FALSE(info.stable_row_ids);
  uint64_t bytes_on_disk = 0;
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(uri_) / "data")) {
    bytes_on_disk += file.file_size();
  }
  EXPECT_EQ(info.data_bytes, bytes_on_disk);
}

TEST_F(DatasetTest, FragmentsAddUp) {
  ASSERT_OK_AND_ASSIGN(const auto fragments, dataset_->Fragments());
  ASSERT_THAT(fragments, SizeIs(3));
  EXPECT_EQ(fragments[0].rows, 100U);
  EXPECT_EQ(fragments[1].rows, 50U);
  EXPECT_EQ(fragments[2].rows, 10U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(fragments[i].id, i);
    EXPECT_EQ(fragments[i].data_files, 1U);
    EXPECT_GT(fragments[i].data_bytes, 0U);
  }
}

TEST_F(DatasetTest, VersionsAreListedOldestFirst) {
  ASSERT_OK_AND_ASSIGN(const auto versions, dataset_->Versions());
  ASSERT_THAT(versions, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(versions[i].version, i + 1);
  EXPECT_LE(versions[0].timestamp_micros, versions[2].timestamp_micros);
  // Later than 2020, so these are microseconds.
  EXPECT_GT(versions[0].timestamp_micros, 1'577'836'800'000'000);
  EXPECT_EQ(versions[2].metadata.at("total_rows"), "160");
}

TEST_F(DatasetTest, OpensAnOlderVersion) {
  ASSERT_OK_AND_ASSIGN(auto first, Dataset::Open(uri_, {.version = 1}));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, first->CountRows());
  EXPECT_EQ(rows, 100U);
  ASSERT_OK_AND_ASSIGN(const uint64_t version, first->Version());
  EXPECT_EQ(version, 1U);
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, first->LatestVersion());
  EXPECT_EQ(latest, 3U);
}

TEST_F(DatasetTest, AnOpenVersionDoesNotChange) {
  lance::WriteOptions overwrite;
  overwrite.mode = lance::WriteMode::kOverwrite;
  ASSERT_OK(WriteSimple(uri_, 0, 1, overwrite));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset_->CountRows());
  EXPECT_EQ(rows, 160U);
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset_->LatestVersion());
  EXPECT_EQ(latest, 4U);
}

TEST_F(DatasetTest, MissingThingsAreNotFoundByKind) {
  EXPECT_THAT(Dataset::Open(dir_ / "missing"), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(Dataset::Open("memory://missing"), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(Dataset::Open(uri_, {.version = 99}), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(Dataset::Open(uri_, {.tag = "missing"}), FailsWith(ErrorCode::kRefNotFound));
  EXPECT_THAT(Dataset::Open(uri_, {.branch = "missing"}), FailsWith(ErrorCode::kRefNotFound));
}

TEST_F(DatasetTest, ContradictingOpenOptionsAreRefused) {
  EXPECT_THAT(Dataset::Open(uri_, {.version = 1, .tag = "a"}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Dataset::Open(uri_, {.tag = "a", .branch = "b"}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(DatasetTest, BadUrisAreRefused) {
  EXPECT_THAT(Dataset::Open(""), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Dataset::Open("nosuchscheme://x/y"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Dataset::Open("\xff\xfe"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Dataset::Open(std::string("a\0b", 3)), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(DatasetTest, CountsAllRowsOrThoseThatMatch) {
  ASSERT_OK_AND_ASSIGN(const uint64_t all, dataset_->CountRows());
  EXPECT_EQ(all, 160U);
  ASSERT_OK_AND_ASSIGN(const uint64_t some, dataset_->CountRows("id >= 90 AND name <> 'name 95'"));
  EXPECT_EQ(some, 69U);
}

TEST_F(DatasetTest, BadSqlIsRefused) {
  EXPECT_THAT(dataset_->CountRows("id >"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->CountRows("no_such_column = 1"), FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(DatasetTest, TakesRowsInTheOrderAskedFor) {
  ASSERT_OK_AND_ASSIGN(auto batch, dataset_->Take({159, 0, 100, 0}));
  EXPECT_THAT(Ids(*batch), ElementsAre(159, 0, 100, 0));
  EXPECT_TRUE(batch->schema()->Equals(*SimpleSchema()));
}

TEST(LargeTakeTest, KeepsOrderAndRepetitionsAcrossTasks) {
  constexpr uint64_t kRows = 10'000;
  const TempDir dir;
  const std::string uri = dir / "dataset";
  ASSERT_OK(WriteSimple(uri, 0, kRows));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
  std::vector<uint64_t> rows;
  std::vector<int64_t> ids;
  for (uint64_t i = 0; i < 2 * kRows; ++i) {
    rows.push_back(i * 7919 % kRows);
    ids.push_back(static_cast<int64_t>(rows.back()));
  }
  ASSERT_OK_AND_ASSIGN(const auto batch, dataset->Take(rows));
  EXPECT_EQ(Ids(*batch), ids);
  // Without stable row ids, the ids of the first fragment are its positions.
  ASSERT_OK_AND_ASSIGN(const auto by_id, dataset->TakeRows(rows));
  EXPECT_TRUE(by_id->Equals(*batch));
}

TEST(WideTakeTest, PutsColumnsTogetherAsTheSchemaHasThem) {
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8()),
                     arrow::field("tags", arrow::list(arrow::utf8())),
                     arrow::field("place", arrow::struct_({arrow::field("x", arrow::float64())})),
                     arrow::field("price", arrow::decimal128(15, 2))});
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {MakeBatch(schema, 100)}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));
  const std::vector<uint64_t> rows{99, 3, 3, 40};
  ASSERT_OK_AND_ASSIGN(const auto all, dataset->Take(rows));
  EXPECT_TRUE(all->schema()->Equals(*dataset->schema()));
  for (const auto& field : dataset->schema()->fields()) {
    ASSERT_OK_AND_ASSIGN(const auto alone, dataset->Take(rows, std::vector<std::string>{field->name()}));
    EXPECT_TRUE(all->GetColumnByName(field->name())->Equals(alone->column(0))) << field->name();
  }
}

TEST_F(DatasetTest, TakesTheColumnsAskedFor) {
  ASSERT_OK_AND_ASSIGN(auto batch, dataset_->Take({1, 2}, std::vector<std::string>{"name"}));
  EXPECT_THAT(batch->schema()->field_names(), ElementsAre("name"));
  EXPECT_EQ(batch->num_rows(), 2);
}

TEST_F(DatasetTest, TakesNothing) {
  ASSERT_OK_AND_ASSIGN(auto batch, dataset_->Take({}));
  EXPECT_EQ(batch->num_rows(), 0);
  EXPECT_TRUE(batch->schema()->Equals(*SimpleSchema()));
}

TEST_F(DatasetTest, TakeBeyondTheEndNamesThePosition) {
  EXPECT_THAT(dataset_->Take({0, 160}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Take({0, 160}), FailsSaying(HasSubstr("160")));
  EXPECT_THAT(dataset_->Take({~uint64_t{0}}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(DatasetTest, TakeOfAnUnknownColumnFails) {
  EXPECT_THAT(dataset_->Take({0}, std::vector<std::string>{"nope"}), FailsWith(ErrorCode::kFieldNotFound));
}

/// What a take and a scan of the same rows say to the same columns.
TEST(NamedColumnsTest, ATakeAndAScanAgree) {
  const auto place = arrow::struct_({arrow::field("x", arrow::int32()),
                                     arrow::field("Z", arrow::struct_({arrow::field("q", arrow::utf8())})),
                                     arrow::field("o.k", arrow::int32())});
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("sp ace", arrow::utf8()),
                     arrow::field("st", place), arrow::field("l", arrow::list(place))});
  constexpr uint64_t kRows = 5'000;
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {MakeBatch(schema, kRows)}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));
  std::vector<uint64_t> all;
  for (uint64_t i = 0; i < kRows; ++i) all.push_back(i);
  const std::vector<std::vector<std::string>> wanted = {{"id"},
                                                        {"l", "id"},
                                                        {"sp ace", "st"},
                                                        {"st.x"},
                                                        {"st.x", "st.Z.q", "id"},
                                                        {"st", "st.x"},
                                                        {"`id`"},
                                                        {"`st`.`x`"},
                                                        {"st.`o.k`", "`sp ace`"},
                                                        {"_rowid"},
                                                        {"id", "_rowid", "_rowaddr"},
                                                        {"_rowoffset", "st.x"},
                                                        {},
                                                        {"*"},
                                                        {"*", "st.x"},
                                                        {"nope"},
                                                        {"st.nope"},
                                                        {"st.z.q"},
                                                        {"ID"},
                                                        {"l.x"},
                                                        {"l.item.x"},
                                                        {""},
                                                        {"st."},
                                                        {"`st"},
                                                        {"_distance"},
                                                        {"id", "id"},
                                                        {"*", "id"}};
  for (const auto& columns : wanted) {
    std::string text;
    for (const auto& column : columns) text += column + ",";
    SCOPED_TRACE(text);
    const auto scanner = dataset->Scan({.columns = columns});
    for (const uint64_t rows : {uint64_t{3}, kRows}) {
      const std::vector<uint64_t> some(all.begin(), all.begin() + static_cast<int64_t>(rows));
      const auto taken = dataset->Take(some, columns);
      const auto by_id = dataset->TakeRows(some, columns);
      ASSERT_EQ(taken.ok(), scanner.ok()) << taken.status() << scanner.status();
      ASSERT_EQ(by_id.ok(), scanner.ok()) << by_id.status();
      if (!scanner.ok()) {
        EXPECT_EQ(taken.status().ToString(), scanner.status().ToString());
        continue;
      }
      ASSERT_OK_AND_ASSIGN(const auto table, (*scanner)->ToTable());
      const auto part = table->Slice(0, static_cast<int64_t>(rows));
      EXPECT_EQ((*taken)->num_rows(), part->num_rows());
      EXPECT_TRUE((*taken)->schema()->Equals(*part->schema())) << (*taken)->schema()->ToString();
      ASSERT_OK_AND_ASSIGN(const auto taken_table, arrow::Table::FromRecordBatches({*taken}));
      EXPECT_TRUE(taken_table->Equals(*part));
      EXPECT_TRUE((*by_id)->Equals(**taken));
    }
  }
}

TEST_F(DatasetTest, TakesByRowId) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id = 105", .with_row_id = true}));
  ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
  const auto& row_ids = static_cast<const arrow::UInt64Array&>(*table->GetColumnByName("_rowid")->chunk(0));
  ASSERT_OK_AND_ASSIGN(auto batch, dataset_->TakeRows({row_ids.Value(0), 3}));
  EXPECT_THAT(Ids(*batch), ElementsAre(105, 3));
}

/// All spellings of one local path open the same dataset.
class LocalPathTest : public ::testing::TestWithParam<std::string> {};

TEST_P(LocalPathTest, EverySpellingIsTheSameDataset) {
  const TempDir dir;
  const std::string path = dir / GetParam();
  ASSERT_OK(WriteSimple(path, 0, 3));
  EXPECT_TRUE(std::filesystem::is_directory(std::filesystem::path(path) / "data"))
      << "written somewhere else";

  const auto old_directory = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  for (const auto& spelling : {path, path + "/", GetParam(), "./" + GetParam()}) {
    const auto dataset = Dataset::Open(spelling);
    EXPECT_OK(dataset) << spelling;
  }
  std::filesystem::current_path(old_directory);
}

INSTANTIATE_TEST_SUITE_P(Names, LocalPathTest,
                         ::testing::Values("plain", "with space", "übung-数据", "per%41cent", "100%",
                                           "hash#tag", "question?mark", "a.b.lance", "dir/sub/leaf"));

TEST(UriTest, FileUriIsThePlainPath) {
  const TempDir dir;
  ASSERT_OK(WriteSimple("file://" + (dir / "dataset"), 0, 3));
  EXPECT_EQ(ReadIds(dir / "dataset"), Range(0, 3));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open("file://" + (dir / "dataset")));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset->CountRows());
  EXPECT_EQ(rows, 3U);
}

TEST(UriTest, FileUriIsPercentDecoded) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "with space", 0, 3));
  EXPECT_OK(Dataset::Open("file://" + (dir / "with%20space")));
}

TEST(UriTest, SymbolicLinkIsFollowed) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 3));
  std::filesystem::create_directory_symlink(dir / "dataset", dir / "link");
  EXPECT_EQ(ReadIds(dir / "link"), Range(0, 3));
}

TEST(UriTest, MemoryDatasetsLiveAcrossCalls) {
  ASSERT_OK(WriteSimple("memory://dataset_test/a", 0, 3));
  ASSERT_OK(WriteSimple("memory://dataset_test/b", 10, 2));
  EXPECT_EQ(ReadIds("memory://dataset_test/a"), Range(0, 3));
  EXPECT_EQ(ReadIds("memory://dataset_test/b"), Range(10, 2));
  lance::WriteOptions append;
  append.mode = lance::WriteMode::kAppend;
  ASSERT_OK(WriteSimple("memory://dataset_test/a", 3, 3, append));
  EXPECT_EQ(ReadIds("memory://dataset_test/a"), Range(0, 6));
}

}  // namespace
}  // namespace lance_test
