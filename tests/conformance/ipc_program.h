/// \file ipc_program.h
/// What the small programs between Lance and Arrow IPC files share.
#pragma once

#include <iostream>
#include <map>
#include <string>

#include "arrow/io/file.h"
#include "arrow/ipc/writer.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/table.h"

namespace lance_test {

using Arguments = std::map<std::string, std::string>;

/// The arguments KEY=VALUE, of which `first` is the first.
inline Arguments ParseArguments(int first, int argc, char** argv) {
  Arguments arguments;
  for (int i = first; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    arguments[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  return arguments;
}

inline arrow::Status WriteIpc(const arrow::Table& table, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::FileOutputStream::Open(path));
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeStreamWriter(file, table.schema()));
  ARROW_RETURN_NOT_OK(writer->WriteTable(table));
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

/// What main() returns. A failure is told.
inline int ExitCode(const arrow::Status& status) {
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}

}  // namespace lance_test
