// Optimisations of reads, each of whose steps fails in turn, once with an error and once with a panic: the
// outcome is that of the plain way.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/faults.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using ::testing::HasSubstr;
using Rows = arrow::Result<std::vector<int64_t>>;

constexpr int64_t kRows = 20'000;

struct Read {
  const char* name;
  std::function<Rows(const lance::Dataset&)> run;
  /// Steps that belong to an optimisation; the others are the boundary's.
  int steps;
};

Rows Scanned(const lance::Dataset& dataset, const std::string& filter) {
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan({.filter = filter}));
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  return Int64s(*table->GetColumnByName("id"));
}

Rows Taken(const lance::Dataset& dataset, uint64_t rows) {
  std::vector<uint64_t> positions;
  for (uint64_t i = 0; i < rows; ++i) positions.push_back(i * 7919 % kRows);
  ARROW_ASSIGN_OR_RAISE(const auto batch, dataset.Take(positions));
  return Int64s(arrow::ChunkedArray(batch->GetColumnByName("id")));
}

Rows Counted(const lance::Dataset& dataset, const std::string& filter) {
  ARROW_ASSIGN_OR_RAISE(const uint64_t rows, dataset.CountRows(filter));
  return std::vector<int64_t>{static_cast<int64_t>(rows)};
}

const Read kReads[] = {
    // The width of rows, and three steps of a sample.
    {"FewPass", [](const auto& dataset) { return Scanned(dataset, "id < 20"); }, 4},
    // The same, and which text has a dictionary.
    {"SomePass", [](const auto& dataset) { return Scanned(dataset, "id < 2000"); }, 5},
    {"MostPass", [](const auto& dataset) { return Scanned(dataset, "id >= 100"); }, 4},
    // Which rows are in a batch decides whether the division is guarded, so there is no sample.
    {"DividesWhereItMay",
     [](const auto& dataset) { return Scanned(dataset, "id < 10 AND id >= 2 AND 100 / (id - 1) > 20"); }, 2},
    {"TakesManyRows", [](const auto& dataset) { return Taken(dataset, 10'000); }, 1},
    {"TakesFewRows", [](const auto& dataset) { return Taken(dataset, 10); }, 1},
    {"CountsOnAllCores", [](const auto& dataset) { return Counted(dataset, "name <> 'name 7'"); }, 2},
};

class OptimisationTest : public ::testing::TestWithParam<Read> {
 protected:
  void SetUp() override {
    ASSERT_NE(faults_.fail_at, nullptr) << "the library was built without fault points";
    lance::WriteOptions options;
    options.max_rows_per_file = kRows / 4;
    ASSERT_OK(WriteSimple(uri_, 0, kRows, options));
  }

  /// Read with a fault at the k-th step.
  Rows ReadWithFaultAt(int64_t k, FaultMode mode) {
    // What was learnt of a dataset is kept with it.
    ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(uri_));
    faults_.fail_at(k, mode);
    const auto rows = GetParam().run(*dataset);
    points_ = faults_.points_hit();
    faults_.fail_at(0, kOff);
    return rows;
  }

  const Faults faults_{};
  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  int64_t points_ = 0;
};

TEST_P(OptimisationTest, ThatFailsAtAnyStepChangesNothing) {
  ASSERT_OK_AND_ASSIGN(const auto expected, ReadWithFaultAt(0, kOff));
  EXPECT_FALSE(expected.empty());
  const int64_t points = points_;
  for (const FaultMode mode : {kError, kPanic}) {
    int survived = 0;
    for (int64_t k = 1; k <= points; ++k) {
      SCOPED_TRACE("mode " + std::to_string(mode) + ", step " + std::to_string(k));
      const auto rows = ReadWithFaultAt(k, mode);
      if (!rows.ok()) {
        EXPECT_THAT(rows, FailsSaying(HasSubstr("injected")));
        continue;
      }
      EXPECT_EQ(*rows, expected);
      ++survived;
    }
    EXPECT_EQ(survived, GetParam().steps);
  }
}

INSTANTIATE_TEST_SUITE_P(Reads, OptimisationTest, ::testing::ValuesIn(kReads),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lance_test
