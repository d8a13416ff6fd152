/// \file table.h
/// What a version of the dataset has to hold: rows as maps of cells.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arrow/type_fwd.h"
#include "model/column.h"
#include "model/random.h"

namespace lance_test {

/// Cells by the id of their column. What is not there is NULL.
using Row = std::map<int, Cell>;

Cell CellOf(const Row& row, int column);

struct Table {
  /// The first one is the key.
  std::vector<Column> columns;
  /// By their keys, which are numbers that no row had before.
  std::map<int64_t, Row> rows;
  /// Whether the key is declared as such.
  bool has_primary_key = false;

  bool operator==(const Table&) const = default;

  const Column* Find(int column) const;
};

/// A version never changes.
using Snapshot = std::shared_ptr<const Table>;

/// Rows as a batch, in the order of their keys. Columns that are not named are left out.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> BatchOf(const std::vector<Column>& columns,
                                                           const std::map<int64_t, Row>& rows);

/// A condition in SQL, and what it means: true, false or NULL.
struct Predicate {
  std::string sql;
  std::function<std::optional<bool>(const Row&)> test;

  bool Holds(const Row& row) const { return test(row) == true; }
};

/// A condition of the columns that are comparable.
Predicate RandomPredicate(Random& random, const std::vector<Column>& columns, int depth = 0);

}  // namespace lance_test
