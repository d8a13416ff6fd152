// No memory is kept per batch or per dataset, however many there were.
//
// The heap is looked at when nothing is going on: between two files of a writer, and between two datasets. It
// is exact when the threads keep no freed blocks for themselves (glibc.malloc.tcache_count=0).

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/scale.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::LanceWriter;

/// The smallest block that malloc() gives: a leak is at least this large.
constexpr double kSmallestBlock = 32;

/// Less than any open dataset, scanner or reader takes.
constexpr double kOpenDataset = 1000;

/// Bytes in use of this process's heap, and its resident memory.
struct Memory {
  static Memory Now() {
    const auto heap = mallinfo2();
    std::ifstream statm("/proc/self/statm");
    double total = 0;
    double resident_pages = 0;
    statm >> total >> resident_pages;
    constexpr double kPage = 4096;
    return {static_cast<double>(heap.uordblks + heap.hblkhd), resident_pages * kPage};
  }

  double heap = 0;
  double resident = 0;
};

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

/// The growth from one sample to the next: from the median of the first quarter to that of the last.
double Slope(const std::vector<Memory>& samples, double Memory::* member) {
  std::vector<double> values;
  for (const auto& sample : samples) values.push_back(sample.*member);
  const auto quarter = static_cast<std::ptrdiff_t>(values.size() / 4);
  const double first = Median({values.begin(), values.begin() + quarter});
  const double last = Median({values.end() - quarter, values.end()});
  return (last - first) / static_cast<double>(values.size() - quarter);
}

std::string Text(double value) { return std::to_string(value); }

/// Wait for what ends by itself; a test that waits in vain runs into its time limit.
template <typename Condition>
void WaitUntil(Condition&& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

int64_t ArrowBytes() { return arrow::default_memory_pool()->bytes_allocated(); }

class EnduranceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    // Caches grow until they are full; these always are.
    lance::RuntimeOptions options;
    options.metadata_cache_bytes = 1;
    options.index_cache_bytes = 1;
    ASSERT_OK(lance::ConfigureRuntime(options));
  }

  const TempDir dir_;
};

TEST_F(EnduranceTest, BatchesLeaveNothingBehind) {
  constexpr int64_t kRowsPerBatch = 10;
  // A writer remembers each of its files until the commit, and the pages of the file it is writing. So files
  // are few, and the heap is compared between files.
  constexpr int64_t kBatchesPerFile = 500;
  constexpr int64_t kWarmUpFiles = 2;
  constexpr int64_t kFiles = kWarmUpFiles + 200;
  lance::WriteOptions options;
  options.max_rows_per_file = kRowsPerBatch * kBatchesPerFile;
  // Encode each batch as it comes: the test waits for the last one of a file before it writes more.
  options.encoder_cache_bytes = 1;
  ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(dir_ / "dataset", SimpleSchema(), options));
  std::vector<Memory> samples;
  samples.reserve(kFiles);
  for (int64_t file = 0; file < kFiles; ++file) {
    for (int64_t i = 0; i < kBatchesPerFile; ++i) {
      const int64_t batch = file * kBatchesPerFile + i;
      ASSERT_OK(writer->Write(*SimpleBatch(batch * kRowsPerBatch, kRowsPerBatch)));
    }
    WaitUntil([&] { return writer->stats().files_written > static_cast<uint64_t>(file); });
    WaitUntil([] { return ArrowBytes() == 0; });
    if (file >= kWarmUpFiles) samples.push_back(Memory::Now());
  }
  ASSERT_OK(writer->Finish());

  const double heap_per_file = Slope(samples, &Memory::heap);
  const double heap_per_batch = heap_per_file / kBatchesPerFile;
  EXPECT_LT(heap_per_batch, kSmallestBlock);
  Figure("O6", {{"batches", std::to_string(kFiles * kBatchesPerFile)},
                {"heap_bytes_per_batch", Text(heap_per_batch)},
                {"heap_bytes_per_file", Text(heap_per_file)},
                {"resident_bytes_per_1000_batches",
                 Text(Slope(samples, &Memory::resident) / kBatchesPerFile * 1000)},
                {"arrow_bytes_at_end", std::to_string(ArrowBytes())}});
}

TEST_F(EnduranceTest, DatasetsLeaveNothingBehind) {
  constexpr int kWarmUp = 50;
  const int datasets = kWarmUp + Pick(150, 1000);
  std::vector<Memory> samples;
  samples.reserve(datasets);
  for (int i = 0; i < datasets; ++i) {
    const std::string uri = dir_ / std::to_string(i);
    ASSERT_OK(WriteSimple(uri, 0, 100));
    {
      ASSERT_OK_AND_ASSIGN(const auto dataset, lance::Dataset::Open(uri));
      ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan({.filter = "id > 10"}));
      ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
      EXPECT_EQ(table->num_rows(), 89);
      ASSERT_OK_AND_ASSIGN(const auto taken, dataset->Take({1, 5}));
      EXPECT_EQ(taken->num_rows(), 2);
    }
    std::filesystem::remove_all(uri);
    WaitUntil([] { return ArrowBytes() == 0; });
    if (i >= kWarmUp) samples.push_back(Memory::Now());
  }

  const double heap_per_dataset = Slope(samples, &Memory::heap);
  EXPECT_LT(heap_per_dataset, kOpenDataset);
  Figure("O6", {{"datasets", std::to_string(datasets)},
                {"heap_bytes_per_dataset", Text(heap_per_dataset)},
                {"resident_bytes_per_dataset", Text(Slope(samples, &Memory::resident))},
                {"arrow_bytes_at_end", std::to_string(ArrowBytes())}});
}

}  // namespace
}  // namespace lance_test
