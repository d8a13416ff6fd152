#include "lines.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace lance::cli {
namespace {

arrow::Status FileError(const std::string& what, const std::string& path) {
  return arrow::Status::IOError("cannot ", what, " ", path, ": ", std::strerror(errno));
}

}  // namespace

arrow::Result<std::vector<std::string>> ReadLines(const std::vector<std::string>& paths) {
  std::vector<std::string> lines;
  for (const std::string& path : paths) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      if (!line.empty()) lines.push_back(line);
    }
    if (!file.eof()) return FileError("read", path);
  }
  return lines;
}

arrow::Status WriteLines(const std::vector<std::string>& lines, const std::string& path) {
  std::ofstream file(path, std::ios::trunc);
  for (const std::string& line : lines) file << line << '\n';
  file.close();
  return file ? arrow::Status::OK() : FileError("write", path);
}

}  // namespace lance::cli
