#pragma once

#include <initializer_list>
#include <iostream>
#include <string>
#include <utility>

namespace lance_test {

/// Prints the figures of one row of docs/reliability.md, which is generated from the test log.
inline void Figure(const std::string& row,
                   std::initializer_list<std::pair<std::string, std::string>> values) {
  std::cout << "\n[figure] " << row;
  for (const auto& [name, value] : values) std::cout << ' ' << name << '=' << value;
  std::cout << std::endl;
}

}  // namespace lance_test
