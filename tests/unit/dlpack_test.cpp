// Columns as tensors: where the numbers are, their shape, strides and type, and who owns them.

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/dlpack_abi.h"
#include "arrow/extension/fixed_shape_tensor.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ArrayPtr = std::shared_ptr<arrow::Array>;

std::vector<int64_t> Shape(const DLTensor& tensor) { return {tensor.shape, tensor.shape + tensor.ndim}; }

std::vector<int64_t> Strides(const DLTensor& tensor) {
  return {tensor.strides, tensor.strides + tensor.ndim};
}

/// `first`, `first` + 1, ... as a type.
template <typename Type>
ArrayPtr Numbers(int64_t count, int first = 0) {
  arrow::NumericBuilder<Type> builder;
  for (int64_t i = 0; i < count; ++i) {
    EXPECT_OK(builder.Append(static_cast<typename Type::c_type>(first + i)));
  }
  return builder.Finish().ValueOrDie();
}

ArrayPtr Lists(const ArrayPtr& items, int32_t size) {
  return arrow::FixedSizeListArray::FromArrays(items, size).ValueOrDie();
}

template <typename Type>
const typename Type::c_type* Values(const arrow::Array& array) {
  return static_cast<const arrow::NumericArray<Type>&>(array).raw_values();
}

/// Tells when it is gone.
class Witness : public arrow::Buffer {
 public:
  Witness(std::shared_ptr<arrow::Buffer> buffer, std::shared_ptr<bool> gone)
      : Buffer(buffer->data(), buffer->size()), buffer_(std::move(buffer)), gone_(std::move(gone)) {}
  ~Witness() override { *gone_ = true; }

 private:
  const std::shared_ptr<arrow::Buffer> buffer_;
  const std::shared_ptr<bool> gone_;
};

template <typename Type>
void ExpectType(uint8_t code, uint8_t bits) {
  const ArrayPtr array = Numbers<Type>(3);
  SCOPED_TRACE(array->type()->ToString());
  ASSERT_OK_AND_ASSIGN(const auto managed, lance::ToDLPack(array));
  const DLTensor& tensor = managed->dl_tensor;
  EXPECT_EQ(tensor.dtype.code, code);
  EXPECT_EQ(tensor.dtype.bits, bits);
  EXPECT_EQ(tensor.dtype.lanes, 1);
  EXPECT_EQ(tensor.data, static_cast<const void*>(Values<Type>(*array)));
  EXPECT_EQ(tensor.byte_offset, 0U);
  EXPECT_EQ(tensor.device.device_type, kDLCPU);
  EXPECT_EQ(tensor.device.device_id, 0);
  EXPECT_THAT(Shape(tensor), ElementsAre(3));
  EXPECT_THAT(Strides(tensor), ElementsAre(1));
}

TEST(DLPackTest, NumbersOfAllTypes) {
  ExpectType<arrow::Int8Type>(kDLInt, 8);
  ExpectType<arrow::Int16Type>(kDLInt, 16);
  ExpectType<arrow::Int32Type>(kDLInt, 32);
  ExpectType<arrow::Int64Type>(kDLInt, 64);
  ExpectType<arrow::UInt8Type>(kDLUInt, 8);
  ExpectType<arrow::UInt16Type>(kDLUInt, 16);
  ExpectType<arrow::UInt32Type>(kDLUInt, 32);
  ExpectType<arrow::UInt64Type>(kDLUInt, 64);
  ExpectType<arrow::HalfFloatType>(kDLFloat, 16);
  ExpectType<arrow::FloatType>(kDLFloat, 32);
  ExpectType<arrow::DoubleType>(kDLFloat, 64);
}

TEST(DLPackTest, ListsAreDimensionsAlsoOfSlices) {
  const ArrayPtr items = Numbers<arrow::FloatType>(2 * 3 * 5 + 4);
  const float* const first = Values<arrow::FloatType>(*items);
  const ArrayPtr shifted = items->Slice(4);
  const ArrayPtr inner = Lists(shifted, 3);
  ASSERT_OK_AND_ASSIGN(const auto matrix, lance::ToDLPack(inner->Slice(2, 5)));
  EXPECT_EQ(matrix->dl_tensor.data, first + 4 + 2 * 3);
  EXPECT_THAT(Shape(matrix->dl_tensor), ElementsAre(5, 3));
  EXPECT_THAT(Strides(matrix->dl_tensor), ElementsAre(3, 1));

  const ArrayPtr outer = Lists(inner, 2);
  ASSERT_OK_AND_ASSIGN(const auto cube, lance::ToDLPack(outer->Slice(1, 3)));
  EXPECT_EQ(cube->dl_tensor.data, first + 4 + 2 * 3);
  EXPECT_THAT(Shape(cube->dl_tensor), ElementsAre(3, 2, 3));
  EXPECT_THAT(Strides(cube->dl_tensor), ElementsAre(6, 3, 1));
}

TEST(DLPackTest, NoItemsAreNoData) {
  for (const ArrayPtr& empty :
       {Numbers<arrow::Int64Type>(0), Lists(Numbers<arrow::Int64Type>(6), 3)->Slice(1, 0)}) {
    ASSERT_OK_AND_ASSIGN(const auto tensor, lance::ToDLPack(empty));
    EXPECT_EQ(tensor->dl_tensor.data, nullptr);
    EXPECT_EQ(tensor->dl_tensor.shape[0], 0);
  }
}

TEST(DLPackTest, TensorsHaveTheirShapeAndPermutation) {
  const ArrayPtr lists = Lists(Numbers<arrow::Int32Type>(4 * 6), 6);
  const int32_t* const first =
      Values<arrow::Int32Type>(*static_cast<const arrow::FixedSizeListArray&>(*lists).values());
  const auto plain = arrow::extension::fixed_shape_tensor(arrow::int32(), {2, 3});
  ASSERT_OK_AND_ASSIGN(const auto tensor,
                       lance::ToDLPack(arrow::ExtensionType::WrapArray(plain, lists)->Slice(1, 2)));
  EXPECT_EQ(tensor->dl_tensor.data, first + 6);
  EXPECT_THAT(Shape(tensor->dl_tensor), ElementsAre(2, 2, 3));
  EXPECT_THAT(Strides(tensor->dl_tensor), ElementsAre(6, 3, 1));
  const auto permuted = arrow::extension::fixed_shape_tensor(arrow::int32(), {1, 2, 3}, {2, 0, 1});
  ASSERT_OK_AND_ASSIGN(const auto turned, lance::ToDLPack(arrow::ExtensionType::WrapArray(permuted, lists)));
  EXPECT_THAT(Shape(turned->dl_tensor), ElementsAre(4, 3, 1, 2));
  EXPECT_THAT(Strides(turned->dl_tensor), ElementsAre(6, 1, 6, 3));
}

TEST(DLPackTest, NullsAreRefusedWhereTheyAre) {
  arrow::FloatBuilder builder;
  ASSERT_OK(builder.AppendValues({0, 1, 2, 3, 4, 5}));
  ASSERT_OK(builder.AppendNull());
  ASSERT_OK(builder.Append(7));
  ASSERT_OK_AND_ASSIGN(const ArrayPtr items, builder.Finish());
  EXPECT_THAT(lance::ToDLPack(items), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_OK(lance::ToDLPack(items->Slice(0, 6)));
  const ArrayPtr lists = Lists(items, 2);
  EXPECT_THAT(lance::ToDLPack(lists), FailsSaying(HasSubstr("1 nulls")));
  EXPECT_OK(lance::ToDLPack(lists->Slice(0, 3)));
  EXPECT_THAT(lance::ToDLPack(lists->Slice(3)), FailsWith(ErrorCode::kInvalidArgument));

  arrow::FixedSizeListBuilder rows(arrow::default_memory_pool(), std::make_shared<arrow::Int8Builder>(), 2);
  ASSERT_OK(rows.AppendNull());
  ASSERT_OK_AND_ASSIGN(const ArrayPtr null_row, rows.Finish());
  EXPECT_THAT(lance::ToDLPack(null_row), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(lance::ToDLPackVersioned(null_row), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(DLPackTest, NoArrayIsNoTensor) {
  EXPECT_THAT(lance::ToDLPack(nullptr), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(lance::ToDLPackVersioned(nullptr), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(DLPackTest, OtherTypesAreNotSupported) {
  for (const auto& type : {arrow::boolean(), arrow::utf8(), arrow::list(arrow::float32()), arrow::date32(),
                           arrow::timestamp(arrow::TimeUnit::MICRO), arrow::decimal128(10, 2),
                           arrow::fixed_size_binary(2), arrow::fixed_size_list(arrow::boolean(), 3),
                           arrow::dictionary(arrow::int8(), arrow::utf8()), arrow::null()}) {
    ASSERT_OK_AND_ASSIGN(const ArrayPtr array, arrow::MakeArrayOfNull(type, 0));
    EXPECT_THAT(lance::ToDLPack(array), FailsWith(ErrorCode::kNotSupported)) << type->ToString();
  }
}

TEST(DLPackTest, ATensorKeepsItsNumbersUntilItIsDeleted) {
  const auto gone = std::make_shared<bool>(false);
  ArrayPtr items = Numbers<arrow::DoubleType>(10);
  auto buffer = std::make_shared<Witness>(items->data()->buffers[1], gone);
  items = arrow::MakeArray(arrow::ArrayData::Make(items->type(), 10, {nullptr, buffer}));
  buffer.reset();
  auto lists = Lists(items, 5);
  items.reset();
  ASSERT_OK_AND_ASSIGN(auto older, lance::ToDLPack(lists));
  ASSERT_OK_AND_ASSIGN(auto tensor, lance::ToDLPackVersioned(lists));
  lists.reset();
  older.reset();
  EXPECT_FALSE(*gone);
  EXPECT_EQ(tensor->version.major, 1U);
  EXPECT_EQ(tensor->flags, DLPACK_FLAG_BITMASK_READ_ONLY);
  EXPECT_EQ(static_cast<const double*>(tensor->dl_tensor.data)[9], 9.0);
  // As a framework does, on a thread of its own.
  std::thread([given = tensor.release()] { given->deleter(given); }).join();
  EXPECT_TRUE(*gone);
}

TEST(DLPackTest, ColumnsOfADatasetAreTensors) {
  const auto vectors = arrow::fixed_size_list(arrow::field("item", arrow::float32(), false), 4);
  const auto schema =
      arrow::schema({arrow::field("vec tor", vectors, false), arrow::field("id", arrow::int32(), false),
                     arrow::field("name", arrow::utf8())});
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {MakeBatch(schema, 700)}, {.max_rows_per_file = 300}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset->Shuffle({.seed = 1, .batch_size = 100}));
  ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(0));
  int64_t rows = 0;
  for (auto next : *reader) {
    ASSERT_OK_AND_ASSIGN(const auto batch, std::move(next));
    ASSERT_OK_AND_ASSIGN(const auto tensor, lance::ToDLPack(*batch, "vec tor"));
    EXPECT_THAT(Shape(tensor->dl_tensor), ElementsAre(batch->num_rows(), 4));
    const auto& lists = static_cast<const arrow::FixedSizeListArray&>(*batch->GetColumnByName("vec tor"));
    ASSERT_OK_AND_ASSIGN(const auto flat, lists.Flatten());
    EXPECT_EQ(tensor->dl_tensor.data, Values<arrow::FloatType>(*flat));
    EXPECT_OK(lance::ToDLPackVersioned(*batch, "id"));
    EXPECT_THAT(lance::ToDLPack(*batch, "name"), FailsSaying(HasSubstr("column \"name\"")));
    EXPECT_THAT(lance::ToDLPack(*batch, "name"), FailsWith(ErrorCode::kNotSupported));
    EXPECT_THAT(lance::ToDLPack(*batch, "nope"), FailsWith(ErrorCode::kFieldNotFound));
    EXPECT_THAT(lance::ToDLPackVersioned(*batch, "nope"), FailsWith(ErrorCode::kFieldNotFound));
    rows += batch->num_rows();
  }
  EXPECT_EQ(rows, 700);
}

}  // namespace
}  // namespace lance_test
