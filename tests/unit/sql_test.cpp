// SQL over one and several datasets. tests/conformance/test_tpch_sql.py compares the answers with DuckDB's.

#include "lance/sql.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arrow/api.h"
#include "arrow/json/from_string.h"
#include "arrow/util/async_generator.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "lance/dataset.h"
#include "lance/scanner.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using lance::SqlContext;
using lance::SqlOptions;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

/// Wait for what other threads bring about. Whether it came in a time that is long enough for any machine.
bool WaitUntil(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// One row of a column for each value.
template <typename... Values>
BatchPtr Row(const std::vector<std::string>& names, Values... values) {
  const std::vector<std::shared_ptr<arrow::Scalar>> scalars = {arrow::MakeScalar(values)...};
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (size_t i = 0; i < names.size(); ++i) {
    fields.push_back(arrow::field(names[i], scalars[i]->type));
    columns.push_back(arrow::MakeArrayFromScalar(*scalars[i], 1).ValueOrDie());
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), 1, columns);
}

/// Tables "people", ids 0-9999 in four fragments, and "Pets", ids 0-299.
class SqlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(dir_ / "people", 0, kPeople, {.max_rows_per_file = 2500}));
    ASSERT_OK(WriteSimple(dir_ / "pets", 0, kPets));
    ASSERT_OK_AND_ASSIGN(people_, lance::Dataset::Open(dir_ / "people"));
    ASSERT_OK_AND_ASSIGN(pets_, lance::Dataset::Open(dir_ / "pets"));
    ASSERT_OK_AND_ASSIGN(context_, MakeContext({}));
  }

  arrow::Result<std::shared_ptr<SqlContext>> MakeContext(const SqlOptions& options) const {
    ARROW_ASSIGN_OR_RAISE(auto context, SqlContext::Make(options));
    ARROW_RETURN_NOT_OK(context->Register("people", *people_));
    ARROW_RETURN_NOT_OK(context->Register("Pets", *pets_));
    return context;
  }

  arrow::Result<std::shared_ptr<arrow::Table>> Query(const std::string& text,
                                                     const BatchPtr& parameters = nullptr) const {
    ARROW_ASSIGN_OR_RAISE(auto query, context_->Prepare(text, parameters));
    ARROW_ASSIGN_OR_RAISE(auto table, query->ToTable());
    ARROW_RETURN_NOT_OK(table->ValidateFull());
    EXPECT_TRUE(table->schema()->Equals(*query->schema())) << text;
    return table;
  }

  /// The answer is one number.
  void ExpectNumber(int64_t expected, const std::string& text, const BatchPtr& parameters = nullptr) const {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(auto table, Query(text, parameters));
    ASSERT_EQ(table->num_columns(), 1);
    EXPECT_THAT(Int64s(*table->column(0)), ElementsAre(expected));
  }

  static constexpr int64_t kPeople = 10'000;
  static constexpr int64_t kPets = 300;
  const TempDir dir_;
  std::shared_ptr<lance::Dataset> people_;
  std::shared_ptr<lance::Dataset> pets_;
  std::shared_ptr<SqlContext> context_;
};

TEST_F(SqlTest, JoinsDatasets) {
  ASSERT_OK_AND_ASSIGN(auto table,
                       Query("select p.id, p.name from people p join pets on p.id = pets.id * 2 order by 1"));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "name"));
  std::vector<int64_t> even;
  for (int64_t i = 0; i < kPets; ++i) even.push_back(i * 2);
  EXPECT_EQ(Int64s(*table->column(0)), even);
}

TEST_F(SqlTest, CountsWithoutReading) {
  ExpectNumber(kPeople, "select count(*) from people");
  ExpectNumber(7, "select count(*) from (select 1 from people limit 7)");
  ExpectNumber(10, "select count(*) from people where id >= 9990");
  ExpectNumber(kPeople * kPets, "select count(*) from people, pets");
}

TEST_F(SqlTest, ALimitTakesTheFirstRows) {
  ASSERT_OK_AND_ASSIGN(auto table, Query("select id from people limit 3"));
  EXPECT_THAT(Int64s(*table->column(0)), ElementsAre(0, 1, 2));
}

TEST_F(SqlTest, NamesThatAreNotQuotedAreFoundInAnyCase) {
  ExpectNumber(5, "select count(*) from PEOPLE where ID < 5");
  ExpectNumber(kPets, "select count(*) from pets");
  ExpectNumber(kPets, "select count(*) from \"Pets\"");

  const auto schema = arrow::schema({arrow::field("imageId", arrow::int64()),
                                     arrow::field("x", arrow::int64()), arrow::field("X", arrow::int64())});
  ASSERT_OK(WriteBatches(dir_ / "images", {MakeBatch(schema, 5)}));
  ASSERT_OK_AND_ASSIGN(auto images, lance::Dataset::Open(dir_ / "images"));
  ASSERT_OK(context_->Register("images", *images));
  ASSERT_OK_AND_ASSIGN(auto table, Query("select imageId, i.IMAGEID as again, x, \"X\" from images i"));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("imageId", "again", "x", "X"));
  EXPECT_TRUE(table->column(0)->Equals(*table->column(1)));
  EXPECT_THAT(Query("select \"imageid\" from images"), FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(SqlTest, NamesThatAQueryGivesAreMeantFirst) {
  const auto schema = arrow::schema({arrow::field("Total", arrow::int64()), arrow::field("x", arrow::int64()),
                                     arrow::field("T", arrow::int64()), arrow::field("ID", arrow::int64())});
  const auto numbers = [](std::vector<int64_t> values) {
    arrow::Int64Builder builder;
    EXPECT_OK(builder.AppendValues(values));
    return *builder.Finish();
  };
  const auto rows = arrow::RecordBatch::Make(
      schema, 3, {numbers({3, 2, 1}), numbers({10, 20, 30}), numbers({0, 0, 0}), numbers({1, 2, 3})});
  ASSERT_OK(WriteBatches(dir_ / "sums", {rows}));
  ASSERT_OK_AND_ASSIGN(auto sums, lance::Dataset::Open(dir_ / "sums"));
  ASSERT_OK(context_->Register("sums", *sums));
  const auto expect = [&](const std::string& text, const std::vector<int64_t>& expected) {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(auto table, Query(text));
    EXPECT_EQ(Int64s(*table->column(0)), expected);
  };
  expect("select x as total from sums order by total", {10, 20, 30});
  expect("select x as Total from sums order by total desc", {30, 20, 10});
  expect("with c as (select x as total from sums) select total from c where total > 10 order by 1", {20, 30});
  expect("select d.id from (select x as id from sums) d order by 1", {10, 20, 30});
  expect("select x from sums t where t.x > 10 order by t.total", {30, 20});
  expect("select t from sums t", {0, 0, 0});
  // What is none of the query's own is a column all the same.
  expect("select total as total from sums where total > 1 order by total", {2, 3});
  expect("select Id as id, x from sums where id >= 2 and ID < 3", {2});
  // As where they are written alike, groups are made of columns rather than of what is computed.
  expect("select sum(x) as total from sums group by total order by total desc", {30, 20, 10});
  expect("select count(*) from (select x as total from sums) d group by total having total > 10", {1, 1});
  // People have a column "id".
  expect("select s.id from sums s join people p on p.id = s.id order by s.id desc", {3, 2, 1});
  expect("select id from sums order by id", {1, 2, 3});
  EXPECT_THAT(Query("select totals as total from sums order by total"),
              AllOf(FailsWith(ErrorCode::kFieldNotFound), FailsSaying(HasSubstr("\"Total\""))));
}

TEST_F(SqlTest, LimitsMayBeTheLargest) {
  const std::string most = std::to_string(std::numeric_limits<int64_t>::max());
  ExpectNumber(kPeople, "select count(*) from (select id from people limit " + most + ")");
  ExpectNumber(kPeople - 7, "select count(*) from (select id from people limit " + most + " offset 7)");
  ExpectNumber(0, "select count(*) from (select id from people limit " + most + " offset " + most + ")");
}

TEST_F(SqlTest, SystemColumnsAreThereAndInNoAsterisk) {
  const auto names = [&](const std::string& text) {
    SCOPED_TRACE(text);
    auto table = Query(text);
    EXPECT_OK(table);
    return table.ok() ? (*table)->schema()->field_names() : std::vector<std::string>();
  };
  lance::ScanOptions scan;
  scan.columns = {"_rowid", "_rowaddr", "_rowoffset", "_row_created_at_version", "id"};
  ASSERT_OK_AND_ASSIGN(auto scanner, people_->Scan(scan));
  ASSERT_OK_AND_ASSIGN(auto expected, scanner->ToTable());
  ASSERT_OK_AND_ASSIGN(auto asked, Query("select _rowid, _rowaddr, _ROWOFFSET, _row_created_at_version, id "
                                         "from people order by _rowaddr"));
  ASSERT_OK_AND_ASSIGN(asked, asked->CombineChunks());
  ASSERT_OK_AND_ASSIGN(expected, expected->CombineChunks());
  for (int i = 0; i < expected->num_columns(); ++i) {
    EXPECT_TRUE(asked->column(i)->Equals(*expected->column(i))) << asked->field(i)->name();
  }
  ExpectNumber(1, "select count(*) from people where _rowid = 4294967296");
  ExpectNumber(2500, "select id from people where _rowid = 4294967296");

  EXPECT_THAT(names("select * from people where _rowid < 5"), ElementsAre("id", "name"));
  EXPECT_THAT(names("select *, _rowid from people"), ElementsAre("id", "name", "_rowid"));
  EXPECT_THAT(names("select * except (name), _rowid from people"), ElementsAre("id", "_rowid"));
  EXPECT_THAT(names("select p.* from people p order by _rowaddr limit 1"), ElementsAre("id", "name"));
  EXPECT_THAT(names("select * from people p join pets q on p.id = q.id and p._rowid = q._rowid"),
              ElementsAre("id", "name", "id", "name"));
  EXPECT_THAT(names("select * from (select _rowid as r, * from people) d"), ElementsAre("r", "id", "name"));
  EXPECT_THAT(names("with w as (select id, _rowid from pets) select * from w"), ElementsAre("id", "_rowid"));
  // Whether "people" is the table hangs on where it stands.
  EXPECT_THAT(Query("with people as (select *, _rowid as r from people) select * from people"),
              AllOf(FailsWith(ErrorCode::kNotSupported), FailsSaying(HasSubstr("choose another"))));
  EXPECT_THAT(Query("select people._rowid from people natural join pets"),
              AllOf(FailsWith(ErrorCode::kNotSupported), FailsSaying(HasSubstr("write ON or USING"))));
  ASSERT_OK_AND_ASSIGN(auto described, Query("describe people"));
  EXPECT_EQ(described->num_rows(), 2);
  ASSERT_OK_AND_ASSIGN(auto shown, Query("select table_name from information_schema.tables where "
                                         "table_name in ('people', 'Pets')"));
  EXPECT_EQ(shown->num_rows(), 2);

  EXPECT_THAT(Query("select * from people join pets using (id) where people._rowid > 3"),
              AllOf(FailsWith(ErrorCode::kNotSupported), FailsSaying(HasSubstr("name the columns"))));
  EXPECT_THAT(Query("select _rowid from (select id from people) d"), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(Query("select _rowid from people, pets"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Query("select _rowi from people"), FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(SqlTest, ParametersHaveNamesAndPlaces) {
  const auto row = Row({"least", "name"}, int64_t{5}, std::string("name 7"));
  ExpectNumber(1, "select count(*) from people where id >= $least and name = $name", row);
  ExpectNumber(1, "select count(*) from people where id >= $1 and name = $2", row);
  ExpectNumber(6, "select $least + 1", Row({"least"}, int64_t{5}));
  ExpectNumber(4, "select count(*) from (select 1 from people limit $1)", Row({"n"}, int64_t{4}));

  EXPECT_THAT(Query("select $least + $most", row),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("no parameter $name"))));
  EXPECT_THAT(Query("select\n  $least"), AllOf(FailsWith(ErrorCode::kInvalidArgument),
                                               FailsSaying(HasSubstr("$least at line 2, column 3"))));
  EXPECT_THAT(Query("select 1", Row({"n"}, int64_t{4})), FailsSaying(HasSubstr("no parameter $n")));
  EXPECT_THAT(Query("select $n", Row({"n", "n"}, int64_t{4}, int64_t{5})), FailsSaying(HasSubstr("twice")));
  ExpectNumber(9, "select $1 + $2", Row({"1", "2"}, int64_t{4}, int64_t{5}));
  EXPECT_THAT(Query("select $1 - $2", Row({"2", "1"}, int64_t{4}, int64_t{5})),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("name of place 2"))));
  EXPECT_THAT(Query("select $id, $name", SimpleBatch(0, 2)), FailsSaying(HasSubstr("one row")));
}

TEST_F(SqlTest, ANullIsNeitherInListsNorOutside) {
  const auto schema = arrow::schema({arrow::field("k", arrow::int64())});
  ASSERT_OK_AND_ASSIGN(const auto values,
                       arrow::json::ArrayFromJSONString(arrow::int64(), "[1, 2, null, 3]"));
  ASSERT_OK(WriteBatches(dir_ / "sets", {arrow::RecordBatch::Make(schema, 4, {values})}));
  ASSERT_OK_AND_ASSIGN(auto sets, lance::Dataset::Open(dir_ / "sets"));
  ASSERT_OK(context_->Register("sets", *sets));
  for (const auto& [condition, rows] : std::vector<std::pair<std::string, int64_t>>{
           {"not (k in (1) and k in (2))", 3},
           {"k not in (1) or k <> 2", 3},
           {"not (k in (1, 2) and k not in (1, 2))", 3},
           {"k in (1, 2) and k in (2, 3)", 1},
           {"(k in (1) and k = 2) is null", 1},
       }) {
    ExpectNumber(rows, "select count(*) from sets where " + condition);
    SCOPED_TRACE(condition);
    ASSERT_OK_AND_ASSIGN(const auto counted, sets->CountRows(condition));
    EXPECT_EQ(counted, static_cast<uint64_t>(rows));
  }
}

TEST_F(SqlTest, FiltersOfAJoinStayOnTheirSide) {
  ExpectNumber(8, "select count(*) from pets a join pets b on a.id + 1 = b.id where b.id < 9 and a.id >= 0");
  ExpectNumber(
      8,
      "select count(*) from (select a.id as x, b.id from pets a left join pets b on a.id + 1 = b.id) "
      "s where s.id < 9");
}

TEST_F(SqlTest, DecimalsCompareWithPlainLiterals) {
  const auto decimals = arrow::decimal128(15, 2);
  arrow::Decimal128Builder builder(decimals);
  for (const int64_t cents : {4, 5, 6, 7, 8}) ASSERT_OK(builder.Append(arrow::Decimal128(cents)));
  ASSERT_OK_AND_ASSIGN(auto values, builder.Finish());
  const auto schema = arrow::schema({arrow::field("discount", decimals)});
  ASSERT_OK(WriteBatches(dir_ / "prices", {arrow::RecordBatch::Make(schema, 5, {values})}));
  ASSERT_OK_AND_ASSIGN(auto prices, lance::Dataset::Open(dir_ / "prices"));
  ASSERT_OK(context_->Register("prices", *prices));
  ExpectNumber(4, "select count(*) from prices where discount >= 0.05");
  ExpectNumber(3, "select count(*) from prices where discount between 0.06 - 0.01 and 0.06 + 0.01");
}

TEST_F(SqlTest, DoublesCompareWithPlainLiterals) {
  const auto schema =
      arrow::schema({arrow::field("x", arrow::float64()), arrow::field("y", arrow::float32())});
  arrow::DoubleBuilder doubles;
  arrow::FloatBuilder floats;
  for (const double x : {-0.1, 0.1, 0.5, 1e300, std::numeric_limits<double>::infinity()}) {
    ASSERT_OK(doubles.Append(x));
    ASSERT_OK(floats.Append(static_cast<float>(std::min(x, 1e30))));
  }
  ASSERT_OK_AND_ASSIGN(auto x, doubles.Finish());
  ASSERT_OK_AND_ASSIGN(auto y, floats.Finish());
  ASSERT_OK(WriteBatches(dir_ / "measures", {arrow::RecordBatch::Make(schema, 5, {x, y})}));
  ASSERT_OK_AND_ASSIGN(auto measures, lance::Dataset::Open(dir_ / "measures"));
  ASSERT_OK(context_->Register("measures", *measures));
  ExpectNumber(3, "select count(*) from measures where x >= 0.5");
  ExpectNumber(1, "select count(*) from measures where x between 0.05 and 0.25");
  ExpectNumber(2, "select count(*) from measures where y in (0.1, -0.1)");
  ExpectNumber(3, "select count(*) from measures where x * 2.0 > 0.25");
}

TEST_F(SqlTest, MistakesAreToldWithTheirPlace) {
  const auto says = [](ErrorCode code, const std::string& text) {
    return AllOf(FailsWith(code), FailsSaying(HasSubstr(text)));
  };
  EXPECT_THAT(Query("selct 1"), says(ErrorCode::kInvalidArgument, "line 1, column 1"));
  EXPECT_THAT(Query("select id\nfrom people\nwhere id = = 1"),
              says(ErrorCode::kInvalidArgument, "line 3, column 12"));
  EXPECT_THAT(Query("select 'open"), says(ErrorCode::kInvalidArgument, "line 1, column 8"));
  EXPECT_THAT(Query("select id\nfrom peple"),
              says(ErrorCode::kNotFound, "no table \"peple\"; the nearest names are \"people\", \"Pets\""));
  EXPECT_THAT(Query("select id\nfrom peple"), FailsSaying(HasSubstr("line 2, column 6")));
  EXPECT_THAT(Query("select id,\n  nam from people"), says(ErrorCode::kFieldNotFound, "no column \"nam\""));
  EXPECT_THAT(Query("select id,\n  nam from people"), FailsSaying(HasSubstr("line 2, column 3")));
  EXPECT_THAT(Query("select p.nam from people p"), says(ErrorCode::kFieldNotFound, "\"name\""));
  EXPECT_THAT(Query("select id from people, pets"), says(ErrorCode::kInvalidArgument, "\"id\" is ambiguous"));
  EXPECT_THAT(Query("select id from people, pets"), FailsSaying(HasSubstr("line 1, column 8")));
  EXPECT_THAT(Query("select nothing(id) from people"), says(ErrorCode::kInvalidArgument, "nothing"));
  EXPECT_THAT(Query("select id\nfrom people\nwhere  \n-- nothing"),
              says(ErrorCode::kInvalidArgument, "found: EOF at line 3, column 6"));
  EXPECT_THAT(Query("select id from people limit -1"), Not(IsOk()));
  for (const char* text : {"", "  ", ";", "-- nothing"}) {
    EXPECT_THAT(Query(text), says(ErrorCode::kInvalidArgument, "empty"));
  }
  EXPECT_THAT(Query("select 1; select 2"), says(ErrorCode::kInvalidArgument, "several statements"));
  EXPECT_THAT(Query("select 1 / 0"), Not(IsOk()));
  EXPECT_THAT(Query("select cast(name as int) from people"), Not(IsOk()));
}

TEST_F(SqlTest, WhatChangesSomethingIsRefused) {
  for (const char* text :
       {"create table t as select 1", "create view v as select 1", "drop table people",
        "insert into people values (1, 'x')", "delete from people", "update people set id = 1",
        "truncate table people", "copy people to 'x.csv'", "set datafusion.execution.batch_size = 1",
        "create external table t stored as csv location 'x.csv'",
        "explain insert into people values (1, 'x')", "prepare p as select 1", "begin",
        "reset datafusion.execution.batch_size", "explain create table t as select 1"}) {
    EXPECT_THAT(Query(text), FailsWith(ErrorCode::kNotSupported)) << text;
  }
  ExpectNumber(kPeople, "select count(*) from people");
  EXPECT_THAT(Query("select id from people where name similar to 'name%'"),
              AllOf(FailsWith(ErrorCode::kNotSupported), FailsSaying(HasSubstr("LIKE"))));
  // The planner would forget how often a row comes.
  for (const char* text : {"select id from people intersect all select id from pets",
                           "select 1 union (select id from people except all select id from pets)",
                           "select * from (select 1 union all select 2 except all select 3) a"}) {
    EXPECT_THAT(Query(text), FailsWith(ErrorCode::kNotSupported)) << text;
  }
  ExpectNumber(kPets, "select count(*) from (select id from people intersect select id from pets)");
}

TEST_F(SqlTest, TablesCanBeListedAndDescribed) {
  ASSERT_OK_AND_ASSIGN(const auto tables, context_->Tables());
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].name, "Pets");
  EXPECT_EQ(tables[0].rows, kPets);
  EXPECT_EQ(tables[1].name, "people");
  EXPECT_THAT(tables[1].uri, HasSubstr("people"));
  EXPECT_EQ(tables[1].version, 1U);
  ASSERT_OK_AND_ASSIGN(auto shown, Query("show tables"));
  EXPECT_GE(shown->num_rows(), 2);
  ASSERT_OK_AND_ASSIGN(auto described, Query("describe people"));
  EXPECT_EQ(described->num_rows(), 2);
}

TEST_F(SqlTest, NamesOfTablesAreTakenOnce) {
  EXPECT_THAT(context_->Register("people", *pets_), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(context_->Deregister("peple"),
              AllOf(FailsWith(ErrorCode::kNotFound), FailsSaying(HasSubstr("\"people\""))));
  ASSERT_OK_AND_ASSIGN(const auto query, context_->Prepare("select * from people"));
  ASSERT_OK(context_->Deregister("people"));
  EXPECT_THAT(Query("select 1 from people"), FailsWith(ErrorCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(auto table, query->ToTable());
  EXPECT_EQ(table->num_rows(), kPeople);
  ASSERT_OK(context_->Register("people", *pets_));
  ExpectNumber(kPets, "select count(*) from people");
}

TEST_F(SqlTest, AQueryRunsAnyNumberOfTimes) {
  ASSERT_OK_AND_ASSIGN(const auto query,
                       context_->Prepare("select p.id from people p join pets on p.id = pets.id"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(auto table, query->ToTable());
    EXPECT_EQ(table->num_rows(), kPets);
    ASSERT_OK_AND_ASSIGN(const auto plan, query->Explain());
    EXPECT_THAT(plan, HasSubstr("LanceScan"));
  }
}

TEST_F(SqlTest, StreamsOutliveEverything) {
  std::shared_ptr<arrow::RecordBatchReader> reader;
  {
    ASSERT_OK_AND_ASSIGN(const auto query, context_->Prepare("select id from people order by id"));
    ASSERT_OK_AND_ASSIGN(reader, query->ToReader());
  }
  context_.reset();
  people_.reset();
  pets_.reset();
  ASSERT_OK_AND_ASSIGN(auto table, reader->ToTable());
  EXPECT_EQ(Int64s(*table->column(0)), Range(0, kPeople));
}

TEST_F(SqlTest, ThreadsShareAContextAndAQuery) {
  ASSERT_OK_AND_ASSIGN(const auto query, context_->Prepare("select count(*) from people where id >= 5"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, name = "t" + std::to_string(i)] {
      EXPECT_OK(context_->Register(name, *pets_));
      for (int k = 0; k < 5; ++k) {
        ExpectNumber(7, "select count(*) from " + name + " where id < 7");
        const auto table = query->ToTable();
        ASSERT_OK(table);
        EXPECT_THAT(Int64s(*(*table)->column(0)), ElementsAre(kPeople - 5));
      }
      EXPECT_OK(context_->Deregister(name));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SqlTest, FuturesEndAsTheCallsThatWait) {
  ASSERT_OK_AND_ASSIGN(auto context, SqlContext::Make());
  ASSERT_OK(Wait(context->RegisterAsync("people", *people_)));
  ASSERT_OK_AND_ASSIGN(
      auto query,
      Wait(context->PrepareAsync("select id from people where id < $1 order by 1", Row({"n"}, int64_t{4}))));
  ASSERT_OK_AND_ASSIGN(auto table, Wait(query->ToTableAsync()));
  EXPECT_THAT(Int64s(*table->column(0)), ElementsAre(0, 1, 2, 3));
  ASSERT_OK_AND_ASSIGN(auto reader, Wait(query->ToReaderAsync()));
  ASSERT_OK_AND_ASSIGN(auto read, reader->ToTable());
  EXPECT_TRUE(read->Equals(*table));
  ASSERT_OK_AND_ASSIGN(auto generator, Wait(query->ToGenerator()));
  ASSERT_OK_AND_ASSIGN(auto batches, Wait(arrow::CollectAsyncGenerator(generator)));
  ASSERT_OK_AND_ASSIGN(auto gathered, arrow::Table::FromRecordBatches(query->schema(), batches));
  EXPECT_TRUE(gathered->Equals(*table));
  ASSERT_OK_AND_ASSIGN(const auto plan, Wait(query->ExplainAsync(true)));
  EXPECT_THAT(plan, HasSubstr("statistics"));
  ASSERT_OK_AND_ASSIGN(const auto analyzed, Wait(query->AnalyzeAsync()));
  EXPECT_THAT(analyzed, HasSubstr("output_rows=4"));
  EXPECT_THAT(Wait(context->PrepareAsync("select nope from people")), FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(SqlTest, AStopEndsAQuery) {
  const std::string slow = "select count(distinct md5(a.name || b.name)) from people a, people b";
  ASSERT_OK_AND_ASSIGN(const auto query, context_->Prepare(slow));
  arrow::StopSource source;
  auto future = query->ToTableAsync(source.token());
  source.RequestStop();
  EXPECT_THAT(future.status(), FailsWith(ErrorCode::kCancelled));
  EXPECT_THAT(query->ToTable(source.token()), FailsWith(ErrorCode::kCancelled));
  EXPECT_THAT(context_->Prepare(slow, nullptr, source.token()), FailsWith(ErrorCode::kCancelled));
}

// Each of these would go on for longer than anybody waits, and most make no row on their way.
TEST_F(SqlTest, AStopEndsAJoinInTheMiddle) {
  const auto rests = [] {
    const std::clock_t before = std::clock();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return std::clock() - before < CLOCKS_PER_SEC / 50;
  };
  const std::string many = "(select value as v from generate_series(1, 2000000)) ";
  for (const std::string& join : {
           "select count(*) from " + many + "a join " + many + "b on a.v + b.v < 0",
           "select count(*) from " + many + "a join " + many + "b on a.v % 1 = b.v % 1 and a.v + b.v < 0",
           "select count(*) from " + many + "a left join " + many + "b on a.v + b.v < 0",
           "select sum(a.v * b.v) from " + many + "a cross join " + many + "b",
       }) {
    SCOPED_TRACE(join);
    ASSERT_OK_AND_ASSIGN(const auto query, context_->Prepare(join));
    arrow::StopSource source;
    auto future = query->ToTableAsync(source.token());
    auto analysis = query->AnalyzeAsync(source.token());
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    source.RequestStop();
    EXPECT_THAT(future.status(), FailsWith(ErrorCode::kCancelled));
    EXPECT_THAT(analysis.status(), FailsWith(ErrorCode::kCancelled));
    EXPECT_TRUE(WaitUntil(rests)) << "it goes on";
  }
}

// Each of these takes longer than a turn, after which it goes on where it was.
TEST_F(SqlTest, JoinsOfManyTurnsLoseNothing) {
  const std::string a = "(select id from people where id < 4000) a ";
  const std::string b = "(select id from people where id < 4000) b ";
  const std::string sum = "on a.id + b.id = 3000";
  ExpectNumber(3001, "select count(*) from " + a + "join " + b + sum);
  ExpectNumber(3001, "select count(*) from " + a + "join " + b + sum + " and a.id % 2 = b.id % 2");
  ExpectNumber(4000, "select count(*) from " + a + "left join " + b + sum);
  ExpectNumber(4000, "select count(*) from " + a + "right join " + b + sum);
  ExpectNumber(4999, "select count(*) from " + a + "full join " + b + sum);
  ExpectNumber(4999, "select count(*) from " + a + "full join " + b + sum + " and a.id % 2 = b.id % 2");
  ExpectNumber(999, "select count(*) from " + a + "where not exists (select 1 from " + b +
                        "where a.id + b.id = 3000 and a.id % 2 = b.id % 2)");
  ExpectNumber(3001, "select count(*) from " + a + "where exists (select 1 from " + b +
                         "where a.id + b.id = 3000 and a.id % 2 = b.id % 2)");
}

TEST_F(SqlTest, ADatasetIsAskedByItself) {
  ASSERT_OK_AND_ASSIGN(auto query, people_->Sql("select id from dataset where id >= $1 order by id",
                                                Row({"least"}, int64_t{9998})));
  ASSERT_OK_AND_ASSIGN(auto table, query->ToTable());
  EXPECT_THAT(Int64s(*table->column(0)), ElementsAre(9998, 9999));
  ASSERT_OK_AND_ASSIGN(query, Wait(people_->SqlAsync("select count(*) from dataset")));
  ASSERT_OK_AND_ASSIGN(table, query->ToTable());
  EXPECT_THAT(Int64s(*table->column(0)), ElementsAre(kPeople));
}

TEST_F(SqlTest, MemoryIsBounded) {
  const std::string groups =
      "select count(distinct a.name || b.name || c.name) from people a, pets b, (select name from pets limit "
      "3) c";
  SqlOptions options;
  options.memory_bytes = 16 << 20;
  options.spill_bytes = 0;
  ASSERT_OK_AND_ASSIGN(context_, MakeContext(options));
  EXPECT_THAT(Query(groups), FailsWith(ErrorCode::kResourceExhausted));
  ExpectNumber(kPeople, "select count(*) from people");

  options = {};
  options.memory_bytes = 64 << 20;
  options.spill_directory = dir_ / "spilled";
  ASSERT_OK_AND_ASSIGN(context_, MakeContext(options));
  ExpectNumber(kPeople * kPets, "select count(*) from (select distinct a.id, b.id from people a, pets b)");
}

TEST_F(SqlTest, AnswersDoNotDependOnTheParallelism) {
  const std::string text =
      "select p.id % 7 as k, count(*) as n, sum(q.id) as s from people p join people q on p.id = q.id + 1 "
      "group by 1 order by 1";
  ASSERT_OK_AND_ASSIGN(const auto expected, Query(text));
  for (const int32_t parallelism : {1, 3, 16}) {
    ASSERT_OK_AND_ASSIGN(context_, MakeContext({.parallelism = parallelism, .batch_size = 100}));
    ASSERT_OK_AND_ASSIGN(const auto table, Query(text));
    EXPECT_TRUE(table->Equals(*expected)) << parallelism;
  }
}

std::string Repeat(const std::string& begin, const std::string& part, const std::string& end, int times) {
  std::string text = begin;
  for (int i = 0; i < times; ++i) text += part;
  return text + end;
}

// What would overflow the stack or go on for ever ends the process otherwise.
TEST_F(SqlTest, HostileTextsAreRefused) {
  for (const std::string& text : {
           Repeat("select ", "(", "1", 100'000),
           Repeat("select ", "- ", "1", 100'000),
           Repeat("select ", "not ", "true", 100'000),
           Repeat("select 1", "+1", "", 100'000),
           Repeat("select true", " or true", "", 100'000),
           Repeat("select ", "case when ", "1", 10'000),
           Repeat("select ", "abs(", "1", 10'000),
           Repeat("select * from ", "(", "people", 10'000),
           Repeat("", "select * from (", "people", 1'000),
           Repeat("select 1", " union all select 1", "", 10'000),
           Repeat("select 1 from people", ", people", "", 10'000),
           Repeat("select cast(1 as ", "array<", "int", 10'000),
           Repeat("select arrow_cast('a', 'FixedSizeBinary(", "9", ")')", 9),
           std::string("select 1 \0 2", 12),
       }) {
    EXPECT_THAT(context_->Prepare(text), FailsWith(ErrorCode::kInvalidArgument)) << text.substr(0, 60);
  }
  for (const char* text : {"select repeat(name, 1000000000) from people", "select lpad('a', 2000000000)",
                           "select array_length(range(1, 100000000000)) from people"}) {
    EXPECT_THAT(Query(text), FailsWith(ErrorCode::kResourceExhausted)) << text;
  }
  ExpectNumber(kPeople, "select count(*) from people");
}

TEST_F(SqlTest, EveryTypeComesBack) {
  arrow::FieldVector fields;
  for (const auto& field : AllFields()) {
    if (!IsRefused(*field)) fields.push_back(field);
  }
  const auto schema = arrow::schema(fields);
  ASSERT_OK(WriteBatches(dir_ / "all", {MakeBatch(schema, 1000), MakeBatch(schema, 1000, 7)},
                         {.max_rows_per_file = 600}));
  ASSERT_OK_AND_ASSIGN(auto all, lance::Dataset::Open(dir_ / "all"));
  ASSERT_OK(context_->Register("everything", *all));
  ASSERT_OK_AND_ASSIGN(auto scanner, all->Scan());
  ASSERT_OK_AND_ASSIGN(auto expected, scanner->ToTable());
  ASSERT_OK_AND_ASSIGN(auto table, Query("select * from everything limit 2000"));
  EXPECT_EQ(table->schema()->field_names(), expected->schema()->field_names());
  ASSERT_OK_AND_ASSIGN(auto ours, table->CombineChunksToBatch());
  ASSERT_OK_AND_ASSIGN(auto theirs, expected->CombineChunksToBatch());
  for (int i = 0; i < ours->num_columns(); ++i) {
    EXPECT_TRUE(Plain(ours->column(i))->Equals(*Plain(theirs->column(i)))) << ours->column_name(i);
  }
}

}  // namespace
}  // namespace lance_test
