// Counts the rows of a dataset in an object store with credentials of a callback:
// renew URI SECONDS [KEY=VALUE]...
//
// The callback gives the access key `keyN` with its N-th call, which expires after so many seconds. Prints
// the rows, and how often it was called.
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>

#include "arrow/api.h"
#include "lance/api.h"
#include "object_store/store_arguments.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: renew URI SECONDS [KEY=VALUE]...\n";
    return 2;
  }
  const std::chrono::seconds lifetime(std::stoll(argv[2]));
  std::atomic<int> calls = 0;
  const auto provider = lance::CredentialsProvider::Make([&]() -> arrow::Result<lance::Credentials> {
                          const std::string key = "key" + std::to_string(++calls);
                          return lance::Credentials{
                              .storage = {{"aws_access_key_id", key}, {"aws_secret_access_key", "a secret"}},
                              .expires_at = std::chrono::system_clock::now() + lifetime};
                        }).ValueOrDie();
  lance::OpenOptions options;
  options.storage = lance_test::StorageFrom(argc, argv, 3);
  options.credentials = provider;
  const auto dataset = lance::Dataset::Open(argv[1], options).ValueOrDie();
  std::cout << dataset->CountRows("id >= 0").ValueOrDie() << ' ' << calls << std::endl;
  return 0;
}
