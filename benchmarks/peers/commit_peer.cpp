// Commits of the work of many: writes transactions of one row each, or commits them, and prints as JSON how
// long that took. Nothing but the commit is timed.
//
// usage: commit_peer write DATASET COUNT FILE    COUNT transactions that make a dataset into FILE, a line
// each
//        commit_peer commit FILE                 all of FILE in one commit
//        commit_peer append DATASET COUNT        as many appends, one after the other

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

/// The transaction of a worker that writes a row.
arrow::Result<std::string> RowOf(const std::string& dataset, lance::WriteMode mode, int64_t id) {
  lance::WriteOptions options;
  options.mode = mode;
  options.transaction_properties[lance::Transaction::kPartProperty] = "job " + std::to_string(id);
  const auto row = Row(id);
  ARROW_ASSIGN_OR_RAISE(const auto writer, lance::LanceWriter::Open(dataset, row->schema(), options));
  ARROW_RETURN_NOT_OK(writer->Write(*row));
  ARROW_ASSIGN_OR_RAISE(const auto transaction, writer->FinishUncommitted());
  return transaction.ToJson();
}

arrow::Status Write(const std::string& dataset, int64_t count, const std::string& path) {
  std::ofstream file(path);
  for (int64_t i = 0; i < count; ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto json, RowOf(dataset, lance::WriteMode::kCreate, i));
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

arrow::Status Append(const std::string& dataset, int64_t count) {
  std::vector<double> each;
  for (int64_t i = 0; i < count; ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto json, RowOf(dataset, lance::WriteMode::kAppend, -1 - i));
    ARROW_ASSIGN_OR_RAISE(each.emplace_back(), SecondsOfCommit({json}));
  }
  std::cout << nlohmann::json{{"each", each}} << std::endl;
  return arrow::Status::OK();
}

arrow::Status Commit(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const double seconds, SecondsOfCommit(Lines(path)));
  std::cout << nlohmann::json{{"seconds", seconds}} << std::endl;
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  arrow::Status status = arrow::Status::Invalid("usage: commit_peer write|commit|append ...");
  if (words.size() == 4 && words[0] == "write")
    status = Write(words[1], std::atoll(words[2].c_str()), words[3]);
  if (words.size() == 2 && words[0] == "commit") status = Commit(words[1]);
  if (words.size() == 3 && words[0] == "append") status = Append(words[1], std::atoll(words[2].c_str()));
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
