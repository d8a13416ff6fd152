#include "support/generators.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "arrow/api.h"
#include "arrow/buffer_builder.h"
#include "arrow/compute/api.h"
#include "arrow/extension_type.h"
#include "arrow/util/float16.h"
#include "arrow/util/key_value_metadata.h"
#include "arrow/util/logging.h"
#include "arrow/visit_type_inline.h"

namespace lance_test {
namespace {

using arrow::ArrayData;
using arrow::Buffer;
using arrow::DataType;
using arrow::Field;
using arrow::Result;
using arrow::Status;

using ArrayDataPtr = std::shared_ptr<ArrayData>;

/// A well mixed number for each position (the finaliser of splitmix64).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

bool IsNull(int64_t i) { return i % 5 == 3; }

/// Fills one array; children are filled by generators of their own.
class Generator {
 public:
  static Result<ArrayDataPtr> Generate(const std::shared_ptr<DataType>& type, int64_t rows, bool nullable,
                                       uint64_t seed) {
    Generator generator(type, rows, nullable, seed);
    RETURN_NOT_OK(arrow::VisitTypeInline(*type, &generator));
    return generator.out_;
  }

  Status Visit(const arrow::NullType&) { return Finish({nullptr}, {}, rows_); }

  Status Visit(const arrow::BooleanType&) {
    return FillValues<bool>([](uint64_t random) { return random % 2 == 0; });
  }

  template <typename T>
    requires arrow::has_c_type<T>::value
  Status Visit(const T& type) {
    return FillValues<typename T::c_type>([&](uint64_t random) { return ValueOf(type, random); });
  }

  template <typename T>
    requires arrow::is_decimal_type<T>::value
  Status Visit(const T&) {
    using Value = typename arrow::TypeTraits<T>::CType;
    return FillValues<Value>(
        [](uint64_t random) { return Value(static_cast<int32_t>(random % 999'999'999)); });
  }

  Status Visit(const arrow::FixedSizeBinaryType& type) {
    arrow::FixedSizeBinaryBuilder builder(type_);
    return Append(&builder, [&](uint64_t random) {
      return std::string(static_cast<size_t>(type.byte_width()), static_cast<char>('a' + random % 26));
    });
  }

  template <typename T>
    requires(arrow::is_base_binary_type<T>::value || arrow::is_binary_view_like_type<T>::value)
  Status Visit(const T&) {
    typename arrow::TypeTraits<T>::BuilderType builder(type_, arrow::default_memory_pool());
    // Both empty strings and strings too long to live inside a view occur.
    return Append(&builder, [](uint64_t random) {
      std::string value;
      for (uint64_t i = random % 5; i > 0; --i) value += "é" + std::to_string(random % 10'000);
      return value;
    });
  }

  template <typename T>
    requires arrow::is_var_length_list_type<T>::value
  Status Visit(const T& type) {
    return FillList<typename T::offset_type>(*type.value_field());
  }

  Status Visit(const arrow::MapType& type) { return FillList<int32_t>(*type.value_field()); }

  template <typename T>
    requires arrow::is_list_view_type<T>::value
  Status Visit(const T& type) {
    using Offset = typename T::offset_type;
    ARROW_ASSIGN_OR_RAISE(auto offsets, Offsets<Offset>());
    ARROW_ASSIGN_OR_RAISE(auto sizes, Values<Offset>(rows_, [](int64_t i) { return ListLength(i); }));
    ARROW_ASSIGN_OR_RAISE(auto child, Child(*type.value_field(), ListStart(rows_)));
    return FinishNullable({offsets, sizes}, {child});
  }

  Status Visit(const arrow::FixedSizeListType& type) {
    ARROW_ASSIGN_OR_RAISE(auto child, Child(*type.value_field(), rows_ * type.list_size()));
    return FinishNullable({}, {child});
  }

  Status Visit(const arrow::StructType& type) {
    ARROW_ASSIGN_OR_RAISE(auto children, Children(type));
    return FinishNullable({}, children);
  }

  Status Visit(const arrow::SparseUnionType& type) {
    ARROW_ASSIGN_OR_RAISE(auto codes, TypeCodes(type));
    ARROW_ASSIGN_OR_RAISE(auto children, Children(type));
    return Finish({nullptr, codes}, children, 0);
  }

  Status Visit(const arrow::DenseUnionType& type) {
    ARROW_ASSIGN_OR_RAISE(auto codes, TypeCodes(type));
    ARROW_ASSIGN_OR_RAISE(auto offsets, Values<int32_t>(rows_, [](int64_t i) { return i; }));
    ARROW_ASSIGN_OR_RAISE(auto children, Children(type));
    return Finish({nullptr, codes, offsets}, children, 0);
  }

  Status Visit(const arrow::DictionaryType& type) {
    constexpr int64_t kDistinct = 7;
    ARROW_ASSIGN_OR_RAISE(auto dictionary, Generate(type.value_type(), kDistinct, false, seed_ + 1));
    arrow::Int64Builder indices;
    RETURN_NOT_OK(indices.Reserve(rows_));
    for (int64_t i = 0; i < rows_; ++i) {
      if (nullable_ && IsNull(i)) {
        indices.UnsafeAppendNull();
      } else {
        indices.UnsafeAppend(static_cast<int64_t>(Random(i) % kDistinct));
      }
    }
    ARROW_ASSIGN_OR_RAISE(auto wide, indices.Finish());
    ARROW_ASSIGN_OR_RAISE(auto narrow, arrow::compute::Cast(*wide, type.index_type()));
    out_ = narrow->data()->Copy();
    out_->type = type_;
    out_->dictionary = std::move(dictionary);
    return Status::OK();
  }

  Status Visit(const arrow::RunEndEncodedType& type) {
    constexpr int64_t kRun = 3;
    const int64_t runs = (rows_ + kRun - 1) / kRun;
    ARROW_ASSIGN_OR_RAISE(auto ends,
                          Values<int32_t>(runs, [&](int64_t i) { return std::min((i + 1) * kRun, rows_); }));
    ARROW_ASSIGN_OR_RAISE(auto values, Generate(type.value_type(), runs, nullable_, seed_ + 1));
    return Finish({nullptr}, {ArrayData::Make(type.run_end_type(), runs, {nullptr, ends}, 0), values}, 0);
  }

  Status Visit(const arrow::ExtensionType& type) {
    ARROW_ASSIGN_OR_RAISE(out_, Generate(type.storage_type(), rows_, nullable_, seed_));
    out_->type = type_;
    return Status::OK();
  }

 private:
  Generator(std::shared_ptr<DataType> type, int64_t rows, bool nullable, uint64_t seed)
      : type_(std::move(type)), rows_(rows), nullable_(nullable), seed_(seed) {}

  uint64_t Random(int64_t i) const { return Mix(seed_ * 1'000'003 + static_cast<uint64_t>(i)); }

  // The valid range of each fixed-width type.
  template <typename T>
    requires arrow::is_integer_type<T>::value
  static typename T::c_type ValueOf(const T&, uint64_t random) {
    return static_cast<typename T::c_type>(random);
  }
  static uint16_t ValueOf(const arrow::HalfFloatType&, uint64_t random) {
    return arrow::util::Float16(static_cast<float>(random % 1024) / 8).bits();
  }
  static float ValueOf(const arrow::FloatType&, uint64_t random) {
    return static_cast<float>(static_cast<int32_t>(random)) / 8;
  }
  static double ValueOf(const arrow::DoubleType&, uint64_t random) {
    return static_cast<double>(static_cast<int64_t>(random)) / 8;
  }
  static int32_t ValueOf(const arrow::Date32Type&, uint64_t random) {
    return static_cast<int32_t>(random % 40'000) - 20'000;
  }
  static int64_t ValueOf(const arrow::Date64Type&, uint64_t random) {
    return (static_cast<int64_t>(random % 40'000) - 20'000) * 86'400'000;
  }
  static int32_t ValueOf(const arrow::Time32Type&, uint64_t random) {
    return static_cast<int32_t>(random % 86'400);
  }
  static int64_t ValueOf(const arrow::Time64Type&, uint64_t random) {
    return static_cast<int64_t>(random % 86'400'000'000);
  }
  static int64_t ValueOf(const arrow::TimestampType&, uint64_t random) {
    return static_cast<int64_t>(random % (uint64_t{1} << 50));
  }
  static int64_t ValueOf(const arrow::DurationType&, uint64_t random) {
    return static_cast<int64_t>(random % (uint64_t{1} << 50));
  }
  static int32_t ValueOf(const arrow::MonthIntervalType&, uint64_t random) {
    return static_cast<int32_t>(random % 1'000);
  }
  static arrow::DayTimeIntervalType::DayMilliseconds ValueOf(const arrow::DayTimeIntervalType&,
                                                             uint64_t random) {
    return {static_cast<int32_t>(random % 1'000), static_cast<int32_t>(random % 86'400'000)};
  }
  static arrow::MonthDayNanoIntervalType::MonthDayNanos ValueOf(const arrow::MonthDayNanoIntervalType&,
                                                                uint64_t random) {
    return {static_cast<int32_t>(random % 12), static_cast<int32_t>(random % 31), 5};
  }

  static int64_t ListLength(int64_t i) { return i % 4; }
  static int64_t ListStart(int64_t i) { return i / 4 * 6 + std::array<int64_t, 4>{0, 0, 1, 3}[i % 4]; }

  template <typename Value, typename MakeValue>
  static Result<std::shared_ptr<Buffer>> Values(int64_t count, MakeValue&& make_value) {
    arrow::TypedBufferBuilder<Value> builder;
    RETURN_NOT_OK(builder.Reserve(count));
    for (int64_t i = 0; i < count; ++i) builder.UnsafeAppend(static_cast<Value>(make_value(i)));
    return builder.Finish();
  }

  template <typename Offset>
  Result<std::shared_ptr<Buffer>> Offsets() {
    return Values<Offset>(rows_ + 1, ListStart);
  }

  Result<std::shared_ptr<Buffer>> TypeCodes(const arrow::UnionType& type) {
    return Values<int8_t>(rows_, [&](int64_t i) {
      return type.type_codes()[static_cast<size_t>(i) % type.type_codes().size()];
    });
  }

  Result<ArrayDataPtr> Child(const Field& field, int64_t rows) {
    return Generate(field.type(), rows, nullable_ && field.nullable(), seed_ + 1);
  }

  Result<std::vector<ArrayDataPtr>> Children(const DataType& type) {
    std::vector<ArrayDataPtr> children;
    for (const auto& field : type.fields()) {
      ARROW_ASSIGN_OR_RAISE(auto child, Child(*field, rows_));
      children.push_back(std::move(child));
    }
    return children;
  }

  template <typename Value, typename MakeValue>
  Status FillValues(MakeValue&& make_value) {
    ARROW_ASSIGN_OR_RAISE(auto values,
                          Values<Value>(rows_, [&](int64_t i) { return make_value(Random(i)); }));
    return FinishNullable({values}, {});
  }

  template <typename Offset>
  Status FillList(const Field& value_field) {
    ARROW_ASSIGN_OR_RAISE(auto offsets, Offsets<Offset>());
    ARROW_ASSIGN_OR_RAISE(auto child, Child(value_field, ListStart(rows_)));
    return FinishNullable({offsets}, {child});
  }

  template <typename Builder, typename MakeValue>
  Status Append(Builder* builder, MakeValue&& make_value) {
    for (int64_t i = 0; i < rows_; ++i) {
      RETURN_NOT_OK(nullable_ && IsNull(i) ? builder->AppendNull() : builder->Append(make_value(Random(i))));
    }
    ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
    out_ = array->data();
    return Status::OK();
  }

  Status FinishNullable(std::vector<std::shared_ptr<Buffer>> buffers, std::vector<ArrayDataPtr> children) {
    std::shared_ptr<Buffer> validity;
    if (nullable_) {
      ARROW_ASSIGN_OR_RAISE(validity, Values<bool>(rows_, [](int64_t i) { return !IsNull(i); }));
    }
    buffers.insert(buffers.begin(), std::move(validity));
    return Finish(std::move(buffers), std::move(children), nullable_ ? arrow::kUnknownNullCount : 0);
  }

  Status Finish(std::vector<std::shared_ptr<Buffer>> buffers, std::vector<ArrayDataPtr> children,
                int64_t null_count) {
    out_ = ArrayData::Make(type_, rows_, std::move(buffers), std::move(children), null_count);
    return Status::OK();
  }

  std::shared_ptr<DataType> type_;
  int64_t rows_;
  bool nullable_;
  uint64_t seed_;
  ArrayDataPtr out_;
};

/// A small extension type that is registered with Arrow C++: a point on the map.
class PointType : public arrow::ExtensionType {
 public:
  PointType() : ExtensionType(arrow::fixed_size_list(arrow::float64(), 2)) {}

  std::string extension_name() const override { return "lance_test.point"; }
  std::string Serialize() const override { return "wgs84"; }
  bool ExtensionEquals(const ExtensionType& other) const override {
    return other.extension_name() == extension_name();
  }
  Result<std::shared_ptr<DataType>> Deserialize(std::shared_ptr<DataType>,
                                                const std::string&) const override {
    return std::make_shared<PointType>();
  }
  std::shared_ptr<arrow::Array> MakeArray(ArrayDataPtr data) const override {
    return std::make_shared<arrow::ExtensionArray>(std::move(data));
  }
};

std::shared_ptr<DataType> RegisteredPoint() {
  static const std::shared_ptr<DataType> type = [] {
    auto point = std::make_shared<PointType>();
    ARROW_CHECK_OK(arrow::RegisterExtensionType(point));
    return point;
  }();
  return type;
}

std::vector<std::shared_ptr<Field>> MakeFields() {
  using arrow::field;
  std::vector<std::shared_ptr<Field>> fields;
  const auto add = [&](const std::string& name, const std::shared_ptr<DataType>& type) {
    fields.push_back(field(name, type));
  };

  for (const auto& type : {arrow::null(),
                           arrow::boolean(),
                           arrow::int8(),
                           arrow::int16(),
                           arrow::int32(),
                           arrow::int64(),
                           arrow::uint8(),
                           arrow::uint16(),
                           arrow::uint32(),
                           arrow::uint64(),
                           arrow::float16(),
                           arrow::float32(),
                           arrow::float64(),
                           arrow::date32(),
                           arrow::date64(),
                           arrow::utf8(),
                           arrow::large_utf8(),
                           arrow::utf8_view(),
                           arrow::binary(),
                           arrow::large_binary(),
                           arrow::binary_view(),
                           arrow::month_interval(),
                           arrow::day_time_interval(),
                           arrow::month_day_nano_interval()}) {
    add(type->name(), type);
  }
  using arrow::TimeUnit;
  add("time32_s", arrow::time32(TimeUnit::SECOND));
  add("time32_ms", arrow::time32(TimeUnit::MILLI));
  add("time64_us", arrow::time64(TimeUnit::MICRO));
  add("time64_ns", arrow::time64(TimeUnit::NANO));
  for (const auto& [suffix, unit] : {std::pair{"s", TimeUnit::SECOND}, std::pair{"ms", TimeUnit::MILLI},
                                     std::pair{"us", TimeUnit::MICRO}, std::pair{"ns", TimeUnit::NANO}}) {
    add(std::string("timestamp_") + suffix, arrow::timestamp(unit));
    add(std::string("timestamp_tz_") + suffix, arrow::timestamp(unit, "Europe/Berlin"));
    add(std::string("duration_") + suffix, arrow::duration(unit));
  }
  add("decimal32", arrow::decimal32(9, 2));
  add("decimal64", arrow::decimal64(18, 2));
  add("decimal128", arrow::decimal128(38, 2));
  add("decimal128_short", arrow::decimal128(15, 2));
  add("decimal256", arrow::decimal256(76, 2));
  add("fixed_size_binary", arrow::fixed_size_binary(5));

  add("list", arrow::list(arrow::int32()));
  add("list_required_item", arrow::list(field("item", arrow::int32(), false)));
  add("list_string", arrow::list(arrow::utf8()));
  add("large_list", arrow::large_list(arrow::utf8()));
  add("fixed_size_list", arrow::fixed_size_list(arrow::float32(), 4));
  add("fixed_size_list_bool", arrow::fixed_size_list(arrow::boolean(), 3));
  add("fixed_size_list_string", arrow::fixed_size_list(arrow::utf8(), 2));
  add("list_view", arrow::list_view(arrow::int32()));
  add("large_list_view", arrow::large_list_view(arrow::int32()));
  const auto pair = arrow::struct_({field("a", arrow::int32()), field("b", arrow::utf8())});
  add("struct", pair);
  add("struct_required_child",
      arrow::struct_({field("a", arrow::int32(), false), field("b", arrow::null())}));
  add("map", arrow::map(arrow::utf8(), arrow::int32()));
  add("sparse_union", arrow::sparse_union(pair->fields()));
  add("dense_union", arrow::dense_union(pair->fields()));
  add("run_end_encoded", arrow::run_end_encoded(arrow::int32(), arrow::utf8()));
  for (const auto& index : {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(), arrow::uint8(),
                            arrow::uint16(), arrow::uint32(), arrow::uint64()}) {
    add("dictionary_" + index->name(), arrow::dictionary(index, arrow::utf8()));
  }
  add("dictionary_of_int64", arrow::dictionary(arrow::int32(), arrow::int64()));
  add("dictionary_of_binary", arrow::dictionary(arrow::int16(), arrow::binary()));

  add("list_of_struct_of_list",
      arrow::list(arrow::struct_({field("x", arrow::list(arrow::int32())), field("y", arrow::utf8())})));
  add("struct_of_map_of_struct",
      arrow::struct_({field("m", arrow::map(arrow::utf8(), arrow::struct_({field("q", arrow::int64())})))}));
  add("list_of_list_of_list", arrow::list(arrow::list(arrow::list(arrow::int32()))));
  add("list_of_dictionary", arrow::list(arrow::dictionary(arrow::int32(), arrow::utf8())));
  add("list_of_fixed_size_list", arrow::list(arrow::fixed_size_list(arrow::float32(), 2)));
  add("fixed_size_list_of_struct", arrow::fixed_size_list(arrow::struct_({field("a", arrow::int32())}), 2));

  add("extension_registered", RegisteredPoint());
  fields.push_back(field(
      "extension_unregistered", arrow::int64(),
      arrow::key_value_metadata({"ARROW:extension:name", "ARROW:extension:metadata"}, {"acme.id", "v1"})));
  return fields;
}

/// The type a column has once it is Plain().
std::shared_ptr<DataType> PlainType(const std::shared_ptr<DataType>& type) {
  switch (type->id()) {
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    case arrow::Type::DICTIONARY:
      return static_cast<const arrow::DictionaryType&>(*type).value_type();
    case arrow::Type::LIST:
      return arrow::list(type->field(0)->WithType(PlainType(type->field(0)->type())));
    default:
      return type;
  }
}

}  // namespace

const std::set<std::string>& RefusedTypes() {
  static const std::set<std::string> names{
      "month_interval", "day_time_interval", "month_day_nano_interval", "decimal32",
      "decimal64",      "list_view",         "large_list_view",         "sparse_union",
      "dense_union",    "run_end_encoded",   "fixed_size_list_string",  "fixed_size_list_of_struct",
  };
  return names;
}

bool IsRefused(const Field& field) { return RefusedTypes().count(field.name()) > 0; }

const std::vector<std::shared_ptr<Field>>& AllFields() {
  static const auto fields = MakeFields();
  return fields;
}

std::shared_ptr<arrow::Array> MakeArray(const Field& field, int64_t rows, uint64_t seed) {
  auto array = arrow::MakeArray(Generator::Generate(field.type(), rows, field.nullable(), seed).ValueOrDie());
  ARROW_CHECK_OK(array->ValidateFull());
  return array;
}

std::shared_ptr<arrow::RecordBatch> MakeBatch(const std::shared_ptr<arrow::Schema>& schema, int64_t rows,
                                              uint64_t seed) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& field : schema->fields()) columns.push_back(MakeArray(*field, rows, seed++));
  return arrow::RecordBatch::Make(schema, rows, std::move(columns));
}

std::shared_ptr<arrow::Schema> SimpleSchema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())});
}

std::shared_ptr<arrow::RecordBatch> SimpleBatch(int64_t first_id, int64_t rows) {
  arrow::Int64Builder ids;
  arrow::StringBuilder names;
  for (int64_t id = first_id; id < first_id + rows; ++id) {
    ARROW_CHECK_OK(ids.Append(id));
    ARROW_CHECK_OK(names.Append("name " + std::to_string(id)));
  }
  return arrow::RecordBatch::Make(SimpleSchema(), rows,
                                  {ids.Finish().ValueOrDie(), names.Finish().ValueOrDie()});
}

std::shared_ptr<arrow::Array> Plain(const std::shared_ptr<arrow::Array>& array) {
  const auto type = PlainType(array->type());
  return type->Equals(*array->type()) ? array : arrow::compute::Cast(*array, type).ValueOrDie();
}

}  // namespace lance_test
