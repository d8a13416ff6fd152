/// \file temp_dir.h
/// A directory that lives as long as a test.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lance_test {

/// A new, empty directory, removed with everything in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// The path of an entry, whether or not it exists.
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The regular files below a directory, as sorted relative paths; none when it does not exist.
std::vector<std::string> ListFiles(const std::filesystem::path& directory);

}  // namespace lance_test
