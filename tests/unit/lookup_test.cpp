// Look-ups beside scans with filters: through indices and without, of each type of key, with deleted and new
// rows.

#include "lance/lookup.h"

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "arrow/util/config.h"
#if ARROW_VERSION_MAJOR >= 21
#include "arrow/compute/initialize.h"
#endif
#include "lance/api.h"
#include "support/datasets.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using lance::IndexType;
using lance::Lookup;
using ::testing::HasSubstr;

using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using DatasetPtr = std::shared_ptr<Dataset>;

constexpr int64_t kRows = 3000;
constexpr int64_t kKeys = 200;

/// A key as a scan's filter has it, NULL for every seventeenth row.
struct Key {
  std::string column;
  std::shared_ptr<arrow::DataType> type;
};

const std::vector<Key>& Keys() {
  static const std::vector<Key> keys = {
      {"int64", arrow::int64()},
      {"uint8", arrow::uint8()},
      {"utf8", arrow::utf8()},
      {"date", arrow::date32()},
      {"decimal", arrow::decimal128(21, 2)},
      {"time", arrow::timestamp(arrow::TimeUnit::MICRO)},
      {"odd \"name'", arrow::int32()},
  };
  return keys;
}

ArrayPtr Cast(const std::vector<int64_t>& numbers, const std::vector<bool>& valid,
              const std::shared_ptr<arrow::DataType>& type) {
  arrow::Int64Builder builder;
  EXPECT_OK(builder.AppendValues(numbers, valid));
  const ArrayPtr plain = builder.Finish().ValueOrDie();
  if (type->id() == arrow::Type::DATE32) {
    const ArrayPtr days = arrow::compute::Cast(*plain, arrow::int32()).ValueOrDie();
    return days->View(type).ValueOrDie();
  }
  if (type->id() == arrow::Type::TIMESTAMP) return plain->View(type).ValueOrDie();
  auto options = arrow::compute::CastOptions::Unsafe(type);
  return arrow::compute::Cast(plain, options).ValueOrDie().make_array();
}

BatchPtr Rows(int64_t first, int64_t rows, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::shared_ptr<arrow::Field>> fields = {arrow::field("id", arrow::int64())};
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < rows; ++i) ids.push_back(first + i);
  std::vector<ArrayPtr> columns = {Cast(ids, std::vector<bool>(rows, true), arrow::int64())};
  for (const Key& key : Keys()) {
    std::vector<int64_t> numbers;
    std::vector<bool> valid;
    for (int64_t i = 0; i < rows; ++i) {
      numbers.push_back(static_cast<int64_t>(random() % kKeys));
      valid.push_back(random() % 17 != 0);
    }
    fields.push_back(arrow::field(key.column, key.type));
    columns.push_back(Cast(numbers, valid, key.type));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), rows, columns);
}

class LookupTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
#if ARROW_VERSION_MAJOR >= 21
    ASSERT_OK(arrow::compute::Initialize());
#endif
  }

  void Write(const BatchPtr& rows, lance::WriteMode mode) {
    lance::WriteOptions options;
    options.mode = mode;
    options.max_rows_per_file = 700;
    ASSERT_OK_AND_ASSIGN(auto writer, lance::LanceWriter::Open(uri_, rows->schema(), options));
    ASSERT_OK(writer->Write(*rows));
    ASSERT_OK(writer->Finish());
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  /// A scan of all rows, of which those are left whose key is among some.
  arrow::Result<BatchPtr> Filtered(const Key& key, const ArrayPtr& values, bool between) const {
    ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset_->Scan());
    ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
    ARROW_ASSIGN_OR_RAISE(table, table->CombineChunks());
    const auto column = table->GetColumnByName(key.column);
    arrow::Datum passes;
    if (between) {
      ARROW_ASSIGN_OR_RAISE(const auto least, values->GetScalar(0));
      ARROW_ASSIGN_OR_RAISE(const auto greatest, values->GetScalar(1));
      ARROW_ASSIGN_OR_RAISE(const auto above, arrow::compute::CallFunction("greater_equal", {column, least}));
      ARROW_ASSIGN_OR_RAISE(const auto below, arrow::compute::CallFunction("less_equal", {column, greatest}));
      ARROW_ASSIGN_OR_RAISE(passes, arrow::compute::And(above, below));
    } else {
      ARROW_ASSIGN_OR_RAISE(passes, arrow::compute::IsIn(column, arrow::compute::SetLookupOptions(values)));
    }
    ARROW_ASSIGN_OR_RAISE(const auto filtered, arrow::compute::Filter(table, passes));
    return filtered.table()->CombineChunksToBatch();
  }

  /// Look-ups of each key, by one, several and all values, and by bounds.
  void Compare(bool is_prepared, uint32_t seed) {
    std::mt19937 random(seed);
    const auto number = [&random] { return static_cast<int64_t>(random() % (kKeys + 9)); };
    for (const Key& key : Keys()) {
      SCOPED_TRACE(key.column);
      ASSERT_OK_AND_ASSIGN(const auto lookup, Lookup::Open(*dataset_, key.column));
      EXPECT_EQ(lookup->is_prepared(), is_prepared);
      for (const size_t count : {size_t{0}, size_t{1}, size_t{1}, size_t{7}, size_t{60}}) {
        std::vector<int64_t> numbers(count);
        for (int64_t& it : numbers) it = number();
        const ArrayPtr values = Cast(numbers, std::vector<bool>(count, true), key.type);
        ASSERT_OK_AND_ASSIGN(const BatchPtr expected, Filtered(key, values, false));
        ASSERT_OK_AND_ASSIGN(const BatchPtr found, lookup->Take(values));
        ASSERT_OK(found->ValidateFull());
        EXPECT_TRUE(found->Equals(*expected)) << found->ToString() << expected->ToString();
        ASSERT_OK_AND_ASSIGN(const uint64_t rows, lookup->Count(values));
        EXPECT_EQ(rows, static_cast<uint64_t>(expected->num_rows()));
      }
      for (int i = 0; i < 3; ++i) {
        const ArrayPtr bounds = Cast({number(), number()}, {true, true}, key.type);
        ASSERT_OK_AND_ASSIGN(const BatchPtr expected, Filtered(key, bounds, true));
        ASSERT_OK_AND_ASSIGN(const BatchPtr found, lookup->TakeBetween(bounds));
        EXPECT_TRUE(found->Equals(*expected)) << found->ToString() << expected->ToString();
        ASSERT_OK_AND_ASSIGN(const uint64_t rows, lookup->CountBetween(bounds));
        EXPECT_EQ(rows, static_cast<uint64_t>(expected->num_rows()));
      }
    }
  }

  void MakeIndices(IndexType type) {
    for (const Key& key : Keys()) {
      ASSERT_OK_AND_ASSIGN(dataset_, dataset_->CreateIndex(key.column, type));
    }
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  DatasetPtr dataset_;
};

TEST_F(LookupTest, FindsThroughIndicesWhatScansFind) {
  for (const IndexType type : {IndexType::kBtree, IndexType::kBitmap}) {
    ASSERT_NO_FATAL_FAILURE(Write(Rows(0, kRows, 1), lance::WriteMode::kOverwrite));
    ASSERT_NO_FATAL_FAILURE(MakeIndices(type));
    Compare(true, 2);
  }
}

TEST_F(LookupTest, FindsNewRowsAndNoneTwice) {
  ASSERT_NO_FATAL_FAILURE(Write(Rows(0, kRows, 3), lance::WriteMode::kCreate));
  ASSERT_NO_FATAL_FAILURE(MakeIndices(IndexType::kBtree));
  ASSERT_NO_FATAL_FAILURE(Write(Rows(kRows, 500, 4), lance::WriteMode::kAppend));
  Compare(false, 5);
  ASSERT_OK_AND_ASSIGN(dataset_, dataset_->OptimizeIndices());
  Compare(true, 6);
}

TEST_F(LookupTest, ScansWithoutAnIndex) {
  ASSERT_NO_FATAL_FAILURE(Write(Rows(0, kRows, 7), lance::WriteMode::kCreate));
  Compare(false, 8);
}

TEST_F(LookupTest, ReturnsTheColumnsAskedFor) {
  ASSERT_NO_FATAL_FAILURE(Write(Rows(0, kRows, 9), lance::WriteMode::kCreate));
  ASSERT_NO_FATAL_FAILURE(MakeIndices(IndexType::kBtree));
  const ArrayPtr value = Cast({5}, {true}, arrow::int64());
  for (const std::vector<std::string>& columns :
       {std::vector<std::string>{"utf8", "id"}, {"id", "_rowid"}, {"date"}}) {
    ASSERT_OK_AND_ASSIGN(const auto lookup, Lookup::Open(*dataset_, "int64", {.columns = columns}));
    ASSERT_OK_AND_ASSIGN(const BatchPtr found, lookup->Take(value));
    EXPECT_EQ(found->schema()->field_names(), columns);
    EXPECT_GT(found->num_rows(), 0);
  }
}

TEST_F(LookupTest, AnswersManyThreads) {
  ASSERT_NO_FATAL_FAILURE(Write(Rows(0, kRows, 10), lance::WriteMode::kCreate));
  ASSERT_NO_FATAL_FAILURE(MakeIndices(IndexType::kBtree));
  ASSERT_OK_AND_ASSIGN(const auto lookup, Lookup::Open(*dataset_, "int64"));
  std::vector<std::thread> threads;
  for (int64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t i = thread; i < 40; i += 4) {
        const ArrayPtr value = Cast({i}, {true}, arrow::int64());
        ASSERT_OK_AND_ASSIGN(const BatchPtr found, Wait(lookup->TakeAsync(value)));
        ASSERT_OK_AND_ASSIGN(const uint64_t count, lookup->Count(value));
        EXPECT_EQ(static_cast<uint64_t>(found->num_rows()), count);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(LookupTest, RefusesWhatCannotBeLookedUp) {
  ASSERT_NO_FATAL_FAILURE(Write(Rows(0, 10, 11), lance::WriteMode::kCreate));
  EXPECT_THAT(Lookup::Open(*dataset_, "int6"), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(Lookup::Open(*dataset_, "_rowid"), FailsWith(ErrorCode::kNotSupported));
  EXPECT_THAT(Lookup::Open(*dataset_, "id", {.columns = {{"nope"}}}), FailsWith(ErrorCode::kFieldNotFound));
  ASSERT_OK_AND_ASSIGN(const auto lookup, Lookup::Open(*dataset_, "uint8"));
  EXPECT_THAT(lookup->Take(nullptr), FailsWith(ErrorCode::kInvalidArgument));
  const ArrayPtr null = Cast({1}, {false}, arrow::int64());
  EXPECT_THAT(lookup->Take(null), FailsSaying(HasSubstr("nulls")));
  const ArrayPtr large = Cast({1000}, {true}, arrow::int64());
  EXPECT_THAT(lookup->Count(large), FailsSaying(HasSubstr("UInt8")));
  EXPECT_THAT(lookup->TakeBetween(large), FailsSaying(HasSubstr("two values")));
}

}  // namespace
}  // namespace lance_test
