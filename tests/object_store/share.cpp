// One transaction in two hands, round after round, at the same moment:
// share URI ROUNDS [KEY=VALUE]...
//
// Round r prepares an append of the ids r * 10 ... r * 10 + 9 and gives its JSON to two threads. The first
// commits; the second commits in even rounds and discards in odd ones. One line per round: "R FIRST SECOND",
// each OK or an error's name, and with it the version of a commit: "OK:V".
#include <barrier>
#include <iostream>
#include <string>
#include <thread>

#include "arrow/api.h"
#include "lance/api.h"
#include "object_store/store_arguments.h"
#include "support/generators.h"

namespace {

constexpr int64_t kRows = 10;

arrow::Result<std::string> Prepare(const std::string& uri, int64_t round,
                                   const lance::WriteOptions& options) {
  const auto batch = lance_test::SimpleBatch(round * kRows, kRows);
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(uri, batch->schema(), options));
  ARROW_RETURN_NOT_OK(writer->Write(*batch));
  ARROW_ASSIGN_OR_RAISE(const auto transaction, writer->FinishUncommitted());
  return transaction.ToJson();
}

std::string Outcome(const arrow::Status& status) {
  return status.ok() ? "OK" : lance::ErrorCodeName(lance::GetErrorCode(status));
}

std::string Commit(lance::Transaction& transaction) {
  const auto result = transaction.Commit();
  return Outcome(result.status()) + (result.ok() ? ":" + std::to_string(result->version) : "");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: share URI ROUNDS [KEY=VALUE]...\n";
    return 2;
  }
  lance::WriteOptions options;
  options.mode = lance::WriteMode::kAppend;
  options.storage = lance_test::StorageFrom(argc, argv, 3);
  for (int64_t round = 0; round < std::stoll(argv[2]); ++round) {
    const auto json = Prepare(argv[1], round, options);
    ARROW_CHECK_OK(json.status());
    std::barrier both(2);
    std::string outcomes[2];
    const auto hold = [&](int hand) {
      auto transaction = lance::Transaction::FromJson(*json, options.storage).ValueOrDie();
      both.arrive_and_wait();
      const bool commits = hand == 0 || round % 2 == 0;
      outcomes[hand] = commits ? Commit(transaction) : Outcome(transaction.Discard());
    };
    std::jthread second(hold, 1);
    hold(0);
    second.join();
    std::cout << round << ' ' << outcomes[0] << ' ' << outcomes[1] << std::endl;
  }
  return 0;
}
