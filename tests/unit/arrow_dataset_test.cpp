// Lance as an Arrow dataset: whatever is asked of it, the answer is that of the same table in memory. And
// what the engine is told of a filter is the whole truth about it.

#include "lance/arrow_dataset.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/acero/exec_plan.h"
#include "arrow/acero/options.h"
#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "arrow/dataset/dataset.h"
#include "arrow/dataset/plan.h"
#include "arrow/dataset/scanner.h"
#include "arrow/json/from_string.h"
#include "arrow/util/async_generator.h"
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

namespace ac = arrow::acero;
namespace cp = arrow::compute;
namespace ds = arrow::dataset;

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using arrow::FieldRef;
using arrow::Result;
using cp::Expression;
using lance::ErrorCode;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using DatasetPtr = std::shared_ptr<ds::Dataset>;
using TablePtr = std::shared_ptr<arrow::Table>;

/// A column or a field of one, and the values it has.
struct Leaf {
  FieldRef ref;
  ArrayPtr values;
  /// Whether the engine compares it with literals.
  bool is_compared = true;
};

ArrayPtr FromJson(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

ArrayPtr Doubles() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  arrow::DoubleBuilder builder;
  EXPECT_OK(builder.AppendValues({kNan, std::copysign(kNan, -1), -0.0, 0.0, -kInfinity, kInfinity, -1.5, 2}));
  EXPECT_OK(builder.AppendNull());
  return builder.Finish().ValueOrDie();
}

ArrayPtr Encoded(const ArrayPtr& values) { return cp::DictionaryEncode(values)->make_array(); }

std::vector<Leaf> Leaves() {
  using namespace arrow;
  EXPECT_OK(cp::Initialize());
  std::vector<Leaf> leaves;
  const auto add = [&](const std::shared_ptr<DataType>& type, const std::string& json,
                       bool is_compared = true) {
    leaves.push_back({type->ToString(), FromJson(type, json), is_compared});
  };
  add(boolean(), "[true, false, null]");
  add(int8(), "[-128, -1, 0, 5, 127, null]");
  add(int16(), "[-32768, 0, 5, 32767, null]");
  add(int32(), "[-2147483648, -1, 0, 5, 2147483647, null]");
  add(int64(), "[-9223372036854775808, -1, 0, 5, 9223372036854775807, null]");
  add(uint8(), "[0, 5, 128, 255, null]");
  add(uint16(), "[0, 5, 32768, 65535, null]");
  add(uint32(), "[0, 5, 2147483648, 4294967295, null]");
  add(uint64(), "[0, 5, 9223372036854775808, 18446744073709551615, null]");
  const std::string text = R"(["", "a", "ab", "b", "é", "%_'\\", null])";
  add(utf8(), text);
  add(large_utf8(), text);
  add(binary(), text);
  add(large_binary(), text);
  add(fixed_size_binary(2), R"(["aa", "ab", "ba", null])");
  add(decimal128(12, 2), R"(["-1.05", "0.00", "0.06", "9999999999.99", null])");
  add(decimal128(38, 3), R"(["-1.051", "0.000", "12345678901234567890123456789012345.678", null])");
  add(date32(), "[-1, 0, 18262, null]");
  add(time32(TimeUnit::SECOND), "[0, 5, 86399, null]");
  add(time32(TimeUnit::MILLI), "[0, 5, 86399999, null]");
  add(time64(TimeUnit::MICRO), "[0, 5, 86399999999, null]");
  add(time64(TimeUnit::NANO), "[0, 5, 86399999999999, null]");
  for (const auto unit : TimeUnit::values()) {
    add(timestamp(unit), "[-86400, 0, 1577836800, null]");
    add(timestamp(unit, "Europe/Berlin"), "[-86400, 0, 1577836800, null]");
  }
  leaves.push_back({"double", Doubles()});
  leaves.push_back({"float", cp::Cast(*Doubles(), float32()).ValueOrDie()});
  leaves.push_back({"words", Encoded(FromJson(utf8(), text))});
  leaves.push_back({"numbers", Encoded(FromJson(int64(), "[-1, 0, 7, null]"))});

  add(float16(), "[0, 1.5, null]", false);
  add(date64(), "[-86400000, 0, 1577836800000, null]", false);
  add(decimal256(40, 2), R"(["-1.05", "0.00", null])", false);
  add(duration(TimeUnit::MICRO), "[-1, 0, 5, null]", false);
  add(list(int32()), "[[], [1, null], [5], null]", false);
  add(fixed_size_list(float32(), 2), "[[1, 2], [0, -1], null]", false);
  return leaves;
}

/// Columns whose values are those of the leaves, in random order, one column of structs, and ids.
std::shared_ptr<arrow::RecordBatch> MixedBatch(std::vector<Leaf>* leaves, int64_t rows) {
  std::mt19937_64 random(17);
  const auto mixed = [&](const ArrayPtr& values) {
    arrow::Int64Builder indices;
    for (int64_t i = 0; i < rows; ++i) {
      EXPECT_OK(indices.Append(static_cast<int64_t>(random() % static_cast<uint64_t>(values->length()))));
    }
    return cp::Take(*values, *indices.Finish().ValueOrDie()).ValueOrDie();
  };
  arrow::FieldVector fields = {arrow::field("id", arrow::int64())};
  arrow::ArrayVector columns = {SimpleBatch(0, rows)->column(0)};
  for (const auto& leaf : *leaves) {
    fields.push_back(arrow::field(*leaf.ref.name(), leaf.values->type()));
    columns.push_back(mixed(leaf.values));
  }
  const auto inner = arrow::struct_({arrow::field("c", arrow::utf8())});
  const auto type = arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("b", inner)});
  fields.push_back(arrow::field("st", type));
  columns.push_back(mixed(FromJson(type, R"([{"a": 1, "b": {"c": "x"}}, {"a": 5, "b": null}, {"a": null,
                                            "b": {"c": null}}, {"a": 7, "b": {"c": "y"}}, null])")));
  leaves->push_back({FieldRef("st", "a"), FromJson(arrow::int32(), "[1, 5, 7, null]")});
  leaves->push_back({FieldRef("st", "b", "c"), FromJson(arrow::utf8(), R"(["x", "y", null])")});
  return arrow::RecordBatch::Make(arrow::schema(fields), rows, columns);
}

struct Query {
  Expression filter = cp::literal(true);
  std::vector<std::string> columns = {"id"};
  bool use_threads = true;
  int64_t batch_size = ds::kDefaultBatchSize;
  arrow::StopToken stop = arrow::StopToken::Unstoppable();
};

Result<std::shared_ptr<ds::Scanner>> MakeScanner(const DatasetPtr& dataset, const Query& query) {
  const auto options = std::make_shared<ds::ScanOptions>();
  options->io_context = arrow::io::IOContext(arrow::default_memory_pool(), query.stop);
  ds::ScannerBuilder builder(dataset, options);
  ARROW_RETURN_NOT_OK(builder.Project(query.columns));
  ARROW_RETURN_NOT_OK(builder.Filter(query.filter));
  ARROW_RETURN_NOT_OK(builder.UseThreads(query.use_threads));
  ARROW_RETURN_NOT_OK(builder.BatchSize(query.batch_size));
  return builder.Finish();
}

Result<TablePtr> ToTable(const DatasetPtr& dataset, const Query& query) {
  ARROW_ASSIGN_OR_RAISE(const auto scanner, MakeScanner(dataset, query));
  return scanner->ToTable();
}

Result<std::vector<int64_t>> Ids(const DatasetPtr& dataset, const Expression& filter) {
  ARROW_ASSIGN_OR_RAISE(const auto table, ToTable(dataset, {.filter = filter}));
  return Int64s(*table->GetColumnByName("id"));
}

/// What a fragment gives before Arrow filters it.
Result<TablePtr> Given(ds::Fragment* fragment, const DatasetPtr& dataset, const Query& query) {
  ARROW_ASSIGN_OR_RAISE(const auto scanner, MakeScanner(dataset, query));
  ARROW_ASSIGN_OR_RAISE(auto generator, fragment->ScanBatchesAsync(scanner->options()));
  ARROW_ASSIGN_OR_RAISE(const auto batches, Wait(arrow::CollectAsyncGenerator(generator)));
  if (batches.empty()) return arrow::Status::Invalid("no batch");
  return arrow::Table::FromRecordBatches(batches);
}

Result<ds::FragmentVector> FragmentsOf(const DatasetPtr& dataset) {
  ARROW_ASSIGN_OR_RAISE(auto fragments, dataset->GetFragments());
  return fragments.ToVector();
}

DatasetPtr InMemory(const TablePtr& table) { return std::make_shared<ds::InMemoryDataset>(table); }

/// A dataset of columns of all types in some fragments, and the same table in memory.
class ArrowDatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    leaves_ = Leaves();
    ASSERT_OK(WriteBatches(uri_, {MixedBatch(&leaves_, kRows)}, {.max_rows_per_file = kRowsPerFragment}));
    ASSERT_OK_AND_ASSIGN(lance_, lance::Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::MakeArrowDataset(lance_));
    ASSERT_OK_AND_ASSIGN(const auto scanner, lance_->Scan());
    ASSERT_OK_AND_ASSIGN(table_, scanner->ToTable());
    oracle_ = InMemory(table_);
  }

  /// Whether the engine takes all of the filter; then it gives what Arrow does.
  bool IsTheEngines(const Expression& filter, const std::vector<int64_t>& expected) {
    const auto substrait = lance::ToSubstrait(filter, *lance_->schema());
    if (!substrait.ok()) {
      EXPECT_THAT(substrait,
                  AnyOf(FailsWith(ErrorCode::kNotSupported), FailsWith(ErrorCode::kInvalidArgument)));
      return false;
    }
    lance::ScanOptions options;
    options.columns = std::vector<std::string>{"id"};
    options.filter_substrait = *substrait;
    const auto scanner = lance_->Scan(options);
    EXPECT_THAT(scanner, IsOk());
    if (!scanner.ok()) return false;
    const auto table = (*scanner)->ToTable();
    EXPECT_THAT(table, IsOk());
    if (table.ok()) {
      EXPECT_EQ(Int64s(*(*table)->GetColumnByName("id")), expected);
    }
    return true;
  }

  /// The same rows, and as many, as the table in memory gives.
  void ExpectAsInMemory(const Expression& filter, const std::vector<int64_t>& expected) {
    ASSERT_OK_AND_ASSIGN(const auto ids, Ids(dataset_, filter));
    EXPECT_EQ(ids, expected);
    ASSERT_OK_AND_ASSIGN(const auto scanner, MakeScanner(dataset_, {.filter = filter}));
    ASSERT_OK_AND_ASSIGN(const int64_t count, scanner->CountRows());
    EXPECT_EQ(count, static_cast<int64_t>(expected.size()));
  }

  static constexpr int64_t kRows = 300;
  static constexpr int64_t kRowsPerFragment = 70;
  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::vector<Leaf> leaves_;
  std::shared_ptr<lance::Dataset> lance_;
  DatasetPtr dataset_;
  TablePtr table_;
  DatasetPtr oracle_;
};

TEST_F(ArrowDatasetTest, HasTheSchemaAndTheFragmentsOfLance) {
  EXPECT_TRUE(dataset_->schema()->Equals(*lance_->schema(), true));
  EXPECT_EQ(dataset_->type_name(), "lance");
  EXPECT_EQ(dataset_->partition_expression(), cp::literal(true));
  ASSERT_OK_AND_ASSIGN(const auto fragments, FragmentsOf(dataset_));
  ASSERT_EQ(fragments.size(), 5U);
  for (const auto& fragment : fragments) {
    ASSERT_OK_AND_ASSIGN(const auto schema, fragment->ReadPhysicalSchema());
    EXPECT_TRUE(schema->Equals(*lance_->schema(), true));
    EXPECT_EQ(fragment->partition_expression(), cp::literal(true));
  }
  EXPECT_EQ(fragments[1]->ToString(), "fragment 1 of " + uri_);
  ASSERT_OK_AND_ASSIGN(const auto later, Wait(lance::MakeArrowDatasetAsync(lance_)));
  EXPECT_TRUE(later->schema()->Equals(*dataset_->schema()));
}

TEST_F(ArrowDatasetTest, ReadsAllColumnsInOrder) {
  for (const bool use_threads : {true, false}) {
    ASSERT_OK_AND_ASSIGN(const auto table, ToTable(dataset_, {.columns = dataset_->schema()->field_names(),
                                                              .use_threads = use_threads,
                                                              .batch_size = 33}));
    ASSERT_OK(table->ValidateFull());
    ASSERT_EQ(table->num_rows(), kRows);
    for (int i = 0; i < table->num_columns(); ++i) {
      const auto one = Plain(arrow::Concatenate(table->column(i)->chunks()).ValueOr(nullptr));
      const auto other = Plain(arrow::Concatenate(table_->column(i)->chunks()).ValueOr(nullptr));
      EXPECT_TRUE(one->Equals(*other, arrow::EqualOptions().nans_equal(true))) << table->field(i)->ToString();
    }
  }
}

TEST_F(ArrowDatasetTest, ConditionsOfTheEngineAreThoseOfArrow) {
  using Compare = Expression (*)(Expression, Expression);
  const std::vector<Compare> comparisons = {cp::equal,      cp::not_equal, cp::less,
                                            cp::less_equal, cp::greater,   cp::greater_equal};
  int turn = 0;
  for (const auto& leaf : Some(leaves_)) {
    const auto values = Plain(leaf.values);
    for (int64_t i = 0; i < values->length(); ++i) {
      ASSERT_OK_AND_ASSIGN(const auto value, values->GetScalar(i));
      const bool is_nan = values->type_id() == arrow::Type::DOUBLE
                              ? std::isnan(static_cast<const arrow::DoubleScalar&>(*value).value)
                              : values->type_id() == arrow::Type::FLOAT &&
                                    std::isnan(static_cast<const arrow::FloatScalar&>(*value).value);
      for (const auto compare : comparisons) {
        const Expression column = cp::field_ref(leaf.ref);
        Expression filter =
            ++turn % 2 == 0 ? compare(column, cp::literal(value)) : compare(cp::literal(value), column);
        if (turn % 3 == 0) filter = cp::not_(filter);
        SCOPED_TRACE(filter.ToString());
        const auto expected = Ids(oracle_, filter);
        if (expected.ok()) {
          EXPECT_EQ(IsTheEngines(filter, *expected), leaf.is_compared && value->is_valid && !is_nan);
          if (turn % 5 == 0) ExpectAsInMemory(filter, *expected);
        } else {
          EXPECT_FALSE(leaf.is_compared) << expected.status().ToString();
        }
      }
    }
  }
}

TEST_F(ArrowDatasetTest, TestsForNullNanAndMembership) {
  using Options = cp::SetLookupOptions;
  std::mt19937_64 random(3);
  for (const auto& leaf : Some(leaves_)) {
    const Expression column = cp::field_ref(leaf.ref);
    const bool is_dictionary = leaf.values->type_id() == arrow::Type::DICTIONARY;
    const bool is_float =
        leaf.values->type_id() == arrow::Type::DOUBLE || leaf.values->type_id() == arrow::Type::FLOAT;
    for (Expression filter : {cp::is_null(column), cp::not_(cp::is_valid(column)), cp::is_valid(column)}) {
      SCOPED_TRACE(filter.ToString());
      ASSERT_OK_AND_ASSIGN(const auto expected, Ids(oracle_, filter));
      EXPECT_EQ(IsTheEngines(filter, expected), !is_dictionary);
      ExpectAsInMemory(filter, expected);
    }
    if (is_float) {
      for (Expression filter : {cp::call("is_nan", {column}), cp::not_(cp::call("is_nan", {column}))}) {
        SCOPED_TRACE(filter.ToString());
        ASSERT_OK_AND_ASSIGN(const auto expected, Ids(oracle_, filter));
        EXPECT_TRUE(IsTheEngines(filter, expected));
        ExpectAsInMemory(filter, expected);
      }
      const Expression filter = cp::is_null(column, /*nan_is_null=*/true);
      ASSERT_OK_AND_ASSIGN(const auto expected, Ids(oracle_, filter));
      EXPECT_FALSE(IsTheEngines(filter, expected));
      ExpectAsInMemory(filter, expected);
    }
    const auto values = Plain(leaf.values);
    for (const auto behavior : {Options::MATCH, Options::SKIP, Options::EMIT_NULL, Options::INCONCLUSIVE}) {
      for (const int64_t from : {int64_t{0}, int64_t{1}, values->length() - 1, values->length()}) {
        Expression filter = cp::call("is_in", {column}, Options(values->Slice(from), behavior));
        if (random() % 2 == 0) filter = cp::not_(filter);
        SCOPED_TRACE(filter.ToString());
        const auto expected = Ids(oracle_, filter);
        if (!expected.ok()) {
          EXPECT_FALSE(leaf.is_compared) << expected.status().ToString();
          continue;
        }
        const bool gives_null = behavior == Options::EMIT_NULL || behavior == Options::INCONCLUSIVE;
        EXPECT_EQ(IsTheEngines(filter, *expected), leaf.is_compared && !is_float && !gives_null);
        if (random() % 4 == 0) ExpectAsInMemory(filter, *expected);
      }
    }
  }
}

TEST_F(ArrowDatasetTest, TestsText) {
  // Arrow does not look into dictionaries for text.
  const Expression words = cp::call("cast", {cp::field_ref("words")}, cp::CastOptions::Safe(arrow::utf8()));
  for (const Expression& text : {cp::field_ref("string"), cp::field_ref("large_string"), words}) {
    for (const char* function : {"starts_with", "ends_with", "match_substring"}) {
      for (const char* pattern : {"", "a", "é", "%", "'"}) {
        const Expression filter = cp::call(function, {text}, cp::MatchSubstringOptions(pattern));
        SCOPED_TRACE(filter.ToString());
        ASSERT_OK_AND_ASSIGN(const auto expected, Ids(oracle_, filter));
        EXPECT_TRUE(IsTheEngines(filter, expected));
        ExpectAsInMemory(cp::not_(filter), Ids(oracle_, cp::not_(filter)).ValueOrDie());
      }
    }
  }
}

TEST_F(ArrowDatasetTest, WhatTheEngineDoesNotKnowIsLeftToArrow) {
  const auto column = [](const char* name) { return cp::field_ref(name); };
  const auto one = cp::literal(1);
  for (const Expression& condition :
       {cp::greater(cp::call("add", {column("int64"), one}), one),
        cp::call("match_like", {column("string")}, cp::MatchSubstringOptions("a%")),
        cp::call("starts_with", {column("string")}, cp::MatchSubstringOptions("A", /*ignore_case=*/true)),
        cp::call("and", {column("bool"), cp::is_valid(column("int8"))}),
        cp::equal(column("double"), column("float")), cp::equal(column("bool"), cp::is_null(column("int8"))),
        cp::less(column("int64"), cp::literal(2.5)), cp::less(column("uint64"), column("int8")),
        cp::greater(cp::call("binary_length", {column("string")}), one),
        cp::call("if_else", {column("bool"), column("bool"), cp::is_null(column("int32"))})}) {
    // Alone, and beside conditions that the engine does know.
    const Expression known = cp::greater_equal(column("id"), cp::literal(int64_t{100}));
    for (const Expression& filter :
         {condition, cp::and_(known, condition), cp::or_(known, cp::not_(condition))}) {
      SCOPED_TRACE(filter.ToString());
      const auto expected = Ids(oracle_, filter);
      if (!expected.ok()) {
        EXPECT_FALSE(Ids(dataset_, filter).ok());
        continue;
      }
      EXPECT_FALSE(IsTheEngines(filter, *expected));
      ExpectAsInMemory(filter, *expected);
    }
  }
}

/// Expressions at random, of what the engine knows and some it does not.
class RandomFilters {
 public:
  RandomFilters(const std::vector<Leaf>& leaves, uint64_t seed) : leaves_(leaves), random_(seed) {}

  Expression Next(int depth) {
    if (depth == 0 || Below(4) == 0) return Condition();
    switch (Below(3)) {
      case 0:
        return cp::and_(Next(depth - 1), Next(depth - 1));
      case 1:
        return cp::or_(Next(depth - 1), Next(depth - 1));
      default:
        return cp::not_(Next(depth - 1));
    }
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  Expression Condition() {
    const Leaf& leaf = leaves_[Below(leaves_.size())];
    const auto values = Plain(leaf.values);
    const Expression column = cp::field_ref(leaf.ref);
    const auto value = [&] {
      return cp::literal(values->GetScalar(static_cast<int64_t>(Below(values->length()))).ValueOrDie());
    };
    switch (Below(8)) {
      case 0:
        return cp::is_null(column);
      case 1:
        return cp::call("is_in", {column},
                        cp::SetLookupOptions(values->Slice(static_cast<int64_t>(Below(values->length())))));
      case 2:
        return cp::greater_equal(cp::field_ref("id"), cp::literal(static_cast<int64_t>(Below(300))));
      case 3:
        return cp::less(cp::field_ref("int8"), cp::field_ref(Below(2) == 0 ? "int64" : "uint16"));
      default: {
        static const std::vector<std::string> kFunctions = {"equal",      "not_equal", "less",
                                                            "less_equal", "greater",   "greater_equal"};
        return cp::call(kFunctions[Below(kFunctions.size())], {column, value()});
      }
    }
  }

  const std::vector<Leaf>& leaves_;
  std::mt19937_64 random_;
};

TEST_F(ArrowDatasetTest, RandomFiltersPassTheSameRows) {
  int answered = 0;
  int pushed = 0;
  const int64_t count = Pick<int64_t>(150, 1000) / Stride();
  for (int64_t seed = 0; seed < count; ++seed) {
    const Expression filter = RandomFilters(leaves_, static_cast<uint64_t>(seed)).Next(1 + seed % 4);
    SCOPED_TRACE(std::to_string(seed) + ": " + filter.ToString());
    const auto expected = Ids(oracle_, filter);
    // Some types Arrow does not compare.
    if (!expected.ok()) continue;
    ++answered;
    pushed += IsTheEngines(filter, *expected) ? 1 : 0;
    ExpectAsInMemory(filter, *expected);
  }
  EXPECT_GT(answered, count / 2);
  EXPECT_GT(pushed, count / 5);
}

TEST_F(ArrowDatasetTest, FiltersReachTheEngine) {
  ASSERT_OK_AND_ASSIGN(const auto fragments, FragmentsOf(dataset_));
  const Query query = {
      .filter = cp::and_(cp::less(cp::field_ref("id"), cp::literal(int64_t{80})),
                         cp::call("match_like", {cp::field_ref("string")}, cp::MatchSubstringOptions("a%")))};
  // Only the condition that the engine knows.
  ASSERT_OK_AND_ASSIGN(const auto table, Given(fragments[1].get(), dataset_, query));
  EXPECT_EQ(Int64s(*table->GetColumnByName("id")), Range(70, 10));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "string"));
}

TEST_F(ArrowDatasetTest, OnlyTheColumnsNeededAreAskedFor) {
  ASSERT_OK_AND_ASSIGN(const auto fragments, FragmentsOf(dataset_));
  ASSERT_OK_AND_ASSIGN(const auto table, Given(fragments[0].get(), dataset_,
                                               {.filter = cp::is_valid(cp::field_ref(FieldRef("st", "a"))),
                                                .columns = {"words", "int8", "words"}}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("int8", "words", "st"));
  ASSERT_OK_AND_ASSIGN(const auto none, ToTable(dataset_, {.columns = {}}));
  EXPECT_EQ(none->num_columns(), 0);
  EXPECT_EQ(none->num_rows(), kRows);
}

TEST_F(ArrowDatasetTest, ReplacesItsSchema) {
  const auto schema =
      arrow::schema({arrow::field("new", arrow::utf8()), arrow::field("string", arrow::utf8()),
                     arrow::field("id", arrow::int64())});
  ASSERT_OK_AND_ASSIGN(const auto replaced, dataset_->ReplaceSchema(schema));
  ASSERT_OK_AND_ASSIGN(const auto same, oracle_->ReplaceSchema(schema));
  // By position, which is another one in the dataset, and a column that it does not have.
  for (const Expression& filter :
       {cp::greater(cp::field_ref(FieldRef(2)), cp::literal(int64_t{250})), cp::is_null(cp::field_ref("new")),
        cp::equal(cp::field_ref("new"), cp::literal("a")),
        cp::equal(cp::field_ref("string"), cp::literal("ab"))}) {
    SCOPED_TRACE(filter.ToString());
    const Query query = {.filter = filter, .columns = schema->field_names()};
    ASSERT_OK_AND_ASSIGN(const auto table, ToTable(replaced, query));
    ASSERT_OK_AND_ASSIGN(const auto expected, ToTable(same, query));
    EXPECT_TRUE(table->CombineChunks().ValueOrDie()->Equals(*expected->CombineChunks().ValueOrDie()));
  }
  const auto other = arrow::schema({arrow::field("id", arrow::utf8())});
  EXPECT_FALSE(dataset_->ReplaceSchema(other).ok());
}

TEST_F(ArrowDatasetTest, TakesPartInUnions) {
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  ASSERT_OK_AND_ASSIGN(const auto lance, dataset_->ReplaceSchema(schema));
  ASSERT_OK_AND_ASSIGN(const auto ids, table_->SelectColumns({0}));
  ASSERT_OK_AND_ASSIGN(const auto both, ds::UnionDataset::Make(schema, {lance, InMemory(ids)}));
  ASSERT_OK_AND_ASSIGN(const auto found, Ids(both, cp::less(cp::field_ref("id"), cp::literal(int64_t{2}))));
  EXPECT_THAT(found, ElementsAre(0, 1, 0, 1));
}

/// Groups the rows that pass a filter, joined with themselves.
Result<TablePtr> JoinAndGroup(const DatasetPtr& dataset) {
  using Fields = std::vector<FieldRef>;
  const auto scan = [&](const Expression& filter, const std::string& column, const std::string& name) {
    const auto options = std::make_shared<ds::ScanOptions>();
    options->use_threads = true;
    options->filter = filter;
    options->projection = cp::call("make_struct", {cp::field_ref("id"), cp::field_ref(column)},
                                   cp::MakeStructOptions({"id", column}));
    return ac::Declaration::Sequence(
        {{"scan", ds::ScanNodeOptions(dataset, options)},
         {"filter", ac::FilterNodeOptions(filter)},
         {"project", ac::ProjectNodeOptions({cp::field_ref("id"), cp::field_ref(column)}, {name, column})}});
  };
  const auto left = scan(cp::less(cp::field_ref("id"), cp::literal(int64_t{200})), "int64", "left");
  const auto right = scan(cp::is_valid(cp::field_ref("string")), "string", "right");
  ac::Declaration join("hashjoin", {left, right},
                       ac::HashJoinNodeOptions(ac::JoinType::INNER, Fields{"left"}, Fields{"right"},
                                               Fields{"left", "int64"}, Fields{"string"}));
  return ac::DeclarationToTable(ac::Declaration::Sequence(
      {join,
       {"aggregate", ac::AggregateNodeOptions(
                         {{"hash_sum", nullptr, "left", "ids"}, {"hash_count", nullptr, "int64", "values"}},
                         Fields{"string"})},
       {"order_by", ac::OrderByNodeOptions(cp::Ordering({cp::SortKey("string")}))}}));
}

TEST_F(ArrowDatasetTest, AceroJoinsAndGroups) {
  ds::internal::Initialize();
  ASSERT_OK_AND_ASSIGN(const auto table, JoinAndGroup(dataset_));
  ASSERT_OK_AND_ASSIGN(const auto expected, JoinAndGroup(oracle_));
  EXPECT_EQ(table->num_rows(), 6);
  EXPECT_TRUE(table->CombineChunks().ValueOrDie()->Equals(*expected->CombineChunks().ValueOrDie()))
      << table->ToString() << expected->ToString();
}

TEST_F(ArrowDatasetTest, ManyThreadsShareIt) {
  std::vector<Expression> filters;
  std::vector<std::vector<int64_t>> expected;
  for (uint64_t seed = 1000; filters.size() < 8; ++seed) {
    const Expression filter = RandomFilters(leaves_, seed).Next(2);
    const auto ids = Ids(oracle_, filter);
    if (!ids.ok()) continue;
    filters.push_back(filter);
    expected.push_back(*ids);
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < filters.size(); ++i) {
    threads.emplace_back([&, i] {
      for (size_t turn = 0; turn < 10; ++turn) {
        const size_t k = (i + turn) % filters.size();
        const auto ids = Ids(dataset_, filters[k]);
        EXPECT_THAT(ids, IsOk());
        if (ids.ok()) {
          EXPECT_EQ(*ids, expected[k]);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(ArrowDatasetTest, TellsWhatIsWrong) {
  EXPECT_THAT(lance::MakeArrowDataset(nullptr), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(lance::MakeArrowDatasetAsync(nullptr).result(), FailsWith(ErrorCode::kInvalidArgument));
  const auto& schema = *lance_->schema();
  const auto unknown = lance::ToSubstrait(cp::is_null(cp::field_ref("nope")), schema);
  EXPECT_THAT(unknown, FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(unknown, FailsSaying(HasSubstr("\"nope\"")));
  EXPECT_THAT(lance::ToSubstrait(cp::field_ref("int8"), schema), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(lance::ToSubstrait(cp::equal(cp::field_ref("int8"), cp::literal("a")), schema),
              FailsWith(ErrorCode::kInvalidArgument));
  const auto unfit = lance::ToSubstrait(cp::call("is_finite", {cp::field_ref("double")}), schema);
  EXPECT_THAT(unfit, FailsWith(ErrorCode::kNotSupported));
  EXPECT_THAT(unfit, FailsSaying(HasSubstr("is_finite")));
}

TEST(ArrowDatasetNamesTest, AreAsOddAsTheyLike) {
  // The last one is the engine's own mark of columns without a type, so it takes no filter on it.
  const std::vector<std::string> names = {
      "id", "sp ace", "b`t", "`q`", "*", "Upper", "ünï", "say \"x\"", "", "__unlikely_name_placeholder_0"};
  const TempDir dir;
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& name : names) {
    // Not every name can be stored.
    const auto field = arrow::field(name, arrow::int64());
    if (!lance::LanceWriter::Open(dir / "try", arrow::schema({field}), {.mode = lance::WriteMode::kOverwrite})
             .ok()) {
      continue;
    }
    fields.push_back(field);
    columns.push_back(SimpleBatch(static_cast<int64_t>(fields.size()) - 1, 10)->column(0));
  }
  ASSERT_GT(fields.size(), 5U);
  const auto schema = arrow::schema(fields);
  ASSERT_OK(WriteBatches(dir / "dataset", {arrow::RecordBatch::Make(schema, 10, columns)}));
  ASSERT_OK_AND_ASSIGN(const auto lance, lance::Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::MakeArrowDataset(lance));
  for (int i = 0; i < schema->num_fields(); ++i) {
    SCOPED_TRACE(schema->field(i)->name());
    const Query query = {
        .filter = cp::equal(cp::field_ref(schema->field(i)->name()), cp::literal(int64_t{7})),
        .columns = schema->field_names()};
    ASSERT_OK_AND_ASSIGN(const auto table, ToTable(dataset, query));
    EXPECT_TRUE(table->schema()->Equals(*schema));
    if (i <= 7) {
      EXPECT_THAT(Int64s(*table->column(0)), ElementsAre(7 - i));
    }
  }
}

uint64_t BytesRead() {
  uint64_t bytes = 0;
  const auto metrics = lance::GetMetrics().ValueOrDie();
  for (const auto& store : metrics.stores) bytes += store.bytes_read;
  return bytes;
}

/// Ids from 0, and names that take a lot more bytes, in eight fragments.
class LargeArrowDatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937_64 random(5);
    arrow::StringBuilder names;
    for (int64_t i = 0; i < kRows; ++i) {
      std::string name(100, ' ');
      for (char& c : name) c = static_cast<char>('a' + random() % 16);
      ASSERT_OK(names.Append(name));
    }
    const auto schema =
        arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())});
    ASSERT_OK(WriteBatches(
        uri_, {arrow::RecordBatch::Make(schema, kRows, {SimpleBatch(0, kRows)->column(0), *names.Finish()})},
        {.max_rows_per_file = kRows / 8}));
    ASSERT_OK_AND_ASSIGN(lance_, lance::Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(dataset_, lance::MakeArrowDataset(lance_));
  }

  static constexpr int64_t kRows = 80'000;
  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<lance::Dataset> lance_;
  DatasetPtr dataset_;
};

TEST_F(LargeArrowDatasetTest, ColumnsThatNobodyNeedsAreNotRead) {
  const uint64_t before = BytesRead();
  ASSERT_OK(ToTable(dataset_, {.columns = {"id"}}));
  const uint64_t narrow = BytesRead() - before;
  ASSERT_OK(ToTable(dataset_, {.columns = {"name"}}));
  const uint64_t wide = BytesRead() - before - narrow;
  EXPECT_GT(narrow, 0U);
  EXPECT_GT(wide, 4 * narrow);
}

TEST_F(LargeArrowDatasetTest, CountsReadNoRows) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, MakeScanner(dataset_, {}));
  const uint64_t before = BytesRead();
  ASSERT_OK_AND_ASSIGN(const int64_t count, scanner->CountRows());
  EXPECT_EQ(count, kRows);
  EXPECT_EQ(BytesRead(), before);
}

TEST_F(LargeArrowDatasetTest, FragmentsAreReadAlone) {
  // Of eight files, seven are lost: the one that is left is that of some fragment, which is still read.
  const auto files = ListFiles(dir_.path() / "dataset" / "data");
  ASSERT_EQ(files.size(), 8U);
  for (size_t i = 1; i < files.size(); ++i)
    std::filesystem::remove(dir_.path() / "dataset" / "data" / files[i]);
  ASSERT_OK_AND_ASSIGN(const auto fresh, lance::Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::MakeArrowDataset(fresh));
  int read = 0;
  ASSERT_OK_AND_ASSIGN(const auto fragments, FragmentsOf(dataset));
  for (const auto& fragment : fragments) {
    const auto table = Given(fragment.get(), dataset, {});
    if (table.ok()) {
      ++read;
      EXPECT_EQ((*table)->num_rows(), kRows / 8);
    } else {
      EXPECT_NE(lance::LanceStatusDetail::UnwrapStatus(table.status()), nullptr) << table.status().ToString();
    }
  }
  EXPECT_EQ(read, 1);
  EXPECT_FALSE(ToTable(dataset, {}).ok());
  ASSERT_OK_AND_ASSIGN(const auto scanner, MakeScanner(dataset, {}));
  ASSERT_OK_AND_ASSIGN(const int64_t count, scanner->CountRows());
  EXPECT_EQ(count, kRows);
}

TEST_F(LargeArrowDatasetTest, StopsAtAnyMoment) {
  std::mt19937_64 random(11);
  int stopped = 0;
  for (int turn = 0; turn < 40; ++turn) {
    arrow::StopSource source;
    if (turn == 0) source.RequestStop();
    std::thread stopper([&, pause = std::chrono::microseconds(random() % 20'000)] {
      std::this_thread::sleep_for(pause);
      source.RequestStop();
    });
    const auto table =
        ToTable(dataset_, {.filter = cp::greater_equal(cp::field_ref("id"), cp::literal(int64_t{10})),
                           .columns = {"id", "name"},
                           .batch_size = 100,
                           .stop = source.token()});
    stopper.join();
    if (table.ok()) {
      EXPECT_EQ((*table)->num_rows(), kRows - 10);
    } else {
      ++stopped;
      EXPECT_TRUE(table.status().IsCancelled()) << table.status().ToString();
    }
  }
  EXPECT_GT(stopped, 0);
  ASSERT_OK_AND_ASSIGN(const auto table, ToTable(dataset_, {}));
  EXPECT_EQ(table->num_rows(), kRows);
}

TEST_F(LargeArrowDatasetTest, DroppedGeneratorsLeaveNothingBehind) {
  ASSERT_OK_AND_ASSIGN(const auto fragments, FragmentsOf(dataset_));
  for (int taken = 0; taken < 5; ++taken) {
    ASSERT_OK_AND_ASSIGN(const auto scanner, MakeScanner(dataset_, {.batch_size = 100}));
    ASSERT_OK_AND_ASSIGN(ds::RecordBatchGenerator generator,
                         fragments[static_cast<size_t>(taken)]->ScanBatchesAsync(scanner->options()));
    for (int i = 0; i < taken; ++i) ASSERT_OK(generator().result());
    arrow::Future<std::shared_ptr<arrow::RecordBatch>> next = generator();
    generator = nullptr;
    next.Wait();
    EXPECT_TRUE(next.status().ok() || next.status().IsCancelled()) << next.status().ToString();
  }
}

TEST_F(LargeArrowDatasetTest, OutlivesWhatItWasMadeOf) {
  lance_.reset();
  ASSERT_OK_AND_ASSIGN(const auto scanner, MakeScanner(dataset_, {}));
  dataset_.reset();
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
  EXPECT_EQ(Int64s(*table->column(0)), Range(0, kRows));
}

}  // namespace
}  // namespace lance_test
