// Operations of the model that write, change and delete rows.

#include <algorithm>
#include <iterator>
#include <utility>

#include "arrow/api.h"
#include "model/world.h"

namespace lance_test {
namespace {

using arrow::Status;

/// Where a dataset has more rows, some are deleted.
constexpr size_t kManyRows = 400;

Predicate All() {
  return {"true", [](const Row&) { return true; }};
}

/// What the rows of a source do.
struct MergePlan {
  lance::MergeInsertOptions options;
  /// Decides whether a row becomes the one of the source.
  std::function<bool(const Row& target, const Row& source)> updates = [](const Row&, const Row&) {
    return true;
  };
  Predicate by_source = All();
  std::string words;
};

/// A condition over both sides: some column of the source is greater than that of the target.
void UpdateIf(const Column& column, MergePlan* plan) {
  plan->options.when_matched = lance::WhenMatched::kUpdateIf;
  plan->options.when_matched_condition = "source." + Quoted(column.name) + " > target." + Quoted(column.name);
  plan->updates = [=](const Row& target, const Row& source) {
    const Cell before = CellOf(target, column.id);
    const Cell after = CellOf(source, column.id);
    return before.has_value() && after.has_value() && Compare(column.kind, *after, *before) > 0;
  };
  plan->words = "update if " + *plan->options.when_matched_condition;
}

}  // namespace

Status World::Append(Random& random) {
  if (table().rows.size() > kManyRows) return Delete(random);
  Table after = table();
  const auto rows = NewRows(random, after.columns, random.Between(1, 40));
  Say("append ", rows.size(), " rows");
  after.rows.insert(rows.begin(), rows.end());
  ARROW_RETURN_NOT_OK(Write(lance::WriteMode::kAppend, after.columns, rows, random));
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().Latest());
  return Became(std::move(made), std::move(after), random);
}

Status World::Overwrite(Random& random) {
  Table after;
  after.columns = NewColumns(random);
  after.rows = NewRows(random, after.columns, random.Between(0, 50));
  Say("overwrite with ", after.rows.size(), " rows of ", after.columns.size(), " columns");
  ARROW_RETURN_NOT_OK(Write(lance::WriteMode::kOverwrite, after.columns, after.rows, random));
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().Latest());
  return Became(std::move(made), std::move(after), random);
}

Status World::Delete(Random& random) {
  const Predicate predicate = RandomPredicate(random, table().columns);
  Say("delete where ", predicate.sql);
  Table after = table();
  const size_t deleted =
      std::erase_if(after.rows, [&](const auto& row) { return predicate.Holds(row.second); });
  ARROW_ASSIGN_OR_RAISE(auto result, dataset().Delete(predicate.sql));
  ARROW_RETURN_NOT_OK(Expect("deleted rows", result.deleted_rows, deleted));
  return Became(std::move(result.dataset), std::move(after), random);
}

Status World::DeleteRowIds(Random& random) {
  const Predicate predicate = RandomPredicate(random, table().columns);
  lance::ScanOptions options;
  options.columns = {{"_rowid"}};
  options.filter = predicate.sql;
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset().Scan(options));
  ARROW_ASSIGN_OR_RAISE(const auto found, scanner->ToTable());
  std::vector<uint64_t> row_ids;
  for (const auto& chunk : found->column(0)->chunks()) {
    const auto& ids = static_cast<const arrow::UInt64Array&>(*chunk);
    row_ids.insert(row_ids.end(), ids.raw_values(), ids.raw_values() + ids.length());
  }
  Say("delete ", row_ids.size(), " row ids where ", predicate.sql);
  Table after = table();
  const size_t deleted =
      std::erase_if(after.rows, [&](const auto& row) { return predicate.Holds(row.second); });
  ARROW_ASSIGN_OR_RAISE(auto result, dataset().DeleteRowIds(row_ids));
  ARROW_RETURN_NOT_OK(Expect("deleted rows", result.deleted_rows, deleted));
  return Became(std::move(result.dataset), std::move(after), random);
}

Status World::Truncate(Random& random) {
  Say("truncate");
  Table after = table();
  after.rows.clear();
  ARROW_ASSIGN_OR_RAISE(auto result, dataset().Truncate());
  ARROW_RETURN_NOT_OK(Expect("deleted rows", result.deleted_rows, table().rows.size()));
  return Became(std::move(result.dataset), std::move(after), random);
}

Status World::Update(Random& random) {
  const Column* column = AnyColumn(random, [](const Column& each) { return IsComparable(each.kind); });
  if (column == nullptr) return Append(random);
  const Predicate predicate = random.Chance(15) ? All() : RandomPredicate(random, table().columns);
  std::string expression;
  std::function<Cell(const Cell&)> change;
  if (column->kind != Kind::kText && column->kind != Kind::kDictionary && random.Chance(60)) {
    const int64_t more = random.Between(1, 3);
    expression = Quoted(column->name) + " + " + Literal(column->kind, more);
    change = [=](const Cell& cell) { return cell.has_value() ? Cell(*cell + more) : cell; };
  } else {
    const Cell value = RandomCell(random, *column);
    expression = value.has_value() ? Literal(column->kind, *value) : "NULL";
    change = [=](const Cell&) { return value; };
  }
  Say("update ", Quoted(column->name), " = ", expression, " where ", predicate.sql);
  Table after = table();
  uint64_t updated = 0;
  for (auto& [key, row] : after.rows) {
    if (!predicate.Holds(row)) continue;
    row[column->id] = change(CellOf(row, column->id));
    ++updated;
  }
  lance::UpdateOptions options;
  if (predicate.sql != "true") options.filter = predicate.sql;
  ARROW_ASSIGN_OR_RAISE(auto result, dataset().Update({{column->name, expression}}, options));
  ARROW_RETURN_NOT_OK(Expect("updated rows", result.updated_rows, updated));
  return Became(std::move(result.dataset), std::move(after), random);
}

arrow::Result<lance::MergeInsertResult> World::Merge(const std::shared_ptr<arrow::RecordBatch>& source,
                                                     const lance::MergeInsertOptions& options,
                                                     Random& random) {
  if (random.Chance(50)) {
    ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({source}, source->schema()));
    return dataset().MergeInsert(reader, options);
  }
  ARROW_ASSIGN_OR_RAISE(const auto inserter, dataset().OpenMergeInserter(source->schema(), options));
  for (int64_t first = 0; first < source->num_rows(); first += 10) {
    ARROW_RETURN_NOT_OK(inserter->Write(*source->Slice(first, 10)));
  }
  return inserter->Finish();
}

Status World::Upsert(Random& random) {
  const Table& before = table();
  MergePlan plan;
  plan.words = "update all";
  if (!before.has_primary_key || random.Chance(50)) plan.options.on = {{before.columns.front().name}};
  const int policy = static_cast<int>(random.Below(6));
  const Column* column = AnyColumn(random, [](const Column& each) { return IsInteger(each.kind); });
  if (policy == 0) {
    plan.options.when_matched = lance::WhenMatched::kDoNothing;
    plan.updates = [](const Row&, const Row&) { return false; };
    plan.words = "keep what matches";
  } else if (policy == 1) {
    plan.options.when_matched = lance::WhenMatched::kDelete;
    plan.words = "delete what matches";
  } else if (policy == 2 && column != nullptr) {
    UpdateIf(*column, &plan);
  }
  // One that changes nothing is refused, and so is one that only deletes, on both sides.
  const bool inserts = policy < 2 || random.Chance(80);
  if (!inserts) plan.options.when_not_matched = lance::WhenNotMatched::kDoNothing;
  if (random.Chance(15)) {
    plan.by_source = RandomPredicate(random, before.columns);
    plan.options.when_not_matched_by_source = lance::WhenNotMatchedBySource::kDeleteIf;
    plan.options.by_source_condition = plan.by_source.sql;
    plan.words += ", delete the others where " + plan.by_source.sql;
  }
  plan.options.use_index = random.Chance(70);

  // New values of some rows, and new rows.
  auto source = NewRows(random, before.columns, random.Below(12));
  const size_t fresh = source.size();
  for (const auto& [key, row] : before.rows) {
    if (source.size() > 40 || !random.Chance(10)) continue;
    for (const Column& each : before.columns)
      source[key][each.id] = each.id == 0 ? key : RandomCell(random, each);
  }
  Say("upsert ", fresh, " new and ", source.size() - fresh, " old rows, ", plan.words,
      inserts ? "" : ", insert nothing", plan.options.use_index ? "" : ", without index");

  Table after = before;
  uint64_t inserted = 0, updated = 0, deleted = 0;
  for (const auto& [key, row] : before.rows) {
    const auto match = source.find(key);
    if (match == source.end()) {
      const bool goes = plan.options.by_source_condition.has_value() && plan.by_source.Holds(row);
      deleted += goes ? after.rows.erase(key) : 0;
    } else if (plan.options.when_matched == lance::WhenMatched::kDelete) {
      deleted += after.rows.erase(key);
    } else if (plan.updates(row, match->second)) {
      after.rows[key] = match->second;
      ++updated;
    }
  }
  for (const auto& [key, row] : source) {
    if (inserts && !before.rows.contains(key)) inserted += after.rows.emplace(key, row).second;
  }

  ARROW_ASSIGN_OR_RAISE(const auto batch, BatchOf(before.columns, source));
  ARROW_ASSIGN_OR_RAISE(auto result, Merge(batch, plan.options, random));
  ARROW_RETURN_NOT_OK(Expect("inserted rows", result.inserted_rows, inserted));
  ARROW_RETURN_NOT_OK(Expect("updated rows", result.updated_rows, updated));
  ARROW_RETURN_NOT_OK(Expect("deleted rows", result.deleted_rows, deleted));
  return Became(std::move(result.dataset), std::move(after), random);
}

}  // namespace lance_test
