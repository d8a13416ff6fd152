// What a scan can be asked for beyond columns, a filter and a limit.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/buffer.h"
#include "arrow/util/future.h"
#include "lance/dataset.h"
#include "lance/scanner.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Aggregate;
using lance::AggregateFunction;
using lance::ErrorCode;
using lance::ScanOptions;
using lance::SortKey;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

using Columns = std::vector<std::string>;
using Numbers = std::vector<uint64_t>;
using TablePtr = std::shared_ptr<arrow::Table>;

std::vector<int64_t> Ids(const arrow::Table& table) { return Int64s(*table.GetColumnByName("id")); }

std::vector<int64_t> Joined(std::vector<int64_t> first, const std::vector<int64_t>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// Ids 0-9999 in the fragments 0 to 3.
class ScanOptionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lance::WriteOptions options;
    options.max_rows_per_file = kFragmentRows;
    ASSERT_OK(WriteSimple(uri_, 0, kRows, options));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::Dataset::Open(uri_));
  }

  /// What a scan returns, as long as its schema and its count agree with that.
  arrow::Result<TablePtr> Scan(const ScanOptions& options) const {
    ARROW_ASSIGN_OR_RAISE(auto scanner, dataset_->Scan(options));
    ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
    ARROW_ASSIGN_OR_RAISE(const uint64_t rows, scanner->CountRows());
    EXPECT_EQ(rows, static_cast<uint64_t>(table->num_rows()));
    EXPECT_TRUE(table->schema()->Equals(*scanner->schema()));
    return table;
  }

  static constexpr int64_t kRows = 10'000;
  static constexpr int64_t kFragmentRows = 2'500;
  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> dataset_;
};

TEST_F(ScanOptionsTest, ComputesExpressions) {
  const ScanOptions options = {.columns = Columns{"name", "id"},
                               .filter = "id < 3",
                               .expressions = {{"twice", "id * 2"}, {"kind", "concat(upper(name), '!')"}}};
  ASSERT_OK_AND_ASSIGN(const auto table, Scan(options));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("name", "id", "twice", "kind"));
  EXPECT_THAT(Int64s(*table->GetColumnByName("twice")), ElementsAre(0, 2, 4));
  ASSERT_OK_AND_ASSIGN(const auto kind, table->GetColumnByName("kind")->GetScalar(1));
  EXPECT_EQ(kind->ToString(), "NAME 1!");
}

TEST_F(ScanOptionsTest, ExpressionsComeAloneWithoutColumns) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Scan({.limit = 2, .offset = 5, .expressions = {{"x", "id + 1 -- of all"}}}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("x"));
  EXPECT_THAT(Int64s(*table->GetColumnByName("x")), ElementsAre(6, 7));
  ASSERT_OK_AND_ASSIGN(
      const auto with_id,
      Scan({.limit = 1, .with_row_id = true, .expressions = {{"same", "name"}, {"id", "id"}}}));
  EXPECT_THAT(with_id->schema()->field_names(), ElementsAre("same", "id", "_rowid"));
}

TEST_F(ScanOptionsTest, ConstantsComeForEachRow) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Scan({.filter = "id < 10", .limit = 3, .offset = 1, .expressions = {{"x", "7"}}}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("x"));
  EXPECT_THAT(Int64s(*table->column(0)), ElementsAre(7, 7, 7));
  ASSERT_OK_AND_ASSIGN(const auto with_id,
                       Scan({.filter = "id > 9997", .with_row_id = true, .expressions = {{"x", "1 + 1"}}}));
  EXPECT_THAT(with_id->schema()->field_names(), ElementsAre("x", "_rowid"));
  EXPECT_EQ(with_id->num_rows(), 2);
}

TEST_F(ScanOptionsTest, NothingIsSorted) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Scan({.columns = Columns{}, .filter = "id < 10", .order_by = {{.column = "_rowid"}}}));
  EXPECT_EQ(table->num_columns(), 0);
  EXPECT_EQ(table->num_rows(), 10);
  ASSERT_OK_AND_ASSIGN(
      const auto stored,
      Scan({.columns = Columns{}, .filter = "id < 10", .limit = 4, .order_by = {{.column = "id"}}}));
  EXPECT_EQ(stored->num_rows(), 4);
}

TEST_F(ScanOptionsTest, ExpressionsAreCheckedAsFiltersAre) {
  const auto refused = [&](const std::string& name, const std::string& sql, ErrorCode code) {
    const ScanOptions options = {.columns = Columns{"id"}, .expressions = {{name, sql}}};
    EXPECT_THAT(dataset_->Scan(options), FailsWith(code)) << name << ": " << sql.substr(0, 60);
  };
  std::string chain = "id";
  for (int i = 0; i < 100'000; ++i) chain += " + 1";
  for (const std::string& sql :
       {std::string("id +"), std::string(), std::string("*"), std::string("id limit 1"),
        std::string("id, name"), std::string("(select 1)"), std::string("id = ?"), std::string("sum(id)"),
        std::string("abs('x', 1, 2)"), std::string("id) from t; select (1"), chain}) {
    refused("x", sql, ErrorCode::kInvalidArgument);
  }
  refused("x", "nope + 1", ErrorCode::kFieldNotFound);
  refused("id", "id + 1", ErrorCode::kInvalidArgument);
  refused("", "id + 1", ErrorCode::kInvalidArgument);
  refused("_rowid", "id + 1", ErrorCode::kInvalidArgument);
  refused("x", "_rowid + 1", ErrorCode::kNotSupported);
  EXPECT_THAT(dataset_->Scan({.expressions = {{"x", "id"}, {"x", "id"}}}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.expressions = {{"x", "id +\n  = 1"}}}),
              FailsSaying(HasSubstr("Line: 2, Column: 3")));
  EXPECT_THAT(dataset_->Scan({.expressions = {{"price", "nam = 'a'"}}}), FailsSaying(HasSubstr("\"name\"")));
  EXPECT_THAT(Scan({.expressions = {{"x", "repeat(name, 1000000000)"}}}),
              FailsWith(ErrorCode::kResourceExhausted));
}

TEST_F(ScanOptionsTest, BadSqlIsPlaced) {
  EXPECT_THAT(dataset_->Scan({.filter = "id = 1 and\n  = 2"}), FailsSaying(HasSubstr("Line: 2, Column: 3")));
  EXPECT_THAT(dataset_->Scan({.filter = "id = 1 order by id"}), FailsSaying(HasSubstr("Line: 1, Column: 8")));
}

TEST_F(ScanOptionsTest, Sorts) {
  ASSERT_OK_AND_ASSIGN(const auto all, Scan({.order_by = {{.column = "id", .descending = true}}}));
  std::vector<int64_t> backwards = Range(0, kRows);
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(Ids(*all), backwards);
  ASSERT_OK_AND_ASSIGN(const auto some, Scan({.columns = Columns{"id"},
                                              .filter = "id < 100",
                                              .limit = 3,
                                              .offset = 1,
                                              .order_by = {{.column = "name", .descending = true}}}));
  EXPECT_THAT(some->schema()->field_names(), ElementsAre("id"));
  EXPECT_THAT(Ids(*some), ElementsAre(98, 97, 96));
}

TEST_F(ScanOptionsTest, SortsByWhatIsComputed) {
  const std::vector<SortKey> order = {{.column = "rest"}, {.column = "id", .descending = true}};
  ASSERT_OK_AND_ASSIGN(const auto table, Scan({.columns = Columns{"id"},
                                               .filter = "id < 6",
                                               .limit = 4,
                                               .offset = 1,
                                               .expressions = {{"rest", "id % 3"}},
                                               .order_by = order}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "rest"));
  EXPECT_THAT(Ids(*table), ElementsAre(0, 4, 1, 5));
}

TEST_F(ScanOptionsTest, SortsByWhatIsNotReturned) {
  ASSERT_OK_AND_ASSIGN(const auto table, Scan({.columns = Columns{"name", "id"},
                                               .limit = 2,
                                               .order_by = {{.column = "_rowid", .descending = true}}}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("name", "id"));
  EXPECT_THAT(Ids(*table), ElementsAre(9'999, 9'998));
}

TEST_F(ScanOptionsTest, SortsWithoutAFilterWhatIsNotReturnedAndNothing) {
  ASSERT_OK_AND_ASSIGN(
      const auto table,
      Scan({.columns = Columns{"id"}, .limit = 2, .order_by = {{.column = "name", .descending = true}}}));
  EXPECT_THAT(Ids(*table), ElementsAre(9'999, 9'998));
  ASSERT_OK_AND_ASSIGN(const auto none, Scan({.limit = 0, .order_by = {{.column = "id"}}}));
  EXPECT_EQ(none->num_rows(), 0);
}

TEST_F(ScanOptionsTest, SortsByColumnsThereAre) {
  EXPECT_THAT(dataset_->Scan({.order_by = {{.column = "nam"}}}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->Scan({.order_by = {{.column = "nam"}}}), FailsSaying(HasSubstr("\"name\"")));
  EXPECT_THAT(dataset_->Scan({.order_by = {{.column = ""}}}), FailsWith(ErrorCode::kFieldNotFound));
}

TEST(SortTest, NullsComeWhereTheyAreToAndNestedColumnsSort) {
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64(), false),
                     arrow::field("s", arrow::struct_({arrow::field("a b", arrow::int32())}))});
  const auto written = MakeBatch(schema, 100);
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {written}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  for (const bool nulls_first : {false, true}) {
    for (const bool descending : {false, true}) {
      ASSERT_OK_AND_ASSIGN(
          const auto scanner,
          dataset->Scan(
              {.columns = Columns{"s.`a b`"},
               .order_by = {{.column = "s.`a b`", .descending = descending, .nulls_first = nulls_first}}}));
      ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
      ASSERT_OK_AND_ASSIGN(const auto combined, table->CombineChunksToBatch());
      const auto& values = static_cast<const arrow::Int32Array&>(*combined->column(0));
      ASSERT_EQ(values.length(), 100);
      ASSERT_GT(values.null_count(), 0);
      const int64_t first = nulls_first ? values.null_count() : 0;
      const int64_t end = nulls_first ? 100 : 100 - values.null_count();
      for (int64_t i = first; i < end; ++i) ASSERT_TRUE(values.IsValid(i));
      for (int64_t i = first + 1; i < end; ++i) {
        EXPECT_TRUE(descending ? values.Value(i - 1) >= values.Value(i)
                               : values.Value(i - 1) <= values.Value(i));
      }
    }
  }
}

TEST_F(ScanOptionsTest, AggregatesAllRows) {
  const std::vector<Aggregate> aggregates = {
      {},
      {.function = AggregateFunction::kSum, .column = "id", .name = "total"},
      {.function = AggregateFunction::kAvg, .column = "id"},
      {.function = AggregateFunction::kMin, .column = "name"},
      {.function = AggregateFunction::kMax, .column = "id"},
      {.function = AggregateFunction::kCount, .column = "name"}};
  ASSERT_OK_AND_ASSIGN(const auto table, Scan({.filter = "id >= 10 and id < 20", .aggregates = aggregates}));
  EXPECT_THAT(table->schema()->field_names(),
              ElementsAre("count(*)", "total", "avg(id)", "min(name)", "max(id)", "count(name)"));
  ASSERT_EQ(table->num_rows(), 1);
  const std::vector<std::string> expected = {"10", "145", "14.5", "name 10", "19", "10"};
  for (int i = 0; i < table->num_columns(); ++i) {
    ASSERT_OK_AND_ASSIGN(const auto value, table->column(i)->GetScalar(0));
    EXPECT_EQ(value->ToString(), expected[i]);
  }
  ASSERT_OK_AND_ASSIGN(const auto none, Scan({.filter = "id < 0", .aggregates = aggregates}));
  ASSERT_EQ(none->num_rows(), 1);
  ASSERT_OK_AND_ASSIGN(const auto total, none->GetColumnByName("total")->GetScalar(0));
  EXPECT_FALSE(total->is_valid);
  ASSERT_OK_AND_ASSIGN(const auto all, Scan({.aggregates = {{}}}));
  EXPECT_THAT(Int64s(*all->column(0)), ElementsAre(kRows));
}

TEST_F(ScanOptionsTest, AggregatesGroups) {
  ScanOptions options = {
      .expressions = {{"rest", "id % 4"}, {"half", "id / 2"}},
      .order_by = {{.column = "rest", .descending = true}},
      .aggregates = {{.name = "rows"},
                     {.function = AggregateFunction::kMax, .column = "half", .name = "most"},
                     {.function = AggregateFunction::kMin, .column = "id", .name = "id"}},
      .group_by = {"rest"}};
  ASSERT_OK_AND_ASSIGN(const auto table, Scan(options));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("rest", "rows", "most", "id"));
  EXPECT_THAT(Int64s(*table->GetColumnByName("rest")), ElementsAre(3, 2, 1, 0));
  EXPECT_THAT(Int64s(*table->GetColumnByName("rows")), ElementsAre(2500, 2500, 2500, 2500));
  EXPECT_THAT(Int64s(*table->GetColumnByName("most")), ElementsAre(4999, 4999, 4998, 4998));
  EXPECT_THAT(Ids(*table), ElementsAre(3, 2, 1, 0));
  options.limit = 2;
  options.offset = 1;
  ASSERT_OK_AND_ASSIGN(const auto some, Scan(options));
  EXPECT_THAT(Int64s(*some->GetColumnByName("rest")), ElementsAre(2, 1));
  options.order_by = {{.column = "most"}, {.column = "rest"}};
  options.limit = std::nullopt;
  ASSERT_OK_AND_ASSIGN(const auto sorted, Scan(options));
  EXPECT_THAT(Int64s(*sorted->GetColumnByName("rest")), ElementsAre(1, 2, 3));
  options = {.filter = "id < 0", .aggregates = {{}}, .group_by = {"name"}};
  ASSERT_OK_AND_ASSIGN(const auto none, Scan(options));
  EXPECT_EQ(none->num_rows(), 0);
}

TEST_F(ScanOptionsTest, AggregatesThatMakeNoSenseAreRefused) {
  const auto refused = [&](ScanOptions options, ErrorCode code) {
    EXPECT_THAT(dataset_->Scan(options), FailsWith(code));
  };
  const Aggregate rows = {};
  refused({.aggregates = {{.function = AggregateFunction::kSum}}}, ErrorCode::kInvalidArgument);
  refused({.aggregates = {{.function = AggregateFunction::kSum, .column = "name"}}},
          ErrorCode::kInvalidArgument);
  refused({.aggregates = {{.function = AggregateFunction::kSum, .column = "nope"}}},
          ErrorCode::kFieldNotFound);
  refused({.aggregates = {{.function = static_cast<AggregateFunction>(9)}}}, ErrorCode::kInvalidArgument);
  refused({.aggregates = {rows}, .group_by = {"nope"}}, ErrorCode::kFieldNotFound);
  refused({.aggregates = {rows, rows}}, ErrorCode::kInvalidArgument);
  refused({.aggregates = {{.name = "id"}}, .group_by = {"id"}}, ErrorCode::kInvalidArgument);
  refused({.aggregates = {rows}, .group_by = {"id", "id"}}, ErrorCode::kInvalidArgument);
  refused({.group_by = {"id"}}, ErrorCode::kInvalidArgument);
  refused({.columns = Columns{"id"}, .aggregates = {rows}}, ErrorCode::kInvalidArgument);
  refused({.with_row_id = true, .aggregates = {rows}}, ErrorCode::kInvalidArgument);
  refused({.order_by = {{.column = "id"}}, .aggregates = {rows}}, ErrorCode::kFieldNotFound);
}

TEST_F(ScanOptionsTest, ScansFragmentsInTheirOrder) {
  ASSERT_OK_AND_ASSIGN(const auto table, Scan({.fragments = Numbers{2, 0}}));
  EXPECT_EQ(Ids(*table), Joined(Range(5'000, 2'500), Range(0, 2'500)));
  ASSERT_OK_AND_ASSIGN(
      const auto some,
      Scan({.filter = "id % 100 = 0", .limit = 3, .offset = 24, .fragments = Numbers{3, 1}}));
  EXPECT_THAT(Ids(*some), ElementsAre(9'900, 2'500, 2'600));
  ASSERT_OK_AND_ASSIGN(const auto cut, Scan({.limit = 2, .offset = 2'499, .fragments = Numbers{1, 3}}));
  EXPECT_THAT(Ids(*cut), ElementsAre(4'999, 7'500));
  ASSERT_OK_AND_ASSIGN(const auto none, Scan({.fragments = Numbers{}}));
  EXPECT_EQ(none->num_rows(), 0);
  ASSERT_OK_AND_ASSIGN(const auto none_filtered,
                       Scan({.filter = "id > 5", .limit = 3, .fragments = Numbers{}}));
  EXPECT_EQ(none_filtered->num_rows(), 0);
  for (const uint64_t id : {uint64_t{4}, uint64_t{1} << 32, std::numeric_limits<uint64_t>::max()}) {
    EXPECT_THAT(dataset_->Scan({.fragments = Numbers{0, id}}), FailsWith(ErrorCode::kInvalidArgument)) << id;
  }
  EXPECT_THAT(dataset_->Scan({.fragments = Numbers{1, 1}}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScanOptionsTest, ScansSlicesOfFragments) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Scan({.slices = {{2, 0, 3}, {0, 2'498, 2}, {0, 2'499, 1}, {3, 2'500, 0}}}));
  EXPECT_THAT(Ids(*table), ElementsAre(2'498, 2'499, 5'000, 5'001, 5'002));
  ASSERT_OK_AND_ASSIGN(const auto filtered, Scan({.filter = "id % 2 = 1", .slices = {{1, 0, 10}}}));
  EXPECT_THAT(Ids(*filtered), ElementsAre(2'501, 2'503, 2'505, 2'507, 2'509));
  ASSERT_OK_AND_ASSIGN(const auto cut, Scan({.limit = 3, .offset = 9, .slices = {{1, 0, 10}, {3, 5, 10}}}));
  EXPECT_THAT(Ids(*cut), ElementsAre(2'509, 7'505, 7'506));
  ASSERT_OK_AND_ASSIGN(const auto none, Scan({.slices = {{1, 7, 0}}}));
  EXPECT_EQ(none->num_rows(), 0);
  const auto refused = [&](lance::FragmentSlice slice) {
    EXPECT_THAT(dataset_->Scan({.slices = {slice}}), FailsWith(ErrorCode::kInvalidArgument));
  };
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  refused({4, 0, 1});
  refused({kMost, 0, 1});
  refused({1, 2'500, 1});
  refused({1, 0, 2'501});
  refused({1, 2'501, 0});
  refused({1, 1, kMost});
  EXPECT_THAT(dataset_->Scan({.fragments = Numbers{0}, .slices = {{0, 0, 1}}}),
              FailsWith(ErrorCode::kInvalidArgument));
}

uint64_t RowId(uint64_t fragment, uint64_t row) { return fragment << 32 | row; }

TEST_F(ScanOptionsTest, ScansRowsByTheirIds) {
  const Numbers ids = {RowId(3, 1), RowId(0, 5), RowId(0, 5), RowId(9, 0), RowId(1, 4'000'000)};
  ASSERT_OK_AND_ASSIGN(const auto table, Scan({.row_ids = ids}));
  EXPECT_THAT(Ids(*table), ElementsAre(5, 7'501));
  ASSERT_OK_AND_ASSIGN(const auto filtered, Scan({.filter = "id > 5", .row_ids = ids}));
  EXPECT_THAT(Ids(*filtered), ElementsAre(7'501));
  ASSERT_OK_AND_ASSIGN(const auto cut, Scan({.limit = 1, .offset = 1, .row_ids = ids}));
  EXPECT_THAT(Ids(*cut), ElementsAre(7'501));
  ASSERT_OK_AND_ASSIGN(const auto fewer, Scan({.row_ids = ids, .excluded_row_ids = {RowId(0, 5)}}));
  EXPECT_THAT(Ids(*fewer), ElementsAre(7'501));
  ASSERT_OK_AND_ASSIGN(const auto elsewhere, Scan({.fragments = Numbers{0}, .row_ids = ids}));
  EXPECT_THAT(Ids(*elsewhere), ElementsAre(5));
  ASSERT_OK_AND_ASSIGN(const auto within, Scan({.slices = {{3, 0, 2}}, .row_ids = ids}));
  EXPECT_THAT(Ids(*within), ElementsAre(7'501));
  ASSERT_OK_AND_ASSIGN(const auto none, Scan({.row_ids = Numbers{}}));
  EXPECT_EQ(none->num_rows(), 0);
  ASSERT_OK_AND_ASSIGN(const auto rest, Scan({.limit = 3, .excluded_row_ids = {RowId(0, 0), RowId(0, 2)}}));
  EXPECT_THAT(Ids(*rest), ElementsAre(1, 3, 4));
}

TEST_F(ScanOptionsTest, BatchesAreAsLongAsAskedFor) {
  const auto lengths = [&](const ScanOptions& options) {
    std::vector<int64_t> lengths;
    const auto reader = dataset_->Scan(options).ValueOrDie()->ToReader().ValueOrDie();
    for (const auto& batch : reader->ToRecordBatches().ValueOrDie()) lengths.push_back(batch->num_rows());
    return lengths;
  };
  const auto strict = lengths({.filter = "id % 3 = 0", .batch_size = 700, .strict_batch_size = true});
  EXPECT_THAT(strict, ElementsAre(700, 700, 700, 700, 534));
  EXPECT_THAT(lengths({.strict_batch_size = true}), ElementsAre(8'192, 1'808));
  const auto small = lengths({.batch_bytes = 8 * 1'024});
  EXPECT_GT(small.size(), 8U);
  EXPECT_THAT(dataset_->Scan({.batch_bytes = 1, .strict_batch_size = true}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.batch_bytes = 0}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ScanOptionsTest, HowItIsReadChangesNothing) {
  using lance::Materialization;
  for (ScanOptions options :
       std::vector<ScanOptions>{{.fragment_readahead = 1},
                                {.parallelism = 1},
                                {.batch_readahead = 1, .parallelism = 7},
                                {.materialization = Materialization::kEarly},
                                {.materialization = Materialization::kLate},
                                {.materialization = Materialization::kEarlyExcept, .late_columns = {"name"}},
                                {.use_scalar_index = false, .use_statistics = false}}) {
    options.filter = "id % 7 = 3";
    ASSERT_OK_AND_ASSIGN(const auto table, Scan(options));
    EXPECT_EQ(table->num_rows(), 1'429);
    EXPECT_EQ(Ids(*table)[1'428], 9'999);
  }
  EXPECT_THAT(dataset_->Scan({.fragment_readahead = 0}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.parallelism = 0}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.materialization = static_cast<Materialization>(9)}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.late_columns = {"name"}}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.materialization = Materialization::kEarlyExcept}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.materialization = Materialization::kEarlyExcept, .late_columns = {"nam"}}),
              FailsWith(ErrorCode::kFieldNotFound));
}

/// What the statistics of a scan were, each time.
struct Told {
  std::atomic<int> times = 0;
  lance::ScanStatistics last;

  ScanOptions Listening(ScanOptions options) {
    options.statistics = [this](const lance::ScanStatistics& statistics) {
      last = statistics;
      ++times;
    };
    return options;
  }
};

TEST_F(ScanOptionsTest, TellsWhatWasReadWhenAllOfItWas) {
  Told told;
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan(told.Listening({.fragments = Numbers{1, 2}})));
  EXPECT_EQ(told.times, 0);
  ASSERT_OK(scanner->ToTable());
  EXPECT_EQ(told.times, 1);
  EXPECT_EQ(told.last.fragments_scanned, 2U);
  EXPECT_EQ(told.last.rows_scanned, 5'000U);
  EXPECT_GT(told.last.bytes_read, 5'000U);
  EXPECT_GT(told.last.read_operations, 0U);
  ASSERT_OK(scanner->CountRows());
  ASSERT_OK(scanner->Explain());
  EXPECT_EQ(told.times, 1);

  // Each run, whether the scanner lives or not; a reader that is dropped is none.
  ASSERT_OK_AND_ASSIGN(auto dropped, scanner->ToReader());
  dropped.reset();
  auto later = scanner->ToTableAsync();
  ASSERT_OK(later.status());
  EXPECT_EQ(told.times, 2);
  ASSERT_OK_AND_ASSIGN(const auto reader, scanner->ToReader());
  scanner.reset();
  ASSERT_OK(reader->ToTable());
  std::shared_ptr<arrow::RecordBatch> batch;
  ASSERT_OK(reader->ReadNext(&batch));
  EXPECT_EQ(told.times, 3);

  for (ScanOptions options :
       std::vector<ScanOptions>{{.order_by = {{.column = "name"}}},
                                {.aggregates = {{.function = AggregateFunction::kMax, .column = "id"}}},
                                {.filter = "id < 10", .limit = 3}}) {
    Told other;
    ASSERT_OK_AND_ASSIGN(const auto counted, dataset_->Scan(other.Listening(options)));
    ASSERT_OK(counted->ToTable());
    EXPECT_EQ(other.times, 1);
    EXPECT_GT(other.last.rows_scanned, 0U);
  }
}

TEST_F(ScanOptionsTest, AnExceptionOfAListenerIsDropped) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.statistics = [](const auto&) { throw 1; }}));
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
  EXPECT_EQ(table->num_rows(), kRows);
}

TEST_F(ScanOptionsTest, AnalyzesThePlan) {
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset_->Scan({.filter = "id < 123"}));
  ASSERT_OK_AND_ASSIGN(const std::string plan, scanner->Analyze());
  EXPECT_THAT(plan, HasSubstr("output_rows=123"));
  ASSERT_OK_AND_ASSIGN(auto groups, dataset_->Scan({.aggregates = {{}}, .group_by = {"name"}}));
  ASSERT_OK_AND_ASSIGN(const std::string grouped, groups->Analyze());
  EXPECT_THAT(grouped, HasSubstr("AggregateExec"));
  ASSERT_OK_AND_ASSIGN(auto failing, dataset_->Scan({.filter = "10 / (id - 5000) > 1"}));
  EXPECT_THAT(failing->Analyze(), FailsWith(ErrorCode::kExecution));
}

TEST_F(ScanOptionsTest, OptionsThatExcludeEachOtherAreRefused) {
  const auto bytes = arrow::Buffer::FromString("no Substrait message at all");
  EXPECT_THAT(dataset_->Scan({.filter = "id = 1", .filter_substrait = bytes}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.filter_substrait = bytes}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.filter_substrait = arrow::Buffer::FromString("")}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Scan({.row_ids = Numbers{1}, .include_deleted_rows = true}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST(DecimalTest, PlainLiteralsCompareExactly) {
  const auto price = arrow::decimal128(15, 2);
  arrow::Decimal128Builder prices(price);
  arrow::Int64Builder ids;
  for (int64_t i = 0; i < 100; ++i) {
    ASSERT_OK(ids.Append(i));
    ASSERT_OK(prices.Append(arrow::Decimal128(i)));
  }
  ASSERT_OK(ids.Append(100));
  ASSERT_OK(prices.AppendNull());
  const auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("price", price)});
  const auto batch =
      arrow::RecordBatch::Make(schema, 101, {ids.Finish().ValueOrDie(), prices.Finish().ValueOrDie()});
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {batch}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  for (const auto& [filter, rows] :
       std::vector<std::pair<std::string, uint64_t>>{{"price >= 0.05", 95},
                                                     {"price = 0.05", 1},
                                                     {"0.05 > price", 5},
                                                     {"price <> .05", 99},
                                                     {"price > -0.05", 100},
                                                     {"price >= 5e-2 and price < 0.0599999", 1},
                                                     {"price between 0.10 and 0.2", 11},
                                                     {"price in (0.01, 0.07, 0.075)", 2},
                                                     {"not (price >= 0.05)", 5},
                                                     {"price * 2.0 = 0.1", 1},
                                                     {"price * 1.1 > 1", 9},
                                                     {"price > 1e20", 0},
                                                     {"price < 123456789012345678901.25", 100},
                                                     {"id >= 1.5 and id < 3.5", 2},
                                                     {"abs(price) >= 0.05 and price is not null", 95}}) {
    ASSERT_OK_AND_ASSIGN(const uint64_t found, dataset->CountRows(filter));
    EXPECT_EQ(found, rows) << filter;
  }
  ASSERT_OK_AND_ASSIGN(const auto scanner,
                       dataset->Scan({.filter = "id = 50", .expressions = {{"gross", "price * 1.19"}}}));
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
  ASSERT_OK_AND_ASSIGN(const auto gross, table->column(0)->GetScalar(0));
  EXPECT_EQ(gross->ToString(), "0.5950");
}

}  // namespace
}  // namespace lance_test
