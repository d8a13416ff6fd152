// Writes far enough that an upload is under way, waits until its input ends, gives up, and ends at once:
// give_up URI abort|destroy [KEY=VALUE]...
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/logging.h"
#include "lance/api.h"
#include "object_store/store_arguments.h"

namespace {

constexpr int64_t kRows = 8192;
/// More than one part of a multipart upload.
constexpr uint64_t kEnough = 12 << 20;

/// Numbers that do not compress.
std::shared_ptr<arrow::RecordBatch> Noise(std::mt19937_64* random) {
  std::vector<uint64_t> numbers(kRows);
  for (uint64_t& number : numbers) number = (*random)();
  arrow::UInt64Builder builder;
  ARROW_CHECK_OK(builder.AppendValues(numbers));
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("noise", arrow::uint64())}), kRows,
                                  {builder.Finish().ValueOrDie()});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: give_up URI abort|destroy [KEY=VALUE]...\n", stderr);
    return 2;
  }
  std::mt19937_64 random(1);
  lance::WriteOptions options;
  options.lanes = 2;
  options.encoder_cache_bytes = 1 << 20;
  options.storage = lance_test::StorageFrom(argc, argv, 3);
  auto writer = lance::LanceWriter::Open(argv[1], Noise(&random)->schema(), options).ValueOrDie();
  for (uint32_t lane = 0; writer->stats().bytes_written < kEnough; lane = 1 - lane) {
    ARROW_CHECK_OK(writer->WriteToLane(lane, *Noise(&random)));
  }
  while (std::getchar() != EOF) continue;
  if (std::string(argv[2]) == "abort") ARROW_CHECK_OK(writer->Abort());
  writer.reset();
  return 0;
}
