// What it costs to hand one batch over: export, move, import, check, queue. The encoder works meanwhile, on
// another core, and is given up in the end. Prints the time, and the bytes that the handing thread allocates,
// which must not depend on the number of rows.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/logging.h"
#include "lance/api.h"

// What glibc's own functions are called beneath the names that are replaced here.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

thread_local size_t allocated_bytes = 0;

}  // namespace

extern "C" {
void* malloc(size_t size) {
  allocated_bytes += size;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  allocated_bytes += count * size;
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  allocated_bytes += size;
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  allocated_bytes += size;
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  *out = memalign(alignment, size);
  return *out == nullptr ? 12 : 0;
}
}

namespace {

std::shared_ptr<arrow::Array> Numbers(int64_t rows) {
  arrow::Int64Builder values;
  for (int64_t i = 0; i < rows; ++i) ARROW_CHECK_OK(values.Append(i));
  return values.Finish().ValueOrDie();
}

/// Texts of 1 to 53 bytes, as long as those of TPC-H's lineitem.
std::shared_ptr<arrow::Array> Texts(int64_t rows) {
  const std::string words = "furiously final requests sleep slyly among the deposits";
  arrow::StringBuilder values;
  for (int64_t i = 0; i < rows; ++i) ARROW_CHECK_OK(values.Append(words.substr(0, 1 + i * 7 % 53)));
  return values.Finish().ValueOrDie();
}

void HandOver(benchmark::State& state, const std::shared_ptr<arrow::Array>& column, int64_t columns) {
  arrow::FieldVector fields;
  for (int64_t i = 0; i < columns; ++i)
    fields.push_back(arrow::field("c" + std::to_string(i), column->type()));
  const auto batch =
      arrow::RecordBatch::Make(arrow::schema(fields), column->length(), arrow::ArrayVector(columns, column));
  lance::WriteOptions options;
  // Never wait for the encoder.
  options.max_bytes_in_flight = uint64_t{1} << 60;
  const auto writer = lance::LanceWriter::Open("memory://boundary", batch->schema(), options).ValueOrDie();
  const size_t before = allocated_bytes;
  for (auto _ : state) ARROW_CHECK_OK(writer->Write(*batch));
  state.counters["bytes_per_batch"] =
      static_cast<double>(allocated_bytes - before) / static_cast<double>(state.iterations());
  ARROW_CHECK_OK(writer->Abort());
}

void HandOverInt64(benchmark::State& state) { HandOver(state, Numbers(state.range(0)), state.range(1)); }
void HandOverText(benchmark::State& state) { HandOver(state, Texts(state.range(0)), state.range(1)); }

BENCHMARK(HandOverInt64)
    ->ArgNames({"rows", "columns"})
    ->ArgsProduct({{1, 1024, 8192, 65536}, {16, 200}})
    ->Iterations(2000)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

BENCHMARK(HandOverText)
    ->ArgNames({"rows", "columns"})
    ->ArgsProduct({{1, 1024, 8192, 65536}, {16}})
    ->Iterations(500)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
