// What is not asked for is not read: columns by the bytes that the store gave, fragments by files that are
// gone.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "lance/dataset.h"
#include "lance/scanner.h"
#include "lance/sql.h"
#include "support/datasets.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::ScanOptions;
using lance::WriteMode;
using ::testing::Not;

constexpr int64_t kFragments = 4;
constexpr int64_t kRows = 1000;
/// What nothing can compress, of each row.
constexpr int32_t kWide = 2048;
constexpr uint64_t kWideBytes = static_cast<uint64_t>(kFragments * kRows) * kWide;

/// Ids from 0 on in fragments of equal size, and a wide column beside them.
class PruningTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int64_t i = 0; i < kFragments; ++i) {
      ASSERT_OK_AND_ASSIGN(const auto rows, Rows(i * kRows));
      ASSERT_OK(WriteBatches(uri_, {rows}, {.mode = i == 0 ? WriteMode::kCreate : WriteMode::kAppend}));
      for (const auto& file : std::filesystem::directory_iterator(uri_ + "/data")) {
        if (known_.insert(file.path()).second) files_.push_back(file.path());
      }
      ASSERT_EQ(files_.size(), static_cast<size_t>(i + 1));
    }
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Rows(int64_t first, int64_t rows = kRows,
                                                          int32_t width = kWide) {
    const auto bytes = arrow::fixed_size_binary(width);
    arrow::Int64Builder ids;
    arrow::FixedSizeBinaryBuilder wide(bytes);
    std::string value(static_cast<size_t>(width), ' ');
    for (int64_t id = first; id < first + rows; ++id) {
      for (char& c : value) c = static_cast<char>(random_());
      ARROW_RETURN_NOT_OK(ids.Append(id));
      ARROW_RETURN_NOT_OK(wide.Append(value));
    }
    ARROW_ASSIGN_OR_RAISE(auto first_column, ids.Finish());
    ARROW_ASSIGN_OR_RAISE(auto second_column, wide.Finish());
    const auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("wide", bytes)});
    return arrow::RecordBatch::Make(schema, rows, {first_column, second_column});
  }

  arrow::Result<std::shared_ptr<arrow::Table>> Scan(const ScanOptions& options) const {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset_->Scan(options));
    return scanner->ToTable();
  }

  arrow::Result<std::shared_ptr<arrow::Table>> Sql(const std::string& text) const {
    ARROW_ASSIGN_OR_RAISE(const auto query, dataset_->Sql(text));
    return query->ToTable();
  }

  /// What the store gave for a read of so many rows.
  template <typename Read>
  uint64_t BytesOf(int64_t rows, Read&& read) const {
    const auto before = dataset_->Statistics();
    const arrow::Result<std::shared_ptr<arrow::Table>> table = read();
    EXPECT_OK(table);
    if (table.ok()) {
      EXPECT_EQ((*table)->num_rows(), rows);
    }
    const auto after = dataset_->Statistics();
    EXPECT_OK(after);
    return after->bytes_read - before->bytes_read;
  }

  void Remove(std::initializer_list<size_t> fragments) const {
    for (const size_t i : fragments) std::filesystem::remove(files_[i]);
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::mt19937 random_{7};
  std::set<std::string> known_;
  /// By fragment.
  std::vector<std::string> files_;
  std::shared_ptr<lance::Dataset> dataset_;
};

TEST_F(PruningTest, ColumnsThatAreNotAskedForAreNotRead) {
  constexpr int64_t kAll = kFragments * kRows;
  constexpr uint64_t kFew = kWideBytes / 16;
  ScanOptions ids;
  ids.columns = {"id"};
  EXPECT_LT(BytesOf(kAll, [&] { return Scan(ids); }), kFew);
  ids.filter = "id >= 10";
  EXPECT_LT(BytesOf(kAll - 10, [&] { return Scan(ids); }), kFew);
  ScanOptions computed;
  computed.columns.emplace();
  computed.expressions = {{"twice", "id * 2"}};
  EXPECT_LT(BytesOf(kAll, [&] { return Scan(computed); }), kFew);
  for (const char* text : {"select sum(id) from dataset", "select count(*) from dataset where id >= 10",
                           "select max(a.id) from dataset a join dataset b on a.id = b.id + 1",
                           "select count(*) from (select * from dataset)"}) {
    EXPECT_LT(BytesOf(1, [&] { return Sql(text); }), kFew) << text;
  }
  // Only the rows that pass, and what is beside them in a page.
  EXPECT_LT(BytesOf(1, [&] { return Sql("select wide from dataset where id = 5"); }), kWideBytes / 2);
  // Bytes are counted.
  EXPECT_GE(BytesOf(kAll, [&] { return Scan({}); }), kWideBytes);
  EXPECT_GE(BytesOf(kAll, [&] { return Sql("select * from dataset"); }), kWideBytes);
}

TEST_F(PruningTest, PlannersLookAtNoRowsThatAreTooWide) {
  constexpr int64_t kFewRows = 160;
  constexpr int32_t kBytes = 256 << 10;
  ASSERT_OK_AND_ASSIGN(const auto rows, Rows(0, kFewRows, kBytes));
  ASSERT_OK(WriteBatches(dir_ / "wide", {rows}));
  ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(dir_ / "wide"));
  ASSERT_OK_AND_ASSIGN(const auto query, dataset_->Sql("select id from dataset where wide is not null"));
  ASSERT_OK_AND_ASSIGN(const auto statistics, dataset_->Statistics());
  EXPECT_LT(statistics.bytes_read, uint64_t{kBytes});
  ASSERT_OK_AND_ASSIGN(const auto table, query->ToTable());
  EXPECT_EQ(table->num_rows(), kFewRows);
}

TEST_F(PruningTest, FragmentsThatAreNotAskedForAreNotOpened) {
  Remove({0, 2, 3});
  ScanOptions second;
  second.fragments = std::vector<uint64_t>{1};
  ASSERT_OK_AND_ASSIGN(auto table, Scan(second));
  EXPECT_EQ(Int64s(*table->column(0)), Range(kRows, kRows));
  second.filter = "id < 1100";
  ASSERT_OK_AND_ASSIGN(table, Scan(second));
  EXPECT_EQ(Int64s(*table->column(0)), Range(kRows, 100));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan(second));
  EXPECT_EQ(*scanner->CountRows(), 100U);

  ScanOptions slice;
  slice.slices = {{.fragment = 1, .first_row = 5, .row_count = 7}};
  ASSERT_OK_AND_ASSIGN(table, Scan(slice));
  EXPECT_EQ(Int64s(*table->column(0)), Range(kRows + 5, 7));

  ASSERT_OK_AND_ASSIGN(const auto taken, dataset_->TakePositions({1005, 1001}));
  EXPECT_EQ(taken->num_rows(), 2);
  EXPECT_EQ(*dataset_->CountRows(), static_cast<uint64_t>(kFragments * kRows));

  EXPECT_THAT(Scan({}), Not(IsOk()));
  EXPECT_THAT(dataset_->TakePositions({5}), Not(IsOk()));
}

TEST_F(PruningTest, SqlOpensWhatItNeeds) {
  Remove({1, 2, 3});
  ASSERT_OK_AND_ASSIGN(auto table, Sql("select id from dataset limit 9"));
  EXPECT_EQ(Int64s(*table->column(0)), Range(0, 9));
  EXPECT_THAT(Sql("select sum(id) from dataset"), Not(IsOk()));
  Remove({0});
  ASSERT_OK_AND_ASSIGN(table, Sql("select count(*) from dataset"));
  EXPECT_EQ(Int64s(*table->column(0)), std::vector<int64_t>{kFragments * kRows});
  EXPECT_OK(Sql("select 1 from dataset limit 3"));
  EXPECT_OK(Sql("select id from dataset limit 0"));
}

TEST_F(PruningTest, ASplitOpensItsOwnFragments) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan());
  ASSERT_OK_AND_ASSIGN(const auto splits, scanner->Splits(kFragments));
  ASSERT_EQ(splits.size(), static_cast<size_t>(kFragments));
  Remove({0, 1, 3});
  for (size_t i = 0; i < splits.size(); ++i) {
    const auto read = [&]() -> arrow::Result<std::shared_ptr<arrow::Table>> {
      ARROW_ASSIGN_OR_RAISE(const auto part, lance::Scanner::OpenSplit(splits[i].text));
      return part->ToTable();
    };
    const auto table = read();
    ASSERT_EQ(table.ok(), i == 2) << table.status();
    if (table.ok()) {
      EXPECT_EQ(Int64s(*(*table)->column(0)), Range(2 * kRows, kRows));
    }
  }
}

}  // namespace
}  // namespace lance_test
