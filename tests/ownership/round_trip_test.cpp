// Every Arrow type, in many sizes and slices, through the C ABI into Lance and back: each struct is released
// exactly once, and the values are equal. Types that Lance cannot store are refused by name.

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/c_call.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/release_probe.h"
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

/// The type that comes back: views are stored as what they are views of.
std::shared_ptr<arrow::DataType> StoredAs(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    default:
      return type;
  }
}

/// The batches of one write: every size, whole and cut out of a longer batch.
std::vector<std::shared_ptr<arrow::RecordBatch>> BatchesOf(const std::shared_ptr<arrow::Schema>& schema) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  uint64_t seed = 0;
  for (const int64_t rows : Some<int64_t>({0, 1, 7, 8, 1023, 1024, 1025, Pick(8192, 65536)})) {
    for (const int64_t offset : {0, 1, 7, 8}) {
      batches.push_back(MakeBatch(schema, rows + offset, ++seed)->Slice(offset, rows));
    }
  }
  return batches;
}

void WriteAll(const std::string& uri, const arrow::Schema& schema,
              const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  ReleaseProbe probe;
  ProbedSchema opened(schema, probe);
  WriterPtr writer;
  ASSERT_EQ(OpenWriter(uri, &opened.schema, nullptr, &writer), LANCE_OK);
  EXPECT_EQ(opened.schema.release, nullptr);
  for (const auto& batch : batches) {
    ProbedBatch exported(*batch, probe);
    ASSERT_EQ(Write(writer, &exported.array, &exported.schema), LANCE_OK);
    EXPECT_TRUE(exported.consumed());
  }
  ASSERT_EQ(Finish(writer), LANCE_OK);
  EXPECT_EQ(probe.watched(), static_cast<int64_t>(1 + 2 * batches.size()));
  EXPECT_TRUE(probe.EachReleasedOnce());
}

/// All chunks as one array. Dictionaries go first: together they may have too many words for their indices.
std::shared_ptr<arrow::Array> PlainValues(const arrow::ChunkedArray& column) {
  arrow::ArrayVector chunks;
  for (const auto& chunk : column.chunks()) chunks.push_back(Plain(chunk));
  return arrow::Concatenate(chunks).ValueOrDie();
}

void ExpectReadsBackAs(const std::string& uri,
                       const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  ASSERT_OK_AND_ASSIGN(auto written, arrow::Table::FromRecordBatches(batches));
  ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(uri));
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan());
  ASSERT_OK_AND_ASSIGN(auto read, scanner->ToTable());
  ASSERT_EQ(read->num_rows(), written->num_rows());
  ASSERT_OK(read->ValidateFull());
  const auto stored_as = StoredAs(written->column(0)->type());
  EXPECT_TRUE(read->column(0)->type()->Equals(*stored_as))
      << read->column(0)->type()->ToString() << " instead of " << stored_as->ToString();
  const auto expected = PlainValues(*written->column(0));
  const auto actual = PlainValues(*read->column(0));
  EXPECT_TRUE(actual->type()->Equals(expected->type()))
      << actual->type()->ToString() << " instead of " << expected->type()->ToString();
  EXPECT_TRUE(actual->Equals(expected)) << actual->ToString() << " instead of " << expected->ToString();

  const auto& field = *dataset->schema()->field(0);
  EXPECT_TRUE(field.type()->Equals(*stored_as)) << field.ToString();
  EXPECT_EQ(field.nullable(), written->field(0)->nullable());
  if (written->field(0)->HasMetadata()) {
    ASSERT_TRUE(field.HasMetadata());
    for (const auto& [key, value] : written->field(0)->metadata()->sorted_pairs()) {
      EXPECT_EQ(field.metadata()->Get(key).ValueOr("missing"), value);
    }
  }
}

using FieldAndNullable = std::tuple<std::shared_ptr<arrow::Field>, bool>;

std::string TestName(const ::testing::TestParamInfo<FieldAndNullable>& info) {
  const auto& [field, nullable] = info.param;
  return field->name() + (nullable ? "_nullable" : "_required");
}

std::vector<FieldAndNullable> FieldsWhere(bool refused) {
  std::vector<FieldAndNullable> chosen;
  for (const auto& field : AllFields()) {
    if (IsRefused(*field) != refused) continue;
    chosen.emplace_back(field, true);
    // Every value of the null type is NULL.
    if (field->type()->id() != arrow::Type::NA) chosen.emplace_back(field, false);
  }
  return chosen;
}

class EachType : public ::testing::TestWithParam<FieldAndNullable> {
 protected:
  std::shared_ptr<arrow::Schema> schema() const {
    const auto& [field, nullable] = GetParam();
    return arrow::schema({field->WithNullable(nullable)});
  }

  TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
};

class StoredType : public EachType {};

TEST_P(StoredType, RoundTripsAndReleasesOnce) {
  const auto batches = BatchesOf(schema());
  ASSERT_NO_FATAL_FAILURE(WriteAll(uri_, *schema(), batches));
  ASSERT_NO_FATAL_FAILURE(ExpectReadsBackAs(uri_, batches));
}

INSTANTIATE_TEST_SUITE_P(Types, StoredType, ::testing::ValuesIn(FieldsWhere(false)), TestName);

class LargeType : public EachType {};

TEST_P(LargeType, AMillionRowsRoundTripAndReleaseOnce) {
  constexpr int64_t kMillion = 1'000'000;
  // Whole, or cut out of a longer batch.
  const int64_t offset = std::get<bool>(GetParam()) ? 7 : 0;
  const std::vector<std::shared_ptr<arrow::RecordBatch>> batches{
      MakeBatch(schema(), kMillion + offset)->Slice(offset)};
  ASSERT_NO_FATAL_FAILURE(WriteAll(uri_, *schema(), batches));
  ASSERT_NO_FATAL_FAILURE(ExpectReadsBackAs(uri_, batches));
}

INSTANTIATE_TEST_SUITE_P(Types, LargeType, ::testing::ValuesIn(Some(FieldsWhere(false))), TestName);

class RefusedType : public EachType {};

TEST_P(RefusedType, IsRefusedByNameAndReleasedOnce) {
  ReleaseProbe probe;
  ProbedSchema opened(*schema(), probe);
  ProbedBatch exported(*MakeBatch(schema(), 7), probe);
  WriterPtr writer;
  Outcome outcome = OpenWriter(uri_, &opened.schema, nullptr, &writer);
  // With a NULL writer the batch has to be consumed too.
  const Outcome write = Write(writer, &exported.array, &exported.schema);
  if (outcome.ok()) outcome = write;
  if (outcome.ok()) outcome = Finish(writer);
  EXPECT_THAT(outcome.code,
              ::testing::AnyOf(LANCE_SCHEMA_MISMATCH, LANCE_NOT_SUPPORTED, LANCE_INVALID_ARGUMENT))
      << outcome;
  EXPECT_TRUE(exported.consumed());
  writer.reset();
  EXPECT_TRUE(probe.EachReleasedOnce());
  EXPECT_EQ(ListFiles(dir_.path()), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Types, RefusedType, ::testing::ValuesIn(FieldsWhere(true)), TestName);

TEST(RoundTripTest, EveryTypeHasARow) {
  EXPECT_EQ(FieldsWhere(true).size(), 2 * RefusedTypes().size());
  std::set<arrow::Type::type> covered;
  for (const auto& field : AllFields()) covered.insert(field->type()->id());
  for (int id = arrow::Type::NA; id < arrow::Type::MAX_ID; ++id) {
    EXPECT_TRUE(covered.count(static_cast<arrow::Type::type>(id)) > 0) << "no test for Arrow type id " << id;
  }
}

TEST(RoundTripTest, EveryTypeIsDocumented) {
  std::set<std::string> expected;
  for (const auto& field : AllFields()) {
    const auto stored_as = StoredAs(field->type());
    const std::string stored =
        stored_as == field->type() ? "stored" : "stored as `" + stored_as->ToString() + "`";
    expected.insert("| `" + field->type()->ToString() + "` | " + (IsRefused(*field) ? "refused" : stored) +
                    " |");
  }
  std::ifstream document(LANCE_TYPES_DOC);
  std::set<std::string> documented;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("| `")) documented.insert(line);
  }
  EXPECT_THAT(documented, ::testing::ElementsAreArray(expected));
  const auto without_a_row = std::count_if(expected.begin(), expected.end(),
                                           [&](const auto& row) { return !documented.contains(row); });
  Figure("O3",
         {{"types", std::to_string(expected.size())}, {"without_a_row", std::to_string(without_a_row)}});
}

TEST(RoundTripTest, AllStoredTypesInOneBatch) {
  const TempDir dir;
  arrow::FieldVector fields;
  for (const auto& field : AllFields()) {
    if (!IsRefused(*field)) fields.push_back(field);
  }
  const auto schema = arrow::schema(fields);
  const std::vector<std::shared_ptr<arrow::RecordBatch>> batches{MakeBatch(schema, 100),
                                                                 MakeBatch(schema, 108, 50)->Slice(8)};
  ASSERT_NO_FATAL_FAILURE(WriteAll(dir / "wide", *schema, batches));

  ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(dir / "wide"));
  ASSERT_OK_AND_ASSIGN(auto read, dataset->Take({0, 99, 100, 199}));
  ASSERT_EQ(read->num_columns(), schema->num_fields());
  for (int i = 0; i < schema->num_fields(); ++i) {
    const auto column = Plain(read->column(i));
    EXPECT_TRUE(column->Slice(0, 1)->Equals(Plain(batches[0]->column(i)->Slice(0, 1))))
        << schema->field(i)->name();
    EXPECT_TRUE(column->Slice(3, 1)->Equals(Plain(batches[1]->column(i)->Slice(99, 1))))
        << schema->field(i)->name();
  }
}

TEST(RoundTripTest, WritesWithoutASchemaPerBatch) {
  const TempDir dir;
  ReleaseProbe probe;
  ProbedSchema opened(*SimpleSchema(), probe);
  WriterPtr writer;
  ASSERT_EQ(OpenWriter(dir / "plain", &opened.schema, nullptr, &writer), LANCE_OK);
  ProbedBatch exported(*SimpleBatch(0, 10), probe);
  ASSERT_EQ(Write(writer, &exported.array, nullptr), LANCE_OK);
  EXPECT_EQ(exported.array.release, nullptr);
  exported.schema.release(&exported.schema);
  ASSERT_EQ(Finish(writer), LANCE_OK);
  EXPECT_TRUE(probe.EachReleasedOnce());
}

}  // namespace
}  // namespace lance_test
