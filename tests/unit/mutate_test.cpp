// Deletes and updates: a filter means what it means to a scan; what is refused or fails half-way leaves the
// dataset as it was; what others do meanwhile is kept. tests/conformance/test_mutations.py compares with
// pylance.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
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

using lance::Dataset;
using lance::DeleteResult;
using lance::ErrorCode;
using lance::UpdateResult;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Assignments = std::vector<std::pair<std::string, std::string>>;
using DatasetPtr = std::shared_ptr<Dataset>;

constexpr int64_t kRows = 600;

template <typename Builder, typename Append>
std::shared_ptr<arrow::Array> Column(const std::shared_ptr<arrow::DataType>& type, int64_t rows,
                                     Append append) {
  auto builder = arrow::MakeBuilder(type).ValueOrDie();
  for (int64_t i = 0; i < rows; ++i) EXPECT_OK(append(static_cast<Builder&>(*builder), i));
  return builder->Finish().ValueOrDie();
}

std::shared_ptr<arrow::Schema> TestSchema() {
  return arrow::schema({
      arrow::field("id", arrow::int64(), false),
      arrow::field("n", arrow::int32()),
      arrow::field("price", arrow::decimal128(15, 2)),
      arrow::field("name", arrow::utf8()),
      arrow::field("a'b", arrow::int64()),
      arrow::field("st",
                   arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y z", arrow::utf8())})),
      arrow::field("tags", arrow::list(arrow::utf8())),
      arrow::field("kind", arrow::dictionary(arrow::int32(), arrow::utf8())),
  });
}

std::shared_ptr<arrow::Array> Kinds(int64_t first, int64_t rows) {
  arrow::StringDictionary32Builder builder;
  for (int64_t id = first; id < first + rows; ++id) EXPECT_OK(builder.Append(id % 2 == 0 ? "red" : "blue"));
  return builder.Finish().ValueOrDie();
}

/// Rows with these ids: n is id % 7 or NULL, price id / 100, name "row" and the id, or NULL.
std::shared_ptr<arrow::RecordBatch> Rows(int64_t first, int64_t rows) {
  const auto schema = TestSchema();
  const auto type = [&](int i) { return schema->field(i)->type(); };
  const auto id = [first](int64_t i) { return first + i; };
  const arrow::ArrayVector columns = {
      Column<arrow::Int64Builder>(type(0), rows, [&](auto& b, int64_t i) { return b.Append(id(i)); }),
      Column<arrow::Int32Builder>(type(1), rows,
                                  [&](auto& b, int64_t i) {
                                    return id(i) % 10 == 9 ? b.AppendNull()
                                                           : b.Append(static_cast<int32_t>(id(i) % 7));
                                  }),
      Column<arrow::Decimal128Builder>(
          type(2), rows, [&](auto& b, int64_t i) { return b.Append(arrow::Decimal128(id(i))); }),
      Column<arrow::StringBuilder>(type(3), rows,
                                   [&](auto& b, int64_t i) {
                                     return id(i) % 11 == 3 ? b.AppendNull()
                                                            : b.Append("row" + std::to_string(id(i)));
                                   }),
      Column<arrow::Int64Builder>(type(4), rows, [&](auto& b, int64_t i) { return b.Append(id(i) % 3); }),
      Column<arrow::StructBuilder>(type(5), rows,
                                   [&](auto& b, int64_t i) {
                                     ARROW_RETURN_NOT_OK(b.Append());
                                     auto& x = static_cast<arrow::Int32Builder&>(*b.field_builder(0));
                                     ARROW_RETURN_NOT_OK(x.Append(static_cast<int32_t>(id(i) % 50)));
                                     return static_cast<arrow::StringBuilder&>(*b.field_builder(1))
                                         .Append(id(i) % 2 == 0 ? "even" : "odd");
                                   }),
      Column<arrow::ListBuilder>(type(6), rows,
                                 [&](auto& b, int64_t i) {
                                   if (id(i) % 5 == 0) return b.AppendNull();
                                   ARROW_RETURN_NOT_OK(b.Append());
                                   return static_cast<arrow::StringBuilder&>(*b.value_builder())
                                       .Append("t" + std::to_string(id(i) % 4));
                                 }),
      Kinds(first, rows),
  };
  return arrow::RecordBatch::Make(schema, rows, columns);
}

std::shared_ptr<arrow::Table> Read(const Dataset& dataset, const std::vector<std::string>& columns,
                                   const std::optional<std::string>& filter = std::nullopt,
                                   bool use_index = true) {
  const auto scanner =
      dataset.Scan({.columns = columns, .filter = filter, .use_scalar_index = use_index}).ValueOrDie();
  return scanner->ToTable().ValueOrDie();
}

std::vector<int64_t> Ids(const Dataset& dataset, const std::optional<std::string>& filter = std::nullopt,
                         bool use_index = true) {
  auto ids = Int64s(*Read(dataset, {"id"}, filter, use_index)->column(0));
  std::ranges::sort(ids);
  return ids;
}

/// The values of expressions, as text, by id.
std::map<int64_t, std::string> Values(const Dataset& dataset, const std::string& expression,
                                      const std::optional<std::string>& filter = std::nullopt) {
  const auto scanner = dataset
                           .Scan({.columns = std::vector<std::string>{"id"},
                                  .filter = filter,
                                  .expressions = {{"v", expression}}})
                           .ValueOrDie();
  const auto table = scanner->ToTable().ValueOrDie();
  std::map<int64_t, std::string> values;
  for (int64_t i = 0; i < table->num_rows(); ++i) {
    const auto id = table->column(0)->GetScalar(i).ValueOrDie();
    values[static_cast<const arrow::Int64Scalar&>(*id).value] =
        table->column(1)->GetScalar(i).ValueOrDie()->ToString();
  }
  return values;
}

uint64_t VersionOf(const Dataset& dataset) { return dataset.Version().ValueOrDie(); }

/// How the dataset is stored.
struct Storage {
  std::string name;
  bool stable_row_ids;
  std::string version;
};

void PrintTo(const Storage& storage, std::ostream* out) { *out << storage.name; }

/// A dataset of three fragments.
class MutateTest : public ::testing::TestWithParam<Storage> {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(dataset_, Write("dataset")); }

  /// A dataset of its own.
  arrow::Result<DatasetPtr> Write(const std::string& name) const {
    lance::WriteOptions options = {.max_rows_per_file = kRows / 3};
    options.data_storage_version = GetParam().version;
    options.stable_row_ids = GetParam().stable_row_ids;
    ARROW_RETURN_NOT_OK(WriteBatches(dir_ / name, {Rows(0, kRows)}, options));
    return Dataset::Open(dir_ / name);
  }

  /// Watch what a call must not change.
  void Watch() {
    files_ = ListFiles(uri_);
    version_ = dataset_->LatestVersion().ValueOrDie();
  }

  bool IsUnchanged() const {
    return ListFiles(uri_) == files_ && dataset_->LatestVersion().ValueOrDie() == version_;
  }

  void ExpectUnchanged(const std::string& why) const {
    EXPECT_EQ(ListFiles(uri_), files_) << why;
    EXPECT_EQ(dataset_->LatestVersion().ValueOrDie(), version_) << why;
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;

 private:
  std::vector<std::string> files_;
  uint64_t version_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Storages, MutateTest,
                         ::testing::Values(Storage{"plain", false, "2.2"}, Storage{"stable_ids", true, "2.2"},
                                           Storage{"older", false, "2.0"}),
                         [](const auto& info) { return info.param.name; });

TEST_P(MutateTest, WhatAScanWithTheFilterReturnsIsDeleted) {
  for (const std::string filter : {
           "n = 3",
           "n > 2 or name is null",
           "not (n = 3)",
           "n in (1, 2, null)",
           "price >= 1.05 and price < 2",
           "price * 2 = 3.1",
           "`a'b` = 1",
           "st.x between 10 and 20 and st.`y z` = 'odd'",
           "array_has_any(tags, ['t1', 't2'])",
           "kind = 'red' and id < 300",
           "_rowid % 2 = 0",
           "id < 200",
           "id >= 100",
           "true",
           "n is not null and n is null",
       }) {
    SCOPED_TRACE(filter);
    ASSERT_OK_AND_ASSIGN(const DatasetPtr dataset, Write(filter));
    ASSERT_OK_AND_ASSIGN(const uint64_t expected, dataset->CountRows(filter));
    std::vector<int64_t> left;
    std::ranges::set_difference(Ids(*dataset), Ids(*dataset, filter), std::back_inserter(left));
    ASSERT_OK_AND_ASSIGN(const DeleteResult result, dataset->Delete(filter));
    EXPECT_EQ(result.deleted_rows, expected);
    EXPECT_EQ(VersionOf(*result.dataset), expected > 0 ? 2U : 1U);
    EXPECT_EQ(Ids(*result.dataset), left);
    // The version that was open is as it was.
    EXPECT_EQ(Ids(*dataset), Range(0, kRows));
  }
}

TEST_P(MutateTest, WhatIsDeletedTwiceIsGoneOnce) {
  ASSERT_OK_AND_ASSIGN(const DeleteResult first, dataset_->Delete("id % 2 = 0"));
  EXPECT_EQ(first.deleted_rows, 300U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult second, first.dataset->Delete("id % 3 = 0"));
  EXPECT_EQ(second.deleted_rows, 100U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult none, second.dataset->Delete("id % 6 = 0"));
  EXPECT_EQ(none.deleted_rows, 0U);
  EXPECT_EQ(VersionOf(*none.dataset), VersionOf(*second.dataset));
  ASSERT_OK_AND_ASSIGN(const DeleteResult fragment, none.dataset->Delete("id < 200"));
  ASSERT_OK_AND_ASSIGN(const auto info, fragment.dataset->Info());
  EXPECT_EQ(info.fragments, 2U);
  EXPECT_EQ(info.rows, 133U);
}

TEST_P(MutateTest, AVersionWithoutAChangeIsMadeWhereItIsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const DeleteResult deleted, dataset_->Delete("id < 0", {.allow_empty = true}));
  EXPECT_EQ(deleted.deleted_rows, 0U);
  EXPECT_EQ(VersionOf(*deleted.dataset), 2U);
  ASSERT_OK_AND_ASSIGN(const UpdateResult updated,
                       deleted.dataset->Update({{"n", "1"}}, {.filter = "id < 0", .allow_empty = true}));
  EXPECT_EQ(updated.updated_rows, 0U);
  EXPECT_EQ(VersionOf(*updated.dataset), 3U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult by_id, updated.dataset->DeleteRowIds({}, {.allow_empty = true}));
  EXPECT_EQ(VersionOf(*by_id.dataset), 4U);
  EXPECT_EQ(Ids(*by_id.dataset), Range(0, kRows));
  EXPECT_THAT(dataset_->Delete(std::nullopt),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("needs a filter"))));
}

TEST_P(MutateTest, AllRowsGoAndOthersCome) {
  ASSERT_OK_AND_ASSIGN(const DeleteResult truncated, dataset_->Truncate());
  EXPECT_EQ(truncated.deleted_rows, static_cast<uint64_t>(kRows));
  ASSERT_OK_AND_ASSIGN(const auto info, truncated.dataset->Info());
  EXPECT_EQ(info.rows, 0U);
  EXPECT_EQ(info.fragments, 0U);
  EXPECT_TRUE(truncated.dataset->schema()->Equals(dataset_->schema()));
  ASSERT_OK_AND_ASSIGN(const DeleteResult again, truncated.dataset->Truncate());
  EXPECT_EQ(again.deleted_rows, 0U);
  EXPECT_EQ(VersionOf(*again.dataset), 2U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult none, truncated.dataset->Delete("id > 0"));
  EXPECT_EQ(none.deleted_rows, 0U);
  EXPECT_THAT(truncated.dataset->Delete("nope > 0"), FailsWith(ErrorCode::kFieldNotFound));
  ASSERT_OK_AND_ASSIGN(const UpdateResult updated, truncated.dataset->Update({{"n", "1"}}));
  EXPECT_EQ(updated.updated_rows, 0U);
  ASSERT_OK(WriteBatches(uri_, {Rows(7, 3)}, {.mode = lance::WriteMode::kAppend}));
  EXPECT_THAT(ReadIds(uri_), ElementsAre(7, 8, 9));
}

TEST_P(MutateTest, RowsGoByTheirIdsAndAddresses) {
  const auto table = Read(*dataset_, {"_rowid", "_rowaddr"}, "id in (5, 250, 251, 599)");
  const auto numbers = [&](int column) {
    std::vector<uint64_t> values;
    for (const auto& chunk : table->column(column)->chunks()) {
      const auto& array = static_cast<const arrow::UInt64Array&>(*chunk);
      values.insert(values.end(), array.raw_values(), array.raw_values() + array.length());
    }
    return values;
  };
  auto ids = numbers(0);
  auto addresses = numbers(1);
  ASSERT_EQ(ids.size(), 4U);
  ids.insert(ids.end(), {ids[0], 123'456'789});
  ASSERT_OK_AND_ASSIGN(const DeleteResult by_id, dataset_->DeleteRowIds(ids));
  EXPECT_EQ(by_id.deleted_rows, 4U);
  EXPECT_THAT(Ids(*by_id.dataset, "id in (5, 250, 251, 599)"), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const uint64_t left, by_id.dataset->CountRows());
  EXPECT_EQ(left, static_cast<uint64_t>(kRows - 4));

  // In the new version they are gone.
  ASSERT_OK_AND_ASSIGN(const DeleteResult gone, by_id.dataset->DeleteAddresses(addresses));
  EXPECT_EQ(gone.deleted_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult nothing, by_id.dataset->DeleteRowIds({}));
  EXPECT_EQ(nothing.deleted_rows, 0U);
  EXPECT_EQ(VersionOf(*nothing.dataset), VersionOf(*by_id.dataset));

  addresses[0] += 1;
  ASSERT_OK_AND_ASSIGN(const DeleteResult by_address, by_id.dataset->DeleteAddresses({addresses[0]}));
  EXPECT_EQ(by_address.deleted_rows, 1U);
  EXPECT_THAT(Ids(*by_address.dataset, "id = 6"), IsEmpty());

  Watch();
  EXPECT_THAT(by_id.dataset->DeleteAddresses({uint64_t{99} << 32}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(by_id.dataset->DeleteAddresses({addresses[1], 200}), FailsWith(ErrorCode::kInvalidArgument));
  ExpectUnchanged("addresses of no row");
}

TEST_P(MutateTest, EveryExpressionSeesTheRowAsItWas) {
  const auto before_n = Values(*dataset_, "n");
  const auto before_ab = Values(*dataset_, "`a'b`");
  ASSERT_OK_AND_ASSIGN(const UpdateResult result,
                       dataset_->Update({{"n", "`a'b`"},
                                         {"`a'b`", "n"},
                                         {"price", "price + 0.05"},
                                         {"name", "concat('x', name)"},
                                         {"st", "named_struct('y z', 'new', 'x', n)"},
                                         {"kind", "'green'"},
                                         {"tags", "make_array('one', name)"}},
                                        {.filter = "id % 4 = 1"}));
  EXPECT_EQ(result.updated_rows, 150U);
  EXPECT_EQ(VersionOf(*result.dataset), 2U);
  EXPECT_EQ(Ids(*result.dataset), Range(0, kRows));
  for (const auto& [id, n] : Values(*result.dataset, "n")) {
    EXPECT_EQ(n, (id % 4 == 1 ? before_ab : before_n).at(id)) << id;
  }
  for (const auto& [id, ab] : Values(*result.dataset, "`a'b`")) {
    EXPECT_EQ(ab, (id % 4 == 1 ? before_n : before_ab).at(id)) << id;
  }
  EXPECT_EQ(Values(*result.dataset, "price", "id = 105").at(105), "1.10");
  EXPECT_EQ(Values(*result.dataset, "name", "id = 105").at(105), "xrow105");
  EXPECT_EQ(Values(*result.dataset, "st.`y z`", "id = 105").at(105), "new");
  EXPECT_EQ(Values(*result.dataset, "st.x", "id = 105").at(105), "0");
  EXPECT_EQ(Values(*result.dataset, "array_length(tags)", "id = 105").at(105), "2");
  ASSERT_OK_AND_ASSIGN(const uint64_t green, result.dataset->CountRows("kind = 'green'"));
  EXPECT_EQ(green, 150U);
  // The others have what they had.
  const std::string others = "id % 4 <> 1";
  for (const std::string column : {"price", "name", "st.x", "tags", "kind"}) {
    EXPECT_EQ(Values(*result.dataset, column, others), Values(*dataset_, column, others)) << column;
  }
}

TEST_P(MutateTest, WithoutAFilterAllRowsAreUpdated) {
  ASSERT_OK(dataset_->Delete("id % 3 = 0"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
  ASSERT_OK_AND_ASSIGN(const UpdateResult result, latest->Update({{"n", "id"}, {"name", "null"}}));
  EXPECT_EQ(result.updated_rows, 400U);
  ASSERT_OK_AND_ASSIGN(const uint64_t same, result.dataset->CountRows("n = id and name is null"));
  EXPECT_EQ(same, 400U);
  ASSERT_OK_AND_ASSIGN(const UpdateResult none, result.dataset->Update({{"n", "0"}}, {.filter = "id < 0"}));
  EXPECT_EQ(none.updated_rows, 0U);
  EXPECT_EQ(VersionOf(*none.dataset), VersionOf(*result.dataset));
}

TEST_P(MutateTest, LiteralsAreCastToTheColumn) {
  ASSERT_OK_AND_ASSIGN(
      const UpdateResult result,
      dataset_->Update({{"price", "1234567890123.45"}, {"n", "'7'"}, {"name", "5"}}, {.filter = "id = 0"}));
  EXPECT_EQ(Values(*result.dataset, "price", "id = 0").at(0), "1234567890123.45");
  EXPECT_EQ(Values(*result.dataset, "n", "id = 0").at(0), "7");
  EXPECT_EQ(Values(*result.dataset, "name", "id = 0").at(0), "5");
}

TEST_P(MutateTest, WhatCannotBeDoneChangesNothing) {
  struct Case {
    Assignments assignments;
    std::optional<std::string> filter;
    ErrorCode code;
    std::string message;
  };
  const auto invalid = ErrorCode::kInvalidArgument;
  const Case cases[] = {
      {{}, "id = 1", invalid, "at least one column"},
      {{{"nam", "1"}}, {}, ErrorCode::kFieldNotFound, "\"name\""},
      {{{"NAME", "1"}}, {}, ErrorCode::kFieldNotFound, "\"name\""},
      {{{"", "1"}}, {}, ErrorCode::kFieldNotFound, "no column"},
      {{{"a.b", "1"}}, {}, ErrorCode::kFieldNotFound, "a.b"},
      {{{"st.w", "1"}}, {}, ErrorCode::kFieldNotFound, "st.x"},
      {{{"st.x", "1"}}, {}, ErrorCode::kNotSupported, "named_struct"},
      {{{"_rowid", "1"}}, {}, invalid, "every dataset has it"},
      {{{"_rowaddr", "1"}}, {}, invalid, "every dataset has it"},
      {{{"n", "1"}, {"`n`", "2"}}, {}, invalid, "twice"},
      {{{"n", "1"}, {"n", "1"}}, {}, invalid, "twice"},
      {{{"n", "nope + 1"}}, {}, ErrorCode::kFieldNotFound, "nope"},
      {{{"n", ""}}, {}, invalid, "SQL"},
      {{{"n", "1 +"}}, {}, invalid, "SQL"},
      {{{"n", "1; drop"}}, {}, invalid, "after its end"},
      {{{"n", "sum(n)"}}, {}, invalid, ""},
      {{{"n", "no_such_function(n)"}}, {}, invalid, "no_such_function"},
      {{{"n", "make_array(1)"}}, {}, invalid, "column \"n\""},
      {{{"st", "1"}}, {}, invalid, "column \"st\""},
      {{{"st", "named_struct('x', 1)"}}, {}, invalid, "column \"st\""},
      {{{"st", "named_struct('x', 1, 'w', 'a')"}}, {}, invalid, "column \"st\""},
      {{{"tags", "named_struct('x', 1)"}}, {}, invalid, "column \"tags\""},
      {{{"n", "_rowid % 2"}}, {}, ErrorCode::kNotSupported, "not stored"},
      {{{"id", "null"}}, {}, invalid, "NULL"},
      {{{"n", "1"}}, "nope = 1", ErrorCode::kFieldNotFound, "nope"},
      {{{"n", "1"}}, "id = ", invalid, "the filter"},
      // What fails for some rows only.
      {{{"id", "n"}}, {}, invalid, "NULL"},
      {{{"id", "case when id = 599 then null else id end"}}, {}, invalid, "NULL"},
      {{{"n", "100 / (id - 500)"}}, {}, ErrorCode::kExecution, "zero"},
      {{{"n", "1"}}, "100 / (id - 500) > 3", ErrorCode::kExecution, "zero"},
      {{{"n", "name"}}, {}, invalid, "row0"},
      {{{"n", "'x'"}}, "id = 599", invalid, "x"},
      {{{"n", "id * 1000000000"}}, {}, invalid, ""},
      {{{"price", "id * 10000000000000"}}, {}, invalid, ""},
  };
  Watch();
  for (const auto& [assignments, filter, code, message] : cases) {
    const std::string why = assignments.empty() ? "" : assignments[0].first + " = " + assignments[0].second;
    SCOPED_TRACE(why + " where " + filter.value_or("true"));
    EXPECT_THAT(dataset_->Update(assignments, {.filter = filter}),
                AllOf(FailsWith(code), FailsSaying(HasSubstr(message))));
    ExpectUnchanged(why);
  }
  for (const std::string filter :
       {"", "null", "id = ", "nope = 1", "100 / (id - 500) > 3", "id", "id = 1 limit 1"}) {
    EXPECT_FALSE(dataset_->Delete(filter).ok()) << filter;
    ExpectUnchanged(filter);
  }
  EXPECT_EQ(Ids(*dataset_), Range(0, kRows));
}

TEST_P(MutateTest, RowIdsSurviveWhereTheyAreStable) {
  const auto before = Values(*dataset_, "_rowid");
  ASSERT_OK(dataset_->Delete("id % 10 = 0"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
  ASSERT_OK_AND_ASSIGN(const UpdateResult first, latest->Update({{"n", "1"}}, {.filter = "id % 3 = 1"}));
  ASSERT_OK_AND_ASSIGN(const UpdateResult second,
                       first.dataset->Update({{"n", "n + 1"}}, {.filter = "id < 300"}));
  const auto after = Values(*second.dataset, "_rowid");
  ASSERT_EQ(after.size(), 540U);
  for (const auto& [id, row_id] : after) {
    if (GetParam().stable_row_ids) {
      EXPECT_EQ(row_id, before.at(id)) << id;
    }
  }
  // They find the rows with their new values.
  const auto ids = Read(*second.dataset, {"_rowid"}, "id = 31");
  const uint64_t row_id = static_cast<const arrow::UInt64Array&>(*ids->column(0)->chunk(0)).Value(0);
  ASSERT_OK_AND_ASSIGN(const auto taken,
                       second.dataset->TakeRows({row_id}, std::vector<std::string>{"id", "n"}));
  EXPECT_EQ(taken->column(0)->GetScalar(0).ValueOrDie()->ToString(), "31");
  EXPECT_EQ(taken->column(1)->GetScalar(0).ValueOrDie()->ToString(), "2");
  ASSERT_OK_AND_ASSIGN(const DeleteResult gone, second.dataset->DeleteRowIds({row_id}));
  EXPECT_THAT(Ids(*gone.dataset, "id = 31"), IsEmpty());
}

TEST_P(MutateTest, IndicesReturnNoStaleRow) {
  for (const auto& [column, type] :
       std::vector<std::pair<std::string, lance::IndexType>>{{"n", lance::IndexType::kBtree},
                                                             {"name", lance::IndexType::kBtree},
                                                             {"`a'b`", lance::IndexType::kBitmap}}) {
    ASSERT_OK_AND_ASSIGN(dataset_, dataset_->CreateIndex(column, type));
  }
  const auto check = [](const Dataset& dataset) {
    for (const std::string filter : {"n = 3", "n = 1003", "n is null", "name = 'row77'", "name = 'new77'",
                                     "`a'b` = 1", "n = 3 and `a'b` = 1"}) {
      EXPECT_EQ(Ids(dataset, filter), Ids(dataset, filter, false)) << filter;
    }
  };
  check(*dataset_);
  ASSERT_OK_AND_ASSIGN(const UpdateResult updated,
                       dataset_->Update({{"n", "n + 1000"}}, {.filter = "n = 3 or id = 77"}));
  check(*updated.dataset);
  EXPECT_THAT(Ids(*updated.dataset, "n = 3"), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const UpdateResult renamed,
                       updated.dataset->Update({{"name", "'new77'"}}, {.filter = "name = 'row77'"}));
  check(*renamed.dataset);
  ASSERT_OK_AND_ASSIGN(const DeleteResult deleted, renamed.dataset->Delete("n = 1003 and `a'b` = 1"));
  EXPECT_GT(deleted.deleted_rows, 0U);
  check(*deleted.dataset);
  ASSERT_OK_AND_ASSIGN(const DatasetPtr optimized, deleted.dataset->OptimizeIndices());
  check(*optimized);
  ASSERT_OK_AND_ASSIGN(const DeleteResult all, optimized->Truncate());
  check(*all.dataset);
  EXPECT_THAT(Ids(*all.dataset, "n = 1003"), IsEmpty());
}

TEST_P(MutateTest, TheVersionKeepsAMessageAndProperties) {
  lance::DeleteOptions options = {.commit_message = "old ones",
                                  .transaction_properties = {{"who", "a test"}}};
  ASSERT_OK(dataset_->Delete("id < 10", options));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
  ASSERT_OK(latest->Update({{"n", "1"}}, {.filter = "id = 11", .commit_message = "a\tfew"}));
  options.commit_message = std::string("a\0b", 3);
  EXPECT_THAT(dataset_->Delete("id = 12", options), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->Delete("id = 12", {.retry_timeout = std::chrono::seconds(-1)}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_P(MutateTest, WhatOthersHaveDoneMeanwhileIsKept) {
  // Other rows of the same fragments.
  ASSERT_OK_AND_ASSIGN(const DeleteResult even, dataset_->Delete("id % 2 = 0"));
  ASSERT_OK_AND_ASSIGN(const DeleteResult fives,
                       dataset_->Delete("id % 2 = 1 and id % 5 = 0", {.conflict_retries = 0}));
  EXPECT_EQ(fives.deleted_rows, 60U);
  EXPECT_EQ(VersionOf(*fives.dataset), 3U);
  EXPECT_EQ(Ids(*fives.dataset).size(), 240U);
  ASSERT_OK_AND_ASSIGN(const UpdateResult updated,
                       dataset_->Update({{"n", "-1"}}, {.filter = "id % 10 = 1", .conflict_retries = 0}));
  EXPECT_EQ(updated.updated_rows, 60U);
  // Deletions that were written again for the newer version are not there twice.
  const auto deletions = ListFiles(std::filesystem::path(uri_) / "_deletions");
  EXPECT_EQ(deletions.size(), 9U);

  // The same rows: they are gone in the newest version, or other ones.
  EXPECT_THAT(dataset_->Delete("id % 2 = 0", {.conflict_retries = 0}),
              FailsWith(ErrorCode::kCommitConflictRetryable));
  ASSERT_OK_AND_ASSIGN(const DeleteResult again, dataset_->Delete("id % 2 = 0"));
  EXPECT_EQ(again.deleted_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const UpdateResult none, dataset_->Update({{"n", "7"}}, {.filter = "id % 10 = 5"}));
  EXPECT_EQ(none.updated_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const UpdateResult twice,
                       dataset_->Update({{"n", "n - 1"}}, {.filter = "id % 10 = 1"}));
  EXPECT_EQ(twice.updated_rows, 60U);
  ASSERT_OK_AND_ASSIGN(const uint64_t minus_two, twice.dataset->CountRows("n = -2"));
  EXPECT_EQ(minus_two, 60U);

  // Rows that were appended.
  ASSERT_OK(WriteBatches(uri_, {Rows(kRows, 10)}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const DeleteResult more, twice.dataset->Delete("id = 3"));
  EXPECT_EQ(more.deleted_rows, 1U);
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, more.dataset->CountRows("id >= 600"));
  EXPECT_EQ(rows, 10U);
}

TEST_P(MutateTest, RowsOfTheSameFragmentsAreChangedByManyThreads) {
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  std::atomic<uint64_t> deleted = 0;
  std::atomic<uint64_t> updated = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto dataset = Dataset::Open(uri_).ValueOrDie();
      const std::string own = "id % 4 = " + std::to_string(t);
      const auto gone = dataset->Delete(own + " and id % 3 = 0", {.conflict_retries = 100});
      ASSERT_OK(gone);
      deleted += gone->deleted_rows;
      const auto counted =
          dataset->Update({{"n", "coalesce(n, 0) + 1"}}, {.filter = own, .conflict_retries = 100});
      ASSERT_OK(counted);
      updated += counted->updated_rows;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(deleted, 200U);
  EXPECT_EQ(updated, 400U);
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
  const auto before = Values(*dataset_, "coalesce(n, 0) + 1", "id % 3 <> 0");
  EXPECT_EQ(Values(*latest, "n"), before);
}

TEST_P(MutateTest, AStopChangesNothingOrIsTooLate) {
  arrow::StopSource stopped;
  stopped.RequestStop();
  Watch();
  EXPECT_THAT(dataset_->Delete("id < 10", {}, stopped.token()), FailsWith(ErrorCode::kCancelled));
  EXPECT_THAT(dataset_->Update({{"n", "1"}}, {}, stopped.token()), FailsWith(ErrorCode::kCancelled));
  ExpectUnchanged("stopped before");
  std::mt19937 random(3);
  for (int i = 0; i < 12; ++i) {
    Watch();
    ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
    const uint64_t version = VersionOf(*latest);
    arrow::StopSource source;
    auto future = latest->UpdateAsync({{"n", "n + 1"}}, {}, source.token());
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    source.RequestStop();
    const auto status = future.status();
    if (!status.ok()) {
      EXPECT_THAT(status, FailsWith(ErrorCode::kCancelled));
    }
    // A version that is being made when the stop comes is made all the same, soon after.
    const auto has_settled = [&] {
      return dataset_->LatestVersion().ValueOrDie() > version || IsUnchanged();
    };
    for (int wait = 0; wait < 500 && !has_settled(); ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(has_settled());
    EXPECT_EQ(ReadIds(uri_).size(), static_cast<size_t>(kRows));
  }
}

TEST_P(MutateTest, AsynchronousFormsEndAsTheOthers) {
  ASSERT_OK_AND_ASSIGN(const DeleteResult deleted, Wait(dataset_->DeleteAsync("id < 10")));
  EXPECT_EQ(deleted.deleted_rows, 10U);
  ASSERT_OK_AND_ASSIGN(const UpdateResult updated, Wait(deleted.dataset->UpdateAsync({{"n", "0"}})));
  EXPECT_EQ(updated.updated_rows, 590U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult by_id, Wait(updated.dataset->DeleteRowIdsAsync({})));
  EXPECT_EQ(by_id.deleted_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult by_address, Wait(by_id.dataset->DeleteAddressesAsync({})));
  EXPECT_EQ(by_address.deleted_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const DeleteResult all, Wait(by_address.dataset->TruncateAsync()));
  EXPECT_EQ(all.deleted_rows, 590U);
  EXPECT_THAT(Wait(dataset_->DeleteAsync("nope = 1")), FailsWith(ErrorCode::kFieldNotFound));
}

TEST_P(MutateTest, WhatIsPreparedIsCommittedLater) {
  Watch();
  ASSERT_OK_AND_ASSIGN(auto deleted, dataset_->DeleteUncommitted("id % 3 = 0", {.commit_message = "thirds"}));
  ASSERT_OK_AND_ASSIGN(auto updated,
                       Wait(dataset_->UpdateUncommittedAsync({{"n", "100"}}, {.filter = "id % 3 = 1"})));
  EXPECT_EQ(dataset_->LatestVersion().ValueOrDie(), 1U);
  EXPECT_THAT(dataset_->DeleteUncommitted("nope = 1"), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->UpdateUncommitted({{"id", "null"}}), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(auto given_up, dataset_->DeleteUncommitted("id = 1"));
  ASSERT_OK(given_up.Discard());

  // Here, and in another process.
  ASSERT_OK(deleted.Commit());
  ASSERT_OK_AND_ASSIGN(const std::string json, updated->ToJson());
  ASSERT_OK_AND_ASSIGN(auto read, lance::Transaction::FromJson(json));
  ASSERT_OK(read.Commit());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
  EXPECT_EQ(VersionOf(*latest), 3U);
  EXPECT_EQ(Ids(*latest).size(), 400U);
  ASSERT_OK_AND_ASSIGN(const uint64_t hundreds, latest->CountRows("n = 100 and id % 3 = 1"));
  EXPECT_EQ(hundreds, 200U);
}

/// What a row is to the model.
struct Row {
  std::optional<int64_t> n;
  std::optional<std::string> name;
  bool operator==(const Row&) const = default;
};

using Model = std::map<int64_t, Row>;

Model ReadModel(const Dataset& dataset) {
  Model model;
  const auto table = Read(dataset, {"id", "n", "name"});
  const auto combined = table->CombineChunks().ValueOrDie();
  if (combined->num_rows() == 0) return model;
  const auto& ids = static_cast<const arrow::Int64Array&>(*combined->column(0)->chunk(0));
  const auto& numbers = static_cast<const arrow::Int32Array&>(*combined->column(1)->chunk(0));
  const auto& names = static_cast<const arrow::StringArray&>(*combined->column(2)->chunk(0));
  for (int64_t i = 0; i < combined->num_rows(); ++i) {
    Row& row = model[ids.Value(i)];
    if (!numbers.IsNull(i)) row.n = numbers.Value(i);
    if (!names.IsNull(i)) row.name = names.GetString(i);
  }
  EXPECT_EQ(model.size(), static_cast<size_t>(combined->num_rows())) << "an id comes twice";
  return model;
}

/// A filter as SQL, and as the model has it: NULL is none of true and false.
struct Filter {
  std::string sql;
  std::function<std::optional<bool>(int64_t, const Row&)> passes;
};

Filter RandomFilter(std::mt19937& random) {
  const auto k = static_cast<int64_t>(random() % 12);
  const std::string number = std::to_string(k);
  const auto n = [](const Row& row, auto test) {
    return row.n.has_value() ? std::optional<bool>(test(*row.n)) : std::nullopt;
  };
  switch (random() % 8) {
    case 0:
      return {"n = " + number,
              [=](int64_t, const Row& row) { return n(row, [k](int64_t v) { return v == k; }); }};
    case 1:
      return {"not (n = " + number + ")",
              [=](int64_t, const Row& row) { return n(row, [k](int64_t v) { return v != k; }); }};
    case 2:
      return {"n is null", [](int64_t, const Row& row) { return std::optional<bool>(!row.n.has_value()); }};
    case 3:
      return {"id % 12 = " + number,
              [k](int64_t id, const Row&) { return std::optional<bool>(id % 12 == k); }};
    case 4:
      return {"name is null or n > " + number, [=](int64_t, const Row& row) -> std::optional<bool> {
                if (!row.name.has_value()) return true;
                return n(row, [k](int64_t v) { return v > k; });
              }};
    case 5:
      return {"id between " + std::to_string(k * 50) + " and " + std::to_string(k * 50 + 20),
              [k](int64_t id, const Row&) { return std::optional<bool>(id >= k * 50 && id <= k * 50 + 20); }};
    case 6:
      return {"name = 'row" + std::to_string(k * 30) + "'",
              [k](int64_t, const Row& row) -> std::optional<bool> {
                if (!row.name.has_value()) return std::nullopt;
                return *row.name == "row" + std::to_string(k * 30);
              }};
    default:
      return {"id < 0", [](int64_t, const Row&) { return std::optional<bool>(false); }};
  }
}

TEST_P(MutateTest, RandomChangesAreThoseOfAModel) {
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    ASSERT_OK_AND_ASSIGN(dataset_, dataset_->Latest());
    ASSERT_OK_AND_ASSIGN(const DeleteResult empty, dataset_->Truncate());
    ASSERT_OK(
        WriteBatches(uri_, {Rows(0, kRows)}, {.mode = lance::WriteMode::kAppend, .max_rows_per_file = 150}));
    ASSERT_OK_AND_ASSIGN(DatasetPtr dataset, dataset_->Latest());
    Model model = ReadModel(*dataset);
    ASSERT_EQ(model.size(), static_cast<size_t>(kRows));
    for (int step = 0; step < 30; ++step) {
      const Filter filter = RandomFilter(random);
      const bool deletes = random() % 3 == 0;
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step) + " " + filter.sql);
      uint64_t expected = 0;
      const auto delta = static_cast<int64_t>(random() % 3);
      for (auto row = model.begin(); row != model.end();) {
        const bool passes = filter.passes(row->first, row->second).value_or(false);
        expected += passes ? 1 : 0;
        if (passes && deletes) {
          row = model.erase(row);
          continue;
        }
        if (passes) {
          const Row was = row->second;
          row->second.n = was.n.has_value() ? std::optional(*was.n + delta) : std::nullopt;
          row->second.name = was.n.has_value() ? std::optional(std::to_string(*was.n)) : std::nullopt;
        }
        ++row;
      }
      if (deletes) {
        ASSERT_OK_AND_ASSIGN(const DeleteResult result, dataset->Delete(filter.sql));
        EXPECT_EQ(result.deleted_rows, expected);
        dataset = result.dataset;
      } else {
        ASSERT_OK_AND_ASSIGN(
            const UpdateResult result,
            dataset->Update({{"n", "n + " + std::to_string(delta)}, {"name", "cast(n as string)"}},
                            {.filter = filter.sql}));
        EXPECT_EQ(result.updated_rows, expected);
        dataset = result.dataset;
      }
      ASSERT_EQ(ReadModel(*dataset), model);
    }
  }
}

}  // namespace
}  // namespace lance_test
