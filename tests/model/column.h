/// \file column.h
/// The columns of the model, whose values are made from small numbers.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/type_fwd.h"
#include "model/random.h"

namespace lance_test {

/// What a value is made from; nothing stands for NULL.
using Cell = std::optional<int64_t>;

/// What a column has. Of integers the number is the value.
enum class Kind {
  kInt16,
  kInt32,
  kInt64,
  kDouble,
  kDecimal,
  kDate,
  kTimestamp,
  kBool,
  kText,
  kDictionary,
  kBinary,
  kStruct,
  kList,
  kListOfStructs,
  kVector,
};

struct Column {
  /// Tells a column from others, whatever it is called. 0 is the key.
  int id = 0;
  std::string name = {};
  Kind kind = Kind::kInt64;
  bool nullable = true;

  bool operator==(const Column&) const = default;
};

const std::vector<Kind>& AllKinds();

const std::shared_ptr<arrow::DataType>& TypeOf(Kind kind);

std::shared_ptr<arrow::Field> FieldOf(const Column& column);

/// The array of some cells.
arrow::Result<std::shared_ptr<arrow::Array>> ArrayOf(Kind kind, const std::vector<Cell>& cells);

bool IsInteger(Kind kind);

/// Whether values are compared in filters and written in SQL.
bool IsComparable(Kind kind);

/// A value in SQL, of a kind that is comparable.
std::string Literal(Kind kind, int64_t number);

/// How the engine orders two values of a kind that is comparable.
std::strong_ordering Compare(Kind kind, int64_t left, int64_t right);

/// A cell as filters and updates are likely to meet it again.
Cell RandomCell(Random& random, const Column& column);

/// The name as SQL and paths of columns have it.
std::string Quoted(const std::string& name);

}  // namespace lance_test
