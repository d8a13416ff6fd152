/// \file index_build.h
/// What commands that build indices have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "command.h"
#include "flags.h"
#include "lance/api.h"

namespace lance::cli {

/// Shows the stages of a build on a terminal, in one line.
class Stages {
 public:
  ~Stages();
  std::function<void(const IndexProgress&)> Callback();

 private:
  bool is_shown_ = false;
};

/// What is indexed, and how.
struct IndexArgs {
  Source source;
  std::string column;
  IndexType type = IndexType::kBtree;
  IndexOptions index;
};

/// DATASET, COLUMN, --type and --param.
void AddIndex(CLI::App& app, IndexArgs& args);

}  // namespace lance::cli
