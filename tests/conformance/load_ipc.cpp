// Writes an Arrow IPC file into a dataset through lance-cpp:
// load_ipc FILE URI [mode=append|overwrite|message=TEXT|storage=VERSION|rows_per_file=N|stable_row_ids=1]...

#include <cstdint>
#include <iostream>
#include <string>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "lance/api.h"

namespace {

arrow::Result<lance::WriteOptions> ParseOptions(int argc, char** argv) {
  lance::WriteOptions options;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    if (key == "mode") {
      options.mode = value == "append" ? lance::WriteMode::kAppend : lance::WriteMode::kOverwrite;
    } else if (key == "message") {
      options.commit_message = value;
    } else if (key == "storage") {
      options.data_storage_version = value;
    } else if (key == "rows_per_file") {
      options.max_rows_per_file = std::stoull(value);
    } else if (key == "stable_row_ids") {
      options.stable_row_ids = true;
    } else {
      return arrow::Status::Invalid("unknown argument ", argument);
    }
  }
  return options;
}

arrow::Status Run(int argc, char** argv) {
  if (argc < 3) return arrow::Status::Invalid("usage: load_ipc FILE URI [KEY=VALUE]...");
  ARROW_ASSIGN_OR_RAISE(const auto options, ParseOptions(argc, argv));
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(argv[1]));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(argv[2], reader->schema(), options));
  for (int i = 0; i < reader->num_record_batches(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto batch, reader->ReadRecordBatch(i));
    ARROW_RETURN_NOT_OK(writer->Write(*batch));
  }
  return writer->Finish().status();
}

}  // namespace

int main(int argc, char** argv) {
  const arrow::Status status = Run(argc, argv);
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
