// Datasets that are handed to another process, and what is counted of each.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "arrow/api.h"
#include "arrow/util/future.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;

constexpr int64_t kRows = 1'000;

class HandoverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, kRows, {.max_rows_per_file = 300}));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(bytes_, dataset_->Serialize());
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<Dataset> dataset_;
  std::shared_ptr<arrow::Buffer> bytes_;
};

std::vector<int64_t> Ids(const Dataset& dataset) {
  const auto table = dataset.Scan().ValueOrDie()->ToTable().ValueOrDie();
  return Int64s(*table->GetColumnByName("id"));
}

TEST_F(HandoverTest, TheCopyIsTheSameVersion) {
  ASSERT_OK(WriteSimple(uri_, kRows, 5, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const auto copy, Dataset::Deserialize(*bytes_));
  EXPECT_EQ(copy->uri(), std::filesystem::canonical(uri_).string());
  EXPECT_TRUE(copy->schema()->Equals(*dataset_->schema(), true));
  ASSERT_OK_AND_ASSIGN(const auto info, copy->Info());
  EXPECT_EQ(info.version, 1U);
  EXPECT_EQ(info.fragments, 4U);
  EXPECT_EQ(info.rows, static_cast<uint64_t>(kRows));
  EXPECT_EQ(Ids(*copy), Range(0, kRows));
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, copy->LatestVersion());
  EXPECT_EQ(latest, 2U);
  ASSERT_OK_AND_ASSIGN(const auto versions, copy->Versions());
  EXPECT_EQ(versions.size(), 2U);
  ASSERT_OK_AND_ASSIGN(const auto later, Wait(Dataset::DeserializeAsync(*bytes_)));
  EXPECT_EQ(Ids(*later), Range(0, kRows));
  ASSERT_OK_AND_ASSIGN(const auto again, copy->Serialize());
  // Maps in a manifest have no order.
  EXPECT_EQ(again->size(), bytes_->size());
}

TEST_F(HandoverTest, NothingIsReadToOpenIt) {
  std::filesystem::remove_all(uri_);
  ASSERT_OK_AND_ASSIGN(const auto copy, Dataset::Deserialize(*bytes_));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, copy->CountRows());
  EXPECT_EQ(rows, static_cast<uint64_t>(kRows));
  ASSERT_OK_AND_ASSIGN(const auto statistics, copy->Statistics());
  EXPECT_EQ(statistics.reads, 0U);
  EXPECT_THAT(copy->Take({0}), FailsWith(ErrorCode::kNotFound));
}

TEST_F(HandoverTest, DictionariesAndOlderFormatsTravel) {
  const auto schema = arrow::schema({arrow::field("id", arrow::int64()),
                                     arrow::field("code", arrow::dictionary(arrow::int8(), arrow::utf8()))});
  for (const char* version : {"2.0", "2.1", "2.2"}) {
    const std::string uri = dir_ / version;
    ASSERT_OK(WriteBatches(uri, {MakeBatch(schema, 50)}, {.data_storage_version = version}));
    ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
    ASSERT_OK_AND_ASSIGN(const auto bytes, dataset->Serialize());
    ASSERT_OK_AND_ASSIGN(const auto copy, Dataset::Deserialize(*bytes));
    EXPECT_TRUE(copy->schema()->Equals(*dataset->schema(), true));
    ASSERT_OK_AND_ASSIGN(const auto rows, copy->Take({49, 0}));
    EXPECT_TRUE(rows->Equals(**dataset->Take({49, 0})));
  }
}

TEST_F(HandoverTest, DamagedBytesAreRefused) {
  EXPECT_THAT(Dataset::Deserialize(arrow::Buffer("")), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Dataset::Deserialize(arrow::Buffer("no dataset at all")),
              FailsWith(ErrorCode::kInvalidArgument));
  const std::string whole = bytes_->ToString();
  for (size_t place = 0; place < whole.size(); place += 1 + place / 20) {
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] + 1);
    EXPECT_THAT(Dataset::Deserialize(arrow::Buffer(damaged)),
                FailsWith(place < 8 ? ErrorCode::kInvalidArgument : ErrorCode::kCorrupt))
        << place;
    const auto cut = Dataset::Deserialize(arrow::Buffer(whole.substr(0, place)));
    EXPECT_THAT(cut, FailsWith(place < 8 ? ErrorCode::kInvalidArgument : ErrorCode::kCorrupt)) << place;
  }
}

TEST_F(HandoverTest, ASessionOfItsOwnIsUsed) {
  ASSERT_OK_AND_ASSIGN(const auto session, lance::Session::Make());
  ASSERT_OK_AND_ASSIGN(const auto copy, Dataset::Deserialize(*bytes_, {.session = session}));
  EXPECT_EQ(Ids(*copy), Range(0, kRows));
  ASSERT_OK_AND_ASSIGN(const auto stats, session->Stats());
  EXPECT_GT(stats.metadata_cache_entries, 0U);
}

TEST_F(HandoverTest, CredentialsComeFromAProvider) {
  std::atomic<int> calls = 0;
  std::atomic<bool> fails = false;
  ASSERT_OK_AND_ASSIGN(const auto provider,
                       lance::CredentialsProvider::Make([&]() -> arrow::Result<lance::Credentials> {
                         ++calls;
                         if (fails) return arrow::Status::IOError("no luck");
                         return lance::Credentials();
                       }));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan());
  ASSERT_OK_AND_ASSIGN(const auto splits, scanner->Splits(1));
  {
    ASSERT_OK_AND_ASSIGN(const auto copy, Dataset::Deserialize(*bytes_, {.credentials = provider}));
    EXPECT_EQ(Ids(*copy), Range(0, kRows));
    EXPECT_EQ(calls, 1);
    ASSERT_OK_AND_ASSIGN(const auto part,
                         lance::Scanner::OpenSplit(splits[0].text, {.credentials = provider}));
    EXPECT_EQ(*part->CountRows(), static_cast<uint64_t>(kRows));
    EXPECT_EQ(calls, 2);
  }
  fails = true;
  EXPECT_THAT(Dataset::Deserialize(*bytes_, {.credentials = provider}), FailsWith(ErrorCode::kCallback));
  EXPECT_THAT(lance::Scanner::OpenSplit(splits[0].text, {.credentials = provider}),
              FailsWith(ErrorCode::kCallback));
}

TEST_F(HandoverTest, ReadsAreCountedForTheirDatasetAlone) {
  ASSERT_OK_AND_ASSIGN(const auto session, lance::Session::Make());
  ASSERT_OK_AND_ASSIGN(const auto other, Dataset::Open(uri_, {.session = session}));
  ASSERT_OK_AND_ASSIGN(const auto before, other->Statistics());
  EXPECT_EQ(before.reads, 0U);
  EXPECT_EQ(before.bytes_read, 0U);
  Ids(*other);
  ASSERT_OK_AND_ASSIGN(const auto after, other->Statistics());
  EXPECT_GT(after.reads, 0U);
  // At least all ids and names are read, which compress to less than they are.
  EXPECT_GT(after.bytes_read, 1'000U);
  EXPECT_GT(after.metadata_cache_misses, 0U);
  Ids(*other);
  ASSERT_OK_AND_ASSIGN(const auto later, other->Statistics());
  EXPECT_GT(later.reads, after.reads);
  EXPECT_GT(later.metadata_cache_hits, after.metadata_cache_hits);
  // The other handle of the same dataset has read nothing of all this.
  ASSERT_OK_AND_ASSIGN(const auto mine, dataset_->Statistics());
  EXPECT_EQ(mine.reads, 0U);
}

}  // namespace
}  // namespace lance_test
