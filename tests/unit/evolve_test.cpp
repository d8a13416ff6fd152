// Columns are added, altered and dropped, and metadata is changed: the rows stay, bad input and failures
// leave the dataset as it is, with no file more. column_function_test.cpp has the form with a function,
// tests/conformance/test_evolution.py compares with pylance.

#include "lance/evolution.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
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

using lance::ColumnAlteration;
using lance::Dataset;
using lance::ErrorCode;
using lance::Migration;
using lance::Nullability;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using DatasetPtr = std::shared_ptr<Dataset>;
using TablePtr = std::shared_ptr<arrow::Table>;

constexpr int64_t kRows = 1000;
constexpr int64_t kFiles = 4;

std::shared_ptr<arrow::Array> Int32s(int64_t first, int64_t rows, int64_t null_every) {
  arrow::Int32Builder builder;
  for (int64_t i = first; i < first + rows; ++i) {
    const bool is_null = null_every > 0 && i % null_every == 0;
    EXPECT_OK(is_null ? builder.AppendNull() : builder.Append(static_cast<int32_t>(i % 100)));
  }
  return builder.Finish().ValueOrDie();
}

/// Ids, numbers with NULLs, a struct, and a name that has to be quoted.
std::shared_ptr<arrow::RecordBatch> Rows(int64_t first, int64_t rows) {
  const auto x = Int32s(first, rows, 0);
  const auto y = SimpleBatch(first, rows)->column(1);
  const arrow::FieldVector inner = {arrow::field("x", arrow::int32()), arrow::field("y z", arrow::utf8())};
  const auto place = arrow::StructArray::Make({x, y}, inner).ValueOrDie();
  const auto schema = arrow::schema({
      arrow::field("id", arrow::int64(), false),
      arrow::field("few", arrow::int32()),
      arrow::field("place", place->type()),
      arrow::field("o d 'd", arrow::int32()),
      arrow::field("word", arrow::dictionary(arrow::int16(), arrow::utf8())),
  });
  const auto word = MakeArray(*schema->field(4), rows, static_cast<uint64_t>(first));
  return arrow::RecordBatch::Make(
      schema, rows,
      {SimpleBatch(first, rows)->column(0), Int32s(first, rows, 7), place, Int32s(first, rows, 0), word});
}

class EvolveTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    lance::WriteOptions options;
    options.max_rows_per_file = kRows / kFiles;
    options.stable_row_ids = GetParam();
    ASSERT_OK(WriteBatches(uri_, {Rows(0, kRows)}, options));
    ASSERT_OK_AND_ASSIGN(const auto whole, Dataset::Open(uri_));
    // Whole batches, single rows, and the last row of a file.
    ASSERT_OK_AND_ASSIGN(const auto deleted, whole->Delete("id < 40 or id = 249 or id % 97 = 3"));
    dataset_ = deleted.dataset;
    files_ = ListFiles(dir_.path());
  }

  /// A failure, which has changed nothing.
  template <typename T>
  void ExpectUnchanged(const arrow::Result<T>& failed, ErrorCode code, const std::string& saying = "") {
    EXPECT_THAT(failed, AllOf(FailsWith(code), FailsSaying(HasSubstr(saying))));
    EXPECT_EQ(ListFiles(dir_.path()), files_);
  }

  static arrow::Result<TablePtr> Read(const Dataset& dataset, std::vector<std::string> columns) {
    lance::ScanOptions options;
    options.columns = std::move(columns);
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
    return scanner->ToTable();
  }

  static std::vector<int64_t> Ids(const Dataset& dataset) {
    return Int64s(*Read(dataset, {"id"}).ValueOrDie()->column(0));
  }

  static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Reader(
      const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
      const std::shared_ptr<arrow::Schema>& schema) {
    return arrow::RecordBatchReader::Make(batches, schema);
  }

  /// Twice the id of each row, in a column of this name.
  static std::shared_ptr<arrow::RecordBatch> Doubled(const std::vector<int64_t>& ids,
                                                     const std::string& name = "doubled") {
    arrow::Int64Builder builder;
    for (const int64_t id : ids) EXPECT_OK(builder.Append(2 * id));
    const auto schema = arrow::schema({arrow::field(name, arrow::int64())});
    return arrow::RecordBatch::Make(schema, static_cast<int64_t>(ids.size()),
                                    {builder.Finish().ValueOrDie()});
  }

  static void ExpectDoubled(const Dataset& dataset) {
    ASSERT_OK_AND_ASSIGN(const auto table, Read(dataset, {"id", "doubled"}));
    const auto ids = Int64s(*table->column(0));
    const auto doubled = Int64s(*table->column(1));
    ASSERT_EQ(ids.size(), doubled.size());
    for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(doubled[i], 2 * ids[i]) << "row " << i;
  }

  TempDir dir_;
  const std::string uri_ = dir_ / "data.lance";
  DatasetPtr dataset_;
  std::vector<std::string> files_;
};

INSTANTIATE_TEST_SUITE_P(RowIds, EvolveTest, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Stable") : std::string("Addresses");
});

TEST_P(EvolveTest, ExpressionsAreComputedForEachRow) {
  const auto ids = Ids(*dataset_);
  ASSERT_OK_AND_ASSIGN(const auto added, dataset_->AddColumns({{"doubled", "id * 2"},
                                                               {"none", "few + 1"},
                                                               {"inner", "place.x"},
                                                               {"odd", "`o d 'd` + 1"},
                                                               {"same", "7"}}));
  ASSERT_OK_AND_ASSIGN(const uint64_t before, dataset_->Version());
  ASSERT_OK_AND_ASSIGN(const uint64_t after, added->Version());
  EXPECT_EQ(after, before + 1);
  EXPECT_EQ(Ids(*added), ids);
  ExpectDoubled(*added);
  ASSERT_OK_AND_ASSIGN(const auto table, Read(*added, {"few", "none", "o d 'd", "odd", "inner", "same"}));
  ASSERT_OK_AND_ASSIGN(const auto batch, table->CombineChunksToBatch());
  for (int64_t i = 0; i < batch->num_rows(); ++i) {
    EXPECT_EQ(batch->column(1)->IsNull(i), batch->column(0)->IsNull(i));
    const auto value = [&](int column) {
      return batch->column(column)->GetScalar(i).ValueOrDie()->ToString();
    };
    EXPECT_EQ(std::stoi(value(3)), std::stoi(value(2)) + 1);
    EXPECT_EQ(value(4), value(2));
    EXPECT_EQ(value(5), "7");
  }
  EXPECT_OK(added->Validate());
  EXPECT_EQ(dataset_->schema()->num_fields(), 5) << "a handle never changes";
}

TEST_P(EvolveTest, OneFragmentAtOnceMakesTheSame) {
  lance::AddColumnsOptions options;
  options.parallelism = 1;
  options.batch_size = 17;
  ASSERT_OK_AND_ASSIGN(const auto added, dataset_->AddColumns({{"doubled", "id * 2"}}, options));
  ExpectDoubled(*added);
}

TEST_P(EvolveTest, BadExpressionsAreRefused) {
  using Expressions = std::vector<std::pair<std::string, std::string>>;
  const auto refused = [&](const Expressions& expressions, ErrorCode code, const std::string& saying) {
    ExpectUnchanged(dataset_->AddColumns(expressions), code, saying);
  };
  refused({{"a", "idd + 1"}}, ErrorCode::kFieldNotFound, "\"id\"");
  refused({{"a", "id +"}}, ErrorCode::kInvalidArgument, "no SQL");
  refused({{"", "id"}}, ErrorCode::kInvalidArgument, "no name");
  refused({{"id", "few"}}, ErrorCode::kInvalidArgument, "already");
  refused({{"_rowid", "few"}}, ErrorCode::kInvalidArgument, "_rowid");
  refused({{"a.b", "few"}}, ErrorCode::kSchemaMismatch, "dot");
  refused({{"a", "id"}, {"a", "few"}}, ErrorCode::kInvalidArgument, "twice");
  refused({}, ErrorCode::kInvalidArgument, "no column");
  // Of one row, in the last file.
  refused({{"a", "id / (id - 998)"}}, ErrorCode::kExecution, "zero");
  lance::AddColumnsOptions options;
  options.columns = std::vector<std::string>{"id"};
  ExpectUnchanged(dataset_->AddColumns({{"a", "id"}}, options), ErrorCode::kInvalidArgument, "columns");
}

TEST_P(EvolveTest, ColumnsThatAreNullTakeNoFile) {
  const auto schema = arrow::schema(
      {arrow::field("n", arrow::int32()), arrow::field("v", arrow::fixed_size_list(arrow::float32(), 4))});
  ASSERT_OK_AND_ASSIGN(const auto added, dataset_->AddNullColumns(schema));
  ASSERT_OK_AND_ASSIGN(const auto table, Read(*added, {"n", "v"}));
  EXPECT_EQ(table->column(0)->null_count(), table->num_rows());
  EXPECT_EQ(table->column(1)->null_count(), table->num_rows());
  ASSERT_OK_AND_ASSIGN(const auto info, dataset_->Info());
  ASSERT_OK_AND_ASSIGN(const auto after, added->Info());
  EXPECT_EQ(after.data_files, info.data_files);
}

TEST_P(EvolveTest, ColumnsThatCannotBeNullAreRefused) {
  const auto refused = [&](const std::shared_ptr<arrow::Field>& field, ErrorCode code) {
    ExpectUnchanged(dataset_->AddNullColumns(arrow::schema({field})), code);
  };
  refused(arrow::field("n", arrow::int32(), false), ErrorCode::kSchemaMismatch);
  refused(arrow::field("id", arrow::int64()), ErrorCode::kInvalidArgument);
  refused(arrow::field("", arrow::int64()), ErrorCode::kSchemaMismatch);
  refused(arrow::field("m", arrow::month_interval()), ErrorCode::kSchemaMismatch);
  ExpectUnchanged(dataset_->AddNullColumns(arrow::schema(arrow::FieldVector{})), ErrorCode::kInvalidArgument);
  ExpectUnchanged(dataset_->AddNullColumns(nullptr), ErrorCode::kInvalidArgument);
}

TEST_P(EvolveTest, AReaderGivesEachLiveRowItsValue) {
  const auto ids = Ids(*dataset_);
  // Batches that fit neither files nor batches of the dataset, and an empty one.
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  const auto all = Doubled(ids);
  for (int64_t at = 0, size = 1; at < all->num_rows(); at += size, size = size * 2 + 1) {
    batches.push_back(all->Slice(at, std::min(size, all->num_rows() - at)));
    batches.push_back(all->Slice(0, 0));
  }
  ASSERT_OK_AND_ASSIGN(const auto reader, Reader(batches, all->schema()));
  ASSERT_OK_AND_ASSIGN(const auto added, dataset_->AddColumnsFromReader(reader));
  ExpectDoubled(*added);
  EXPECT_OK(added->Validate());
}

TEST_P(EvolveTest, AReaderOfTheDatasetItselfMayWait) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.expressions = {{"doubled", "id * 2"}}}));
  ASSERT_OK_AND_ASSIGN(const auto reader, scanner->ToReader());
  ASSERT_OK_AND_ASSIGN(const auto added, dataset_->AddColumnsFromReader(reader));
  ExpectDoubled(*added);
}

/// A reader that fails after a batch.
class FailingReader : public arrow::RecordBatchReader {
 public:
  explicit FailingReader(std::shared_ptr<arrow::RecordBatch> batch) : batch_(std::move(batch)) {}
  std::shared_ptr<arrow::Schema> schema() const override { return batch_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    if (done_) return arrow::Status::IOError("the tape is torn");
    done_ = true;
    *out = batch_;
    return arrow::Status::OK();
  }

 private:
  const std::shared_ptr<arrow::RecordBatch> batch_;
  bool done_ = false;
};

TEST_P(EvolveTest, AReaderOfOtherRowsIsRefused) {
  const auto ids = Ids(*dataset_);
  const auto refused = [&](const std::shared_ptr<arrow::RecordBatch>& batch, ErrorCode code) {
    ExpectUnchanged(dataset_->AddColumnsFromReader(Reader({batch}, batch->schema()).ValueOrDie()), code);
  };
  refused(Doubled({ids.begin(), ids.end() - 1}), ErrorCode::kInvalidArgument);
  refused(Doubled(Range(0, kRows)), ErrorCode::kInvalidArgument);
  refused(Doubled(ids, "id"), ErrorCode::kInvalidArgument);
  refused(Doubled(ids, "_rowid"), ErrorCode::kSchemaMismatch);
  const auto torn = dataset_->AddColumnsFromReader(std::make_shared<FailingReader>(Doubled({1, 2})));
  EXPECT_THAT(torn.status().ToString(), HasSubstr("the tape is torn"));
  EXPECT_EQ(ListFiles(dir_.path()), files_);
  ExpectUnchanged(dataset_->AddColumnsFromReader(nullptr), ErrorCode::kInvalidArgument);
}

TEST_P(EvolveTest, ColumnsAreMergedByTheirKeys) {
  // In another order, some that do not exist, and some missing.
  std::vector<int64_t> keys;
  for (int64_t id = kRows + 10; id >= 0; --id) {
    if (id % 5 != 0) keys.push_back(id);
  }
  const auto doubled = Doubled(keys);
  arrow::Int64Builder builder;
  ASSERT_OK(builder.AppendValues(keys));
  ASSERT_OK_AND_ASSIGN(const auto key, builder.Finish());
  ASSERT_OK_AND_ASSIGN(const auto batch, doubled->AddColumn(0, arrow::field("key", arrow::int64()), key));
  ASSERT_OK_AND_ASSIGN(const auto reader, Reader({batch->Slice(0, 300), batch->Slice(300)}, batch->schema()));
  ASSERT_OK_AND_ASSIGN(const auto merged, dataset_->MergeColumns(reader, "id", "key"));
  ASSERT_OK_AND_ASSIGN(const auto table, Read(*merged, {"id", "doubled"}));
  ASSERT_OK_AND_ASSIGN(const auto rows, table->CombineChunksToBatch());
  const auto& ids = static_cast<const arrow::Int64Array&>(*rows->column(0));
  const auto& values = static_cast<const arrow::Int64Array&>(*rows->column(1));
  for (int64_t i = 0; i < rows->num_rows(); ++i) {
    ASSERT_EQ(values.IsNull(i), ids.Value(i) % 5 == 0);
    if (values.IsValid(i)) {
      ASSERT_EQ(values.Value(i), 2 * ids.Value(i));
    }
  }
}

TEST_P(EvolveTest, BadKeysAreRefused) {
  const auto merge = [&](const std::shared_ptr<arrow::RecordBatch>& batch, const std::string& left_on,
                         const std::string& right_on) {
    return dataset_->MergeColumns(Reader({batch}, batch->schema()).ValueOrDie(), left_on, right_on);
  };
  const auto batch = [](const std::vector<int64_t>& keys, const std::string& name) {
    const auto column = Doubled(keys, name);
    return column->AddColumn(0, arrow::field("key", arrow::int64()), column->column(0)).ValueOrDie();
  };
  ExpectUnchanged(merge(batch({1, 2, 1}, "a"), "id", "key"), ErrorCode::kInvalidArgument, "twice");
  ExpectUnchanged(merge(batch({1}, "a"), "few", "key"), ErrorCode::kInvalidArgument, "cast");
  ExpectUnchanged(merge(batch({1}, "a"), "idd", "key"), ErrorCode::kFieldNotFound, "\"id\"");
  ExpectUnchanged(merge(batch({1}, "a"), "id", "keyy"), ErrorCode::kFieldNotFound, "\"key\"");
  ExpectUnchanged(merge(batch({1}, "few"), "id", "key"), ErrorCode::kInvalidArgument, "already");
}

TEST_P(EvolveTest, TwoNamesAreSwapped) {
  const std::vector<ColumnAlteration> swap = {{.column = "few", .rename = "word"},
                                              {.column = "word", .rename = "few"}};
  ASSERT_OK_AND_ASSIGN(const auto before, Read(*dataset_, {"few", "word"}));
  ASSERT_OK_AND_ASSIGN(const auto swapped, dataset_->AlterColumns(swap));
  ASSERT_OK_AND_ASSIGN(const auto after, Read(*swapped, {"word", "few"}));
  EXPECT_TRUE(after->column(0)->Equals(*before->column(0)));
}

TEST_P(EvolveTest, ColumnsAreCastAndRenamedAtOnce) {
  const std::vector<ColumnAlteration> alterations = {
      {.column = "few", .rename = "many", .type = arrow::int64()},
      {.column = "place.x", .rename = "left"},
  };
  ASSERT_OK_AND_ASSIGN(const auto altered, dataset_->AlterColumns(alterations));
  EXPECT_TRUE(altered->schema()->GetFieldByName("many")->type()->Equals(arrow::int64()));
  EXPECT_OK(Read(*altered, {"place.left"}));
  ASSERT_OK_AND_ASSIGN(const auto before, Read(*dataset_, {"few"}));
  ASSERT_OK_AND_ASSIGN(const auto after, Read(*altered, {"many"}));
  EXPECT_EQ(before->column(0)->null_count(), after->column(0)->null_count());
  EXPECT_OK(altered->Validate());
}

TEST_P(EvolveTest, NullabilityFollowsTheValues) {
  const ColumnAlteration required = {.column = "o d 'd", .nullability = Nullability::kRequired};
  ASSERT_OK_AND_ASSIGN(const auto altered, dataset_->AlterColumns({required}));
  EXPECT_FALSE(altered->schema()->GetFieldByName("o d 'd")->nullable());
  const ColumnAlteration nullable = {.column = "id", .nullability = Nullability::kNullable};
  ASSERT_OK_AND_ASSIGN(const auto other, altered->AlterColumns({nullable}));
  EXPECT_TRUE(other->schema()->GetFieldByName("id")->nullable());
}

TEST_P(EvolveTest, BadAlterationsAreRefused) {
  const auto refused = [&](const std::vector<ColumnAlteration>& alterations, ErrorCode code,
                           const std::string& saying = "") {
    ExpectUnchanged(dataset_->AlterColumns(alterations), code, saying);
  };
  refused({}, ErrorCode::kInvalidArgument, "no column");
  refused({{.column = "idd", .rename = "a"}}, ErrorCode::kFieldNotFound, "\"id\"");
  refused({{.column = "_rowid", .rename = "a"}}, ErrorCode::kFieldNotFound);
  refused({{.column = "id", .rename = "few"}}, ErrorCode::kInvalidArgument, "already");
  refused({{.column = "place.x", .rename = "y z"}}, ErrorCode::kInvalidArgument, "already");
  refused({{.column = "id", .rename = ""}}, ErrorCode::kSchemaMismatch);
  refused({{.column = "id", .rename = "_rowid"}}, ErrorCode::kSchemaMismatch);
  refused({{.column = "id", .rename = "a.b"}}, ErrorCode::kSchemaMismatch);
  refused({{.column = "id", .rename = "a"}, {.column = "`id`", .rename = "b"}}, ErrorCode::kInvalidArgument,
          "twice");
  refused({{.column = "few", .nullability = Nullability::kRequired}}, ErrorCode::kInvalidArgument, "NULL");
  refused({{.column = "few", .type = arrow::utf8()}}, ErrorCode::kInvalidArgument);
  // Ids are larger.
  refused({{.column = "id", .type = arrow::int8()}}, ErrorCode::kExecution, "cast");
}

TEST_P(EvolveTest, AnIndexedColumnIsNotCastButRenamedAndDropped) {
  ASSERT_OK_AND_ASSIGN(const auto indexed, dataset_->CreateIndex("few", lance::IndexType::kBtree));
  files_ = ListFiles(dir_.path());
  ExpectUnchanged(indexed->AlterColumns({{.column = "few", .type = arrow::int64()}}),
                  ErrorCode::kInvalidArgument, "index");
  ASSERT_OK_AND_ASSIGN(const auto renamed, indexed->AlterColumns({{.column = "few", .rename = "many"}}));
  ASSERT_OK_AND_ASSIGN(const auto indices, renamed->Indices());
  ASSERT_EQ(indices.size(), 1U);
  EXPECT_EQ(indices[0].column, "many");
  ASSERT_OK_AND_ASSIGN(const auto dropped, renamed->DropColumns({"many"}));
  ASSERT_OK_AND_ASSIGN(const auto left, dropped->Indices());
  EXPECT_THAT(left, IsEmpty());
}

TEST_P(EvolveTest, DroppedColumnsAreThoseOfThePlan) {
  const std::vector<std::string> columns = {"few", "place.`y z`", "`o d 'd`"};
  ASSERT_OK_AND_ASSIGN(const auto plan, dataset_->PlanDropColumns(columns));
  EXPECT_EQ(ListFiles(dir_.path()), files_);
  ASSERT_OK_AND_ASSIGN(const auto dropped, dataset_->DropColumns(columns));
  EXPECT_TRUE(dropped->schema()->Equals(*plan)) << dropped->schema()->ToString() << plan->ToString();
  EXPECT_THAT(plan->field_names(), ElementsAre("id", "place", "word"));
  EXPECT_EQ(plan->field(1)->type()->num_fields(), 1);
  EXPECT_EQ(Ids(*dropped), Ids(*dataset_));
}

TEST_P(EvolveTest, WhatCannotBeDroppedIsRefusedInBothForms) {
  const auto refused = [&](const std::vector<std::string>& columns, ErrorCode code) {
    ExpectUnchanged(dataset_->DropColumns(columns), code);
    EXPECT_THAT(dataset_->PlanDropColumns(columns), FailsWith(code));
  };
  refused({}, ErrorCode::kInvalidArgument);
  refused({"idd"}, ErrorCode::kFieldNotFound);
  refused({"ID"}, ErrorCode::kFieldNotFound);
  refused({"_rowid"}, ErrorCode::kFieldNotFound);
  refused({"few", "few"}, ErrorCode::kInvalidArgument);
  refused({"id", "few", "place", "o d 'd", "word"}, ErrorCode::kInvalidArgument);
}

TEST_P(EvolveTest, MetadataIsMergedReplacedAndRemoved) {
  struct Place {
    std::function<arrow::Result<std::map<std::string, std::string>>(const Dataset&)> get;
    std::function<arrow::Result<DatasetPtr>(const Dataset&, const std::vector<lance::MetadataUpdate>&, bool)>
        update;
  };
  const std::vector<Place> places = {
      {[](const Dataset& it) { return it.Config(); },
       [](const Dataset& it, const auto& updates, bool replace) {
         return it.UpdateConfig(updates, replace);
       }},
      {[](const Dataset& it) { return it.Metadata(); },
       [](const Dataset& it, const auto& updates, bool replace) {
         return it.UpdateMetadata(updates, replace);
       }},
      {[](const Dataset& it) { return it.SchemaMetadata(); },
       [](const Dataset& it, const auto& updates, bool replace) {
         return it.UpdateSchemaMetadata(updates, replace);
       }},
      {[](const Dataset& it) { return it.FieldMetadata("place.`y z`"); },
       [](const Dataset& it, const auto& updates, bool replace) {
         return it.UpdateFieldMetadata("place.`y z`", updates, replace);
       }},
  };
  DatasetPtr dataset = dataset_;
  for (const Place& place : places) {
    ASSERT_OK_AND_ASSIGN(dataset, place.update(*dataset, {{"a", "1"}, {"ü \"'", "two\nlines"}}, true));
    ASSERT_OK_AND_ASSIGN(dataset, place.update(*dataset, {{"a", "3"}, {"b", ""}, {"none", {}}}, false));
    EXPECT_THAT(place.get(*dataset).ValueOrDie(),
                ElementsAre(Pair("a", "3"), Pair("b", ""), Pair("ü \"'", "two\nlines")));
    ASSERT_OK_AND_ASSIGN(dataset, place.update(*dataset, {{"b", std::nullopt}}, false));
    EXPECT_THAT(place.get(*dataset).ValueOrDie(), ElementsAre(Pair("a", "3"), Pair("ü \"'", "two\nlines")));
    files_ = ListFiles(dir_.path());
    ExpectUnchanged(place.update(*dataset, {{"a", "1"}, {"a", "2"}}, false), ErrorCode::kInvalidArgument,
                    "twice");
    ExpectUnchanged(place.update(*dataset, {{"", "1"}}, false), ErrorCode::kInvalidArgument, "empty");
    ExpectUnchanged(place.update(*dataset, {}, false), ErrorCode::kInvalidArgument, "no key");
    ASSERT_OK_AND_ASSIGN(dataset, place.update(*dataset, {}, true));
    EXPECT_THAT(place.get(*dataset).ValueOrDie(), IsEmpty());
  }
  files_ = ListFiles(dir_.path());
  ExpectUnchanged(dataset->UpdateFieldMetadata("idd", {{"a", "1"}}), ErrorCode::kFieldNotFound, "\"id\"");
  EXPECT_EQ(Ids(*dataset), Ids(*dataset_));
}

TEST_P(EvolveTest, APrimaryKeyIsDeclaredOnce) {
  EXPECT_THAT(dataset_->PrimaryKey().ValueOrDie(), IsEmpty());
  ExpectUnchanged(dataset_->SetPrimaryKey({"few"}), ErrorCode::kInvalidArgument, "null");
  ExpectUnchanged(dataset_->SetPrimaryKey({"place"}), ErrorCode::kInvalidArgument);
  ExpectUnchanged(dataset_->SetPrimaryKey({}), ErrorCode::kInvalidArgument);
  ExpectUnchanged(dataset_->SetPrimaryKey({"id", "id"}), ErrorCode::kInvalidArgument, "twice");
  ExpectUnchanged(dataset_->SetPrimaryKey({"idd"}), ErrorCode::kFieldNotFound, "\"id\"");
  ExpectUnchanged(dataset_->UpdateFieldMetadata("id", {{"lance-schema:unenforced-primary-key", "true"}}),
                  ErrorCode::kInvalidArgument, "primary key");
  const ColumnAlteration required = {.column = "o d 'd", .nullability = Nullability::kRequired};
  ASSERT_OK_AND_ASSIGN(const auto altered, dataset_->AlterColumns({required}));
  ASSERT_OK_AND_ASSIGN(const auto keyed, altered->SetPrimaryKey({"o d 'd", "id"}));
  EXPECT_THAT(keyed->PrimaryKey().ValueOrDie(), ElementsAre("o d 'd", "id"));
  files_ = ListFiles(dir_.path());
  ExpectUnchanged(keyed->SetPrimaryKey({"id"}), ErrorCode::kFailedPrecondition);
  ExpectUnchanged(keyed->DropColumns({"id"}), ErrorCode::kFailedPrecondition);
  ExpectUnchanged(keyed->AlterColumns({{.column = "id", .type = arrow::int32()}}),
                  ErrorCode::kFailedPrecondition);
  ASSERT_OK_AND_ASSIGN(const auto renamed, keyed->AlterColumns({{.column = "id", .rename = "key"}}));
  EXPECT_THAT(renamed->PrimaryKey().ValueOrDie(), ElementsAre("o d 'd", "key"));
}

TEST_P(EvolveTest, AnEmptyDatasetIsChangedToo) {
  const std::string uri = dir_ / "empty.lance";
  ASSERT_OK(WriteBatches(uri, {Rows(0, 0)}));
  ASSERT_OK_AND_ASSIGN(const auto empty, Dataset::Open(uri));
  ASSERT_OK_AND_ASSIGN(const auto computed, empty->AddColumns({{"doubled", "id * 2"}}));
  ASSERT_OK_AND_ASSIGN(const auto altered,
                       computed->AlterColumns({{.column = "few", .type = arrow::int64()}}));
  const auto none = Doubled({}, "read");
  ASSERT_OK_AND_ASSIGN(const auto read,
                       altered->AddColumnsFromReader(Reader({}, none->schema()).ValueOrDie()));
  ASSERT_OK_AND_ASSIGN(const auto dropped, read->DropColumns({"place"}));
  EXPECT_THAT(dropped->schema()->field_names(),
              ElementsAre("id", "few", "o d 'd", "word", "doubled", "read"));
  EXPECT_OK(WriteSimple(dir_ / "other.lance", 0, 1));
}

TEST_P(EvolveTest, AnAppendMeanwhileIsNotLost) {
  lance::WriteOptions options;
  options.mode = lance::WriteMode::kAppend;
  ASSERT_OK(WriteBatches(uri_, {Rows(kRows, 10)}, options));
  files_ = ListFiles(dir_.path());
  ExpectUnchanged(dataset_->AddColumns({{"doubled", "id * 2"}}), ErrorCode::kCommitConflictRetryable);
  ASSERT_OK_AND_ASSIGN(const auto newest, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto added, newest->AddColumns({{"doubled", "id * 2"}}));
  ExpectDoubled(*added);
  EXPECT_EQ(Ids(*added).size(), Ids(*dataset_).size() + 10);
}

TEST_P(EvolveTest, ADropMeanwhileOfAnotherColumnConflicts) {
  ASSERT_OK(dataset_->DropColumns({"few"}));
  files_ = ListFiles(dir_.path());
  const auto late = dataset_->DropColumns({"word"});
  EXPECT_THAT(late, FailsWith(ErrorCode::kCommitConflictRetryable));
  EXPECT_EQ(ListFiles(dir_.path()), files_);
}

TEST_P(EvolveTest, MigrationsKeepTheRows) {
  const auto ids = Ids(*dataset_);
  DatasetPtr dataset = dataset_;
  for (const auto migration : {Migration::kManifestPaths, Migration::kStableRowIds, Migration::kFieldIds}) {
    // The second time there is nothing to do.
    for (int i = 0; i < 2; ++i) {
      ASSERT_OK_AND_ASSIGN(dataset, dataset->Migrate(migration));
      EXPECT_EQ(Ids(*dataset), ids);
    }
  }
  ASSERT_OK_AND_ASSIGN(const auto info, dataset->Info());
  EXPECT_TRUE(info.stable_row_ids);
  EXPECT_OK(dataset->Validate());
  if (!GetParam()) {
    EXPECT_THAT(dataset_->Migrate(Migration::kStableRowIds), FailsWith(ErrorCode::kCommitConflict));
  }
}

TEST_P(EvolveTest, ManifestsGetTheNamesOfToday) {
  const std::filesystem::path versions = std::filesystem::path(uri_) / "_versions";
  // As early releases have named them.
  for (uint64_t version = 1; version <= 2; ++version) {
    std::filesystem::rename(
        versions / (std::to_string(std::numeric_limits<uint64_t>::max() - version) + ".manifest"),
        versions / (std::to_string(version) + ".manifest"));
  }
  ASSERT_OK_AND_ASSIGN(const auto old, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto migrated, old->Migrate(Migration::kManifestPaths));
  EXPECT_EQ(Ids(*migrated), Ids(*dataset_));
  EXPECT_EQ(ListFiles(dir_.path()), files_);
  ASSERT_OK_AND_ASSIGN(const auto changed, migrated->UpdateConfig({{"a", "1"}}));
  ASSERT_OK_AND_ASSIGN(const uint64_t version, changed->Version());
  EXPECT_EQ(version, 3U);
}

TEST_P(EvolveTest, StorageIsUpgradedInPlace) {
  const std::string uri = dir_ / "old.lance";
  lance::WriteOptions options;
  options.data_storage_version = "2.0";
  options.stable_row_ids = GetParam();
  ASSERT_OK(WriteBatches(uri, {Rows(0, kRows)}, options));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri));
  ASSERT_OK_AND_ASSIGN(dataset, dataset->UpdateMetadata({{"owner", "sales"}}));
  ASSERT_OK_AND_ASSIGN(dataset, dataset->UpdateConfig({{"test.key", "value"}}));
  ASSERT_OK_AND_ASSIGN(dataset, dataset->SetPrimaryKey({"id"}));
  const auto before = dataset;
  ASSERT_OK_AND_ASSIGN(dataset, dataset->UpgradeStorage("2.2"));
  ASSERT_OK_AND_ASSIGN(const auto info, dataset->Info());
  EXPECT_EQ(info.data_storage_version, "2.2");
  EXPECT_EQ(info.stable_row_ids, GetParam());
  EXPECT_EQ(Ids(*dataset), Ids(*before));
  EXPECT_TRUE(dataset->schema()->Equals(*before->schema()));
  EXPECT_THAT(dataset->Metadata().ValueOrDie(), ElementsAre(Pair("owner", "sales")));
  EXPECT_THAT(dataset->Config().ValueOrDie(), ::testing::Contains(Pair("test.key", "value")));
  EXPECT_THAT(dataset->PrimaryKey().ValueOrDie(), ElementsAre("id"));
  EXPECT_THAT(before->UpgradeStorage("2.2"), FailsWith(ErrorCode::kCommitConflict));
  EXPECT_THAT(dataset->UpgradeStorage("9.9"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_P(EvolveTest, FuturesAndStops) {
  arrow::StopSource source;
  source.RequestStop();
  ExpectUnchanged(dataset_->AddColumns({{"a", "id"}}, {}, source.token()), ErrorCode::kCancelled);
  ExpectUnchanged(Wait(dataset_->DropColumnsAsync({"few"}, source.token())), ErrorCode::kCancelled);
  ASSERT_OK_AND_ASSIGN(const auto added, Wait(dataset_->AddColumnsAsync({{"doubled", "id * 2"}})));
  ExpectDoubled(*added);
  ASSERT_OK_AND_ASSIGN(const auto dropped, Wait(added->DropColumnsAsync({"few"})));
  ASSERT_OK_AND_ASSIGN(const auto altered,
                       Wait(dropped->AlterColumnsAsync({{.column = "id", .rename = "key"}})));
  ASSERT_OK_AND_ASSIGN(const auto set, Wait(altered->UpdateConfigAsync({{"a", "1"}})));
  EXPECT_OK(set->ValidateAsync().status());
  EXPECT_EQ(set->schema()->field(0)->name(), "key");
}

}  // namespace
}  // namespace lance_test
