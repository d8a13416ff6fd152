#include "model/table.h"

#include <algorithm>
#include <array>
#include <compare>
#include <utility>

#include "arrow/api.h"

namespace lance_test {
namespace {

using Truth = std::optional<bool>;

/// A comparison of SQL, and which orders pass it.
struct Comparison {
  const char* sql;
  bool (*passes)(std::strong_ordering);
};

constexpr std::array<Comparison, 6> kComparisons = {{
    {"=", [](std::strong_ordering order) { return order == 0; }},
    {"<>", [](std::strong_ordering order) { return order != 0; }},
    {"<", [](std::strong_ordering order) { return order < 0; }},
    {"<=", [](std::strong_ordering order) { return order <= 0; }},
    {">", [](std::strong_ordering order) { return order > 0; }},
    {">=", [](std::strong_ordering order) { return order >= 0; }},
}};

/// A number to compare with: of a key one that rows have.
int64_t RandomNumber(Random& random, const Column& column) {
  return column.id == 0 ? random.Below(400) : *RandomCell(random, {.kind = column.kind, .nullable = false});
}

Predicate RandomComparison(Random& random, const Column& column) {
  const Comparison& comparison = kComparisons[static_cast<size_t>(random.Below(kComparisons.size()))];
  const int64_t number = RandomNumber(random, column);
  return {Quoted(column.name) + " " + comparison.sql + " " + Literal(column.kind, number),
          [=](const Row& row) {
            const Cell cell = CellOf(row, column.id);
            return cell.has_value() ? Truth(comparison.passes(Compare(column.kind, *cell, number))) : Truth();
          }};
}

Predicate RandomList(Random& random, const Column& column) {
  std::vector<int64_t> numbers;
  std::string list;
  for (int64_t i = random.Between(1, 5); i > 0; --i) {
    numbers.push_back(RandomNumber(random, column));
    list += (list.empty() ? "" : ", ") + Literal(column.kind, numbers.back());
  }
  return {Quoted(column.name) + " IN (" + list + ")", [=](const Row& row) {
            const Cell cell = CellOf(row, column.id);
            const auto is_it = [&](int64_t number) { return Compare(column.kind, *cell, number) == 0; };
            return cell.has_value() ? Truth(std::any_of(numbers.begin(), numbers.end(), is_it)) : Truth();
          }};
}

Predicate RandomNullTest(Random& random, const Column& column) {
  const bool is_null = random.Chance(50);
  return {Quoted(column.name) + (is_null ? " IS NULL" : " IS NOT NULL"),
          [=](const Row& row) { return Truth(CellOf(row, column.id).has_value() != is_null); }};
}

/// A part of the keys that no other condition finds.
Predicate RandomRemainder(Random& random, const Column& key) {
  const int64_t divisor = random.Between(2, 9);
  const int64_t rest = random.Below(divisor);
  return {Quoted(key.name) + " % " + std::to_string(divisor) + " = " + std::to_string(rest),
          [=](const Row& row) { return Truth(*CellOf(row, key.id) % divisor == rest); }};
}

Predicate Not(Predicate inner) {
  return {"NOT (" + inner.sql + ")", [test = std::move(inner.test)](const Row& row) {
            const Truth truth = test(row);
            return truth.has_value() ? Truth(!*truth) : truth;
          }};
}

/// What decides AND is false, and OR true.
Predicate Join(bool decides, Predicate left, Predicate right) {
  return {"(" + left.sql + (decides ? " OR " : " AND ") + right.sql + ")",
          [=, left = std::move(left.test), right = std::move(right.test)](const Row& row) {
            const Truth one = left(row);
            const Truth other = right(row);
            if (one == decides || other == decides) return Truth(decides);
            return one.has_value() && other.has_value() ? Truth(!decides) : Truth();
          }};
}

}  // namespace

Cell CellOf(const Row& row, int column) {
  const auto found = row.find(column);
  return found == row.end() ? Cell() : found->second;
}

const Column* Table::Find(int column) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& each) { return each.id == column; });
  return found == columns.end() ? nullptr : &*found;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> BatchOf(const std::vector<Column>& columns,
                                                           const std::map<int64_t, Row>& rows) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const Column& column : columns) {
    std::vector<Cell> cells;
    for (const auto& [key, row] : rows) cells.push_back(CellOf(row, column.id));
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), ArrayOf(column.kind, cells));
    fields.push_back(FieldOf(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(rows.size()), arrays);
}

Predicate RandomPredicate(Random& random, const std::vector<Column>& columns, int depth) {
  if (depth < 2 && random.Chance(40)) {
    Predicate left = RandomPredicate(random, columns, depth + 1);
    Predicate right = RandomPredicate(random, columns, depth + 1);
    return Join(random.Chance(50), std::move(left), std::move(right));
  }
  if (random.Chance(15)) return Not(RandomPredicate(random, columns, depth + 1));
  if (random.Chance(20)) return RandomRemainder(random, columns.front());
  const Column& column = random.Of(columns);
  if (!IsComparable(column.kind) || random.Chance(20)) return RandomNullTest(random, column);
  return random.Chance(25) ? RandomList(random, column) : RandomComparison(random, column);
}

}  // namespace lance_test
