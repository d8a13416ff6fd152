// What a writer takes: batches whose schema differs from the writer's in what does not matter, and nothing
// that could not be read back by value and by name.

#include <memory>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/extension_type.h"
#include "lance/dataset.h"
#include "lance/lance_writer.h"
#include "lance/scanner.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using arrow::field;
using lance::Dataset;
using lance::ErrorCode;
using lance::LanceWriter;
using ::testing::HasSubstr;

using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

BatchPtr BatchOf(const std::shared_ptr<arrow::Field>& column, const ArrayPtr& values) {
  return arrow::RecordBatch::Make(arrow::schema({column}), values->length(), {values});
}

/// The values of an array under another type of the same layout.
std::shared_ptr<arrow::ArrayData> As(const std::shared_ptr<arrow::DataType>& type,
                                     const arrow::ArrayData& data) {
  auto copy = data.Copy();
  copy->type = type;
  for (size_t i = 0; i < copy->child_data.size(); ++i) {
    const auto& storage = type->id() == arrow::Type::EXTENSION
                              ? *static_cast<const arrow::ExtensionType&>(*type).storage_type()
                              : *type;
    copy->child_data[i] = As(storage.field(static_cast<int>(i))->type(), *copy->child_data[i]);
  }
  return copy;
}

ArrayPtr As(const std::shared_ptr<arrow::DataType>& type, const ArrayPtr& array) {
  return arrow::MakeArray(As(type, *array->data()));
}

class StoredValuesTest : public ::testing::Test {
 protected:
  /// Write a batch by itself and as a reader under another schema, and read it twice.
  void ExpectRoundTrip(const std::shared_ptr<arrow::Field>& column, const BatchPtr& batch) {
    const auto schema = arrow::schema({column});
    ASSERT_OK_AND_ASSIGN(auto writer,
                         LanceWriter::Open(uri_, schema, {.mode = lance::WriteMode::kOverwrite}));
    ASSERT_OK(writer->Write(*batch));
    ASSERT_OK_AND_ASSIGN(auto reader, arrow::RecordBatchReader::Make({batch}, batch->schema()));
    ASSERT_OK(writer->Write(reader));
    // A reader may announce what the writer was told, and hand out something else.
    ASSERT_OK_AND_ASSIGN(reader, arrow::RecordBatchReader::Make({batch}, schema));
    ASSERT_OK(writer->Write(reader));
    ASSERT_OK(writer->Finish());
    ASSERT_OK_AND_ASSIGN(auto table, ReadAll(uri_));
    ASSERT_OK(table->ValidateFull());
    ASSERT_EQ(table->num_rows(), 3 * batch->num_rows());
    ASSERT_OK_AND_ASSIGN(auto values, arrow::Concatenate(table->column(0)->chunks()));
    const auto expected = As(values->type(), batch->column(0));
    for (int64_t copy = 0; copy < 3; ++copy) {
      const auto read = values->Slice(copy * batch->num_rows(), batch->num_rows());
      EXPECT_TRUE(read->Equals(expected)) << read->ToString() << " instead of " << expected->ToString();
    }
  }

  void ExpectRefused(const std::shared_ptr<arrow::Field>& column, const BatchPtr& batch,
                     const std::string& said) {
    ASSERT_OK_AND_ASSIGN(auto writer, LanceWriter::Open(uri_, arrow::schema({column}),
                                                        {.mode = lance::WriteMode::kOverwrite}));
    const auto status = writer->Write(*batch);
    EXPECT_THAT(status, FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(status, FailsSaying(HasSubstr(said)));
    // The writer goes on without it.
    ASSERT_OK(writer->Write(*batch->Slice(0, 1)));
    ASSERT_OK(writer->Finish());
    ASSERT_OK_AND_ASSIGN(auto table, ReadAll(uri_));
    EXPECT_EQ(table->num_rows(), 1);

    ASSERT_OK_AND_ASSIGN(
        writer, LanceWriter::Open(uri_, arrow::schema({column}), {.mode = lance::WriteMode::kOverwrite}));
    ASSERT_OK_AND_ASSIGN(auto reader, arrow::RecordBatchReader::Make({batch}, batch->schema()));
    EXPECT_THAT(writer->Write(reader), FailsSaying(HasSubstr(said)));
    ASSERT_OK(writer->Abort());
  }

  void ExpectNoSuchSchema(const arrow::FieldVector& fields, const std::string& said) {
    const auto opened = LanceWriter::Open(uri_, arrow::schema(fields));
    EXPECT_THAT(opened, FailsWith(ErrorCode::kSchemaMismatch));
    EXPECT_THAT(opened, FailsSaying(HasSubstr(said)));
    EXPECT_EQ(ListFiles(dir_.path()), std::vector<std::string>{});
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
};

/// A type, twice: as nullable as can be, and not at all.
struct Nullabilities {
  std::shared_ptr<arrow::DataType> nullable;
  std::shared_ptr<arrow::DataType> required;
};

std::vector<Nullabilities> NestedTypes() {
  const auto type = [](bool nullable) -> std::vector<std::shared_ptr<arrow::DataType>> {
    const auto item = field("item", arrow::int32(), nullable);
    const auto text = field("text", arrow::utf8(), nullable);
    return {arrow::struct_({item, text}), arrow::list(item), arrow::large_list(text),
            arrow::fixed_size_list(item, 2), arrow::list(field("item", arrow::struct_({text}), nullable))};
  };
  const auto nullable = type(true);
  const auto required = type(false);
  std::vector<Nullabilities> types;
  for (size_t i = 0; i < nullable.size(); ++i) types.push_back({nullable[i], required[i]});
  types.push_back({arrow::map(arrow::utf8(), field("value", arrow::int32(), true)),
                   arrow::map(arrow::utf8(), field("value", arrow::int32(), false))});
  return types;
}

TEST_F(StoredValuesTest, NullabilityIsAQuestionOfValues) {
  for (const auto& [nullable, required] : NestedTypes()) {
    SCOPED_TRACE(nullable->ToString());
    const auto values = MakeArray(*field("c", required, false), 10);
    ASSERT_EQ(values->null_count(), 0);
    const auto batch = BatchOf(field("c", required, false), values);
    const auto wider = BatchOf(field("c", nullable), As(nullable, values));
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(field("c", nullable), batch));
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(field("c", required, false), wider));
  }
}

TEST_F(StoredValuesTest, NullInARequiredColumnIsRefusedByRow) {
  arrow::Int32Builder values;
  ASSERT_OK(values.AppendValues({1, 2}));
  ASSERT_OK(values.AppendNull());
  ASSERT_OK_AND_ASSIGN(auto numbers, values.Finish());
  ASSERT_NO_FATAL_FAILURE(ExpectRefused(field("c", arrow::int32(), false),
                                        BatchOf(field("c", arrow::int32()), numbers),
                                        "column \"c\", row 2 of the batch: it is NULL"));

  const auto required = arrow::struct_({field("x", arrow::int32(), false)});
  const auto nullable = arrow::struct_({field("x", arrow::int32())});
  ASSERT_OK_AND_ASSIGN(auto records, arrow::StructArray::Make({numbers}, nullable->fields()));
  ASSERT_NO_FATAL_FAILURE(ExpectRefused(field("c", required), BatchOf(field("c", nullable), records),
                                        "column \"c.x\", row 2 of the batch: it is NULL"));
}

TEST_F(StoredValuesTest, AnExtensionTypeIsItsStorage) {
  for (const auto& extension : AllFields()) {
    if (extension->name() != "extension_registered") continue;
    const auto& type = static_cast<const arrow::ExtensionType&>(*extension->type());
    const auto storage = extension->WithType(type.storage_type());
    const auto values = MakeArray(*extension, 10);
    const auto plain = As(storage->type(), values);
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(extension, BatchOf(storage, plain)));
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(storage, BatchOf(extension, values)));

    const auto nested = [&](const auto& inner) { return field("c", arrow::struct_({inner->WithName("x")})); };
    ASSERT_OK_AND_ASSIGN(auto plain_records,
                         arrow::StructArray::Make({plain}, nested(storage)->type()->fields()));
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(nested(extension), BatchOf(nested(storage), plain_records)));
    return;
  }
  FAIL() << "there is no extension type among the types";
}

TEST_F(StoredValuesTest, OtherTypesAndNamesInsideAreRefused) {
  const auto pair = [](const char* a, const char* b) {
    return arrow::struct_({field(a, arrow::int32()), field(b, arrow::int32())});
  };
  const std::vector<std::pair<std::shared_ptr<arrow::DataType>, std::shared_ptr<arrow::DataType>>> pairs{
      {pair("a", "b"), pair("b", "a")},
      {arrow::list(pair("a", "b")), arrow::list(pair("b", "a"))},
      {arrow::fixed_size_list(arrow::int32(), 2), arrow::fixed_size_list(arrow::int32(), 3)},
      {arrow::dictionary(arrow::int8(), arrow::utf8()), arrow::dictionary(arrow::int16(), arrow::utf8())},
      {arrow::map(arrow::utf8(), arrow::int32()), arrow::map(arrow::utf8(), arrow::int64())},
      {arrow::timestamp(arrow::TimeUnit::SECOND), arrow::timestamp(arrow::TimeUnit::SECOND, "UTC")},
  };
  for (const auto& [expected, actual] : pairs) {
    SCOPED_TRACE(expected->ToString());
    ASSERT_OK_AND_ASSIGN(auto writer, LanceWriter::Open(uri_, arrow::schema({field("c", expected)})));
    const auto batch = MakeBatch(arrow::schema({field("c", actual)}), 3);
    EXPECT_THAT(writer->Write(*batch), FailsWith(ErrorCode::kSchemaMismatch));
    ASSERT_OK_AND_ASSIGN(auto reader, arrow::RecordBatchReader::Make({batch}, batch->schema()));
    EXPECT_THAT(writer->Write(reader), FailsWith(ErrorCode::kSchemaMismatch));
    ASSERT_OK(writer->Abort());
  }
}

TEST_F(StoredValuesTest, TextThatIsNotUtf8IsRefusedByRow) {
  arrow::BinaryBuilder bytes;
  ASSERT_OK(bytes.Append("José"));
  ASSERT_OK(bytes.Append("Jos\xe9"));
  ASSERT_OK_AND_ASSIGN(auto binary, bytes.Finish());
  const auto text = As(arrow::utf8(), binary);
  const auto c = field("c", arrow::utf8());
  const std::string said = ", row 1 of the batch: its text is not UTF-8";
  ASSERT_NO_FATAL_FAILURE(ExpectRefused(c, BatchOf(c, text), "column \"c\"" + said));

  const auto record = field("c", arrow::struct_({field("s", arrow::utf8())}));
  ASSERT_OK_AND_ASSIGN(auto records, arrow::StructArray::Make({text}, record->type()->fields()));
  ASSERT_NO_FATAL_FAILURE(ExpectRefused(record, BatchOf(record, records), "column \"c.s\"" + said));
}

TEST_F(StoredValuesTest, ColumnsThatAreNotAsTheBatchSaysAreRefused) {
  const auto numbers = MakeArray(*field("c", arrow::int64(), false), 10);
  const auto schema = arrow::schema({field("c", arrow::int64())});
  ASSERT_OK_AND_ASSIGN(auto writer, LanceWriter::Open(uri_, schema));
  const auto refuses = [&](int64_t rows, const ArrayPtr& column) {
    EXPECT_THAT(writer->Write(*arrow::RecordBatch::Make(schema, rows, {column})),
                FailsWith(ErrorCode::kInvalidArgument));
  };
  refuses(7, numbers);
  refuses(11, numbers);
  refuses(10, As(arrow::float64(), numbers));
  auto short_buffer = numbers->data()->Copy();
  short_buffer->buffers[1] = arrow::SliceBuffer(short_buffer->buffers[1], 0, 8);
  refuses(10, arrow::MakeArray(short_buffer));
}

TEST_F(StoredValuesTest, NamesThatNoReaderFindsAreRefused) {
  const auto number = [](const std::string& name) { return field(name, arrow::int32()); };
  ExpectNoSuchSchema({number("a"), number("")}, "column 2 has no name");
  ExpectNoSuchSchema({number("a"), number("a")}, "\"a\"");
  ExpectNoSuchSchema({number("a.b")}, "a.b");
  ExpectNoSuchSchema({number("a`b")}, "a``b");
  ExpectNoSuchSchema({number("_rowid")}, "_rowid");
  ExpectNoSuchSchema({number(std::string("a\0b", 3))}, "NUL");
  const auto nested = [&](const arrow::FieldVector& fields) {
    return field("t", arrow::map(arrow::utf8(), arrow::list(arrow::struct_(fields))));
  };
  ExpectNoSuchSchema({nested({number("x"), number("")})}, "t.entries.value.item.``");
  ExpectNoSuchSchema({nested({number("x"), number("x")})}, "t.entries.value.item.x");
  ExpectNoSuchSchema({nested({number(std::string("x\0", 2))})}, "NUL");
  ExpectNoSuchSchema({nested({})}, "t.entries.value.item");
}

TEST_F(StoredValuesTest, StructsWithoutFieldsAreRefused) {
  const auto empty = arrow::struct_({});
  for (const auto& type : {empty, arrow::list(empty), arrow::struct_({field("e", empty)}),
                           arrow::map(arrow::utf8(), empty), arrow::fixed_size_list(empty, 2)}) {
    ExpectNoSuchSchema({field("m", type), field("a", arrow::int32()), field("b", arrow::int32())}, "\"m");
  }
}

/// A name as the engine reads it in a path.
std::string Quoted(const std::string& name) {
  std::string quoted = "`";
  for (const char c : name) quoted += c == '`' ? "``" : std::string(1, c);
  return quoted + "`";
}

TEST_F(StoredValuesTest, OtherNamesAreFoundByEveryReader) {
  const auto numbers = MakeArray(*field("x", arrow::int32(), false), 5);
  const std::vector<std::string> top{" ",  "a b", "A", "a", "\"",     "'",  "\n",
                                     "\\", "é",   "1", "*", "select", "or", "item"};
  std::vector<std::string> nested = top;
  for (const auto* name : {"a.b", ".", "a.", ".a", "`", "a`b", "_rowid"}) nested.emplace_back(name);
  arrow::FieldVector columns;
  arrow::ArrayVector arrays;
  std::vector<std::string> paths;
  for (const auto& name : top) {
    columns.push_back(field(name, arrow::int32()));
    arrays.push_back(numbers);
    paths.push_back(Quoted(name));
  }
  arrow::FieldVector inner;
  for (const auto& name : nested) {
    inner.push_back(field(name, arrow::int32()));
    paths.push_back("`s`." + Quoted(name));
  }
  ASSERT_OK_AND_ASSIGN(auto records,
                       arrow::StructArray::Make(arrow::ArrayVector(inner.size(), numbers), inner));
  columns.push_back(field("s", records->type()));
  arrays.push_back(records);
  ASSERT_OK(WriteBatches(uri_, {arrow::RecordBatch::Make(arrow::schema(columns), 5, arrays)}));

  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  EXPECT_TRUE(dataset->schema()->Equals(*arrow::schema(columns)));
  const auto third = numbers->GetScalar(3).ValueOrDie()->ToString();
  for (const auto& path : paths) {
    SCOPED_TRACE(path);
    ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan({.columns = std::vector{path}}));
    ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
    ASSERT_EQ(table->num_columns(), 1);
    EXPECT_THAT(table->column(0)->ToString(), HasSubstr(third));
    ASSERT_OK_AND_ASSIGN(auto taken, dataset->Take({3}, std::vector{path}));
    ASSERT_EQ(taken->num_columns(), 1);
    EXPECT_THAT(taken->column(0)->ToString(), HasSubstr(third));
    ASSERT_OK_AND_ASSIGN(scanner, dataset->Scan({.filter = path + " = " + third}));
    ASSERT_OK_AND_ASSIGN(table, scanner->ToTable());
    EXPECT_EQ(table->num_rows(), 1);
    EXPECT_THAT(dataset->CountRows(path + " = " + third), IsOk());
  }
}

TEST_F(StoredValuesTest, ItemsWithoutANameGetOne) {
  const auto list = arrow::list(field("", arrow::int32()));
  const auto batch = MakeBatch(arrow::schema({field("c", list)}), 10);
  ASSERT_OK(WriteBatches(uri_, {batch}));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  EXPECT_EQ(dataset->schema()->field(0)->type()->field(0)->name(), "item");
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan({.filter = "c is null"}));
  ASSERT_OK_AND_ASSIGN(auto table, scanner->ToTable());
  EXPECT_EQ(table->num_rows(), batch->column(0)->null_count());
  ASSERT_OK_AND_ASSIGN(auto all, ReadAll(uri_));
  EXPECT_TRUE(all->column(0)->chunk(0)->Equals(batch->column(0)));
}

}  // namespace
}  // namespace lance_test
