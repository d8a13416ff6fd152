#include "inputs/type_name.h"

#include <regex>
#include <string>

#include "arrow/type.h"

namespace lance::cli {
namespace {

std::shared_ptr<arrow::DataType> SimpleType(std::string_view name) {
  using Units = arrow::TimeUnit;
  const std::shared_ptr<arrow::DataType> types[] = {
      arrow::boolean(), arrow::int8(),         arrow::int16(),  arrow::int32(),      arrow::int64(),
      arrow::uint8(),   arrow::uint16(),       arrow::uint32(), arrow::uint64(),     arrow::float16(),
      arrow::float32(), arrow::float64(),      arrow::utf8(),   arrow::large_utf8(), arrow::binary(),
      arrow::date32(),  arrow::large_binary(), arrow::date64(),
  };
  for (const auto& type : types) {
    if (name == type->ToString() || name == type->name()) return type;
  }
  for (const auto unit : Units::values()) {
    for (const auto& type : {arrow::timestamp(unit), arrow::duration(unit)}) {
      if (name == type->ToString()) return type;
    }
  }
  for (const auto& type : {arrow::time32(Units::SECOND), arrow::time32(Units::MILLI),
                           arrow::time64(Units::MICRO), arrow::time64(Units::NANO)}) {
    if (name == type->ToString()) return type;
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<arrow::DataType> TypeByName(std::string_view name) {
  if (auto type = SimpleType(name)) return type;
  std::match_results<std::string_view::const_iterator> match;
  static const std::regex kZoned(R"((timestamp\[\w+), ?tz=([^\]]+)\])");
  if (std::regex_match(name.begin(), name.end(), match, kZoned)) {
    const auto naive = SimpleType(match.str(1) + "]");
    if (naive == nullptr) return nullptr;
    return arrow::timestamp(static_cast<const arrow::TimestampType&>(*naive).unit(), match.str(2));
  }
  static const std::regex kDecimal(R"(decimal(?:128)?\((\d{1,2}), ?(\d{1,2})\))");
  if (!std::regex_match(name.begin(), name.end(), match, kDecimal)) return nullptr;
  return arrow::Decimal128Type::Make(std::stoi(match.str(1)), std::stoi(match.str(2))).ValueOr(nullptr);
}

}  // namespace lance::cli
