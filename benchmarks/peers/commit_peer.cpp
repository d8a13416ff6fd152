// Commits of the work of many: writes transactions of one row each, or commits them, and prints as JSON how
// long that took. Nothing but the commit is timed.
//
// usage: commit_peer write DATASET MODE COUNT FILE     COUNT transactions into FILE, a line each
//        commit_peer commit FILE                       all of FILE in one commit
//        commit_peer each FILE                         one commit after the other

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"

namespace {

using Clock = std::chrono::steady_clock;

double Since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// A row of as many columns as lineitem has.
std::shared_ptr<arrow::RecordBatch> Row(int64_t id) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (int i = 0; i < 16; ++i) {
    fields.push_back(arrow::field("c" + std::to_string(i), arrow::int64()));
    columns.push_back(arrow::MakeArrayFromScalar(arrow::Int64Scalar(id + i), 1).ValueOrDie());
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), 1, columns);
}

arrow::Status Write(const std::string& dataset, const std::string& mode, int64_t count,
                    const std::string& path) {
  lance::WriteOptions options;
  options.mode = mode == "append" ? lance::WriteMode::kAppend : lance::WriteMode::kCreate;
  std::ofstream file(path);
  for (int64_t i = 0; i < count; ++i) {
    const auto row = Row(i);
    if (mode == "create") {
      options.transaction_properties[lance::Transaction::kPartProperty] = "job " + std::to_string(i);
    }
    ARROW_ASSIGN_OR_RAISE(const auto writer, lance::LanceWriter::Open(dataset, row->schema(), options));
    ARROW_RETURN_NOT_OK(writer->Write(*row));
    ARROW_ASSIGN_OR_RAISE(const auto transaction, writer->FinishUncommitted());
    ARROW_ASSIGN_OR_RAISE(const auto json, transaction.ToJson());
    file << json << "\n";
  }
  return file.flush() ? arrow::Status::OK() : arrow::Status::IOError("cannot write ", path);
}

std::vector<std::string> Lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

arrow::Result<double> SecondsOfCommit(const std::vector<std::string>& lines) {
  const auto begin = Clock::now();
  std::vector<lance::Transaction> transactions;
  for (const std::string& line : lines) {
    ARROW_ASSIGN_OR_RAISE(auto transaction, lance::Transaction::FromJson(line));
    transactions.push_back(std::move(transaction));
  }
  ARROW_RETURN_NOT_OK(lance::Transaction::CommitAll(transactions));
  return Since(begin);
}

arrow::Status Commit(const std::vector<std::string>& lines, bool each) {
  std::vector<double> seconds;
  if (each) {
    for (const std::string& line : lines) {
      ARROW_ASSIGN_OR_RAISE(seconds.emplace_back(), SecondsOfCommit({line}));
    }
    std::cout << nlohmann::json{{"each", seconds}} << std::endl;
  } else {
    ARROW_ASSIGN_OR_RAISE(const double all, SecondsOfCommit(lines));
    std::cout << nlohmann::json{{"seconds", all}} << std::endl;
  }
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  arrow::Status status = arrow::Status::Invalid("usage: commit_peer write|commit|each ...");
  if (words.size() == 5 && words[0] == "write") {
    status = Write(words[1], words[2], std::atoll(words[3].c_str()), words[4]);
  } else if (words.size() == 2 && (words[0] == "commit" || words[0] == "each")) {
    status = Commit(Lines(words[1]), words[0] == "each");
  }
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
