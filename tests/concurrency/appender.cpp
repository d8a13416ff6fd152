// Appends batches to a dataset and prints what was acknowledged, a line for each: the version and the first
// id.
//
// usage: appender URI FIRST_ID APPENDS ROWS

#include <cstdlib>
#include <iostream>
#include <string>

#include "support/datasets.h"

int main(int argc, char** argv) {
  if (argc != 5) return EXIT_FAILURE;
  const std::string uri = argv[1];
  int64_t id = std::atoll(argv[2]);
  const int64_t appends = std::atoll(argv[3]);
  const int64_t rows = std::atoll(argv[4]);
  lance::WriteOptions options;
  options.mode = lance::WriteMode::kAppend;
  for (int64_t i = 0; i < appends; ++i, id += rows) {
    const auto result = lance_test::WriteSimple(uri, id, rows, options);
    if (!result.ok()) {
      std::cerr << result.status().ToString() << std::endl;
      return EXIT_FAILURE;
    }
    std::cout << result->version << ' ' << id << std::endl;
  }
  return EXIT_SUCCESS;
}
