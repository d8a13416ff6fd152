// Appends small batches, one commit each, from several threads, and says what became of each:
// append_loop URI THREADS BATCHES FIRST [KEY=VALUE]...
//
// Thread t appends batches FIRST + t * BATCHES + 0, 1, ...; batch b holds the ids b * 10 ... b * 10 + 9. One
// line per batch, as soon as its fate is known: "acked B", "unknown B MESSAGE" or "refused B CODE MESSAGE".
#include <cstdint>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lance/api.h"
#include "object_store/store_arguments.h"
#include "support/datasets.h"

namespace {

constexpr int64_t kRowsPerBatch = 10;
constexpr int kAttempts = 50;

/// Whether the API says that the commit, or the whole append, may simply be done again.
bool MayRepeat(lance::ErrorCode code) {
  return code == lance::ErrorCode::kCommitConflict || code == lance::ErrorCode::kCommitConflictRetryable ||
         code == lance::ErrorCode::kContention;
}

arrow::Status Append(const std::string& uri, int64_t batch, const lance::WriteOptions& options) {
  arrow::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    status = lance_test::WriteSimple(uri, batch * kRowsPerBatch, kRowsPerBatch, options).status();
    if (!MayRepeat(lance::GetErrorCode(status))) break;
  }
  return status;
}

std::string Fate(int64_t batch, const arrow::Status& status) {
  const std::string name = std::to_string(batch);
  if (status.ok()) return "acked " + name;
  const lance::ErrorCode code = lance::GetErrorCode(status);
  if (code == lance::ErrorCode::kCommitStatusUnknown) return "unknown " + name + ' ' + status.message();
  return "refused " + name + ' ' + lance::ErrorCodeName(code) + ' ' + status.message();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: append_loop URI THREADS BATCHES FIRST [KEY=VALUE]...\n";
    return 2;
  }
  const std::string uri = argv[1];
  const int64_t threads = std::stoll(argv[2]);
  const int64_t batches = std::stoll(argv[3]);
  const int64_t first = std::stoll(argv[4]);
  lance::WriteOptions options;
  options.mode = lance::WriteMode::kAppend;
  options.storage = lance_test::StorageFrom(argc, argv, 5);

  std::mutex output;
  const auto loop = [&](int64_t begin) {
    for (int64_t batch = begin; batch < begin + batches; ++batch) {
      const std::string fate = Fate(batch, Append(uri, batch, options));
      const std::lock_guard lock(output);
      std::cout << fate << std::endl;
    }
  };
  std::vector<std::jthread> appenders;
  for (int64_t thread = 0; thread < threads; ++thread) appenders.emplace_back(loop, first + thread * batches);
  return 0;
}
