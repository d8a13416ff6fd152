// Adds a column by a function with a checkpoint, and is killed on the way.
//
// usage: column_adder URI CHECKPOINT MICROSECONDS CALLS

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "arrow/api.h"
#include "lance/api.h"
#include "tripled.h"

int main(int argc, char** argv) {
  if (argc != 5) return EXIT_FAILURE;
  const auto pause = std::chrono::microseconds(std::atoll(argv[3]));
  std::thread([pause] {
    std::this_thread::sleep_for(pause);
    std::raise(SIGKILL);
  }).detach();
  const auto dataset = lance::Dataset::Open(argv[1]);
  if (!dataset.ok()) {
    std::cerr << dataset.status().ToString() << '\n';
    return EXIT_FAILURE;
  }
  std::atomic<int> calls = 0;
  const int most = std::atoi(argv[4]);
  const auto each = [&] {
    if (++calls == most) std::raise(SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  lance::AddColumnsOptions options;
  options.parallelism = 2;
  const auto added = lance_test::AddTripled(**dataset, argv[2], each, options);
  if (!added.ok()) std::cerr << added.status().ToString() << '\n';
  return added.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
