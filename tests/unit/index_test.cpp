// Indices: each kind is made, listed, used and dropped; what cannot be indexed is refused; what is given up
// leaves no file. tests/conformance/test_indices.py compares with pylance.

#include "lance/index.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
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
using lance::ErrorCode;
using lance::IndexInfo;
using lance::IndexOptions;
using lance::IndexType;
using lance::IndexTypeName;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

using DatasetPtr = std::shared_ptr<Dataset>;

constexpr int64_t kRows = 1200;
constexpr int32_t kDimension = 16;
/// A name that has to be quoted in paths and in SQL.
const std::string kOdd = "o d 'd\"";

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> Column(int64_t rows, const std::shared_ptr<arrow::DataType>& type,
                                     Value value) {
  auto builder = arrow::MakeBuilder(type).ValueOrDie();
  for (int64_t i = 0; i < rows; ++i) {
    EXPECT_OK(value(static_cast<Builder&>(*builder), i));
  }
  return builder->Finish().ValueOrDie();
}

std::shared_ptr<arrow::Field> WithExtension(const std::string& name,
                                            const std::shared_ptr<arrow::DataType>& type,
                                            const std::string& extension) {
  return arrow::field(name, type, true, arrow::key_value_metadata({"ARROW:extension:name"}, {extension}));
}

std::shared_ptr<arrow::DataType> Vectors(const std::shared_ptr<arrow::DataType>& element, int32_t dimension) {
  return arrow::fixed_size_list(element, dimension);
}

/// Rows of every type that some index takes, ids from `first` on.
std::shared_ptr<arrow::RecordBatch> Rows(int64_t first, int64_t rows, uint32_t seed) {
  std::mt19937 random(seed);
  const auto is_null = [&random] { return random() % 7 == 0; };
  static const std::vector<std::string> words = {"red",  "green", "blue", "a long way", "lance",
                                                 "file", "Größe", "x",    "percent%",   "under_score"};
  const auto word = [&random] { return words[random() % words.size()]; };

  const auto place = arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y z", arrow::utf8())});
  const auto point =
      arrow::struct_({arrow::field("x", arrow::float64()), arrow::field("y", arrow::float64())});
  const arrow::FieldVector fields = {
      arrow::field("id", arrow::int64(), false),
      arrow::field("few", arrow::int32()),
      arrow::field("price", arrow::float64()),
      arrow::field("name", arrow::utf8()),
      arrow::field("tags", arrow::list(arrow::utf8())),
      arrow::field(kOdd, arrow::int64()),
      arrow::field("place", place),
      arrow::field("day", arrow::date32()),
      arrow::field("vec", Vectors(arrow::float32(), kDimension)),
      arrow::field("bits", Vectors(arrow::uint8(), 4)),
      WithExtension("doc", arrow::utf8(), "arrow.json"),
      WithExtension("point", point, "geoarrow.point"),
  };
  const auto vectors = [&random](auto make) {
    return [&random, make](arrow::FixedSizeListBuilder& builder, int64_t) {
      ARROW_RETURN_NOT_OK(builder.Append());
      return make(*builder.value_builder(), random);
    };
  };
  arrow::ArrayVector columns;
  for (const auto& field : fields) {
    const auto& type = field->type();
    if (field->name() == "id") {
      columns.push_back(Column<arrow::Int64Builder>(
          rows, type, [first](auto& builder, int64_t i) { return builder.Append(first + i); }));
    } else if (field->name() == "few") {
      columns.push_back(Column<arrow::Int32Builder>(rows, type, [&](auto& builder, int64_t) {
        return is_null() ? builder.AppendNull() : builder.Append(static_cast<int32_t>(random() % 9));
      }));
    } else if (field->name() == "price") {
      columns.push_back(Column<arrow::DoubleBuilder>(rows, type, [&](auto& builder, int64_t) {
        return is_null() ? builder.AppendNull()
                         : builder.Append((static_cast<int>(random() % 2001) - 1000) / 4.0);
      }));
    } else if (field->name() == "name") {
      columns.push_back(Column<arrow::StringBuilder>(rows, type, [&](auto& builder, int64_t) {
        return is_null() ? builder.AppendNull() : builder.Append(word() + " " + word());
      }));
    } else if (field->name() == "tags") {
      columns.push_back(Column<arrow::ListBuilder>(rows, type, [&](auto& builder, int64_t) {
        if (is_null()) return builder.AppendNull();
        ARROW_RETURN_NOT_OK(builder.Append());
        auto& items = static_cast<arrow::StringBuilder&>(*builder.value_builder());
        for (uint32_t count = random() % 4; count > 0; --count) ARROW_RETURN_NOT_OK(items.Append(word()));
        return arrow::Status::OK();
      }));
    } else if (field->name() == kOdd) {
      columns.push_back(Column<arrow::Int64Builder>(rows, type, [&](auto& builder, int64_t) {
        return builder.Append(static_cast<int64_t>(random() % 100));
      }));
    } else if (field->name() == "place") {
      columns.push_back(Column<arrow::StructBuilder>(rows, type, [&](auto& builder, int64_t) {
        ARROW_RETURN_NOT_OK(builder.Append());
        ARROW_RETURN_NOT_OK(
            static_cast<arrow::Int32Builder&>(*builder.field_builder(0)).Append(random() % 50));
        return static_cast<arrow::StringBuilder&>(*builder.field_builder(1)).Append(word());
      }));
    } else if (field->name() == "day") {
      columns.push_back(Column<arrow::Date32Builder>(rows, type, [&](auto& builder, int64_t i) {
        return is_null() ? builder.AppendNull()
                         : builder.Append(static_cast<int32_t>(18'000 + (first + i) / 10));
      }));
    } else if (field->name() == "vec") {
      columns.push_back(Column<arrow::FixedSizeListBuilder>(
          rows, type, vectors([](arrow::ArrayBuilder& builder, std::mt19937& random) {
            const float center = static_cast<float>(random() % 8);
            for (int i = 0; i < kDimension; ++i) {
              const float value = center + static_cast<float>(random() % 1000) / 1000;
              ARROW_RETURN_NOT_OK(static_cast<arrow::FloatBuilder&>(builder).Append(value));
            }
            return arrow::Status::OK();
          })));
    } else if (field->name() == "bits") {
      columns.push_back(Column<arrow::FixedSizeListBuilder>(
          rows, type, vectors([](arrow::ArrayBuilder& builder, std::mt19937& random) {
            for (int i = 0; i < 4; ++i) {
              const auto byte = static_cast<uint8_t>(random());
              ARROW_RETURN_NOT_OK(static_cast<arrow::UInt8Builder&>(builder).Append(byte));
            }
            return arrow::Status::OK();
          })));
    } else if (field->name() == "doc") {
      columns.push_back(Column<arrow::StringBuilder>(rows, type, [&](auto& builder, int64_t) {
        return builder.Append("{\"size\": " + std::to_string(random() % 30) + "}");
      }));
    } else {
      columns.push_back(Column<arrow::StructBuilder>(rows, type, [&](auto& builder, int64_t) {
        ARROW_RETURN_NOT_OK(builder.Append());
        for (int i = 0; i < 2; ++i) {
          const double value = static_cast<double>(random() % 1000) / 10;
          ARROW_RETURN_NOT_OK(static_cast<arrow::DoubleBuilder&>(*builder.field_builder(i)).Append(value));
        }
        return arrow::Status::OK();
      }));
    }
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), rows, columns);
}

/// The ids of the rows that match, sorted, and the plan.
struct Found {
  std::vector<int64_t> ids;
  std::string plan;
};

arrow::Result<Found> Find(const Dataset& dataset, const std::string& filter, bool use_index = true) {
  lance::ScanOptions options;
  options.columns = std::vector<std::string>{"id"};
  options.filter = filter;
  options.use_scalar_index = use_index;
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  Found found;
  ARROW_ASSIGN_OR_RAISE(found.plan, scanner->Explain());
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  found.ids = Int64s(*table->GetColumnByName("id"));
  std::ranges::sort(found.ids);
  return found;
}

bool UsesIndex(const std::string& plan, const std::string& name) {
  return plan.find("ScalarIndexQuery") != std::string::npos && plan.find(name) != std::string::npos;
}

/// A dataset of three fragments.
class IndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteBatches(uri_, {Rows(0, kRows, 1)}, {.max_rows_per_file = kRows / 3}));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  /// The files of indices there are.
  std::vector<std::string> IndexFiles() const { return ListFiles(std::filesystem::path(uri_) / "_indices"); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

TEST_F(IndexTest, NamesAndTypesGoBothWays) {
  for (int value = 1; value <= 18; ++value) {
    const auto type = static_cast<IndexType>(value);
    ASSERT_OK_AND_ASSIGN(const IndexType parsed, lance::ParseIndexType(IndexTypeName(type)));
    EXPECT_EQ(parsed, type);
  }
  ASSERT_OK_AND_ASSIGN(const IndexType parsed, lance::ParseIndexType("ivf-Hnsw_sq"));
  EXPECT_EQ(parsed, IndexType::kIvfHnswSq);
  EXPECT_THAT(lance::ParseIndexType("ivf"),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("IVF_HNSW_PQ"))));
}

struct Scalar {
  IndexType type;
  std::string column;
  std::string filter;
  IndexOptions options = {};
  /// Whether the engine says in the plan that it asks the index.
  bool is_used = true;
};

void PrintTo(const Scalar& scalar, std::ostream* out) {
  *out << IndexTypeName(scalar.type) << " " << scalar.column;
}

class ScalarIndexTest : public IndexTest, public ::testing::WithParamInterface<Scalar> {};

TEST_P(ScalarIndexTest, IsMadeListedUsedAndDropped) {
  const auto& [type, column, filter, options, is_used] = GetParam();
  ASSERT_OK_AND_ASSIGN(const Found expected, Find(*dataset_, filter));
  ASSERT_THAT(expected.ids, Not(IsEmpty()));
  EXPECT_FALSE(UsesIndex(expected.plan, "_idx"));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, dataset_->CreateIndex(column, type, options));
  ASSERT_OK_AND_ASSIGN(const uint64_t version, indexed->Version());
  EXPECT_EQ(version, 2U);
  // The version that was open is as it was.
  ASSERT_OK_AND_ASSIGN(const auto before, dataset_->Indices());
  EXPECT_THAT(before, IsEmpty());

  ASSERT_OK_AND_ASSIGN(const auto indices, indexed->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  const IndexInfo& index = indices[0];
  EXPECT_THAT(index.name, ::testing::EndsWith("_idx"));
  EXPECT_EQ(index.index_type, IndexTypeName(type));
  EXPECT_EQ(index.rows, static_cast<uint64_t>(kRows));
  EXPECT_EQ(index.unindexed_rows, 0U);
  EXPECT_GT(index.bytes.value_or(0), 0U);
  EXPECT_GT(index.created_micros.value_or(0), 1'577'836'800'000'000);
  EXPECT_THAT(index.details, StartsWith("{"));

  ASSERT_OK_AND_ASSIGN(const Found found, Find(*indexed, filter));
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(UsesIndex(found.plan, index.name), is_used) << found.plan;
  ASSERT_OK_AND_ASSIGN(const std::string statistics, indexed->IndexStatistics(index.name));
  EXPECT_THAT(statistics, HasSubstr("\"num_indexed_rows\":1200"));
  EXPECT_OK(indexed->PrewarmIndex(index.name));

  ASSERT_OK_AND_ASSIGN(const DatasetPtr dropped, indexed->DropIndex(index.name));
  ASSERT_OK_AND_ASSIGN(const auto after, dropped->Indices());
  EXPECT_THAT(after, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Found without, Find(*dropped, filter));
  EXPECT_EQ(without.ids, expected.ids);
}

const IndexOptions kSizePath = {.parameters = {{"path", "size"}}};

INSTANTIATE_TEST_SUITE_P(
    Kinds, ScalarIndexTest,
    ::testing::Values(
        Scalar{IndexType::kBtree, "price", "price > 20.25 and price <= 60"},
        Scalar{IndexType::kBtree, "name", "name in ('red red', 'lance x', 'Größe blue')"},
        Scalar{
            IndexType::kBtree, "place.x", "place.x between 10 and 12", {.parameters = {{"zone_size", "64"}}}},
        Scalar{IndexType::kBtree, "`o d 'd\"`", "`o d 'd\"` = 7"},
        Scalar{IndexType::kBitmap, "few", "few = 3 or few is null"},
        Scalar{IndexType::kLabelList, "tags", "array_has_any(tags, ['red', 'x'])"},
        Scalar{IndexType::kNgram, "name", "contains(name, 'reen')"},
        Scalar{IndexType::kZonemap,
               "day",
               "day > date '2019-05-01'",
               {.parameters = {{"rows_per_zone", "100"}}}},
        Scalar{IndexType::kBloomFilter, "id", "id = 77", {.parameters = {{"number_of_items", "128"}}}},
        Scalar{IndexType::kFm, "name", "contains(name, 'g')"},
        Scalar{IndexType::kFm, "name", "contains(name, 'long way')", {.parameters = {{"num_segments", "2"}}}},
        Scalar{IndexType::kJson, "doc", "json_get_int(doc, 'size') = 3", kSizePath},
        Scalar{IndexType::kInverted, "name", "id < 10", {.parameters = {{"with_position", "true"}}}, false},
        Scalar{IndexType::kInverted, "tags", "id < 10", {}, false},
        Scalar{IndexType::kInverted, "name", "id < 10", {.parameters = {{"num_segments", "3"}}}, false},
        Scalar{IndexType::kMinhash,
               "name",
               "id < 10",
               {.parameters = {{"stem", "true"}, {"num_bands", "8"}}},
               false},
        Scalar{IndexType::kRtree, "point", "id < 10", {.parameters = {{"page_size", "64"}}}, false}));

struct Vector {
  IndexType type;
  std::string column;
  IndexOptions options = {};
};

void PrintTo(const Vector& vector, std::ostream* out) {
  *out << IndexTypeName(vector.type) << " " << vector.column;
}

class VectorIndexTest : public IndexTest, public ::testing::WithParamInterface<Vector> {};

TEST_P(VectorIndexTest, IsMadeListedAndDropped) {
  const auto& [type, column, options] = GetParam();
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, dataset_->CreateIndex(column, type, options));
  ASSERT_OK_AND_ASSIGN(const auto indices, indexed->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  EXPECT_EQ(indices[0].name, column + "_idx");
  EXPECT_EQ(indices[0].index_type, IndexTypeName(type));
  EXPECT_EQ(indices[0].rows, static_cast<uint64_t>(kRows));
  ASSERT_OK_AND_ASSIGN(const std::string statistics, indexed->IndexStatistics(indices[0].name));
  EXPECT_THAT(statistics, HasSubstr("\"num_indexed_rows\":1200"));
  EXPECT_OK(indexed->PrewarmIndex(indices[0].name));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr dropped, indexed->DropIndex(indices[0].name));
  ASSERT_OK_AND_ASSIGN(const auto after, dropped->Indices());
  EXPECT_THAT(after, IsEmpty());
}

const IndexOptions kFour = {.parameters = {{"num_partitions", "4"}}};
const IndexOptions kCosine = {
    .parameters = {{"metric", "Cosine"}, {"num_partitions", "2"}, {"max_iters", "5"}}};

INSTANTIATE_TEST_SUITE_P(
    Kinds, VectorIndexTest,
    ::testing::Values(
        Vector{IndexType::kIvfFlat, "vec", kFour}, Vector{IndexType::kIvfFlat, "bits", kFour},
        Vector{IndexType::kIvfSq, "vec", kCosine}, Vector{IndexType::kIvfPq, "vec", kFour},
        Vector{IndexType::kIvfPq, "vec", {.parameters = {{"num_bits", "4"}, {"num_sub_vectors", "8"}}}},
        Vector{IndexType::kIvfRq, "vec", {.parameters = {{"num_bits", "2"}, {"metric", "dot"}}}},
        Vector{IndexType::kIvfHnswFlat, "vec", {.parameters = {{"m", "8"}, {"ef_construction", "32"}}}},
        Vector{IndexType::kIvfHnswSq, "vec", kCosine},
        Vector{
            IndexType::kIvfHnswPq, "vec", {.parameters = {{"num_sub_vectors", "4"}, {"max_level", "3"}}}}));

TEST_F(IndexTest, WhatCannotBeIndexedIsRefusedAndLeavesNoFile) {
  struct Case {
    std::string column;
    IndexType type;
    IndexOptions options;
    ErrorCode code;
    std::string message;
  };
  const auto with = [](const std::string& name, const std::string& value) {
    return IndexOptions{.parameters = {{name, value}}};
  };
  const Case cases[] = {
      {"pric", IndexType::kBtree, {}, ErrorCode::kFieldNotFound, "\"price\""},
      {"place.w", IndexType::kBtree, {}, ErrorCode::kFieldNotFound, "\"place.x\""},
      {"", IndexType::kBtree, {}, ErrorCode::kFieldNotFound, "no column"},
      {"_rowid", IndexType::kBtree, {}, ErrorCode::kFieldNotFound, "_rowid"},
      {"PRICE", IndexType::kBtree, {}, ErrorCode::kFieldNotFound, "\"price\""},
      {"tags", IndexType::kBtree, {}, ErrorCode::kInvalidArgument, "BTREE takes"},
      {"place", IndexType::kBitmap, {}, ErrorCode::kInvalidArgument, "BITMAP takes"},
      {"name", IndexType::kLabelList, {}, ErrorCode::kInvalidArgument, "LABEL_LIST takes lists"},
      {"id", IndexType::kNgram, {}, ErrorCode::kInvalidArgument, "NGRAM takes texts"},
      {"price", IndexType::kInverted, {}, ErrorCode::kInvalidArgument, "INVERTED takes texts"},
      {"name", IndexType::kRtree, {}, ErrorCode::kInvalidArgument, "RTREE takes GeoArrow"},
      {"name", IndexType::kJson, kSizePath, ErrorCode::kInvalidArgument, "JSON takes JSON"},
      {"doc", IndexType::kJson, {}, ErrorCode::kInvalidArgument, "needs the parameter \"path\""},
      {"doc", IndexType::kJson, with("path", "$.size"), ErrorCode::kInvalidArgument, "the name of a field"},
      {"id", IndexType::kIvfPq, {}, ErrorCode::kInvalidArgument, "IVF_PQ takes fixed-size lists"},
      {"vec", IndexType::kBtree, {}, ErrorCode::kInvalidArgument, "BTREE takes"},
      {"bits", IndexType::kIvfPq, {}, ErrorCode::kInvalidArgument, "IVF_FLAT"},
      {"bits", IndexType::kIvfFlat, with("metric", "l2"), ErrorCode::kInvalidArgument, "hamming only"},
      {"vec", IndexType::kIvfFlat, with("metric", "hamming"), ErrorCode::kInvalidArgument, "unsigned bytes"},
      {"vec", IndexType::kIvfFlat, with("metric", "l3"), ErrorCode::kInvalidArgument,
       "l2, cosine, dot or hamming"},
      {"vec", IndexType::kIvfPq, with("num_sub_vector", "2"), ErrorCode::kInvalidArgument,
       "\"num_sub_vectors\""},
      {"vec", IndexType::kIvfPq, with("num_sub_vectors", "5"), ErrorCode::kInvalidArgument, "must divide 16"},
      {"vec", IndexType::kIvfPq, with("num_bits", "5"), ErrorCode::kInvalidArgument, "4 or 8"},
      {"vec", IndexType::kIvfFlat, with("num_partitions", "0"), ErrorCode::kInvalidArgument,
       "num_partitions"},
      {"vec", IndexType::kIvfFlat, with("m", "8"), ErrorCode::kInvalidArgument, "IVF_FLAT has no parameter"},
      {"vec", IndexType::kIvfHnswSq, with("ef_construction", "4"), ErrorCode::kInvalidArgument, "at least m"},
      {"few", IndexType::kBitmap, with("x", "1"), ErrorCode::kInvalidArgument, "it has none"},
      {"name", IndexType::kInverted, with("base_tokenizer", "jieba"), ErrorCode::kInvalidArgument, "simple"},
      {"name", IndexType::kInverted, with("block_size", "200"), ErrorCode::kInvalidArgument, "block_size"},
      {"name", IndexType::kMinhash, with("num_bands", "5"), ErrorCode::kInvalidArgument, "num_bands"},
      {"id",
       IndexType::kBtree,
       {.fragments = std::vector<uint64_t>{9}},
       ErrorCode::kInvalidArgument,
       "fragment 9"},
      {"id",
       IndexType::kBtree,
       {.fragments = std::vector<uint64_t>{}},
       ErrorCode::kInvalidArgument,
       "no fragment"},
      {"id", IndexType::kBtree, {.fragments = {{1, 1}}}, ErrorCode::kInvalidArgument, "named twice"},
      {"id", IndexType::kBtree, {.name = ""}, ErrorCode::kInvalidArgument, "empty"},
      {"id", IndexType::kBtree, {.name = "__lance_frag_reuse"}, ErrorCode::kInvalidArgument, "the engine's"},
      {"id",
       IndexType::kBtree,
       {.model = arrow::Buffer::FromString("x")},
       ErrorCode::kInvalidArgument,
       "no model"},
      {"vec",
       IndexType::kIvfPq,
       {.model = arrow::Buffer::FromString("x")},
       ErrorCode::kInvalidArgument,
       "damaged"},
  };
  for (const Case& it : cases) {
    EXPECT_THAT(dataset_->CreateIndex(it.column, it.type, it.options),
                AllOf(FailsWith(it.code), FailsSaying(HasSubstr(it.message))))
        << it.column << " " << IndexTypeName(it.type);
  }
  EXPECT_THAT(IndexFiles(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(uri_) / "_indices"));
  ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset_->LatestVersion());
  EXPECT_EQ(latest, 1U);
}

TEST_F(IndexTest, TooFewRowsToLearnFromAreToldAndTheDefinitionMayStay) {
  const std::string uri = dir_ / "few";
  ASSERT_OK(WriteBatches(uri, {Rows(0, 100, 2)}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr few, Dataset::Open(uri));
  EXPECT_THAT(few->CreateIndex("vec", IndexType::kIvfPq),
              AllOf(FailsWith(ErrorCode::kFailedPrecondition), FailsSaying(HasSubstr("at least 256"))));
  EXPECT_THAT(ListFiles(std::filesystem::path(uri) / "_indices"), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr defined,
                       few->CreateIndex("vec", IndexType::kIvfPq, {.train = false}));
  ASSERT_OK_AND_ASSIGN(auto indices, defined->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  EXPECT_EQ(indices[0].rows, 0U);
  EXPECT_EQ(indices[0].unindexed_rows, 100U);

  ASSERT_OK(WriteBatches(uri, {Rows(100, 400, 3)}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, defined->Latest());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr optimized, latest->OptimizeIndices());
  ASSERT_OK_AND_ASSIGN(indices, optimized->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  EXPECT_EQ(indices[0].rows, 500U);
}

TEST_F(IndexTest, AnEmptyDatasetHasIndicesOfTheRowsToCome) {
  const std::string uri = dir_ / "empty";
  ASSERT_OK(WriteBatches(uri, {Rows(0, 0, 2)}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr empty, Dataset::Open(uri));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, empty->CreateIndex("id", IndexType::kBtree));
  EXPECT_THAT(empty->CreateIndex("vec", IndexType::kIvfFlat), FailsWith(ErrorCode::kFailedPrecondition));
  ASSERT_OK(WriteBatches(uri, {Rows(0, 50, 3)}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, indexed->Latest());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr optimized, latest->OptimizeIndices());
  ASSERT_OK_AND_ASSIGN(const Found found, Find(*optimized, "id = 7"));
  EXPECT_THAT(found.ids, ElementsAre(7));
  EXPECT_TRUE(UsesIndex(found.plan, "id_idx")) << found.plan;
}

TEST_F(IndexTest, ANameIsOfOneIndex) {
  ASSERT_OK_AND_ASSIGN(DatasetPtr indexed, dataset_->CreateIndex("few", IndexType::kBitmap));
  EXPECT_THAT(indexed->CreateIndex("few", IndexType::kBitmap),
              AllOf(FailsWith(ErrorCode::kAlreadyExists), FailsSaying(HasSubstr("\"few_idx\""))));
  EXPECT_THAT(indexed->CreateIndex("id", IndexType::kBtree, {.name = "few_idx", .replace = true}),
              AllOf(FailsWith(ErrorCode::kAlreadyExists), FailsSaying(HasSubstr("another column"))));
  const size_t files = IndexFiles().size();
  EXPECT_GT(files, 0U);
  ASSERT_OK_AND_ASSIGN(indexed, indexed->CreateIndex("few", IndexType::kBtree));
  ASSERT_OK_AND_ASSIGN(indexed, indexed->CreateIndex("few", IndexType::kBitmap, {.replace = true}));
  ASSERT_OK_AND_ASSIGN(indexed, indexed->CreateIndex("few", IndexType::kBitmap, {.name = "n ä.\"`"}));
  ASSERT_OK_AND_ASSIGN(const auto indices, indexed->Indices());
  ASSERT_THAT(indices, SizeIs(3));
  EXPECT_EQ(indices[0].name, "few_idx");
  EXPECT_EQ(indices[0].index_type, "BITMAP");
  EXPECT_EQ(indices[1].name, "few_idx_2");
  EXPECT_EQ(indices[1].index_type, "BTREE");
  EXPECT_EQ(indices[2].name, "n ä.\"`");
  ASSERT_OK(indexed->PrewarmIndex("n ä.\"`"));
  for (const auto& status : {indexed->DropIndex("few").status(), indexed->PrewarmIndex("few"),
                             indexed->IndexStatistics("few").status(),
                             indexed->OptimizeIndices({.names = {{"few_idx", "few"}}}).status()}) {
    EXPECT_THAT(status, AllOf(FailsWith(ErrorCode::kIndexNotFound), FailsSaying(HasSubstr("\"few_idx\""))));
  }
}

TEST_F(IndexTest, RowsThatAreNotIndexedAreFoundAndOptimisingIndexesThem) {
  ASSERT_OK_AND_ASSIGN(DatasetPtr indexed, dataset_->CreateIndex("price", IndexType::kBtree));
  ASSERT_OK_AND_ASSIGN(indexed, indexed->CreateIndex("few", IndexType::kBitmap));
  ASSERT_OK(WriteBatches(uri_, {Rows(kRows, 300, 5)}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(DatasetPtr latest, indexed->Latest());
  ASSERT_OK_AND_ASSIGN(auto indices, latest->Indices());
  ASSERT_THAT(indices, SizeIs(2));
  EXPECT_EQ(indices[0].unindexed_rows, 300U);
  const std::string filter = "price > 100 and few < 5";
  ASSERT_OK_AND_ASSIGN(const Found expected, Find(*latest, filter, false));
  EXPECT_FALSE(UsesIndex(expected.plan, "_idx")) << expected.plan;
  ASSERT_OK_AND_ASSIGN(const Found found, Find(*latest, filter));
  EXPECT_EQ(found.ids, expected.ids);

  ASSERT_OK_AND_ASSIGN(const DatasetPtr one,
                       latest->OptimizeIndices({.names = {{"price_idx"}}, .merge_segments = 0}));
  ASSERT_OK_AND_ASSIGN(indices, one->Indices());
  EXPECT_EQ(indices[0].name, "few_idx");
  EXPECT_EQ(indices[0].unindexed_rows, 300U);
  EXPECT_EQ(indices[1].unindexed_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const DatasetPtr both, one->OptimizeIndices());
  ASSERT_OK_AND_ASSIGN(indices, both->Indices());
  EXPECT_EQ(indices[0].unindexed_rows, 0U);
  ASSERT_OK_AND_ASSIGN(const Found after, Find(*both, filter));
  EXPECT_EQ(after.ids, expected.ids);
  EXPECT_TRUE(UsesIndex(after.plan, "price_idx")) << after.plan;

  // Nothing is left to do, and nothing is done.
  ASSERT_OK_AND_ASSIGN(const uint64_t version, both->Version());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr same, both->OptimizeIndices());
  ASSERT_OK_AND_ASSIGN(const uint64_t unchanged, same->Version());
  EXPECT_EQ(unchanged, version);
  EXPECT_THAT(both->OptimizeIndices({.rebalance = true}), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(IndexTest, TheIndexOfAnOlderVersionDoesNotCoverWhatOthersHaveAppended) {
  ASSERT_OK(WriteBatches(uri_, {Rows(kRows, 10, 6)}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, dataset_->CreateIndex("id", IndexType::kBtree));
  ASSERT_OK_AND_ASSIGN(const uint64_t version, indexed->Version());
  EXPECT_EQ(version, 3U);
  ASSERT_OK_AND_ASSIGN(const auto indices, indexed->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  EXPECT_EQ(indices[0].unindexed_rows, 10U);
  ASSERT_OK_AND_ASSIGN(const Found found, Find(*indexed, "id >= 1198"));
  EXPECT_THAT(found.ids, SizeIs(12));
}

struct Segmented {
  IndexType type;
  std::string column;
  /// What it answers; of vectors and texts nothing, those are searched.
  std::string filter = {};
};

void PrintTo(const Segmented& segmented, std::ostream* out) { *out << IndexTypeName(segmented.type); }

class SegmentTest : public IndexTest, public ::testing::WithParamInterface<Segmented> {
 protected:
  arrow::Result<std::vector<int64_t>> Search(const Dataset& dataset, const lance::ScanOptions& scan) {
    lance::ScanOptions options = scan;
    options.columns = std::vector<std::string>{"id"};
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
    ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
    return Int64s(*table->GetColumnByName("id"));
  }

  /// The vector of a row.
  arrow::Result<std::shared_ptr<lance::VectorQuery>> Near(int64_t row, uint32_t k) {
    ARROW_ASSIGN_OR_RAISE(const auto taken, dataset_->Take({static_cast<uint64_t>(row)}, {{"vec"}}));
    const auto& vectors = static_cast<const arrow::FixedSizeListArray&>(*taken->column(0));
    return lance::VectorQuery::Make("vec", vectors.value_slice(0),
                                    {.k = k, .minimum_nprobes = 2, .refine_factor = 20});
  }

  /// Through the index of all segments, as without it.
  void ExpectSearched(const Dataset& whole, const std::vector<lance::IndexSegmentInfo>& segments) {
    const auto& [type, column, filter] = GetParam();
    if (!filter.empty()) {
      ASSERT_OK_AND_ASSIGN(const Found expected, Find(*dataset_, filter));
      ASSERT_THAT(expected.ids, Not(IsEmpty()));
      ASSERT_OK_AND_ASSIGN(const Found found, Find(whole, filter));
      EXPECT_EQ(found.ids, expected.ids);
      EXPECT_TRUE(UsesIndex(found.plan, "parts")) << found.plan;
    } else if (column == "vec") {
      for (const int64_t row : {5, 450, 1100}) {
        ASSERT_OK_AND_ASSIGN(const auto nearest, Near(row, 3));
        ASSERT_OK_AND_ASSIGN(const auto found, Search(whole, {.nearest = nearest, .fast_search = true}));
        EXPECT_THAT(found, Contains(row));
        for (const auto& segment : segments) {
          const bool is_last = segment.fragments == "[2]";
          ASSERT_OK_AND_ASSIGN(
              const auto some,
              Search(whole, {.nearest = nearest, .fast_search = true, .index_segments = {segment.uuid}}));
          ASSERT_THAT(some, SizeIs(3));
          for (const int64_t id : some) EXPECT_EQ(id >= 800, is_last) << id;
        }
      }
    } else if (type == IndexType::kInverted) {
      const auto green = lance::TextQuery::Match("green", {.column = column});
      ASSERT_OK_AND_ASSIGN(auto expected, Search(*dataset_, {.full_text = green}));
      ASSERT_OK_AND_ASSIGN(auto found, Search(whole, {.full_text = green}));
      ASSERT_THAT(expected, Not(IsEmpty()));
      EXPECT_THAT(found, ::testing::UnorderedElementsAreArray(expected));
    } else {
      ASSERT_OK_AND_ASSIGN(const auto expected, Find(*dataset_, "name = 'green blue'"));
      ASSERT_THAT(expected.ids, Not(IsEmpty()));
      ASSERT_OK_AND_ASSIGN(auto found,
                           Search(whole, {.similar_text = "green blue",
                                          .similar_text_column = column,
                                          .similar_text_rows = static_cast<int64_t>(expected.ids.size())}));
      std::ranges::sort(found);
      EXPECT_EQ(found, expected.ids);
    }
  }
};

TEST_P(SegmentTest, WorkersBuildWhatOneCommits) {
  const auto& [type, column, filter] = GetParam();
  const bool is_vector = column == "vec";
  IndexOptions options;
  if (is_vector) {
    options.parameters = {{"num_partitions", "2"}};
    ASSERT_OK_AND_ASSIGN(options.model, dataset_->TrainIndex(column, type, options));
    options.parameters = {{"metric", "cosine"}};
    EXPECT_THAT(dataset_->BuildIndexSegment(column, type, options),
                AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("learnt with \"l2\""))));
    options.parameters = {};
  } else {
    EXPECT_THAT(dataset_->TrainIndex(column, type), FailsWith(ErrorCode::kInvalidArgument));
  }
  std::vector<std::string> segments;
  for (uint64_t fragment = 0; fragment < 3; ++fragment) {
    options.fragments = std::vector<uint64_t>{fragment};
    ASSERT_OK_AND_ASSIGN(const DatasetPtr worker, Dataset::Open(uri_));
    ASSERT_OK_AND_ASSIGN(auto segment, worker->BuildIndexSegment(column, type, options));
    EXPECT_THAT(segment, HasSubstr("\"fragments\":[" + std::to_string(fragment) + "]"));
    segments.push_back(std::move(segment));
  }
  ASSERT_OK_AND_ASSIGN(const auto none, dataset_->Indices());
  EXPECT_THAT(none, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto merged, dataset_->MergeIndexSegments({segments[0], segments[1]}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr partly, dataset_->CommitIndexSegments("parts", {merged}));
  ASSERT_OK_AND_ASSIGN(auto indices, partly->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  EXPECT_EQ(indices[0].index_type, IndexTypeName(type));
  EXPECT_EQ(indices[0].segments, 1U);
  EXPECT_EQ(indices[0].rows, 800U);
  ASSERT_OK_AND_ASSIGN(const DatasetPtr whole, partly->CommitIndexSegments("parts", {segments[2]}));
  ASSERT_OK_AND_ASSIGN(indices, whole->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  EXPECT_EQ(indices[0].segments, 2U);
  EXPECT_EQ(indices[0].rows, 1200U);
  ASSERT_OK_AND_ASSIGN(const auto listed, whole->IndexSegments());
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_EQ(listed[0].index, "parts");
  EXPECT_THAT(listed[0].uuid, SizeIs(36));
  EXPECT_EQ(listed[0].field_ids, listed[1].field_ids);
  EXPECT_THAT(listed[0].field_ids, ::testing::MatchesRegex("\\[[0-9]+\\]"));
  EXPECT_GE(listed[0].index_version, 0);
  std::vector<std::string> fragments = {listed[0].fragments, listed[1].fragments};
  EXPECT_THAT(fragments, ::testing::UnorderedElementsAre("[0,1]", "[2]"));
  EXPECT_OK(whole->PrewarmIndex("parts"));
  ExpectSearched(*whole, listed);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SegmentTest,
    ::testing::Values(Segmented{IndexType::kBtree, "id", "id in (1, 500, 1100)"},
                      Segmented{IndexType::kBitmap, "few", "few = 3 or few is null"},
                      Segmented{IndexType::kNgram, "name", "contains(name, 'reen')"},
                      Segmented{IndexType::kLabelList, "tags", "array_has_any(tags, ['red', 'x'])"},
                      Segmented{IndexType::kZonemap, "day", "day > date '2019-05-01'"},
                      Segmented{IndexType::kBloomFilter, "id", "id = 77"},
                      Segmented{IndexType::kFm, "name", "contains(name, 'long way')"},
                      Segmented{IndexType::kInverted, "name"}, Segmented{IndexType::kMinhash, "name"},
                      Segmented{IndexType::kIvfFlat, "vec"}, Segmented{IndexType::kIvfSq, "vec"},
                      Segmented{IndexType::kIvfPq, "vec"}, Segmented{IndexType::kIvfRq, "vec"},
                      Segmented{IndexType::kIvfHnswFlat, "vec"}, Segmented{IndexType::kIvfHnswSq, "vec"},
                      Segmented{IndexType::kIvfHnswPq, "vec"}),
    [](const auto& info) { return IndexTypeName(info.param.type); });

class SimilarTextTest : public IndexTest {
 protected:
  arrow::Result<std::shared_ptr<arrow::Table>> Similar(const Dataset& dataset, lance::ScanOptions scan) {
    if (!scan.similar_text) scan.similar_text = "green blue";
    if (!scan.similar_text_column) scan.similar_text_column = "name";
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(scan));
    return scanner->ToTable();
  }
};

TEST_F(SimilarTextTest, RowsComeMostSimilarFirst) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, dataset_->CreateIndex("name", IndexType::kMinhash));
  const std::vector<std::string> columns = {"_distance", "name", "id"};
  ASSERT_OK_AND_ASSIGN(const auto found, Similar(*indexed, {.columns = columns}));
  ASSERT_EQ(found->num_rows(), 10);
  EXPECT_EQ(found->schema()->field_names(), columns);
  const auto& distances = static_cast<const arrow::FloatArray&>(*found->column(0)->chunk(0));
  for (int64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(distances.Value(i), 0);
    EXPECT_EQ(static_cast<const arrow::StringArray&>(*found->column(1)->chunk(0)).GetView(i), "green blue");
  }
  // Rows that were added since are compared, too, and deleted ones are not.
  ASSERT_OK(WriteBatches(uri_, {Rows(kRows, 1200, 9)}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, indexed->Latest());
  ASSERT_OK_AND_ASSIGN(const auto deleted, latest->Delete("id % 2 = 0"));
  const DatasetPtr& rest = deleted.dataset;
  ASSERT_OK_AND_ASSIGN(const Found expected, Find(*rest, "name = 'green blue'"));
  const auto rows = static_cast<int64_t>(expected.ids.size());
  EXPECT_GT(expected.ids.back(), kRows);
  ASSERT_OK_AND_ASSIGN(const auto all, Similar(*rest, {.columns = columns, .similar_text_rows = rows}));
  std::vector<int64_t> ids = Int64s(*all->GetColumnByName("id"));
  std::ranges::sort(ids);
  EXPECT_EQ(ids, expected.ids);
}

TEST_F(SimilarTextTest, WhatIsFoundIsFilteredSortedCutAndCounted) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, dataset_->CreateIndex("name", IndexType::kMinhash));
  ASSERT_OK_AND_ASSIGN(const Found expected, Find(*dataset_, "name = 'green blue' and id >= 600"));
  const auto rows = static_cast<int64_t>(expected.ids.size());
  lance::ScanOptions scan = {.columns = {{"id"}}, .filter = "id >= 600"};
  scan.similar_text_rows = rows;
  scan.order_by = {{.column = "id", .descending = true}};
  ASSERT_OK_AND_ASSIGN(const auto sorted, Similar(*indexed, scan));
  std::vector<int64_t> downwards(expected.ids.rbegin(), expected.ids.rend());
  EXPECT_EQ(Int64s(*sorted->GetColumnByName("id")), downwards);
  scan.limit = 2;
  scan.offset = 1;
  ASSERT_OK_AND_ASSIGN(const auto cut, Similar(*indexed, scan));
  EXPECT_THAT(Int64s(*cut->GetColumnByName("id")), ElementsAre(downwards[1], downwards[2]));
  scan.similar_text = "green blue";
  scan.similar_text_column = "name";
  ASSERT_OK_AND_ASSIGN(const auto scanner, indexed->Scan(scan));
  ASSERT_OK_AND_ASSIGN(const auto count, scanner->CountRows());
  EXPECT_EQ(count, 2U);

  // Found first and filtered then.
  lance::ScanOptions after = {
      .columns = {{"id"}}, .filter = "id >= 600 and _distance < 0.5", .prefilter = false};
  after.similar_text_rows = kRows;
  ASSERT_OK_AND_ASSIGN(const auto near, Similar(*indexed, after));
  EXPECT_EQ(near->num_rows(), rows);
  after.similar_text_rows = 1;
  ASSERT_OK_AND_ASSIGN(const auto at_most_one, Similar(*indexed, after));
  EXPECT_LE(at_most_one->num_rows(), 1);

  lance::ScanOptions grouped;
  grouped.aggregates = {{.function = lance::AggregateFunction::kCount}};
  ASSERT_OK_AND_ASSIGN(const auto counted, Similar(*indexed, grouped));
  EXPECT_THAT(Int64s(*counted->column(0)), ElementsAre(10));
}

TEST_F(SimilarTextTest, WhatCannotBeFoundIsTold) {
  EXPECT_THAT(Similar(*dataset_, {}), AllOf(FailsWith(ErrorCode::kIndexNotFound),
                                            FailsSaying(HasSubstr("no index of the type MINHASH"))));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, dataset_->CreateIndex("name", IndexType::kMinhash));
  EXPECT_THAT(Similar(*indexed, {.similar_text_column = "nam"}),
              AllOf(FailsWith(ErrorCode::kFieldNotFound), FailsSaying(HasSubstr("\"name\""))));
  EXPECT_THAT(Similar(*indexed, {.similar_text_column = "id"}), FailsWith(ErrorCode::kIndexNotFound));
  EXPECT_THAT(Similar(*indexed, {.full_text = lance::TextQuery::Match("green")}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Similar(*indexed, {.fast_search = true}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Similar(*indexed, {.similar_text_rows = 0}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(indexed->Scan({.similar_text_column = "name"}), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const auto like_nothing, Similar(*indexed, {.similar_text = ""}));
  EXPECT_EQ(like_nothing->num_rows(), 0);
}

TEST_F(IndexTest, SegmentsThatAreNoneAreRefused) {
  ASSERT_OK_AND_ASSIGN(const auto segment,
                       dataset_->BuildIndexSegment("id", IndexType::kBtree, {.fragments = {{0}}}));
  auto damaged = segment;
  const size_t metadata = damaged.find("\"metadata\":\"") + 20;
  damaged[metadata] = damaged[metadata] == 'A' ? 'B' : 'A';
  auto later = segment;
  later.replace(later.find(":1,"), 3, ":9,");
  for (const auto& [text, code] :
       {std::pair(std::string(), ErrorCode::kInvalidArgument),
        std::pair(std::string("{}"), ErrorCode::kInvalidArgument),
        std::pair(segment.substr(9), ErrorCode::kInvalidArgument), std::pair(damaged, ErrorCode::kCorrupt),
        std::pair(later, ErrorCode::kNotSupported)}) {
    EXPECT_THAT(dataset_->CommitIndexSegments("a", {text}), FailsWith(code)) << text;
    EXPECT_THAT(dataset_->MergeIndexSegments({text}), FailsWith(code)) << text;
  }
  // A segment of another dataset.
  const std::string uri = dir_ / "other";
  ASSERT_OK(WriteBatches(uri, {Rows(0, kRows, 1)}, {.max_rows_per_file = kRows / 3}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr stranger, Dataset::Open(uri));
  EXPECT_THAT(stranger->CommitIndexSegments("a", {segment}), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(stranger->MergeIndexSegments({segment, segment}), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(dataset_->CommitIndexSegments("a", {}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->MergeIndexSegments({}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->CommitIndexSegments("a", {segment, segment}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset_->CommitIndexSegments("", {segment}), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const auto other,
                       dataset_->BuildIndexSegment("few", IndexType::kBtree, {.fragments = {{1}}}));
  EXPECT_FALSE(dataset_->CommitIndexSegments("a", {segment, other}).ok());
  EXPECT_FALSE(dataset_->MergeIndexSegments({segment, other}).ok());
}

TEST_F(IndexTest, AnIndexOfSomeFragmentsCoversThese) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed,
                       dataset_->CreateIndex("few", IndexType::kBitmap, {.fragments = {{2, 0}}}));
  ASSERT_OK_AND_ASSIGN(const auto indices, indexed->Indices());
  ASSERT_THAT(indices, SizeIs(1));
  EXPECT_EQ(indices[0].rows, 800U);
  EXPECT_EQ(indices[0].unindexed_rows, 400U);
  ASSERT_OK_AND_ASSIGN(const Found expected, Find(*indexed, "few = 2", false));
  ASSERT_OK_AND_ASSIGN(const Found found, Find(*indexed, "few = 2"));
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_THAT(indexed->CreateIndex("few", IndexType::kBitmap, {.replace = true, .fragments = {{1}}}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(IndexTest, ProgressMovesThroughTheStages) {
  std::vector<lance::IndexProgress> told;
  IndexOptions options = kFour;
  options.progress = [&told](const lance::IndexProgress& progress) { told.push_back(progress); };
  ASSERT_OK_AND_ASSIGN(const auto indexed, dataset_->CreateIndex("vec", IndexType::kIvfPq, options));
  std::vector<std::string> stages;
  for (const auto& progress : told) {
    if (stages.empty() || stages.back() != progress.stage) stages.push_back(progress.stage);
    EXPECT_LE(progress.completed, progress.total.value_or(progress.completed)) << progress.stage;
  }
  EXPECT_THAT(stages, AllOf(Contains("train_ivf"), Contains("shuffle"), Contains("merge_partitions")));
  // An exception is dropped.
  options.replace = true;
  options.progress = [](const lance::IndexProgress&) { throw 1; };
  EXPECT_OK(indexed->CreateIndex("vec", IndexType::kIvfFlat, options));
}

TEST_F(IndexTest, AStopLeavesNoFileAndNoVersion) {
  const auto before = ListFiles(uri_);
  for (const auto& [type, column] :
       {std::pair(IndexType::kIvfHnswPq, "vec"), std::pair(IndexType::kInverted, "name"),
        std::pair(IndexType::kNgram, "name"), std::pair(IndexType::kBtree, "id")}) {
    arrow::StopSource source;
    IndexOptions options;
    std::atomic<int> calls = 0;
    options.progress = [&](const lance::IndexProgress&) {
      if (++calls != 2) return;
      source.RequestStop();
      // Whoever looks at the tokens sees it.
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    };
    auto future = dataset_->CreateIndexAsync(column, type, options, source.token());
    const auto status = future.status();
    const int last = calls;
    if (!status.ok()) {
      EXPECT_THAT(status, FailsWith(ErrorCode::kCancelled));
      EXPECT_EQ(ListFiles(uri_), before) << IndexTypeName(type);
      ASSERT_OK_AND_ASSIGN(const uint64_t latest, dataset_->LatestVersion());
      EXPECT_EQ(latest, 1U);
    } else {
      // It was faster than the stop.
      ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
      ASSERT_OK(latest->DropIndex(std::string(column) + "_idx"));
      FAIL() << IndexTypeName(type) << " was made before the stop";
    }
    // Tasks of the engine may go on, and tell nothing any more.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(calls, last);
    EXPECT_EQ(ListFiles(uri_), before) << IndexTypeName(type);
  }
  arrow::StopSource stopped;
  stopped.RequestStop();
  EXPECT_THAT(dataset_->CreateIndex("id", IndexType::kBtree, {}, stopped.token()),
              FailsWith(ErrorCode::kCancelled));
}

TEST_F(IndexTest, AsynchronousFormsEndAsTheOthers) {
  auto created = dataset_->CreateIndexAsync("few", IndexType::kBitmap);
  ASSERT_OK_AND_ASSIGN(const DatasetPtr indexed, created.result());
  ASSERT_OK_AND_ASSIGN(const auto indices, Wait(indexed->IndicesAsync()));
  EXPECT_THAT(indices, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto segments, Wait(indexed->IndexSegmentsAsync()));
  EXPECT_THAT(segments, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto statistics, Wait(indexed->IndexStatisticsAsync("few_idx")));
  EXPECT_THAT(statistics, HasSubstr("few_idx"));
  EXPECT_OK(indexed->PrewarmIndexAsync("few_idx").status());
  ASSERT_OK_AND_ASSIGN(const DatasetPtr optimized, Wait(indexed->OptimizeIndicesAsync()));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr dropped, Wait(optimized->DropIndexAsync("few_idx")));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, Wait(dataset_->LatestAsync()));
  ASSERT_OK_AND_ASSIGN(const uint64_t dropped_version, dropped->Version());
  ASSERT_OK_AND_ASSIGN(const uint64_t latest_version, latest->Version());
  EXPECT_EQ(latest_version, dropped_version);
  IndexOptions options = kFour;
  ASSERT_OK_AND_ASSIGN(options.model, Wait(dataset_->TrainIndexAsync("vec", IndexType::kIvfFlat, kFour)));
  options.fragments = std::vector<uint64_t>{0};
  ASSERT_OK_AND_ASSIGN(const auto first,
                       Wait(dataset_->BuildIndexSegmentAsync("vec", IndexType::kIvfFlat, options)));
  options.fragments = std::vector<uint64_t>{1};
  ASSERT_OK_AND_ASSIGN(const auto second,
                       Wait(dataset_->BuildIndexSegmentAsync("vec", IndexType::kIvfFlat, options)));
  ASSERT_OK_AND_ASSIGN(const auto merged, Wait(dataset_->MergeIndexSegmentsAsync({first, second})));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr whole, Wait(dataset_->CommitIndexSegmentsAsync("v", {merged})));
  ASSERT_OK_AND_ASSIGN(const auto made, whole->Indices());
  EXPECT_THAT(made, SizeIs(1));
  EXPECT_THAT(dataset_->CreateIndexAsync("nope", IndexType::kBtree).status(),
              FailsWith(ErrorCode::kFieldNotFound));
}

TEST_F(IndexTest, LatestIsTheNewestVersionWithTheSameSession) {
  ASSERT_OK_AND_ASSIGN(const DatasetPtr same, dataset_->Latest());
  ASSERT_OK_AND_ASSIGN(const uint64_t version, same->Version());
  EXPECT_EQ(version, 1U);
  ASSERT_OK(WriteBatches(uri_, {Rows(kRows, 3, 9)}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const DatasetPtr latest, dataset_->Latest());
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, latest->CountRows());
  EXPECT_EQ(rows, static_cast<uint64_t>(kRows + 3));
  EXPECT_EQ(latest->uri(), dataset_->uri());
  ASSERT_OK_AND_ASSIGN(const uint64_t before, dataset_->CountRows());
  EXPECT_EQ(before, static_cast<uint64_t>(kRows));
  std::filesystem::remove_all(uri_);
  EXPECT_FALSE(dataset_->Latest().ok());
}

TEST_F(IndexTest, ACheckNamesIndexFilesThatAreDamagedOrMissing) {
  ASSERT_OK(dataset_->CreateIndex("few", IndexType::kBitmap));
  ASSERT_OK_AND_ASSIGN(auto report, lance::CheckDataset(uri_));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.index_files, IndexFiles().size());
  EXPECT_EQ(report.orphans, 0U);
  const auto file = std::filesystem::path(uri_) / "_indices" / IndexFiles()[0];
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  ASSERT_OK_AND_ASSIGN(report, lance::CheckDataset(uri_));
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].kind, lance::ProblemKind::kWrongSize);
  EXPECT_THAT(report.problems[0].path, HasSubstr(IndexFiles()[0]));
  EXPECT_THAT(report.problems[0].message, HasSubstr("needed by version 2 for index few_idx"));
  std::filesystem::remove(file);
  ASSERT_OK_AND_ASSIGN(report, lance::CheckDataset(uri_));
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].kind, lance::ProblemKind::kMissingFile);
  ASSERT_OK_AND_ASSIGN(const DatasetPtr damaged, Dataset::Open(uri_, {.session = nullptr}));
  EXPECT_FALSE(damaged->PrewarmIndex("few_idx").ok());
}

TEST_F(IndexTest, ADeepCheckDecodesTheFilesOfIndices) {
  for (const auto& [column, type] : {std::pair{"few", IndexType::kBitmap}, {"id", IndexType::kBtree}}) {
    ASSERT_OK_AND_ASSIGN(dataset_, dataset_->CreateIndex(column, type));
  }
  const lance::CheckOptions deep = {.deep = true};
  ASSERT_OK_AND_ASSIGN(auto report, lance::CheckDataset(uri_, deep));
  EXPECT_THAT(report.problems, IsEmpty());

  // The descriptions of its columns, which only who reads them looks at: the footer says where they are.
  const std::string name = IndexFiles()[0];
  std::fstream file(std::filesystem::path(uri_) / "_indices" / name,
                    std::ios::in | std::ios::out | std::ios::binary);
  std::array<int64_t, 2> positions = {};
  file.seekg(-40, std::ios::end);
  file.read(reinterpret_cast<char*>(positions.data()), sizeof(positions));
  file.seekp(positions[0]);
  file << std::string(static_cast<size_t>(positions[1] - positions[0]), '\xff');
  file.close();
  ASSERT_TRUE(file);

  ASSERT_OK_AND_ASSIGN(report, lance::CheckDataset(uri_));
  EXPECT_THAT(report.problems, IsEmpty());
  ASSERT_OK_AND_ASSIGN(report, lance::CheckDataset(uri_, deep));
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].kind, lance::ProblemKind::kUndecodableData);
  EXPECT_THAT(report.problems[0].path, HasSubstr(name));
  EXPECT_THAT(report.problems[0].message,
              AnyOf(HasSubstr("for index few_idx"), HasSubstr("for index id_idx")));
}

}  // namespace
}  // namespace lance_test
