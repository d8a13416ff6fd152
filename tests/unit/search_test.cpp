#include "lance/search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "arrow/json/from_string.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::DistanceMetric;
using lance::ErrorCode;
using lance::ScanOptions;
using lance::VectorQuery;
using lance::VectorQueryOptions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Columns = std::vector<std::string>;
using Vector = std::vector<double>;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using TablePtr = std::shared_ptr<arrow::Table>;
using TypePtr = std::shared_ptr<arrow::DataType>;
using QueryPtr = std::shared_ptr<VectorQuery>;
using DatasetPtr = std::shared_ptr<lance::Dataset>;

constexpr int kLength = 8;
constexpr int64_t kRows = 600;
/// As long as a vector of the column.
constexpr uint32_t kSeed = 20'260'101;

/// Numbers that every type of vectors has, so that what is stored is what was made.
Vector MakeVector(std::mt19937& random, bool is_unsigned) {
  Vector out(kLength);
  for (double& number : out) number = static_cast<double>(random() % 100) - (is_unsigned ? 0 : 50);
  // One of zeros alone has no angle.
  out[0] += is_unsigned ? 1 : 51;
  return out;
}

ArrayPtr Doubles(const Vector& numbers) {
  arrow::DoubleBuilder builder;
  EXPECT_OK(builder.AppendValues(numbers));
  return *builder.Finish();
}

ArrayPtr Numbers(const Vector& numbers, const TypePtr& type) {
  return arrow::compute::Cast(*Doubles(numbers), type).ValueOrDie();
}

ArrayPtr FromJson(const TypePtr& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

Vector Joined(const std::vector<Vector>& vectors) {
  Vector all;
  for (const Vector& vector : vectors) all.insert(all.end(), vector.begin(), vector.end());
  return all;
}

/// A fixed-size list for each vector; one that is empty is NULL.
ArrayPtr Vectors(const std::vector<Vector>& vectors, const TypePtr& type) {
  std::vector<Vector> filled = vectors;
  arrow::TypedBufferBuilder<bool> valid;
  for (Vector& vector : filled) {
    EXPECT_OK(valid.Append(!vector.empty()));
    vector.resize(kLength);
  }
  const auto numbers = Numbers(Joined(filled), type);
  return arrow::FixedSizeListArray::FromArrays(numbers, kLength, *valid.Finish()).ValueOrDie();
}

double Distance(DistanceMetric metric, const Vector& a, const Vector& b) {
  const double dot = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  const auto norm = [](const Vector& v) {
    return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
  };
  double sum = 0;
  switch (metric) {
    case DistanceMetric::kCosine:
      return 1 - dot / (norm(a) * norm(b));
    case DistanceMetric::kDot:
      return 1 - dot;
    case DistanceMetric::kHamming:
      for (size_t i = 0; i < a.size(); ++i) {
        sum += std::popcount(static_cast<uint8_t>(static_cast<uint8_t>(a[i]) ^ static_cast<uint8_t>(b[i])));
      }
      return sum;
    default:
      for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
      return sum;
  }
}

/// Rows `id`, `group` (id modulo 7) and `v`, in four fragments. Every ninth vector is NULL.
struct Rows {
  explicit Rows(TypePtr element, uint32_t seed = kSeed) : type(std::move(element)) {
    std::mt19937 random(seed);
    for (int64_t id = 0; id < kRows; ++id) {
      vectors.push_back(id % 9 == 4 ? Vector{} : MakeVector(random, IsUnsigned()));
    }
    query = MakeVector(random, IsUnsigned());
  }

  bool IsUnsigned() const { return type->id() == arrow::Type::UINT8; }

  DatasetPtr Write(const std::string& uri, const std::string& name = "v") const {
    arrow::Int64Builder ids;
    arrow::Int64Builder groups;
    for (int64_t id = 0; id < kRows; ++id) {
      EXPECT_OK(ids.Append(id));
      EXPECT_OK(groups.Append(id % 7));
    }
    const auto column = Vectors(vectors, type);
    const auto schema =
        arrow::schema({arrow::field("id", arrow::int64()), arrow::field("group", arrow::int64()),
                       arrow::field(name, column->type())});
    const auto batch = arrow::RecordBatch::Make(schema, kRows, {*ids.Finish(), *groups.Finish(), column});
    lance::WriteOptions options;
    options.max_rows_per_file = kRows / 4;
    EXPECT_OK(WriteBatches(uri, {batch}, options));
    return *lance::Dataset::Open(uri);
  }

  /// The distances of the rows that pass, the least first.
  std::vector<std::pair<double, int64_t>> Ranked(
      DistanceMetric metric, const Vector& to,
      const std::function<bool(int64_t)>& passes = [](int64_t) { return true; }) const {
    std::vector<std::pair<double, int64_t>> out;
    for (int64_t id = 0; id < kRows; ++id) {
      if (!vectors[id].empty() && passes(id)) out.emplace_back(Distance(metric, to, vectors[id]), id);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  TypePtr type;
  std::vector<Vector> vectors;
  Vector query;
};

std::vector<double> Floats(const arrow::Table& table, const std::string& name) {
  std::vector<double> out;
  for (const auto& chunk : table.GetColumnByName(name)->chunks()) {
    const auto& floats = static_cast<const arrow::FloatArray&>(*chunk);
    for (int64_t i = 0; i < floats.length(); ++i) out.push_back(floats.Value(i));
  }
  return out;
}

std::vector<int64_t> Ids(const arrow::Table& table) { return Int64s(*table.GetColumnByName("id")); }

/// Rows of one rank may come in any order, so that ids are looked at by their distances.
void ExpectRanked(const arrow::Table& table, const std::vector<std::pair<double, int64_t>>& ranked,
                  size_t k) {
  const auto distances = Floats(table, "_distance");
  const auto ids = Ids(table);
  ASSERT_EQ(ids.size(), std::min(k, ranked.size()));
  std::map<int64_t, double> known;
  for (const auto& [distance, id] : ranked) known[id] = distance;
  for (size_t i = 0; i < ids.size(); ++i) {
    const double near = 1e-4 * std::max(1.0, std::abs(ranked[i].first));
    EXPECT_NEAR(distances[i], ranked[i].first, near) << i;
    ASSERT_TRUE(known.contains(ids[i])) << ids[i];
    EXPECT_NEAR(known[ids[i]], distances[i], near) << ids[i];
  }
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size());
}

arrow::Result<TablePtr> Scan(const lance::Dataset& dataset, const ScanOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
  EXPECT_TRUE(table->schema()->Equals(*scanner->schema()));
  ARROW_ASSIGN_OR_RAISE(const uint64_t count, scanner->CountRows());
  EXPECT_EQ(count, static_cast<uint64_t>(table->num_rows()));
  return table;
}

QueryPtr Nearest(const ArrayPtr& vectors, const VectorQueryOptions& options = {}) {
  return VectorQuery::Make("v", vectors, options).ValueOrDie();
}

class SearchTest : public ::testing::Test {
 protected:
  void SetUp() override { dataset_ = rows_.Write(uri_); }

  arrow::Result<TablePtr> Scan(const ScanOptions& options) const {
    return lance_test::Scan(*dataset_, options);
  }

  QueryPtr Nearest(uint32_t k) const { return lance_test::Nearest(Doubles(rows_.query), {.k = k}); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  const Rows rows_{arrow::float32()};
  DatasetPtr dataset_;
};

TEST(SearchTypesTest, AnswersAreThoseOfBruteForceForEachTypeAndMetric) {
  const TempDir dir;
  using enum DistanceMetric;
  for (const TypePtr& type :
       {arrow::float16(), arrow::float32(), arrow::float64(), arrow::int8(), arrow::uint8()}) {
    const Rows rows(type);
    const auto dataset = rows.Write(dir / type->ToString());
    const auto metrics =
        rows.IsUnsigned() ? std::vector{kDefault, kHamming} : std::vector{kDefault, kL2, kCosine, kDot};
    for (const DistanceMetric metric : metrics) {
      const auto meant = metric == kDefault && rows.IsUnsigned() ? kHamming : metric;
      // What is looked for is cast to the type of the column.
      for (const TypePtr& given :
           {arrow::float64(), arrow::int64(), arrow::float32(), arrow::float16(), type}) {
        SCOPED_TRACE(type->ToString() + " " + given->ToString() + " " +
                     std::to_string(static_cast<int>(metric)));
        const auto nearest = Nearest(Numbers(rows.query, given), {.k = 20, .metric = metric});
        ASSERT_OK_AND_ASSIGN(const auto table, Scan(*dataset, {.nearest = nearest}));
        ExpectRanked(*table, rows.Ranked(meant, rows.query), 20);
      }
    }
  }
}

TEST_F(SearchTest, TheDistanceIsAColumn) {
  const auto nearest = Nearest(5);
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.nearest = nearest}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "group", "v", "_distance"));
  ASSERT_OK_AND_ASSIGN(
      table, Scan({.columns = Columns{"_distance", "id"}, .with_row_id = true, .nearest = nearest}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("_distance", "id", "_rowid"));
  ExpectRanked(*table, rows_.Ranked(DistanceMetric::kL2, rows_.query), 5);
  ASSERT_OK_AND_ASSIGN(table, Scan({.columns = Columns{"id"}, .nearest = nearest}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id"));
  ASSERT_OK_AND_ASSIGN(table, Scan({.columns = Columns{}, .nearest = nearest}));
  EXPECT_EQ(table->num_columns(), 0);
  EXPECT_EQ(table->num_rows(), 5);
  EXPECT_THAT(dataset_->Scan({.columns = Columns{"_distance"}}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->Scan({.columns = Columns{"_score"}, .nearest = nearest}),
              FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(dataset_->Scan({.columns = Columns{"_distance", "_distance"}, .nearest = nearest}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(SearchTest, TheDistanceIsComputedWith) {
  ScanOptions options{.columns = Columns{"id", "_distance"}, .nearest = Nearest(9)};
  options.expressions = {{"half", "_distance / 2"}, {"next", "id + 1"}};
  ASSERT_OK_AND_ASSIGN(const auto table, Scan(options));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "_distance", "half", "next"));
  EXPECT_NEAR(Floats(*table, "half")[8], Floats(*table, "_distance")[8] / 2, 1e-3);
}

TEST_F(SearchTest, WhatWasFoundIsSortedAndCut) {
  const auto ranked = rows_.Ranked(DistanceMetric::kL2, rows_.query);
  const auto nearest = Nearest(30);
  ASSERT_OK_AND_ASSIGN(
      auto table, Scan({.columns = Columns{"id", "_distance"}, .limit = 7, .offset = 5, .nearest = nearest}));
  ExpectRanked(*table, {ranked.begin() + 5, ranked.end()}, 7);
  ASSERT_OK_AND_ASSIGN(table, Scan({.columns = Columns{"id"},
                                    .limit = 3,
                                    .order_by = {{.column = "_distance", .descending = true}},
                                    .nearest = nearest}));
  EXPECT_EQ(Ids(*table), (std::vector{ranked[29].second, ranked[28].second, ranked[27].second}));
  ASSERT_OK_AND_ASSIGN(table,
                       Scan({.columns = Columns{"id"}, .order_by = {{.column = "id"}}, .nearest = nearest}));
  std::vector<int64_t> expected;
  for (int i = 0; i < 30; ++i) expected.push_back(ranked[i].second);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(Ids(*table), expected);
  ASSERT_OK_AND_ASSIGN(table, Scan({.limit = 0, .nearest = nearest}));
  EXPECT_EQ(table->num_rows(), 0);
}

TEST_F(SearchTest, WhatWasFoundIsGrouped) {
  ScanOptions options{.nearest = Nearest(40)};
  options.aggregates = {{.name = "rows"},
                        {.function = lance::AggregateFunction::kMin, .column = "_distance", .name = "least"}};
  options.group_by = {"group"};
  options.order_by = {{.column = "group"}};
  ASSERT_OK_AND_ASSIGN(const auto table, Scan(options));
  std::map<int64_t, std::pair<int64_t, double>> groups;
  const auto ranked = rows_.Ranked(DistanceMetric::kL2, rows_.query);
  for (int i = 0; i < 40; ++i) {
    auto& [rows, least] = groups.try_emplace(ranked[i].second % 7, 0, ranked[i].first).first->second;
    ++rows;
  }
  const auto keys = Int64s(*table->GetColumnByName("group"));
  const auto counts = Int64s(*table->GetColumnByName("rows"));
  const auto least = Floats(*table, "least");
  ASSERT_EQ(keys.size(), groups.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(counts[i], groups[keys[i]].first);
    EXPECT_NEAR(least[i], groups[keys[i]].second, 1e-2);
  }
}

TEST_F(SearchTest, FiltersChooseBeforeOrAfter) {
  std::mt19937 random(kSeed);
  for (int i = 0; i < 12; ++i) {
    const auto from = static_cast<int64_t>(random() % kRows);
    const auto group = static_cast<int64_t>(random() % 7);
    const std::string filter = "id >= " + std::to_string(from) + " or `group` = " + std::to_string(group);
    SCOPED_TRACE(filter);
    const auto passes = [=](int64_t id) { return id >= from || id % 7 == group; };
    const auto all = rows_.Ranked(DistanceMetric::kL2, rows_.query);
    ASSERT_OK_AND_ASSIGN(auto table, Scan({.filter = filter, .nearest = Nearest(25)}));
    ExpectRanked(*table, rows_.Ranked(DistanceMetric::kL2, rows_.query, passes), 25);
    ASSERT_OK_AND_ASSIGN(table, Scan({.filter = filter, .nearest = Nearest(25), .prefilter = false}));
    std::vector<std::pair<double, int64_t>> left;
    for (int row = 0; row < 25; ++row) {
      if (passes(all[row].second)) left.push_back(all[row]);
    }
    ExpectRanked(*table, left, 25);
  }
}

TEST_F(SearchTest, AFilterOfDistancesIsNoPrefilter) {
  const auto ranked = rows_.Ranked(DistanceMetric::kL2, rows_.query);
  const std::string filter = "_distance < " + std::to_string((ranked[3].first + ranked[4].first) / 2);
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Scan({.filter = filter, .nearest = Nearest(25), .prefilter = false}));
  ExpectRanked(*table, ranked, 4);
  EXPECT_THAT(dataset_->Scan({.filter = filter, .nearest = Nearest(25)}),
              FailsSaying(HasSubstr("prefilter")));
  EXPECT_THAT(dataset_->Scan({.filter = filter}), FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(SearchTest, NullsAreNeverFound) {
  for (const uint32_t k : {uint32_t{600}, uint32_t{100'000}, uint32_t{4'000'000'000}}) {
    ASSERT_OK_AND_ASSIGN(const auto table,
                         Scan({.columns = Columns{"id", "_distance"}, .nearest = Nearest(k)}));
    ExpectRanked(*table, rows_.Ranked(DistanceMetric::kL2, rows_.query), k);
  }
}

TEST_F(SearchTest, BoundsTakeTheLowerAndNotTheUpper) {
  const auto ranked = rows_.Ranked(DistanceMetric::kL2, rows_.query);
  VectorQueryOptions options{.k = 50};
  options.lower_bound = ranked[4].first;
  options.upper_bound = ranked[12].first;
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Scan({.nearest = lance_test::Nearest(Doubles(rows_.query), options)}));
  ExpectRanked(*table, {ranked.begin() + 4, ranked.begin() + 12}, 50);
}

TEST_F(SearchTest, ABatchAnswersEachOfItsQueries) {
  std::mt19937 random(kSeed + 1);
  std::vector<Vector> queries;
  for (int i = 0; i < 5; ++i) queries.push_back(MakeVector(random, false));
  const auto fixed = Vectors(queries, arrow::float64());
  const auto lists = arrow::compute::Cast(*fixed, arrow::list(arrow::float64())).ValueOrDie();
  for (const ArrayPtr& batch : {fixed, lists, fixed->Slice(2, 2), Vectors({queries[0]}, arrow::float32())}) {
    SCOPED_TRACE(batch->ToString());
    const int first = batch->length() == 2 ? 2 : 0;
    const auto nearest = lance_test::Nearest(batch, {.k = 6});
    ASSERT_OK_AND_ASSIGN(const auto table, Scan({.columns = Columns{"id", "_distance"}, .nearest = nearest}));
    EXPECT_THAT(table->schema()->field_names(), ElementsAre("query_index", "id", "_distance"));
    ASSERT_EQ(table->num_rows(), 6 * batch->length());
    for (int64_t query = 0; query < batch->length(); ++query) {
      const auto part = table->Slice(6 * query, 6);
      const auto index = part->GetColumnByName("query_index")->GetScalar(5).ValueOrDie();
      EXPECT_EQ(index->ToString(), std::to_string(query));
      ExpectRanked(*part, rows_.Ranked(DistanceMetric::kL2, queries[first + query]), 6);
    }
  }
}

TEST_F(SearchTest, TheIndexOfAQueryIsAColumn) {
  const auto nearest = lance_test::Nearest(Vectors({rows_.query, rows_.query}, arrow::float32()), {.k = 4});
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.columns = Columns{"id", "query_index"}, .nearest = nearest}));
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("query_index", "id"));
  ScanOptions options{.nearest = nearest};
  options.aggregates = {{.name = "rows"}};
  options.group_by = {"query_index"};
  options.order_by = {{.column = "query_index", .descending = true}};
  ASSERT_OK_AND_ASSIGN(table, Scan(options));
  EXPECT_EQ(Int64s(*table->GetColumnByName("rows")), (std::vector<int64_t>{4, 4}));
  ASSERT_OK_AND_ASSIGN(table, Scan({.columns = Columns{"id"},
                                    .filter = "query_index = 1 and _distance >= 0",
                                    .order_by = {{.column = "_distance"}},
                                    .nearest = nearest,
                                    .prefilter = false}));
  EXPECT_EQ(table->num_rows(), 4);
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("query_index", "id"));
}

TEST_F(SearchTest, SomeRowsAloneAreSearched) {
  const auto in_second = [](int64_t id) { return id >= kRows / 4 && id < kRows / 2; };
  ASSERT_OK_AND_ASSIGN(auto table, Scan({.fragments = std::vector<uint64_t>{1}, .nearest = Nearest(11)}));
  ExpectRanked(*table, rows_.Ranked(DistanceMetric::kL2, rows_.query, in_second), 11);
  const auto ranked = rows_.Ranked(DistanceMetric::kL2, rows_.query);
  ASSERT_OK_AND_ASSIGN(table, Scan({.with_row_id = true, .nearest = Nearest(3)}));
  const auto& ids = static_cast<const arrow::UInt64Array&>(*table->GetColumnByName("_rowid")->chunk(0));
  std::vector<uint64_t> best(ids.raw_values(), ids.raw_values() + ids.length());
  ASSERT_OK_AND_ASSIGN(table, Scan({.excluded_row_ids = best, .nearest = Nearest(8)}));
  ExpectRanked(*table, {ranked.begin() + 3, ranked.end()}, 8);
  ASSERT_OK_AND_ASSIGN(table, Scan({.row_ids = best, .nearest = Nearest(8)}));
  ExpectRanked(*table, {ranked.begin(), ranked.begin() + 3}, 8);
}

TEST(SearchNamesTest, ColumnsHaveOddNames) {
  const TempDir dir;
  const Rows rows(arrow::float32());
  int number = 0;
  for (const auto& [name, asked] : std::vector<std::pair<std::string, std::string>>{
           {"a vector", "a vector"}, {"Vector", "Vector"}, {"v\"q'", "v\"q'"}, {"größe", "größe"}}) {
    SCOPED_TRACE(name);
    const auto dataset = rows.Write(dir / std::to_string(number++), name);
    ASSERT_OK_AND_ASSIGN(const auto nearest, VectorQuery::Make(asked, Doubles(rows.query)));
    ASSERT_OK_AND_ASSIGN(const auto table,
                         Scan(*dataset, {.columns = Columns{"id", "_distance"}, .nearest = nearest}));
    ExpectRanked(*table, rows.Ranked(DistanceMetric::kL2, rows.query), 10);
  }
}

TEST(SearchNamesTest, AColumnIsInAStruct) {
  const TempDir dir;
  const Rows rows(arrow::float32());
  const auto vectors = Vectors(rows.vectors, rows.type);
  arrow::Int64Builder ids;
  for (int64_t id = 0; id < kRows; ++id) ASSERT_OK(ids.Append(id));
  const ArrayPtr id = *ids.Finish();
  const ArrayPtr inner =
      arrow::StructArray::Make({id, vectors}, std::vector<std::string>{"n", "vec"}).ValueOrDie();
  const auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("s", inner->type())});
  ASSERT_OK(WriteBatches(dir / "d", {arrow::RecordBatch::Make(schema, kRows, {id, inner})}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "d"));
  ASSERT_OK_AND_ASSIGN(const auto nearest, VectorQuery::Make("s.vec", Doubles(rows.query)));
  ASSERT_OK_AND_ASSIGN(auto table,
                       Scan(*dataset, {.columns = Columns{"id", "s.n", "_distance"}, .nearest = nearest}));
  ExpectRanked(*table, rows.Ranked(DistanceMetric::kL2, rows.query), 10);
  EXPECT_THAT(dataset->Scan({.nearest = *VectorQuery::Make("s", Doubles(rows.query))}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST(SearchListsTest, RowsHaveListsOfVectors) {
  const TempDir dir;
  std::mt19937 random(kSeed);
  std::vector<std::vector<Vector>> rows;
  std::vector<Vector> all;
  arrow::Int32Builder offsets;
  for (int row = 0; row < 200; ++row) {
    ASSERT_OK(offsets.Append(static_cast<int32_t>(all.size())));
    rows.emplace_back();
    for (int i = 0; i < 1 + row % 3; ++i) rows.back().push_back(MakeVector(random, false));
    all.insert(all.end(), rows.back().begin(), rows.back().end());
  }
  ASSERT_OK(offsets.Append(static_cast<int32_t>(all.size())));
  for (const TypePtr& type : {arrow::float16(), arrow::float32(), arrow::float64()}) {
    const auto lists = arrow::ListArray::FromArrays(**offsets.Finish(), *Vectors(all, type)).ValueOrDie();
    arrow::Int32Builder again;
    ASSERT_OK(again.AppendValues(static_cast<const arrow::ListArray&>(*lists).raw_value_offsets(), 201));
    std::swap(again, offsets);
    arrow::Int64Builder ids;
    for (int64_t id = 0; id < 200; ++id) ASSERT_OK(ids.Append(id));
    const auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("v", lists->type())});
    const std::string uri = dir / type->ToString();
    ASSERT_OK(WriteBatches(uri, {arrow::RecordBatch::Make(schema, 200, {*ids.Finish(), lists})}));
    ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(uri));
    for (const auto& metric : {DistanceMetric::kL2, DistanceMetric::kCosine, DistanceMetric::kDot}) {
      const std::vector<Vector> query = {MakeVector(random, false), MakeVector(random, false)};
      for (const size_t count : {size_t{1}, size_t{2}}) {
        SCOPED_TRACE(type->ToString() + " " + std::to_string(static_cast<int>(metric)));
        std::vector<std::pair<double, int64_t>> ranked;
        for (int64_t row = 0; row < 200; ++row) {
          double sum = 0;
          for (size_t i = 0; i < count; ++i) {
            double least = std::numeric_limits<double>::infinity();
            for (const Vector& one : rows[row]) least = std::min(least, Distance(metric, query[i], one));
            sum += least;
          }
          ranked.emplace_back(sum, row);
        }
        std::sort(ranked.begin(), ranked.end());
        const auto given = count == 1 ? Doubles(query[0]) : Vectors(query, arrow::float32());
        ASSERT_OK_AND_ASSIGN(const auto table,
                             Scan(*dataset, {.nearest = Nearest(given, {.k = 15, .metric = metric})}));
        EXPECT_THAT(table->schema()->field_names(), ElementsAre("id", "v", "_distance"));
        ExpectRanked(*table, ranked, 15);
      }
    }
  }
}

TEST(SearchQueryTest, WhatIsNoQueryIsRefused) {
  const auto make = [](const ArrayPtr& vectors, const VectorQueryOptions& options = {}) {
    return VectorQuery::Make("v", vectors, options);
  };
  const auto one = Doubles({1, 2, 3});
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto with_null = FromJson(arrow::float32(), "[1, null]");
  const auto null_list = FromJson(arrow::list(arrow::float32()), "[[1, 2], null]");
  const auto null_in_list = FromJson(arrow::list(arrow::float32()), "[[1, 2], [1, null]]");
  const auto ragged = FromJson(arrow::list(arrow::float32()), "[[1, 2], [3]]");
  const auto text = FromJson(arrow::utf8(), R"(["a"])");
  const auto no_lists = FromJson(arrow::list(arrow::float32()), "[]");
  const auto empty_list = FromJson(arrow::list(arrow::float32()), "[[]]");
  for (const auto& [vectors, why] :
       std::vector<std::pair<ArrayPtr, std::string>>{{nullptr, "null"},
                                                     {Doubles({}), "no numbers"},
                                                     {no_lists, "no numbers"},
                                                     {empty_list, "no numbers"},
                                                     {Doubles({1, kNan}), "NaN"},
                                                     {Doubles({kInfinity}), "infinite"},
                                                     {with_null, "null"},
                                                     {null_list, "null"},
                                                     {null_in_list, "NULL"},
                                                     {ragged, "2 and 1"},
                                                     {text, "numbers"}}) {
    EXPECT_THAT(make(vectors), FailsWith(ErrorCode::kInvalidArgument)) << why;
    EXPECT_THAT(make(vectors), FailsSaying(HasSubstr(why)));
  }
  for (const auto& [options, why] : std::vector<std::pair<VectorQueryOptions, std::string>>{
           {{.k = 0}, "options.k"},
           {{.metric = static_cast<DistanceMetric>(9)}, "options.metric"},
           {{.minimum_nprobes = 0}, "minimum_nprobes"},
           {{.minimum_nprobes = 9, .maximum_nprobes = 8}, "minimum_nprobes"},
           {{.search_effort = 1.5}, "search_effort"},
           {{.search_effort = kNan}, "search_effort"},
           {{.k = 10, .ef = 9}, "ef"},
           {{.k = 10, .ef = 20, .refine_factor = 3}, "ef"},
           {{.refine_factor = 0}, "refine_factor"},
           {{.lower_bound = kNan}, "lower_bound"},
           {{.lower_bound = 2, .upper_bound = 2}, "lower_bound"},
           {{.approx_mode = static_cast<lance::ApproxMode>(3)}, "approx_mode"},
           {{.query_parallelism = -2}, "query_parallelism"}}) {
    EXPECT_THAT(make(one, options), FailsWith(ErrorCode::kInvalidArgument)) << why;
    EXPECT_THAT(make(one, options), FailsSaying(HasSubstr(why)));
  }
  EXPECT_THAT(VectorQuery::Make(std::string("a\0b", 3), one), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(SearchTest, WhatDoesNotFitTheColumnIsRefused) {
  const auto refused = [this](const std::string& column, const ArrayPtr& vectors, DistanceMetric metric,
                              ErrorCode code) {
    const auto nearest = VectorQuery::Make(column, vectors, {.metric = metric}).ValueOrDie();
    EXPECT_THAT(dataset_->Scan({.nearest = nearest}), FailsWith(code)) << column << vectors->ToString();
  };
  using enum DistanceMetric;
  refused("w", Doubles(rows_.query), kDefault, ErrorCode::kFieldNotFound);
  refused("", Doubles(rows_.query), kDefault, ErrorCode::kFieldNotFound);
  refused("id", Doubles(rows_.query), kDefault, ErrorCode::kInvalidArgument);
  refused("_rowid", Doubles(rows_.query), kDefault, ErrorCode::kInvalidArgument);
  refused("v", Doubles({1, 2}), kDefault, ErrorCode::kInvalidArgument);
  refused("v", Doubles(Vector(9, 1)), kDefault, ErrorCode::kInvalidArgument);
  refused("v", Doubles(Vector(kLength, 1e300)), kDefault, ErrorCode::kInvalidArgument);
  refused("v", Doubles(Vector(kLength, 0)), kCosine, ErrorCode::kInvalidArgument);
  refused("v", Doubles(rows_.query), kHamming, ErrorCode::kInvalidArgument);
  EXPECT_OK(dataset_->Scan({.nearest = lance_test::Nearest(Doubles(Vector(kLength, 0)))}));
}

TEST(SearchTypesTest, NumbersThatTheColumnHasNotAreRefused) {
  const TempDir dir;
  for (const TypePtr& type : {arrow::int8(), arrow::uint8(), arrow::float16()}) {
    const auto dataset = Rows(type).Write(dir / type->ToString());
    for (const double number : {300.0, -129.0, 1.5, 70'000.0}) {
      const bool fits = type->id() == arrow::Type::HALF_FLOAT && number < 70'000;
      const auto scanner = dataset->Scan({.nearest = Nearest(Doubles(Vector(kLength, number)))});
      EXPECT_EQ(scanner.ok(), fits) << type->ToString() << number << scanner.status().ToString();
      if (!fits) {
        EXPECT_THAT(scanner, FailsWith(ErrorCode::kInvalidArgument));
      }
    }
    for (const auto metric : {DistanceMetric::kHamming, DistanceMetric::kL2}) {
      const bool fits = (metric == DistanceMetric::kHamming) == (type->id() == arrow::Type::UINT8);
      const auto scanner =
          dataset->Scan({.nearest = Nearest(Doubles(Vector(kLength, 1)), {.metric = metric})});
      EXPECT_EQ(scanner.ok(), fits) << type->ToString() << scanner.status().ToString();
    }
  }
}

TEST_F(SearchTest, OptionsThatDoNotGoTogetherAreRefused) {
  const auto nearest = Nearest(3);
  const auto brute = lance_test::Nearest(Doubles(rows_.query), {.use_index = false});
  for (const auto& [options, why] : std::vector<std::pair<ScanOptions, std::string>>{
           {{.include_deleted_rows = true, .nearest = nearest}, "include_deleted_rows"},
           {{.slices = {{.fragment = 0, .first_row = 0, .row_count = 1}}, .nearest = nearest}, "slices"},
           {{.fragments = std::vector<uint64_t>{0}, .nearest = nearest, .prefilter = false}, "prefilter"},
           {{.nearest = brute, .fast_search = true}, "fast_search"},
           {{.index_segments = {"x"}}, "index_segments"},
           {{.nearest = nearest, .index_segments = {"x"}}, "no UUID"},
           {{.nearest = nearest, .index_segments = {"00000000-0000-0000-0000-000000000000"}}, "00000000"},
           {{.nearest = nearest, .search_filter = lance::SearchFilter::kFullText}, "search_filter"},
           {{.search_filter = static_cast<lance::SearchFilter>(5)}, "search_filter"}}) {
    EXPECT_THAT(dataset_->Scan(options), FailsWith(ErrorCode::kInvalidArgument)) << why;
    EXPECT_THAT(dataset_->Scan(options), FailsSaying(HasSubstr(why)));
  }
}

TEST_F(SearchTest, ASearchIsNotCutIntoSplits) {
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.nearest = Nearest(3)}));
  EXPECT_THAT(scanner->Splits(2), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(SearchNamesTest, AColumnOfTheNameOfWhatIsFoundIsRefused) {
  const TempDir dir;
  const Rows rows(arrow::float32());
  const auto vectors = Vectors({rows.query}, rows.type);
  const auto number = FromJson(arrow::float32(), "[1]");
  for (const std::string name : {"_distance", "query_index"}) {
    const auto schema =
        arrow::schema({arrow::field("v", vectors->type()), arrow::field(name, arrow::float32())});
    ASSERT_OK(WriteBatches(dir / name, {arrow::RecordBatch::Make(schema, 1, {vectors, number})}));
    ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / name));
    EXPECT_THAT(dataset->Scan({.nearest = Nearest(vectors)}), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
}

TEST_F(SearchTest, AnEmptyDatasetHasNothingToFind) {
  const auto vectors = Vectors({}, arrow::float32());
  const auto schema = arrow::schema({arrow::field("v", vectors->type())});
  ASSERT_OK(WriteBatches(dir_ / "empty", {arrow::RecordBatch::Make(schema, 0, {vectors})}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir_ / "empty"));
  ASSERT_OK_AND_ASSIGN(const auto table, lance_test::Scan(*dataset, {.nearest = Nearest(3)}));
  EXPECT_EQ(table->num_rows(), 0);
  EXPECT_THAT(table->schema()->field_names(), ElementsAre("v", "_distance"));
}

TEST_F(SearchTest, OneQueryServesManyThreadsAndDatasets) {
  const Rows others(arrow::float64(), kSeed + 2);
  const auto other = others.Write(dir_ / "other");
  const auto nearest = Nearest(12);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int run = 0; run < 5; ++run) {
        const Rows& rows = (i + run) % 2 == 0 ? rows_ : others;
        const auto table = lance_test::Scan((i + run) % 2 == 0 ? *dataset_ : *other, {.nearest = nearest});
        ASSERT_OK(table);
        ExpectRanked(**table, rows.Ranked(DistanceMetric::kL2, rows_.query), 12);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SearchTest, AScannerKeepsItsQuery) {
  auto nearest = Nearest(2);
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan({.nearest = nearest}));
  nearest.reset();
  dataset_.reset();
  for (int run = 0; run < 2; ++run) {
    ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
    ExpectRanked(*table, rows_.Ranked(DistanceMetric::kL2, rows_.query), 2);
  }
  ASSERT_OK_AND_ASSIGN(const std::string plan, scanner->Explain());
  EXPECT_THAT(plan, HasSubstr("KNNVectorDistance"));
  ASSERT_OK(scanner->Analyze());
}

TEST_F(SearchTest, ABatchForMoreRowsThanMemoryHasIsRefused) {
  const std::vector<Vector> queries(200'000, rows_.query);
  const auto nearest = lance_test::Nearest(Vectors(queries, arrow::float32()), {.k = 100'000});
  EXPECT_THAT(dataset_->Scan({.nearest = nearest}), FailsWith(ErrorCode::kResourceExhausted));
}

}  // namespace
}  // namespace lance_test
