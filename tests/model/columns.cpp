// Operations of the model that add, change and drop columns.

#include <algorithm>
#include <utility>

#include "arrow/api.h"
#include "model/world.h"
#include "support/datasets.h"

namespace lance_test {
namespace {

using arrow::Status;

/// More columns are not added.
constexpr size_t kManyColumns = 12;

bool IsAny(const Column&) { return true; }

}  // namespace

Status World::AddComputed(Random& random) {
  if (table().columns.size() > kManyColumns) return Drop(random);
  const Column* source = AnyColumn(random, [](const Column& each) { return IsInteger(each.kind); });
  // NULL plus one is NULL.
  Column column = NewColumn(random, Kind::kInt64);
  column.nullable = true;
  if (source == nullptr) source = &key();
  const int64_t more = random.Between(1, 9);
  const std::string expression = "CAST(" + Quoted(source->name) + " AS BIGINT) + " + std::to_string(more);
  Say("add ", Quoted(column.name), " = ", expression);
  Table after = table();
  for (auto& [key, row] : after.rows) {
    const Cell cell = CellOf(row, source->id);
    row[column.id] = cell.has_value() ? Cell(*cell + more) : cell;
  }
  after.columns.push_back(column);
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().AddColumns({{column.name, expression}}));
  // Whether an expression can be NULL is the engine's to say.
  after.columns.back().nullable = made->schema()->field(made->schema()->num_fields() - 1)->nullable();
  return Became(std::move(made), std::move(after), random);
}

Status World::AddNulls(Random& random) {
  if (table().columns.size() > kManyColumns) return Drop(random);
  Column column = NewColumn(random, random.Of(AllKinds()));
  column.nullable = true;
  Say("add ", Quoted(column.name), " of NULLs");
  Table after = table();
  after.columns.push_back(column);
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().AddNullColumns(arrow::schema({FieldOf(column)})));
  return Became(std::move(made), std::move(after), random);
}

Status World::AddFromReader(Random& random) {
  if (table().columns.size() > kManyColumns) return Drop(random);
  const Column column = NewColumn(random, random.Of(AllKinds()));
  Say("add ", Quoted(column.name), " of ", TypeOf(column.kind)->ToString(), " from a reader");
  lance::ScanOptions only_key;
  only_key.columns = {{key().name}};
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset().Scan(only_key));
  ARROW_ASSIGN_OR_RAISE(const auto keys, scanner->ToTable());
  Table after = table();
  std::vector<Cell> cells;
  for (const int64_t key : Int64s(*keys->column(0))) {
    cells.push_back(RandomCell(random, column));
    after.rows.at(key)[column.id] = cells.back();
  }
  after.columns.push_back(column);
  ARROW_ASSIGN_OR_RAISE(const auto array, ArrayOf(column.kind, cells));
  const auto schema = arrow::schema({FieldOf(column)});
  const auto batch = arrow::RecordBatch::Make(schema, array->length(), {array});
  arrow::RecordBatchVector batches;
  for (int64_t first = 0; first < batch->num_rows(); first += 13) batches.push_back(batch->Slice(first, 13));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make(batches, schema));
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().AddColumnsFromReader(reader));
  return Became(std::move(made), std::move(after), random);
}

Status World::AddByFunction(Random& random) {
  if (table().columns.size() > kManyColumns) return Drop(random);
  Column column = NewColumn(random, random.Of(AllKinds()));
  const int64_t factor = random.Between(1, 5);
  const auto number = [=](int64_t key) { return key * factor % 50; };
  Say("add ", Quoted(column.name), " of ", TypeOf(column.kind)->ToString(), " by a function");
  Table after = table();
  for (auto& [key, row] : after.rows) row[column.id] = number(key);
  after.columns.push_back(column);
  const auto schema = arrow::schema({FieldOf(column)});
  const auto compute = [=](const std::shared_ptr<arrow::RecordBatch>& batch)
      -> arrow::Result<std::shared_ptr<arrow::RecordBatch>> {
    const auto& keys = static_cast<const arrow::Int64Array&>(*batch->column(0));
    std::vector<Cell> cells;
    for (int64_t i = 0; i < keys.length(); ++i) cells.push_back(number(keys.Value(i)));
    ARROW_ASSIGN_OR_RAISE(auto array, ArrayOf(column.kind, cells));
    return arrow::RecordBatch::Make(schema, array->length(), {array});
  };
  lance::AddColumnsOptions options;
  options.columns = {{key().name}};
  options.batch_size = 16;
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().AddColumnsByFunction(compute, schema, options));
  return Became(std::move(made), std::move(after), random);
}

Status World::MergeColumns(Random& random) {
  if (table().columns.size() > kManyColumns) return Drop(random);
  Column column = NewColumn(random, random.Of(AllKinds()));
  column.nullable = true;
  const Column right_key{0, "right key", Kind::kInt64, false};
  Table after = table();
  // Of some rows, and of rows that there are not.
  auto right = NewRows(random, {right_key, column}, 2);
  for (auto& [key, row] : after.rows) {
    if (random.Chance(50)) continue;
    row[column.id] = RandomCell(random, column);
    right[key] = {{0, key}, {column.id, row[column.id]}};
  }
  Say("merge ", Quoted(column.name), " of ", right.size(), " keys");
  after.columns.push_back(column);
  ARROW_ASSIGN_OR_RAISE(const auto batch, BatchOf({right_key, column}, right));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({batch}));
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().MergeColumns(reader, key().name, right_key.name));
  return Became(std::move(made), std::move(after), random);
}

Status World::Rename(Random& random) {
  const Column* column = AnyColumn(random, IsAny);
  if (column == nullptr) return AddNulls(random);
  const std::string name = NewColumn(random, column->kind).name;
  lance::ColumnAlteration alteration{.column = column->name, .rename = name};
  const bool becomes_nullable = !column->nullable && random.Chance(50);
  if (becomes_nullable) alteration.nullability = lance::Nullability::kNullable;
  Say("rename ", Quoted(column->name), " to ", Quoted(name), becomes_nullable ? ", nullable" : "");
  Table after = table();
  for (Column& each : after.columns) {
    if (each.id != column->id) continue;
    each.name = name;
    each.nullable |= becomes_nullable;
  }
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().AlterColumns({alteration}));
  return Became(std::move(made), std::move(after), random);
}

Status World::Widen(Random& random) {
  ARROW_ASSIGN_OR_RAISE(const auto indices, dataset().Indices());
  const auto has_index = [&](const Column& column) {
    return std::any_of(indices.begin(), indices.end(), [&](const lance::IndexInfo& index) {
      return index.column == column.name || index.column == Quoted(column.name);
    });
  };
  const Column* column = AnyColumn(random, [&](const Column& each) {
    return (each.kind == Kind::kInt16 || each.kind == Kind::kInt32) && !has_index(each);
  });
  if (column == nullptr) return Append(random);
  Say("cast ", Quoted(column->name), " to int64");
  Table after = table();
  for (Column& each : after.columns) {
    if (each.id == column->id) each.kind = Kind::kInt64;
  }
  const lance::ColumnAlteration alteration{.column = column->name, .type = arrow::int64()};
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().AlterColumns({alteration}));
  return Became(std::move(made), std::move(after), random);
}

Status World::Drop(Random& random) {
  const Column* column = AnyColumn(random, IsAny);
  if (column == nullptr) return AddNulls(random);
  Say("drop ", Quoted(column->name));
  Table after = table();
  std::erase_if(after.columns, [id = column->id](const Column& each) { return each.id == id; });
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().DropColumns({column->name}));
  return Became(std::move(made), std::move(after), random);
}

Status World::DeclareKey(Random& random) {
  if (table().has_primary_key) return Append(random);
  Say("declare the key");
  Table after = table();
  after.has_primary_key = true;
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().SetPrimaryKey({key().name}));
  return Became(std::move(made), std::move(after), random);
}

}  // namespace lance_test
