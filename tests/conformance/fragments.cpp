// Changes fragments, and writes and reads files, for tests that compare with pylance.
//
//   fragments URI delete ID FILTER                     transactions are printed as JSON
//   fragments URI merge|update ID FILE LEFT RIGHT      FILE is an Arrow IPC file
//   fragments URI write ID FILE
//   fragments URI register NAME                        a fragment is printed as JSON
//   fragments URI stage FILE                           FILE has an operation
//   fragments URI metadata                             the fragments, a line each
//   fragments URI write_file FILE VERSION              URI becomes a data file
//   fragments URI read_file FILE                       FILE becomes an Arrow IPC stream

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "arrow/ipc/writer.h"
#include "lance/api.h"

namespace {

using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

arrow::Result<ReaderPtr> Load(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  ARROW_ASSIGN_OR_RAISE(auto table, reader->ToTable());
  ARROW_ASSIGN_OR_RAISE(auto batch, table->CombineChunksToBatch());
  return arrow::RecordBatchReader::Make({batch}, table->schema());
}

arrow::Status WriteFile(const std::string& uri, const std::string& path, const std::string& version) {
  ARROW_ASSIGN_OR_RAISE(const auto batches, Load(path));
  lance::WriteFileOptions options;
  options.data_storage_version = version;
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::FileWriter::Open(uri, batches->schema(), options));
  for (std::shared_ptr<arrow::RecordBatch> batch;;) {
    ARROW_RETURN_NOT_OK(batches->ReadNext(&batch));
    if (batch == nullptr) break;
    ARROW_RETURN_NOT_OK(writer->Write(*batch));
  }
  return writer->Finish().status();
}

arrow::Status ReadFile(const std::string& uri, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, lance::FileReader::Open(uri));
  ARROW_ASSIGN_OR_RAISE(const auto batches, reader->Read());
  ARROW_ASSIGN_OR_RAISE(const auto table, batches->ToTable());
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(file, table->schema()));
  ARROW_RETURN_NOT_OK(writer->WriteTable(*table));
  return writer->Close();
}

arrow::Result<std::string> Change(const std::shared_ptr<lance::Dataset>& dataset,
                                  const std::vector<std::string>& words) {
  const std::string& verb = words[1];
  if (verb == "register") return dataset->RegisterFile(words.at(2));
  if (verb == "stage") {
    std::stringstream operation;
    operation << std::ifstream(words.at(2)).rdbuf();
    ARROW_ASSIGN_OR_RAISE(const auto staged, dataset->Stage(operation.str()));
    return staged.ToJson();
  }
  if (verb == "metadata") {
    ARROW_ASSIGN_OR_RAISE(const auto described, dataset->DescribeFragments());
    std::string lines;
    for (const auto& fragment : described) lines += fragment.metadata + "\n";
    return lines;
  }
  ARROW_ASSIGN_OR_RAISE(const auto fragment, lance::Fragment::Get(dataset, std::stoull(words.at(2))));
  const auto change = [&]() -> arrow::Result<lance::Transaction> {
    if (verb == "delete") return fragment.Delete(words.at(3));
    ARROW_ASSIGN_OR_RAISE(const auto values, Load(words.at(3)));
    if (verb == "merge") return fragment.MergeColumns(values, words.at(4), words.at(5));
    if (verb == "update") return fragment.UpdateColumns(values, words.at(4), words.at(5));
    if (verb == "write") return fragment.WriteColumns(values);
    return arrow::Status::Invalid("there is no ", verb);
  };
  ARROW_ASSIGN_OR_RAISE(const auto made, change());
  return made.ToJson();
}

arrow::Status Run(const std::vector<std::string>& words) {
  if (words.size() < 2) return arrow::Status::Invalid("usage: fragments URI VERB ...");
  if (words[1] == "write_file") return WriteFile(words[0], words.at(2), words.at(3));
  if (words[1] == "read_file") return ReadFile(words[0], words.at(2));
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(words[0]));
  ARROW_ASSIGN_OR_RAISE(const std::string text, Change(dataset, words));
  std::cout << text << std::endl;
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  const arrow::Status status = Run(std::vector<std::string>(argv + 1, argv + argc));
  if (status.ok()) return 0;
  std::cerr << status.ToString() << std::endl;
  return 1;
}
