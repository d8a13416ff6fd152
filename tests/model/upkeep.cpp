// Operations of the model that change how the dataset is stored, and not what it holds.

#include <map>
#include <utility>

#include "arrow/api.h"
#include "model/world.h"
#include "support/datasets.h"

namespace lance_test {
namespace {

using arrow::Status;

/// Row ids by the keys of their rows.
arrow::Result<std::map<int64_t, uint64_t>> RowIds(const lance::Dataset& dataset, const std::string& key) {
  lance::ScanOptions options;
  options.columns = {{key, "_rowid"}};
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  ARROW_ASSIGN_OR_RAISE(const auto batch, table->CombineChunksToBatch());
  const auto& keys = static_cast<const arrow::Int64Array&>(*batch->column(0));
  const auto& ids = static_cast<const arrow::UInt64Array&>(*batch->column(1));
  std::map<int64_t, uint64_t> found;
  for (int64_t i = 0; i < keys.length(); ++i) found.emplace(keys.Value(i), ids.Value(i));
  return found;
}

}  // namespace

Status World::Compact(Random& random) {
  lance::CompactOptions options;
  options.target_rows_per_fragment = static_cast<uint64_t>(random.Of<int64_t>({10, 50, 1000}));
  options.materialize_deletions_threshold = random.Of<double>({0, 0.1, 1});
  options.threads = static_cast<uint32_t>(random.Between(1, 3));
  Say("compact to ", *options.target_rows_per_fragment, " rows a fragment");
  ARROW_ASSIGN_OR_RAISE(const auto before, RowIds(dataset(), key().name));
  ARROW_ASSIGN_OR_RAISE(auto result, dataset().Compact(options));
  ARROW_ASSIGN_OR_RAISE(const auto after, RowIds(*result.dataset, key().name));
  if (storage_.stable_row_ids && after != before) return Status::Invalid("stable row ids have changed");
  // Before its own version there is one that reserves the numbers of the new fragments.
  ARROW_ASSIGN_OR_RAISE(const uint64_t made, result.dataset->Version());
  if (made > version() + 1) branch().versions.emplace(version() + 1, branch().versions.rbegin()->second);
  return Became(std::move(result.dataset), table(), random);
}

Status World::Index(Random& random) {
  const auto takes_an_index = [](const Column& each) {
    return IsComparable(each.kind) && each.kind != Kind::kDictionary;
  };
  const Column* column = AnyColumn(random, takes_an_index);
  if (column == nullptr || random.Chance(30)) column = &key();
  const auto type = random.Of<lance::IndexType>(
      {lance::IndexType::kBtree, lance::IndexType::kBitmap, lance::IndexType::kZonemap});
  lance::IndexOptions options;
  options.name = "index" + std::to_string(column->id);
  options.replace = true;
  Say("index ", Quoted(column->name), " by ", lance::IndexTypeName(type));
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().CreateIndex(column->name, type, options));
  return Became(std::move(made), table(), random);
}

Status World::OptimizeIndices(Random& random) {
  lance::OptimizeIndicesOptions options;
  if (random.Chance(50)) options.merge_segments = static_cast<uint64_t>(random.Below(3));
  Say("optimise indices");
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().OptimizeIndices(options));
  return Became(std::move(made), table(), random);
}

Status World::DropIndex(Random& random) {
  ARROW_ASSIGN_OR_RAISE(const auto indices, dataset().Indices());
  if (indices.empty()) return Index(random);
  const std::string name = random.Of(indices).name;
  Say("drop index ", name);
  ARROW_ASSIGN_OR_RAISE(auto made, dataset().DropIndex(name));
  return Became(std::move(made), table(), random);
}

}  // namespace lance_test
