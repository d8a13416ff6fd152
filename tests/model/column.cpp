#include "model/column.h"

#include <array>
#include <cstdlib>
#include <string>

#include "arrow/api.h"
#include "arrow/json/from_string.h"

namespace lance_test {
namespace {

/// Numbers of cells are between -kMost and kMost.
constexpr int64_t kMost = 60;

/// Empty, odd and long ones. What follows a quote is the quote.
const std::string& Text(int64_t number) {
  static const std::array<std::string, 13> kTexts = {
      "",       "a",    "A",    "it's", "say \"so\"", "ünï çödé",
      "日本語", "%_\\", "null", " ",    "b\tc",       "a longer text that does not fit into a view",
      "😀"};
  return kTexts[static_cast<size_t>((number % 13 + 13) % 13)];
}

std::string JsonText(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '\t') {
      json += "\\t";
      continue;
    }
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + '"';
}

std::string Struct(int64_t number) {
  const std::string x = number % 5 == 2 ? "null" : std::to_string(number);
  return R"({"x": )" + x + R"(, "y y": )" + JsonText(Text(number)) + "}";
}

template <typename Item>
std::string List(int64_t count, Item item) {
  std::string json = "[";
  for (int64_t i = 0; i < count; ++i) json += (i == 0 ? "" : ", ") + item(i);
  return json + "]";
}

int64_t Length(int64_t number) { return (number + kMost) % 4; }

/// With two digits behind the point.
std::string Hundredths(int64_t hundredths) {
  const int64_t rest = std::abs(hundredths % 100);
  return (hundredths < 0 ? "-" : "") + std::to_string(std::abs(hundredths / 100)) + (rest < 10 ? ".0" : ".") +
         std::to_string(rest);
}

std::string Json(Kind kind, int64_t number) {
  switch (kind) {
    case Kind::kInt16:
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kDate:
      return std::to_string(number);
    case Kind::kTimestamp:
      return std::to_string(number * 86'400'000'123);
    case Kind::kDouble:
      return Hundredths(number * 25);
    case Kind::kDecimal:
      return '"' + Hundredths(number * 7) + '"';
    case Kind::kBool:
      return number % 2 == 0 ? "true" : "false";
    case Kind::kText:
    case Kind::kDictionary:
    case Kind::kBinary:
      return JsonText(Text(number));
    case Kind::kStruct:
      return Struct(number);
    case Kind::kList:
      return List(Length(number), [&](int64_t i) { return i == 1 ? "null" : std::to_string(number + i); });
    case Kind::kListOfStructs:
      return List(Length(number), [&](int64_t i) { return Struct(number + i); });
    case Kind::kVector:
      return List(4, [&](int64_t i) { return std::to_string(number + i); });
  }
  return "null";
}

std::shared_ptr<arrow::DataType> MakeType(Kind kind) {
  const auto pair = arrow::struct_({arrow::field("x", arrow::int64()), arrow::field("y y", arrow::utf8())});
  switch (kind) {
    case Kind::kInt16:
      return arrow::int16();
    case Kind::kInt32:
      return arrow::int32();
    case Kind::kInt64:
      return arrow::int64();
    case Kind::kDouble:
      return arrow::float64();
    case Kind::kDecimal:
      return arrow::decimal128(15, 2);
    case Kind::kDate:
      return arrow::date32();
    case Kind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case Kind::kBool:
      return arrow::boolean();
    case Kind::kText:
      return arrow::utf8();
    case Kind::kDictionary:
      return arrow::dictionary(arrow::int32(), arrow::utf8());
    case Kind::kBinary:
      return arrow::binary();
    case Kind::kStruct:
      return pair;
    case Kind::kList:
      return arrow::list(arrow::int32());
    case Kind::kListOfStructs:
      return arrow::list(pair);
    case Kind::kVector:
      return arrow::fixed_size_list(arrow::float32(), 4);
  }
  return arrow::null();
}

}  // namespace

const std::vector<Kind>& AllKinds() {
  static const std::vector<Kind> kinds = [] {
    std::vector<Kind> all;
    for (int kind = 0; kind <= static_cast<int>(Kind::kVector); ++kind)
      all.push_back(static_cast<Kind>(kind));
    return all;
  }();
  return kinds;
}

const std::shared_ptr<arrow::DataType>& TypeOf(Kind kind) {
  static const std::vector<std::shared_ptr<arrow::DataType>> types = [] {
    std::vector<std::shared_ptr<arrow::DataType>> all;
    for (const Kind each : AllKinds()) all.push_back(MakeType(each));
    return all;
  }();
  return types[static_cast<size_t>(kind)];
}

std::shared_ptr<arrow::Field> FieldOf(const Column& column) {
  return arrow::field(column.name, TypeOf(column.kind), column.nullable);
}

arrow::Result<std::shared_ptr<arrow::Array>> ArrayOf(Kind kind, const std::vector<Cell>& cells) {
  const std::string json = List(static_cast<int64_t>(cells.size()), [&](int64_t i) {
    const Cell& cell = cells[static_cast<size_t>(i)];
    return cell.has_value() ? Json(kind, *cell) : "null";
  });
  return arrow::json::ArrayFromJSONString(TypeOf(kind), json);
}

bool IsInteger(Kind kind) { return kind == Kind::kInt16 || kind == Kind::kInt32 || kind == Kind::kInt64; }

bool IsComparable(Kind kind) {
  return IsInteger(kind) || kind == Kind::kDouble || kind == Kind::kText || kind == Kind::kDictionary;
}

std::string Literal(Kind kind, int64_t number) {
  if (IsInteger(kind)) return std::to_string(number);
  if (kind == Kind::kDouble) return Hundredths(number * 25);
  std::string literal = "'";
  for (const char c : Text(number)) literal += c == '\'' ? "''" : std::string(1, c);
  return literal + "'";
}

std::strong_ordering Compare(Kind kind, int64_t left, int64_t right) {
  if (IsInteger(kind) || kind == Kind::kDouble) return left <=> right;
  return Text(left).compare(Text(right)) <=> 0;
}

Cell RandomCell(Random& random, const Column& column) {
  const bool is_null = column.nullable && random.Chance(15);
  const int64_t number = random.Between(-kMost, kMost);
  return is_null ? Cell() : number;
}

std::string Quoted(const std::string& name) {
  std::string quoted = "`";
  for (const char c : name) quoted += c == '`' ? "``" : std::string(1, c);
  return quoted + "`";
}

}  // namespace lance_test
