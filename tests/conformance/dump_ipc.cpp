// Reads a dataset through lance-cpp and writes an Arrow IPC stream, whose batches may have dictionaries of
// their own: dump_ipc URI FILE [version=N|tag=NAME|branch=NAME|filter=SQL]...

#include <cstdint>
#include <iostream>
#include <string>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/writer.h"
#include "lance/api.h"

namespace {

arrow::Status Run(int argc, char** argv) {
  if (argc < 3)
    return arrow::Status::Invalid("usage: dump_ipc URI FILE [version=N|tag=NAME|branch=NAME|filter=SQL]...");
  lance::OpenOptions open;
  lance::ScanOptions scan;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    if (key == "version") {
      open.version = std::stoull(value);
    } else if (key == "tag") {
      open.tag = value;
    } else if (key == "branch") {
      open.branch = value;
    } else if (key == "filter") {
      scan.filter = value;
    } else {
      return arrow::Status::Invalid("unknown argument ", argument);
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto dataset, lance::Dataset::Open(argv[1], open));
  ARROW_ASSIGN_OR_RAISE(auto scanner, dataset->Scan(scan));
  ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(argv[2]));
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(file, table->schema()));
  ARROW_RETURN_NOT_OK(writer->WriteTable(*table));
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

}  // namespace

int main(int argc, char** argv) {
  const arrow::Status status = Run(argc, argv);
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
