#include "lance/scanner.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "lance/dataset.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using lance::ScanOptions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Columns = std::vector<std::string>;

/// Ids 0-9999 in four fragments.
class ScannerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lance::WriteOptions options;
    options.max_rows_per_file = 2500;
    ASSERT_OK(WriteSimple(uri_, 0, kRows, options));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  arrow::Result<std::shared_ptr<arrow::Table>> Scan(const ScanOptions& options) const {
    ARROW_ASSIGN_OR_RAISE(auto scanner, dataset_->Scan(options));
    return scanner->ToTable();
  }

  static constexpr int64_t kRows = 10'000;
  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> dataset_;
};

std::vector<int64_t> Ids(const arrow::Table& table) { return Int64s(*table.GetColumnByName("id")); }

TEST_F(ScannerTest, ReturnsAllRowsInOrderByDefault) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({}));
  EXPECT_TRUE(table->schema()->Equals(*SimpleSchema()));
  EXPECT_EQ(Ids(*table), Range(0, kRows));
}

TEST_F(ScannerTest, ProjectsInTheOrderAskedFor) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.columns = Columns{"name", "id"}}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("name", "id"));
  ASSERT_OK_AND_ASSIGN(auto one, Scan({.columns = Columns{"name"}, .limit = 1}));
  EXPECT_THAT(one->schema()->field_names(), ElementsAre("name"));
}

TEST_F(ScannerTest, SchemaIsKnownBeforeTheScan) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.columns = Columns{"id"}, .with_row_id = true}));
  EXPECT_THAT(scanner->schema()->field_names(), ElementsAre("id", "_rowid"));
  ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
  EXPECT_TRUE(reader->schema()->Equals(*scanner->schema()));
}

TEST_F(ScannerTest, EmptyProjectionStillCounts) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.columns = Columns{}, .filter = "id < 7"}));
  EXPECT_EQ(table->num_columns(), 0);
  EXPECT_EQ(table->num_rows(), 7);
}

TEST_F(ScannerTest, UnknownColumnFailsWhenPrepared) {
  for (const char* name : {"nope", "ID", "id.x", "name.", ""}) {
    EXPECT_THAT(dataset_->Scan({.columns = Columns{name}}), FailsWith(ErrorCode::kFieldNotFound)) << name;
  }
  EXPECT_THAT(dataset_->Scan({.columns = Columns{"nam"}}), FailsSaying(HasSubstr("\"name\"")));
  EXPECT_THAT(dataset_->Scan({.filter = "nope = 1"}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->Scan({.filter = "abs(nope) = 1"}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->CountRows("nam = 'x'"), FailsSaying(HasSubstr("\"name\"")));
}

TEST_F(ScannerTest, AColumnNamedTwiceIsRefused) {
  EXPECT_THAT(dataset_->Scan({.columns = Columns{"id", "id"}}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScannerTest, BadSqlFailsWhenPrepared) {
  EXPECT_THAT(dataset_->Scan({.filter = "id = = 1"}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScannerTest, AFilterIsOneExpression) {
  for (const char* rest : {" limit 1", " order by id", "; select 1", " for update", " id", ")"}) {
    const std::string filter = "id >= 0" + std::string(rest);
    EXPECT_THAT(dataset_->Scan({.filter = filter}), FailsWith(ErrorCode::kInvalidArgument)) << filter;
    EXPECT_THAT(dataset_->CountRows(filter), FailsWith(ErrorCode::kInvalidArgument)) << filter;
  }
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset_->CountRows("id < 7 -- limit 1"));
  EXPECT_EQ(rows, 7U);
}

/// Whatever a text does, the process lives and the dataset that others share works on.
void ExpectRefused(const lance::Dataset& dataset, const std::string& filter, ErrorCode code) {
  SCOPED_TRACE(filter.substr(0, 60));
  EXPECT_THAT(dataset.CountRows(filter), FailsWith(code));
  const auto scanner = dataset.Scan({.filter = filter});
  const auto table = scanner.ok() ? (*scanner)->ToTable() : scanner.status();
  EXPECT_THAT(table, FailsWith(code));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset.CountRows("id < 7"));
  EXPECT_EQ(rows, 7U);
}

TEST_F(ScannerTest, FiltersThatTheEnginePanicsOnAreInvalid) {
  for (const char* filter : {"id = :x", "id = ?", "id = $1", "$$x$$ = name", "N'x' = name", "B'x' = name",
                             "cast(id as decimal(99, 2)) > 1", "cast(id as decimal(10, 200)) > 1",
                             "is_valid()", "id = (select 1)", "exists (select 1)"}) {
    ExpectRefused(*dataset_, filter, ErrorCode::kInvalidArgument);
  }
}

TEST_F(ScannerTest, FiltersThatNeedTooMuchMemoryAreRefused) {
  for (const char* filter :
       {"repeat(name, 1000000000) = 'a'", "repeat('a', 1000000000) = name", "lpad(name, 2000000000) = 'a'",
        "rpad(name, id * 1000000000, 'x') = 'a'", "array_repeat(1, 100000000000) = [1]",
        "array_repeat(1, id * 1000000000) = [1]", "array_resize([1], 100000000000) = [1]",
        "array_length(range(1, 100000000000)) = id", "array_length(generate_series(id * 1000000000)) = 1",
        "replace(repeat('n', 100000), 'n', repeat('b', 100000)) = name"}) {
    ExpectRefused(*dataset_, filter, ErrorCode::kResourceExhausted);
  }
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset_->CountRows("repeat(name, 2) = 'name 5name 5'"));
  EXPECT_EQ(rows, 1U);
}

std::string Repeat(const std::string& begin, const std::string& part, const std::string& end, int times) {
  std::string text = begin;
  for (int i = 0; i < times; ++i) text += part;
  return text + end;
}

TEST_F(ScannerTest, NoTextEndsTheProcess) {
  const std::vector<std::string> filters = {Repeat("id", " + 1", " = 1", 100'000),
                                            Repeat("abs(id", " + 1", ") = 1", 100'000),
                                            Repeat("name", " || 'a'", " = 'a'", 100'000),
                                            Repeat("id", "::int", " = 1", 100'000),
                                            Repeat("id", " is null", "", 100'000),
                                            Repeat("name", " like 'a'", "", 100'000),
                                            Repeat("id", " between 1 and 2", "", 50'000),
                                            Repeat("id", " + id /* or */", " = 1", 1'000),
                                            Repeat("", "(", "id", 10'000),
                                            Repeat("", "not ", "id = 1", 100'000),
                                            Repeat("", "interval ", "'1' = name", 100'000),
                                            Repeat("", "case when ", "id", 10'000),
                                            Repeat("cast(id as ", "array<", "int", 100'000),
                                            Repeat("cast(id as ", "nullable(", "int", 100'000),
                                            Repeat("", "cast(", "id", 60),
                                            Repeat("", "position(", "id x", 40),
                                            Repeat("", "row(", "1", 40),
                                            Repeat("coalesce(id = 1", " or id = 2", ")", 100'000),
                                            Repeat("", "abs(", "id", 10'000),
                                            Repeat("id = 1", " or id = 2", "", 1'000'000)};
  for (const std::string& filter : Some(filters)) {
    ExpectRefused(*dataset_, filter, ErrorCode::kInvalidArgument);
  }
}

TEST_F(ScannerTest, LongFiltersThatMakeSensePass) {
  for (const std::string& filter :
       {Repeat("id < 7 and id in (0", ",1,2,3,4,5,6", ")", 20'000),
        Repeat("id < 7 or id = -1", " or id = -2", "", 20'000), Repeat("id < 7", " and id <> -2", "", 20'000),
        Repeat("id < 7 and id", " + 1", " > 0", 100),
        Repeat("id < 7 and (name like 'x%'", " or name like 'name%'", ")", 1'000)}) {
    ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset_->CountRows(filter));
    EXPECT_EQ(rows, 7U) << filter.substr(0, 40);
  }
}

TEST_F(ScannerTest, AConditionGuardsTheNext) {
  // In each batch the divisor is 0 for all rows or for none.
  const std::string filter = "id / 5000 <> 0 AND 10 / (id / 5000) > 1";
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.filter = filter}));
  EXPECT_EQ(Ids(*table), Range(5000, 5000));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset_->CountRows(filter));
  EXPECT_EQ(rows, 5000U);
}

TEST_F(ScannerTest, AReadersErrorKeepsItsCodeAndItsPlace) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "10 / (id - 5000) > 1"}));
  ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
  std::shared_ptr<arrow::RecordBatch> batch;
  arrow::Status status;
  while ((status = reader->ReadNext(&batch)).ok() && batch != nullptr) {
  }
  EXPECT_THAT(status, FailsWith(ErrorCode::kExecution));
  EXPECT_THAT(status, FailsSaying(HasSubstr("ivide by zero")));
  EXPECT_FALSE(lance::LanceStatusDetail::UnwrapStatus(status)->origin().empty());
  EXPECT_EQ(scanner->ToTable().status().ToString(), status.ToString());
  // It has ended.
  ASSERT_OK(reader->ReadNext(&batch));
  EXPECT_EQ(batch, nullptr);
}

TEST_F(ScannerTest, AClosedReaderYieldsNothing) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan());
  ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
  ASSERT_OK(reader->Close());
  ASSERT_OK(reader->Close());
  std::shared_ptr<arrow::RecordBatch> batch;
  EXPECT_THAT(reader->ReadNext(&batch), FailsWith(ErrorCode::kInvalidState));
}

TEST_F(ScannerTest, Filters) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.filter = "id % 1000 = 1 OR name = 'name 5'"}));
  EXPECT_THAT(Ids(*table), ElementsAre(1, 5, 1001, 2001, 3001, 4001, 5001, 6001, 7001, 8001, 9001));
}

TEST_F(ScannerTest, FiltersAlikeHoweverManyRowsPass) {
  // Other columns are read late, as the engine likes, or early.
  for (const int64_t rows : {0, 1, 20, 300, 1'000, 5'000, 10'000}) {
    ASSERT_OK_AND_ASSIGN(auto table, Scan({.filter = "id < " + std::to_string(rows)}));
    EXPECT_EQ(Ids(*table), Range(0, rows));
    ASSERT_OK_AND_ASSIGN(const auto expected, arrow::Table::FromRecordBatches({SimpleBatch(0, rows)}));
    EXPECT_TRUE(table->Equals(*expected)) << rows;
  }
}

TEST(LongFragmentTest, TextIsFilteredAlikeWithAndWithoutADictionary) {
  constexpr int64_t kRows = 200'000;
  arrow::Int64Builder ids;
  arrow::StringBuilder kinds;
  arrow::StringBuilder notes;
  for (int64_t i = 0; i < kRows; ++i) {
    ASSERT_OK(ids.Append(i * 7919 % kRows));
    ASSERT_OK(kinds.Append("kind " + std::to_string(i % 7)));
    ASSERT_OK(notes.Append("a note of its own, number " + std::to_string(i)));
  }
  const auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("kind", arrow::utf8()),
                                     arrow::field("note", arrow::utf8())});
  const auto batch = arrow::RecordBatch::Make(
      schema, kRows, {ids.Finish().ValueOrDie(), kinds.Finish().ValueOrDie(), notes.Finish().ValueOrDie()});
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {batch}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  for (const int64_t rows : {100, 20'000, 100'000}) {
    ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan({.filter = "id < " + std::to_string(rows)}));
    ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
    arrow::BooleanBuilder passes;
    for (int64_t i = 0; i < kRows; ++i) ASSERT_OK(passes.Append(i * 7919 % kRows < rows));
    ASSERT_OK_AND_ASSIGN(const auto expected, arrow::compute::Filter(batch, passes.Finish().ValueOrDie()));
    ASSERT_OK_AND_ASSIGN(const auto expected_table,
                         arrow::Table::FromRecordBatches({expected.record_batch()}));
    EXPECT_TRUE(table->Equals(*expected_table)) << rows;
  }
}

TEST_F(ScannerTest, FilterNeedNotBeProjected) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.columns = Columns{"name"}, .filter = "id = 42"}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("name"));
  EXPECT_EQ(table->num_rows(), 1);
}

TEST_F(ScannerTest, LimitsAndSkips) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.limit = 10, .offset = 2495}));
  EXPECT_EQ(Ids(*table), Range(2495, 10));
  ASSERT_OK_AND_ASSIGN(auto none, Scan({.limit = 0}));
  EXPECT_EQ(none->num_rows(), 0);
  ASSERT_OK_AND_ASSIGN(auto beyond, Scan({.offset = 20'000}));
  EXPECT_EQ(beyond->num_rows(), 0);
  ASSERT_OK_AND_ASSIGN(auto skipped, Scan({.offset = 9'990}));
  EXPECT_EQ(Ids(*skipped), Range(9'990, 10));
}

TEST_F(ScannerTest, NegativeLimitsAreRefused) {
  EXPECT_THAT(dataset_->Scan({.limit = -5}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.offset = -1}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.batch_size = -1}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScannerTest, BatchesAreNoLargerThanAskedFor) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.batch_size = 100}));
  ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
  ASSERT_OK_AND_ASSIGN(const auto batches, reader->ToRecordBatches());
  EXPECT_GE(batches.size(), 100U);
  for (const auto& batch : batches) EXPECT_LE(batch->num_rows(), 100);
}

TEST_F(ScannerTest, ReadsEverythingThroughTheSmallestBuffer) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.io_buffer_bytes = 1}));
  EXPECT_EQ(Ids(*table), Range(0, kRows));
  EXPECT_THAT(dataset_->Scan({.io_buffer_bytes = 0}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScannerTest, AddsSystemColumns) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.with_row_id = true, .with_row_address = true}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "name", "_rowid", "_rowaddr"));
}

TEST_F(ScannerTest, UnorderedScanReturnsTheSameRows) {
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.ordered = false, .batch_readahead = 4}));
  auto ids = Ids(*table);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, Range(0, kRows));
}

TEST_F(ScannerTest, CountsWithoutReading) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id < 123"}));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, scanner->CountRows());
  EXPECT_EQ(rows, 123U);
}

TEST_F(ScannerTest, CountsWhatItReturns) {
  for (const ScanOptions& options : std::vector<ScanOptions>{
           {},
           {.limit = 10},
           {.limit = 0},
           {.offset = 9'995},
           {.limit = 10, .offset = 9'995},
           {.offset = 20'000},
           {.limit = std::numeric_limits<int64_t>::max(), .offset = 1},
           {.filter = "id % 7 = 0", .limit = 10},
           {.filter = "id % 7 = 0", .limit = 10'000, .offset = 100},
           {.filter = "id % 7 = 0", .offset = 100},
           {.filter = "id % 7 = 0", .offset = 10'000},
           {.columns = Columns{}, .filter = "id < 50", .limit = 20, .with_row_id = true},
           {.columns = Columns{"name"}, .filter = "id < 50", .limit = 20, .offset = 40}}) {
    ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan(options));
    ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
    ASSERT_OK_AND_ASSIGN(const uint64_t rows, scanner->CountRows());
    EXPECT_EQ(rows, static_cast<uint64_t>(table->num_rows()));
  }
}

TEST_F(ScannerTest, ExplainsThePlan) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id < 123"}));
  ASSERT_OK_AND_ASSIGN(const std::string plan, scanner->Explain());
  EXPECT_THAT(plan, HasSubstr("id < "));
}

TEST_F(ScannerTest, RunsAnyNumberOfTimes) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id < 10"}));
  for (int run = 0; run < 3; ++run) {
    ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
    EXPECT_EQ(Ids(*table), Range(0, 10));
  }
}

TEST_F(ScannerTest, ReadersOutliveScannerAndDataset) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan());
  ASSERT_OK_AND_ASSIGN(auto first, scanner->ToReader());
  ASSERT_OK_AND_ASSIGN(auto second, scanner->ToReader());
  scanner.reset();
  dataset_.reset();
  ASSERT_OK_AND_ASSIGN(auto table, first->ToTable());
  EXPECT_EQ(Ids(*table), Range(0, kRows));
  ASSERT_OK(second->Close());
}

TEST(NestedScanTest, ProjectsAndFiltersNestedColumns) {
  const TempDir dir;
  const auto schema = arrow::schema({arrow::field(
      "s", arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", arrow::utf8())}))});
  const auto written = MakeBatch(schema, 100);
  ASSERT_OK(WriteBatches(dir / "dataset", {written}));
  ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan({.columns = Columns{"s.a"}}));
  ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
  EXPECT_EQ(table->num_rows(), 100);
  ASSERT_EQ(table->num_columns(), 1);

  const auto& s = static_cast<const arrow::StructArray&>(*written->column(0));
  ASSERT_OK_AND_ASSIGN(auto a, s.GetFlattenedField(0));
  ASSERT_OK_AND_ASSIGN(const uint64_t not_null, dataset->CountRows("s.a IS NOT NULL"));
  EXPECT_EQ(not_null, static_cast<uint64_t>(a->length() - a->null_count()));
}

/// Rows that are wide in the middle of the dataset only.
TEST(WideRowsTest, BatchesAreBoundByBytes) {
  constexpr int64_t kRows = 2'000;
  constexpr size_t kWide = 100'000;
  arrow::Int64Builder ids;
  arrow::StringBuilder texts;
  for (int64_t i = 0; i < kRows; ++i) {
    ASSERT_OK(ids.Append(i));
    ASSERT_OK(texts.Append(std::string(i % 2 == 0 ? kWide : 1, 'x')));
  }
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("text", arrow::utf8())});
  const auto batch =
      arrow::RecordBatch::Make(schema, kRows, {ids.Finish().ValueOrDie(), texts.Finish().ValueOrDie()});
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {batch}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  for (const ScanOptions& options : std::vector<ScanOptions>{
           {}, {.filter = "id >= 0"}, {.filter = "text <> 'y'"}, {.columns = Columns{"text"}, .offset = 1}}) {
    ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan(options));
    ASSERT_OK_AND_ASSIGN(const auto reader, scanner->ToReader());
    int64_t rows = 0;
    std::shared_ptr<arrow::RecordBatch> part;
    while (true) {
      ASSERT_OK(reader->ReadNext(&part));
      if (part == nullptr) break;
      rows += part->num_rows();
      EXPECT_LE(part->num_rows(), 400);
    }
    EXPECT_EQ(rows, kRows - options.offset);
  }
  // Numbers alone come in as large batches as ever.
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan({.columns = Columns{"id"}}));
  ASSERT_OK_AND_ASSIGN(const auto reader, scanner->ToReader());
  ASSERT_OK_AND_ASSIGN(const auto batches, reader->ToRecordBatches());
  EXPECT_EQ(batches.size(), 1U);
}

}  // namespace
}  // namespace lance_test
