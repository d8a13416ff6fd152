// Upserts: every policy gives what a simple model gives, whatever way the engine takes; no key is doubled;
// what cannot be done is refused, and leaves nothing. tests/conformance/test_upserts.py compares with
// pylance.

#include "lance/merge_insert.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using lance::MergeInsertOptions;
using lance::MergeInsertResult;
using lance::MergeInsertWriteMode;
using lance::SourceDuplicates;
using lance::WhenMatched;
using lance::WhenNotMatched;
using lance::WhenNotMatchedBySource;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using DatasetPtr = std::shared_ptr<Dataset>;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;
using Number = std::optional<int64_t>;
using Text = std::optional<std::string>;

/// A name that has to be quoted in SQL.
const std::string kOdd = "A 'v\"";

struct Row {
  Number id;
  Text part;
  Number v;
  Text odd;

  auto operator<=>(const Row&) const = default;
};
using Rows = std::vector<Row>;

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("part", arrow::utf8()),
                        arrow::field("v", arrow::int64()), arrow::field(kOdd, arrow::utf8())});
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> Column(const Rows& rows, std::optional<Value> Row::* member) {
  Builder builder;
  for (const Row& row : rows) {
    EXPECT_OK((row.*member) ? builder.Append(*(row.*member)) : builder.AppendNull());
  }
  return builder.Finish().ValueOrDie();
}

/// Rows as a batch of these columns.
BatchPtr ToBatch(const Rows& rows, const std::vector<std::string>& names = {"id", "part", "v", kOdd}) {
  const std::map<std::string, std::shared_ptr<arrow::Array>> columns = {
      {"id", Column<arrow::Int64Builder>(rows, &Row::id)},
      {"part", Column<arrow::StringBuilder>(rows, &Row::part)},
      {"v", Column<arrow::Int64Builder>(rows, &Row::v)},
      {kOdd, Column<arrow::StringBuilder>(rows, &Row::odd)}};
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const std::string& name : names) {
    arrays.push_back(columns.at(name));
    fields.push_back(arrow::field(name, arrays.back()->type()));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(rows.size()), arrays);
}

ReaderPtr ToReader(const std::vector<BatchPtr>& batches) {
  return arrow::RecordBatchReader::Make(batches, batches.front()->schema()).ValueOrDie();
}

ReaderPtr ToReader(const BatchPtr& batch) { return ToReader(std::vector<BatchPtr>{batch}); }

/// The rows of a version, sorted.
Rows Read(const Dataset& dataset) {
  auto scanner = dataset.Scan();
  EXPECT_OK(scanner);
  auto table = (*scanner)->ToTable();
  EXPECT_OK(table);
  Rows rows;
  const auto batch = (*table)->CombineChunksToBatch().ValueOrDie();
  const auto& ids = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("id"));
  const auto& parts = static_cast<const arrow::StringArray&>(*batch->GetColumnByName("part"));
  const auto& values = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("v"));
  const auto& odds = static_cast<const arrow::StringArray&>(*batch->GetColumnByName(kOdd));
  const auto number = [](const auto& array, int64_t i) {
    return array.IsNull(i) ? Number() : array.Value(i);
  };
  const auto text = [](const auto& array, int64_t i) {
    return array.IsNull(i) ? Text() : array.GetString(i);
  };
  for (int64_t i = 0; i < batch->num_rows(); ++i) {
    rows.push_back({number(ids, i), text(parts, i), number(values, i), text(odds, i)});
  }
  std::ranges::sort(rows);
  return rows;
}

Rows Sorted(Rows rows) {
  std::ranges::sort(rows);
  return rows;
}

DatasetPtr Make(const std::string& uri, const std::vector<Rows>& fragments, bool stable_row_ids = false) {
  lance::WriteOptions options;
  options.stable_row_ids = stable_row_ids;
  for (const Rows& rows : fragments) {
    EXPECT_OK(WriteBatches(uri, {ToBatch(rows)}, options));
    options.mode = lance::WriteMode::kAppend;
  }
  return Dataset::Open(uri).ValueOrDie();
}

/// Rows with ids [first, first + count) whose `v` is given.
Rows Numbered(int64_t first, int64_t count, int64_t v) {
  Rows rows;
  for (int64_t id = first; id < first + count; ++id) {
    rows.push_back({.id = id, .part = "p" + std::to_string(id % 3), .v = v, .odd = std::nullopt});
  }
  return rows;
}

std::set<std::string> Files(const std::string& directory) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.insert(entry.path().string());
  }
  return files;
}

struct Expected {
  Rows rows;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t deleted = 0;
  uint64_t skipped = 0;
};

/// The key of a row; none where a part of it is NULL.
std::optional<std::vector<std::string>> KeyOf(const Row& row, const std::vector<std::string>& on) {
  std::vector<std::string> key;
  for (const std::string& name : on) {
    if (name == "id" ? !row.id : !row.part) return std::nullopt;
    key.push_back(name == "id" ? std::to_string(*row.id) : *row.part);
  }
  return key;
}

/// What conditions are in SQL: `source.v > target.v`, and `v < 50`.
bool IsNewer(const Row& source, const Row& target) { return source.v && target.v && *source.v > *target.v; }
bool IsSmall(const Row& target) { return target.v && *target.v < 50; }

Expected Model(const Rows& target, const Rows& source, const std::vector<std::string>& columns,
               const MergeInsertOptions& options) {
  const auto has = [&](const std::string& name) { return std::ranges::find(columns, name) != columns.end(); };
  Expected out;
  std::map<std::vector<std::string>, Row> by_key;
  Rows kept;
  for (const Row& row : source) {
    const auto key = KeyOf(row, *options.on);
    if (key && !by_key.emplace(*key, row).second) {
      ++out.skipped;
      continue;
    }
    kept.push_back(row);
  }
  std::set<std::vector<std::string>> matched;
  for (Row row : target) {
    const auto key = KeyOf(row, *options.on);
    const auto found = key ? by_key.find(*key) : by_key.end();
    bool is_deleted = false;
    if (found != by_key.end()) {
      matched.insert(*key);
      const bool updates = options.when_matched == WhenMatched::kUpdateAll ||
                           (options.when_matched == WhenMatched::kUpdateIf && IsNewer(found->second, row));
      is_deleted = options.when_matched == WhenMatched::kDelete;
      if (updates) {
        ++out.updated;
        if (has("id")) row.id = found->second.id;
        if (has("part")) row.part = found->second.part;
        if (has("v")) row.v = found->second.v;
        if (has(kOdd)) row.odd = found->second.odd;
      }
    } else {
      is_deleted = options.when_not_matched_by_source == WhenNotMatchedBySource::kDelete ||
                   (options.when_not_matched_by_source == WhenNotMatchedBySource::kDeleteIf && IsSmall(row));
    }
    if (is_deleted) {
      ++out.deleted;
    } else {
      out.rows.push_back(row);
    }
  }
  if (options.when_not_matched == WhenNotMatched::kInsert) {
    for (Row row : kept) {
      const auto key = KeyOf(row, *options.on);
      if (key && matched.contains(*key)) continue;
      if (!has("id")) row.id.reset();
      if (!has("part")) row.part.reset();
      if (!has("v")) row.v.reset();
      if (!has(kOdd)) row.odd.reset();
      out.rows.push_back(row);
      ++out.inserted;
    }
  }
  out.rows = Sorted(out.rows);
  return out;
}

class RandomUpsertTest : public ::testing::TestWithParam<int> {
 protected:
  template <typename T>
  T OneOf(const std::vector<T>& choices) {
    return choices[random_() % choices.size()];
  }

  Rows RandomRows(int64_t count, int64_t ids) {
    Rows rows;
    for (int64_t i = 0; i < count; ++i) {
      Row row;
      if (random_() % 12 != 0) row.id = static_cast<int64_t>(random_() % ids) - ids / 2;
      if (random_() % 12 != 0) row.part = OneOf<std::string>({"", "x", "y y", "Größe", "'"});
      if (random_() % 6 != 0) row.v = static_cast<int64_t>(random_() % 100);
      if (random_() % 3 != 0) row.odd = std::to_string(random_() % 1000);
      rows.push_back(row);
    }
    return rows;
  }

  MergeInsertOptions RandomOptions() {
    MergeInsertOptions options;
    options.on = OneOf<std::vector<std::string>>({{"id"}, {"part"}, {"id", "part"}, {"part", "id"}});
    options.when_matched =
        OneOf<WhenMatched>({WhenMatched::kUpdateAll, WhenMatched::kUpdateAll, WhenMatched::kUpdateIf,
                            WhenMatched::kDoNothing, WhenMatched::kDelete});
    if (options.when_matched == WhenMatched::kUpdateIf) {
      options.when_matched_condition = "source.v > target.v";
    }
    options.when_not_matched =
        OneOf<WhenNotMatched>({WhenNotMatched::kInsert, WhenNotMatched::kInsert, WhenNotMatched::kDoNothing});
    options.when_not_matched_by_source = OneOf<WhenNotMatchedBySource>(
        {WhenNotMatchedBySource::kKeep, WhenNotMatchedBySource::kKeep, WhenNotMatchedBySource::kKeep,
         WhenNotMatchedBySource::kDelete, WhenNotMatchedBySource::kDeleteIf});
    if (options.when_not_matched_by_source == WhenNotMatchedBySource::kDeleteIf) {
      options.by_source_condition = "v < 50";
    }
    options.source_duplicates = SourceDuplicates::kFirst;
    options.use_index = random_() % 3 != 0;
    if (random_() % 4 == 0) options.max_source_bytes = 1;
    return options;
  }

  /// All columns, or the key and some others.
  std::vector<std::string> RandomColumns(const std::vector<std::string>& on) {
    std::vector<std::string> columns = {"id", "part", "v", kOdd};
    if (random_() % 3 == 0) {
      std::erase_if(columns, [&](const std::string& name) {
        return std::ranges::find(on, name) == on.end() && name != "v" && random_() % 2 == 0;
      });
    }
    std::ranges::shuffle(columns, random_);
    return columns;
  }

  static bool ChangesNothing(const MergeInsertOptions& options) {
    return options.when_matched == WhenMatched::kDoNothing &&
           options.when_not_matched == WhenNotMatched::kDoNothing &&
           options.when_not_matched_by_source == WhenNotMatchedBySource::kKeep;
  }

  /// What the engine cannot plan.
  static bool OnlyDeletes(const MergeInsertOptions& options) {
    return options.when_matched == WhenMatched::kDelete &&
           options.when_not_matched == WhenNotMatched::kDoNothing &&
           options.when_not_matched_by_source != WhenNotMatchedBySource::kKeep;
  }

  std::mt19937_64 random_{static_cast<uint64_t>(GetParam())};
};

TEST_P(RandomUpsertTest, GivesWhatTheModelGives) {
  const TempDir dir;
  const bool stable_row_ids = random_() % 2 == 0;
  std::vector<Rows> fragments;
  for (uint64_t i = 0, count = 1 + random_() % 4; i < count; ++i) {
    fragments.push_back(RandomRows(1 + static_cast<int64_t>(random_() % 60), 80));
  }
  DatasetPtr dataset = Make(dir / "dataset", fragments, stable_row_ids);
  if (random_() % 2 == 0) {
    for (const char* column : {"id", "part"}) {
      ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex(column, lance::IndexType::kBtree));
    }
  }
  for (int step = 0; step < 12; ++step) {
    MergeInsertOptions options = RandomOptions();
    if (ChangesNothing(options)) continue;
    const auto columns = RandomColumns(*options.on);
    const Rows source = RandomRows(static_cast<int64_t>(random_() % 50), 120);
    const Rows before = Read(*dataset);
    const Expected expected = Model(before, source, columns, options);
    SCOPED_TRACE("step " + std::to_string(step) + ": " +
                 dataset->ExplainMergeInsert(options, ToBatch(source, columns)->schema()).ValueOr("no plan"));

    const BatchPtr batch = ToBatch(source, columns);
    if (OnlyDeletes(options)) {
      EXPECT_THAT(dataset->MergeInsert(ToReader(batch), options), FailsWith(ErrorCode::kNotSupported));
      continue;
    }
    const int64_t half = batch->num_rows() / 2;
    const std::vector<BatchPtr> batches = {batch->Slice(0, half), batch->Slice(half)};
    MergeInsertResult result;
    if (random_() % 2 == 0) {
      ASSERT_OK_AND_ASSIGN(result, dataset->MergeInsert(ToReader(batches), options));
    } else {
      ASSERT_OK_AND_ASSIGN(const auto inserter, dataset->OpenMergeInserter(batch->schema(), options));
      for (const BatchPtr& part : batches) ASSERT_OK(inserter->Write(*part));
      ASSERT_OK_AND_ASSIGN(result, inserter->Finish());
    }
    dataset = result.dataset;
    ASSERT_EQ(Read(*dataset), expected.rows);
    EXPECT_EQ(result.inserted_rows, expected.inserted);
    EXPECT_EQ(result.updated_rows, expected.updated);
    EXPECT_EQ(result.deleted_rows, expected.deleted);
    EXPECT_EQ(result.skipped_duplicates, expected.skipped);
    EXPECT_EQ(result.attempts, 1u);
  }
  ASSERT_OK_AND_ASSIGN(const lance::CheckReport report, lance::CheckDataset(dir / "dataset", {.deep = true}));
  EXPECT_THAT(report.problems, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomUpsertTest, ::testing::Range(0, Pick(12, 200)));

TEST(MergeInsertTest, UpdatesAndInsertsByDefault) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1), Numbered(10, 10, 1)});
  ASSERT_OK_AND_ASSIGN(const MergeInsertResult result,
                       dataset->MergeInsert(ToReader(ToBatch(Numbered(15, 10, 2))), {.on = {{"id"}}}));
  EXPECT_EQ(result.inserted_rows, 5u);
  EXPECT_EQ(result.updated_rows, 5u);
  EXPECT_EQ(result.deleted_rows, 0u);
  EXPECT_GT(result.bytes_written, 0u);
  EXPECT_EQ(result.files_written, 1u);
  Rows expected = Numbered(0, 15, 1);
  std::ranges::copy(Numbered(15, 10, 2), std::back_inserter(expected));
  EXPECT_EQ(Read(*result.dataset), Sorted(expected));
  // The version that was read is what it was.
  EXPECT_EQ(dataset->CountRows().ValueOrDie(), 20u);
}

TEST(MergeInsertTest, TheFutureGivesTheSame) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  auto future = dataset->MergeInsertAsync(ToReader(ToBatch(Numbered(5, 10, 2))), {.on = {{"id"}}});
  ASSERT_OK_AND_ASSIGN(const MergeInsertResult result, Wait(future));
  EXPECT_EQ(result.dataset->CountRows().ValueOrDie(), 15u);
  auto opening = result.dataset->OpenMergeInserterAsync(Schema(), {.on = {{"id"}}});
  ASSERT_OK_AND_ASSIGN(const auto inserter, Wait(opening));
  ASSERT_OK(inserter->WriteAsync(*ToBatch(Numbered(12, 10, 3))).status());
  ASSERT_OK_AND_ASSIGN(const MergeInsertResult more, Wait(inserter->FinishAsync()));
  EXPECT_EQ(more.dataset->CountRows().ValueOrDie(), 22u);
  ASSERT_OK_AND_ASSIGN(const std::string plan, Wait(dataset->ExplainMergeInsertAsync({.on = {{"id"}}})));
  EXPECT_THAT(plan, HasSubstr("MergeInsert"));
}

TEST(MergeInsertTest, ThePrimaryKeyIsTheKeyUnlessAnotherOneIsNamed) {
  const TempDir dir;
  const auto key = arrow::key_value_metadata({"lance-schema:unenforced-primary-key"}, {"true"});
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64(), false, key), arrow::field("v", arrow::int64())});
  const auto batch = [&](int64_t first, int64_t v) {
    const BatchPtr rows = ToBatch(Numbered(first, 10, v), {"id", "v"});
    return arrow::RecordBatch::Make(schema, rows->num_rows(), rows->columns());
  };
  ASSERT_OK(WriteBatches(dir / "dataset", {batch(0, 1)}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));
  ASSERT_OK_AND_ASSIGN(const auto result, dataset->MergeInsert(ToReader(batch(5, 2))));
  EXPECT_EQ(result.dataset->CountRows().ValueOrDie(), 15u);

  const auto without = Make(dir / "without", {Numbered(0, 10, 1)});
  const auto refused = without->MergeInsert(ToReader(ToBatch(Numbered(0, 1, 1))));
  EXPECT_THAT(refused, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refused, FailsSaying(HasSubstr("primary key")));
}

TEST(MergeInsertTest, ColumnsAloneAreRewrittenWhereThatIsAskedFor) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1), Numbered(10, 10, 1)});
  MergeInsertOptions options = {.on = {{"id"}},
                                .when_not_matched = WhenNotMatched::kDoNothing,
                                .write_mode = MergeInsertWriteMode::kRewriteColumns};
  ASSERT_OK_AND_ASSIGN(const auto result,
                       dataset->MergeInsert(ToReader(ToBatch(Numbered(5, 100, 2), {"v", "id"})), options));
  EXPECT_EQ(result.updated_rows, 15u);
  EXPECT_EQ(result.inserted_rows, 0u);
  EXPECT_EQ(result.files_written, 2u);
  Rows expected = Numbered(0, 20, 1);
  for (Row& row : expected) row.v = *row.id < 5 ? 1 : 2;
  EXPECT_EQ(Read(*result.dataset), Sorted(expected));
  // Nothing moved.
  EXPECT_EQ(result.dataset->Fragments().ValueOrDie().size(), 2u);

  options.when_not_matched = WhenNotMatched::kInsert;
  EXPECT_THAT(dataset->MergeInsert(ToReader(ToBatch(Numbered(0, 1, 2), {"v", "id"})), options),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST(MergeInsertTest, ConditionsSeeBothSides) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {{{1, "a", 10, "x"}, {2, "b", 20, "y"}, {3, "c", {}, "z"}}});
  const Rows source = {{1, "a", 11, "n"}, {2, "b", 19, "n"}, {3, "c", 1, "n"}, {4, "d", 1, "n"}};
  MergeInsertOptions options = {.on = {{"id"}}, .when_matched = WhenMatched::kUpdateIf};
  const auto updated = [&](const std::string& condition) {
    options.when_matched_condition = condition;
    auto result = dataset->MergeInsert(ToReader(ToBatch(source)), options);
    EXPECT_OK(result);
    return result.ok() ? static_cast<int64_t>(result->updated_rows) : -1;
  };
  EXPECT_EQ(updated("source.v > target.v"), 1);
  EXPECT_EQ(updated("target.v is null or source.v < target.v"), 2);
  // Rows that others have changed since the version was opened are seen as they are now.
  EXPECT_EQ(updated("`source`.`A 'v\"` = 'n' and `target`.`A 'v\"` <> 'x'"), 4);
  EXPECT_EQ(updated("false"), 0);

  for (const auto& [condition, code] :
       std::map<std::string, ErrorCode>{{"source.w > 1", ErrorCode::kFieldNotFound},
                                        {"v > 1", ErrorCode::kFieldNotFound},
                                        {"source.v >", ErrorCode::kInvalidArgument},
                                        {"source.v + 1", ErrorCode::kInvalidArgument},
                                        {"source.v > target.v; drop", ErrorCode::kInvalidArgument}}) {
    options.when_matched_condition = condition;
    EXPECT_THAT(dataset->MergeInsert(ToReader(ToBatch(source)), options), FailsWith(code)) << condition;
  }
  options = {.on = {{"id"}},
             .when_not_matched_by_source = WhenNotMatchedBySource::kDeleteIf,
             .by_source_condition = "`A 'v\"` = 'n' and v = 1"};
  ASSERT_OK_AND_ASSIGN(const auto result, dataset->MergeInsert(ToReader(ToBatch({source[0]})), options));
  EXPECT_EQ(result.deleted_rows, 2u);
}

TEST(MergeInsertTest, ValuesMayBeLaidOutInOtherWays) {
  const TempDir dir;
  const auto place = arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y", arrow::utf8())});
  const auto other =
      arrow::struct_({arrow::field("y", arrow::large_utf8()), arrow::field("x", arrow::int32())});
  const auto words = arrow::dictionary(arrow::int8(), arrow::utf8());
  const auto table = [](const std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>>& types) {
    arrow::FieldVector fields;
    for (const auto& [name, type] : types) fields.push_back(arrow::field(name, type));
    return arrow::schema(fields);
  };
  const auto stored = table({{"key", arrow::utf8()}, {"place", place}, {"word", words}});
  const auto json = [](const std::shared_ptr<arrow::Schema>& schema, const arrow::ArrayVector& columns) {
    return arrow::RecordBatch::Make(schema, columns[0]->length(), columns);
  };
  arrow::StringBuilder keys;
  ASSERT_OK(keys.AppendValues({"a", "b"}));
  const auto key = keys.Finish().ValueOrDie();
  const auto x = arrow::MakeArrayFromScalar(arrow::Int32Scalar(7), 2).ValueOrDie();
  const auto cast = [](const std::shared_ptr<arrow::Array>& array,
                       const std::shared_ptr<arrow::DataType>& to) {
    return arrow::compute::Cast(*array, to).ValueOrDie();
  };
  const auto wide = cast(key, arrow::large_utf8());
  const auto made = [](const arrow::ArrayVector& children, const std::shared_ptr<arrow::DataType>& type) {
    return arrow::StructArray::Make(children, type->fields()).ValueOrDie();
  };
  const auto encoded = arrow::compute::DictionaryEncode(key).ValueOrDie().make_array();
  ASSERT_OK(
      WriteBatches(dir / "dataset", {json(stored, {key, made({x, key}, place), cast(encoded, words)})}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));

  const auto given = table({{"word", arrow::utf8_view()}, {"key", arrow::large_utf8()}, {"place", other}});
  ASSERT_OK_AND_ASSIGN(
      const auto result,
      dataset->MergeInsert(
          ToReader(json(given, {cast(key, arrow::utf8_view()), wide, made({wide, x}, other)})),
          {.on = {{"key"}}}));
  EXPECT_EQ(result.updated_rows, 2u);
  EXPECT_EQ(result.inserted_rows, 0u);
  // A dictionary is a key, too.
  const auto by_word = table({{"word", arrow::utf8()}, {"key", arrow::utf8()}, {"place", place}});
  ASSERT_OK_AND_ASSIGN(const auto again,
                       result.dataset->MergeInsert(ToReader(json(by_word, {key, key, made({x, key}, place)})),
                                                   {.on = {{"word"}}}));
  EXPECT_EQ(again.updated_rows, 2u);

  const auto numbers = table({{"key", arrow::int32()}});
  const auto refused = dataset->MergeInsert(ToReader(json(numbers, {x})), {.on = {{"key"}}});
  EXPECT_THAT(refused, FailsWith(ErrorCode::kSchemaMismatch));
  EXPECT_THAT(refused, FailsSaying(HasSubstr("\"key\"")));
}

TEST(MergeInsertTest, WhereNothingChangesNoVersionIsMade) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  const auto files = Files(dir / "dataset");
  const MergeInsertOptions insert = {.on = {{"id"}}, .when_matched = WhenMatched::kDoNothing};
  for (const Rows& rows : {Numbered(0, 10, 2), Rows{}}) {
    ASSERT_OK_AND_ASSIGN(const auto result, dataset->MergeInsert(ToReader(ToBatch(rows)), insert));
    EXPECT_EQ(result.dataset->Version().ValueOrDie(), 1u);
    EXPECT_EQ(result.inserted_rows + result.updated_rows + result.deleted_rows, 0u);
  }
  EXPECT_EQ(Files(dir / "dataset"), files);
  // Unless that is asked for.
  MergeInsertOptions anyway = insert;
  anyway.allow_empty = true;
  ASSERT_OK_AND_ASSIGN(const auto empty, dataset->MergeInsert(ToReader(ToBatch(Numbered(0, 10, 2))), anyway));
  EXPECT_EQ(empty.dataset->Version().ValueOrDie(), 2u);
  // An empty source deletes all that is not in it.
  MergeInsertOptions replace = {.on = {{"id"}},
                                .when_not_matched_by_source = WhenNotMatchedBySource::kDelete};
  ASSERT_OK_AND_ASSIGN(const auto result, dataset->MergeInsert(ToReader(ToBatch({})), replace));
  EXPECT_EQ(result.deleted_rows, 10u);
  EXPECT_EQ(result.dataset->CountRows().ValueOrDie(), 0u);
  // Nor is an empty dataset any trouble.
  ASSERT_OK_AND_ASSIGN(const auto filled,
                       result.dataset->MergeInsert(ToReader(ToBatch(Numbered(0, 3, 1))), insert));
  EXPECT_EQ(filled.inserted_rows, 3u);
}

TEST(MergeInsertTest, TheMessageIsKeptWithTheVersion) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  ASSERT_OK_AND_ASSIGN(const auto result, dataset->MergeInsert(ToReader(ToBatch(Numbered(5, 10, 2))),
                                                               {.on = {{"id"}},
                                                                .commit_message = "nightly",
                                                                .transaction_properties = {{"job", "7"}}}));
  ASSERT_OK_AND_ASSIGN(const auto versions, result.dataset->Versions());
  EXPECT_EQ(versions.back().version, 2u);
}

TEST(MergeInsertTest, ATransactionMayBeCommittedLater) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  const MergeInsertOptions options = {.on = {{"id"}}, .transaction_properties = {{"job", "7"}}};
  ASSERT_OK_AND_ASSIGN(auto first,
                       dataset->MergeInsertUncommitted(ToReader(ToBatch(Numbered(5, 10, 2))), options));
  ASSERT_OK_AND_ASSIGN(const auto inserter, dataset->OpenMergeInserter(Schema(), options));
  ASSERT_OK(inserter->Write(*ToBatch(Numbered(12, 10, 3))));
  ASSERT_OK_AND_ASSIGN(auto second, inserter->FinishUncommitted());
  ASSERT_OK_AND_ASSIGN(const auto other, Wait(dataset->MergeInsertUncommittedAsync(
                                             ToReader(ToBatch(Numbered(50, 5, 4))), options)));
  EXPECT_EQ(dataset->LatestVersion().ValueOrDie(), 1u);

  ASSERT_OK(first.Commit());
  // It inserts keys that the first one has inserted.
  EXPECT_THAT(second.Commit(), FailsWith(ErrorCode::kCommitConflictRetryable));
  ASSERT_OK(second.Discard());
  // Other keys go on top, also when the transaction has been text.
  ASSERT_OK_AND_ASSIGN(const std::string json, other->ToJson());
  ASSERT_OK_AND_ASSIGN(auto again, lance::Transaction::FromJson(json));
  ASSERT_OK(again.Commit());
  ASSERT_OK_AND_ASSIGN(const auto latest, Dataset::Open(dir / "dataset"));
  EXPECT_EQ(latest->CountRows().ValueOrDie(), 20u);
  ASSERT_OK_AND_ASSIGN(const lance::CheckReport report, lance::CheckDataset(dir / "dataset"));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.orphans, 0u);
}

TEST(MergeInsertTest, WhatItTakesIsToldWithoutDoingIt) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  const auto files = Files(dir / "dataset");
  const auto reader = [] { return ToReader(ToBatch(Numbered(5, 10, 2))); };
  ASSERT_OK_AND_ASSIGN(const std::string plan, dataset->AnalyzeMergeInsert(reader(), {.on = {{"id"}}}));
  EXPECT_THAT(plan, HasSubstr("num_inserted_rows=5"));
  ASSERT_OK_AND_ASSIGN(const std::string same,
                       Wait(dataset->AnalyzeMergeInsertAsync(reader(), {.on = {{"id"}}})));
  EXPECT_THAT(same, HasSubstr("num_updated_rows=5"));
  EXPECT_EQ(Files(dir / "dataset"), files);
}

TEST(MergeInsertTest, FilesHaveTheFormatAskedFor) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  EXPECT_OK(dataset->MergeInsert(ToReader(ToBatch(Numbered(5, 10, 2))),
                                 {.on = {{"id"}}, .data_storage_version = "2.1"}));
  EXPECT_THAT(dataset->MergeInsert(ToReader(ToBatch(Numbered(5, 10, 2))),
                                   {.on = {{"id"}}, .data_storage_version = "7"}),
              FailsWith(ErrorCode::kInvalidArgument));
}

/// A reader that fails, or throws, behind its first batch.
class BrokenReader : public arrow::RecordBatchReader {
 public:
  BrokenReader(BatchPtr batch, bool throws) : batch_(std::move(batch)), throws_(throws) {}

  std::shared_ptr<arrow::Schema> schema() const override { return batch_->schema(); }

  arrow::Status ReadNext(BatchPtr* out) override {
    if (reads_++ == 0) {
      *out = batch_;
      return arrow::Status::OK();
    }
    if (throws_) throw std::runtime_error("the reader threw");
    return arrow::Status::IOError("the reader failed");
  }

 private:
  const BatchPtr batch_;
  const bool throws_;
  int reads_ = 0;
};

TEST(MergeInsertTest, WhatFailsLeavesNothing) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  const auto files = Files(dir / "dataset");
  const BatchPtr batch = ToBatch(Numbered(5, 10, 2));
  const MergeInsertOptions options = {.on = {{"id"}}};
  EXPECT_THAT(dataset->MergeInsert(std::make_shared<BrokenReader>(batch, false), options),
              FailsSaying(HasSubstr("the reader failed")));
  EXPECT_THAT(dataset->MergeInsert(std::make_shared<BrokenReader>(batch, true), options),
              FailsSaying(HasSubstr("the reader threw")));
  EXPECT_THAT(dataset->MergeInsertAsync(std::make_shared<BrokenReader>(batch, false), options).status(),
              FailsSaying(HasSubstr("the reader failed")));

  const auto doubled = dataset->MergeInsert(ToReader({batch, batch}), options);
  EXPECT_THAT(doubled, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(doubled, FailsSaying(HasSubstr("\"id\" = 5")));

  MergeInsertOptions fail = options;
  fail.when_matched = WhenMatched::kFail;
  for (const bool use_index : {false, true}) {
    fail.use_index = use_index;
    EXPECT_THAT(dataset->MergeInsert(ToReader(batch), fail), FailsWith(ErrorCode::kFailedPrecondition));
  }
  MergeInsertOptions small = options;
  small.max_source_bytes = 8;
  small.spill = false;
  EXPECT_THAT(dataset->MergeInsert(ToReader(batch), small), FailsWith(ErrorCode::kResourceExhausted));

  arrow::StopSource stop;
  stop.RequestStop();
  EXPECT_THAT(dataset->MergeInsert(ToReader(batch), options, stop.token()), FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(Files(dir / "dataset"), files);
  EXPECT_EQ(dataset->LatestVersion().ValueOrDie(), 1u);
  // And nothing is in the way of the next one.
  EXPECT_OK(dataset->MergeInsert(ToReader(batch), options));
}

TEST(MergeInsertTest, WhatDoesNotFitIsRefusedBeforeAnythingIsRead) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  const BatchPtr batch = ToBatch(Numbered(5, 10, 2));
  const auto refusal = [&](const MergeInsertOptions& options, const BatchPtr& source) {
    return dataset->MergeInsert(ToReader(source), options).status();
  };
  EXPECT_THAT(refusal({.on = {{"idd"}}}, batch), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(refusal({.on = {{"idd"}}}, batch), FailsSaying(HasSubstr("\"id\"")));
  EXPECT_THAT(refusal({.on = {{"ID"}}}, batch), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(refusal({.on = {{"id", "id"}}}, batch), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refusal({.on = std::vector<std::string>{}}, batch), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refusal({.on = {{"id"}}}, ToBatch({}, {"part", "v"})), FailsWith(ErrorCode::kFieldNotFound));
  const auto more = batch->AddColumn(0, "w", batch->column(0)).ValueOrDie();
  EXPECT_THAT(refusal({.on = {{"id"}}}, more), FailsWith(ErrorCode::kFieldNotFound));
  const auto twice = batch->AddColumn(0, "v", batch->column(0)).ValueOrDie();
  EXPECT_THAT(refusal({.on = {{"id"}}}, twice), FailsWith(ErrorCode::kInvalidArgument));

  EXPECT_THAT(refusal({.on = {{"id"}}, .when_matched = WhenMatched::kUpdateIf}, batch),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refusal({.on = {{"id"}}, .when_matched_condition = "true"}, batch),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refusal({.on = {{"id"}}, .by_source_condition = "true"}, batch),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refusal({.on = {{"id"}},
                       .when_matched = WhenMatched::kDoNothing,
                       .when_not_matched = WhenNotMatched::kDoNothing},
                      batch),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset->MergeInsert(nullptr, {.on = {{"id"}}}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(dataset->OpenMergeInserter(nullptr, {.on = {{"id"}}}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(dataset->LatestVersion().ValueOrDie(), 1u);
}

TEST(MergeInsertTest, OddNamesAreTakenAsFarAsTheEngineCan) {
  const TempDir dir;
  for (const std::string name : {"ID", "a b", "a'b", "Ünï", "select", "a,b"}) {
    const auto schema =
        arrow::schema({arrow::field(name, arrow::int64()), arrow::field("v", arrow::int64())});
    const auto rows = [&](int64_t first) {
      return arrow::RecordBatch::Make(schema, 5, ToBatch(Numbered(first, 5, 1), {"id", "v"})->columns());
    };
    ASSERT_OK(WriteBatches(dir / name, {rows(0)}));
    ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / name));
    ASSERT_OK_AND_ASSIGN(const auto result, dataset->MergeInsert(ToReader(rows(2)), {.on = {{name}}}));
    EXPECT_EQ(result.updated_rows, 3u) << name;
    EXPECT_EQ(result.inserted_rows, 2u) << name;
  }
  for (const std::string name : {"a\"b", "\"a"}) {
    const auto schema = arrow::schema({arrow::field(name, arrow::int64())});
    const auto batch = arrow::RecordBatch::Make(schema, 5, ToBatch(Numbered(0, 5, 1), {"id"})->columns());
    ASSERT_OK(WriteBatches(dir / name, {batch}));
    ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / name));
    EXPECT_THAT(dataset->MergeInsert(ToReader(batch), {.on = {{name}}}), FailsWith(ErrorCode::kNotSupported));
  }
}

TEST(MergeInsertTest, WhatIsInAStructOrAListIsNoKey) {
  const TempDir dir;
  const auto place = arrow::struct_({arrow::field("x", arrow::int64())});
  const auto schema = arrow::schema({arrow::field("x", arrow::int64()), arrow::field("place", place),
                                     arrow::field("list", arrow::list(arrow::int64()))});
  const BatchPtr batch = MakeBatch(schema, 5);
  ASSERT_OK(WriteBatches(dir / "dataset", {batch}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));
  for (const char* name : {"place.x", "place", "list"}) {
    EXPECT_THAT(dataset->MergeInsert(ToReader(batch), {.on = {{name}}}),
                FailsWith(ErrorCode::kInvalidArgument))
        << name;
  }
}

TEST(MergeInsertTest, WhatIsGivenUpLeavesNothing) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  const auto files = Files(dir / "dataset");
  const BatchPtr batch = ToBatch(Numbered(5, 10, 2));
  {
    ASSERT_OK_AND_ASSIGN(const auto inserter, dataset->OpenMergeInserter(Schema(), {.on = {{"id"}}}));
    ASSERT_OK(inserter->Write(*batch));
    ASSERT_OK(inserter->Abort());
    ASSERT_OK(inserter->Abort());
    EXPECT_THAT(inserter->Write(*batch), FailsWith(ErrorCode::kCancelled));
    EXPECT_THAT(inserter->Finish(), FailsWith(ErrorCode::kCancelled));
  }
  {
    ASSERT_OK_AND_ASSIGN(const auto inserter, dataset->OpenMergeInserter(Schema(), {.on = {{"id"}}}));
    ASSERT_OK(inserter->Write(*batch));
    EXPECT_THAT(inserter->Write(*batch), FailsWith(ErrorCode::kInvalidArgument));
    // The failure is kept.
    EXPECT_THAT(inserter->Finish(), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_EQ(Files(dir / "dataset"), files);
  ASSERT_OK_AND_ASSIGN(const auto inserter, dataset->OpenMergeInserter(Schema(), {.on = {{"id"}}}));
  ASSERT_OK(inserter->Write(*batch));
  EXPECT_OK(inserter->Finish());
  EXPECT_THAT(inserter->Finish(), FailsWith(ErrorCode::kInvalidState));
  EXPECT_THAT(inserter->Write(*batch), FailsWith(ErrorCode::kInvalidState));
}

TEST(MergeInsertTest, NewKeysOfTheSourceAreNotDoubled) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 1)});
  const BatchPtr batch = ToBatch(Numbered(100, 5, 2));
  EXPECT_THAT(dataset->MergeInsert(ToReader({batch, batch}), {.on = {{"id"}}}),
              FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const auto result,
                       dataset->MergeInsert(ToReader({batch, ToBatch(Numbered(102, 5, 3))}),
                                            {.on = {{"id"}}, .source_duplicates = SourceDuplicates::kFirst}));
  EXPECT_EQ(result.inserted_rows, 7u);
  EXPECT_EQ(result.skipped_duplicates, 3u);
  for (const Row& row : Read(*result.dataset)) {
    if (*row.id >= 100) {
      EXPECT_EQ(*row.v, *row.id < 105 ? 2 : 3) << *row.id;
    }
  }
}

TEST(MergeInsertTest, ThreadsThatInsertTheSameKeysDoNotDoubleThem) {
  constexpr int kThreads = 4;
  for (const bool indexed : {false, true}) {
    for (int round = 0; round < Pick(3, 20); ++round) {
      const TempDir dir;
      DatasetPtr dataset = Make(dir / "dataset", {Numbered(0, 100, 0)});
      if (indexed) {
        ASSERT_OK_AND_ASSIGN(dataset, dataset->CreateIndex("id", lance::IndexType::kBtree));
      }
      std::barrier start(kThreads);
      std::atomic<uint64_t> inserted{0};
      std::vector<std::thread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          const ReaderPtr reader = ToReader(ToBatch(Numbered(50 + i, 100, i + 1)));
          start.arrive_and_wait();
          const auto result = dataset->MergeInsert(reader, {.on = {{"id"}}, .conflict_retries = 50});
          ASSERT_OK(result);
          inserted += result->inserted_rows;
        });
      }
      for (auto& thread : threads) thread.join();
      ASSERT_OK_AND_ASSIGN(const auto latest, Dataset::Open(dir / "dataset"));
      const Rows rows = Read(*latest);
      std::set<int64_t> ids;
      for (const Row& row : rows) ids.insert(*row.id);
      EXPECT_EQ(rows.size(), 153u);
      EXPECT_EQ(ids.size(), 153u);
      EXPECT_EQ(inserted, 53u);
    }
  }
}

TEST(MergeInsertTest, ThreadsWithOtherKeysAreNotInEachOthersWay) {
  constexpr int kThreads = 4;
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 0)});
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        const ReaderPtr reader = ToReader(ToBatch(Numbered(100 * (i + 1) + 10 * round, 10, 1)));
        start.arrive_and_wait();
        EXPECT_OK(dataset->MergeInsert(reader, {.on = {{"id"}}, .conflict_retries = 0}));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_OK_AND_ASSIGN(const auto latest, Dataset::Open(dir / "dataset"));
  EXPECT_EQ(latest->CountRows().ValueOrDie(), 10u + kThreads * 50u);
}

TEST(MergeInsertTest, AKeyThatWasAppendedMeanwhileIsUpdated) {
  const TempDir dir;
  const auto dataset = Make(dir / "dataset", {Numbered(0, 10, 0)});
  ASSERT_OK_AND_ASSIGN(const auto inserter, dataset->OpenMergeInserter(Schema(), {.on = {{"id"}}}));
  ASSERT_OK(inserter->Write(*ToBatch(Numbered(10, 5, 2))));
  ASSERT_OK(
      WriteBatches(dir / "dataset", {ToBatch(Numbered(10, 5, 1))}, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const auto result, inserter->Finish());
  EXPECT_EQ(result.updated_rows, 5u);
  EXPECT_EQ(result.inserted_rows, 0u);
  EXPECT_EQ(result.dataset->CountRows().ValueOrDie(), 15u);
}

}  // namespace
}  // namespace lance_test
