// Prepares, commits and discards transactions that are stored as JSON, for tests with several processes.
//
//   transact prepare FILE URI create|append|overwrite [KEY=VALUE]...   an Arrow IPC file becomes a
//   transaction,
//                                                                      whose JSON is printed; properties
//   transact serve                                                     commands from the standard input, a
//   line each:
//     commit MICROSECONDS JSON_FILE...
//     discard MICROSECONDS JSON_FILE
//
// Each command is done after its delay and answered by a line: OK, with the version of a commit, or the
// error's name and message.

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "lance/api.h"

namespace {

using lance::Transaction;

arrow::Result<Transaction> Load(const std::string& path) {
  std::stringstream json;
  json << std::ifstream(path).rdbuf();
  return Transaction::FromJson(json.str());
}

arrow::Status Prepare(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3)
    return arrow::Status::Invalid("usage: transact prepare FILE URI MODE [KEY=VALUE]...");
  lance::WriteOptions options;
  if (arguments[2] == "append") options.mode = lance::WriteMode::kAppend;
  if (arguments[2] == "overwrite") options.mode = lance::WriteMode::kOverwrite;
  for (size_t i = 3; i < arguments.size(); ++i) {
    const size_t equals = arguments[i].find('=');
    options.transaction_properties[arguments[i].substr(0, equals)] = arguments[i].substr(equals + 1);
  }
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(arguments[0]));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(arguments[1], reader->schema(), options));
  for (int i = 0; i < reader->num_record_batches(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto batch, reader->ReadRecordBatch(i));
    ARROW_RETURN_NOT_OK(writer->Write(*batch));
  }
  ARROW_ASSIGN_OR_RAISE(const auto transaction, writer->FinishUncommitted());
  ARROW_ASSIGN_OR_RAISE(const auto json, transaction.ToJson());
  std::cout << json << std::endl;
  return arrow::Status::OK();
}

arrow::Result<std::string> Do(const std::string& command) {
  std::istringstream words(command);
  std::string verb;
  int64_t delay = 0;
  words >> verb >> delay;
  std::vector<Transaction> transactions;
  for (std::string path; words >> path;) {
    ARROW_ASSIGN_OR_RAISE(auto transaction, Load(path));
    transactions.push_back(std::move(transaction));
  }
  std::this_thread::sleep_for(std::chrono::microseconds(delay));
  if (verb == "discard") {
    ARROW_RETURN_NOT_OK(transactions.at(0).Discard());
    return "OK";
  }
  ARROW_ASSIGN_OR_RAISE(const auto result, Transaction::CommitAll(transactions));
  return "OK " + std::to_string(result.version);
}

int Serve() {
  for (std::string command; std::getline(std::cin, command);) {
    const auto done = Do(command);
    const auto& status = done.status();
    std::cout << (done.ok() ? *done
                            : std::string(lance::ErrorCodeName(lance::GetErrorCode(status))) + ' ' +
                                  status.message())
              << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "serve") return Serve();
  const arrow::Status status = verb == "prepare" ? Prepare({argv + 2, argv + argc})
                                                 : arrow::Status::Invalid("usage: transact prepare|serve");
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
