/// \file store_arguments.h
/// Storage options on the command line of a test program.
#pragma once

#include <string>

#include "arrow/util/logging.h"
#include "lance/options.h"

namespace lance_test {

/// The arguments from `first` on, each KEY=VALUE.
inline lance::StorageOptions StorageFrom(int argc, char** argv, int first) {
  lance::StorageOptions storage;
  for (int i = first; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    ARROW_CHECK(equals != std::string::npos) << "not KEY=VALUE";
    storage.Set(argument.substr(0, equals), argument.substr(equals + 1));
  }
  return storage;
}

}  // namespace lance_test
