/// \file storage_options.h
/// Credentials and settings of object stores.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <utility>

#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Credentials and settings of an object store, by the names `object_store` gives them
/// (`aws_access_key_id`, `aws_endpoint`, `account_name`, ...). Printing shows the keys only.
class LANCE_EXPORT StorageOptions {
 public:
  StorageOptions() = default;
  StorageOptions(std::initializer_list<std::pair<const std::string, std::string>> options)
      : options_(options) {}

  /// Set an option, replacing its earlier value.
  StorageOptions& Set(std::string key, std::string value);

  bool empty() const { return options_.empty(); }
  const std::map<std::string, std::string>& map() const { return options_; }

  /// Describe as "{key=***, ...}": values never appear.
  std::string ToString() const;

 private:
  std::map<std::string, std::string> options_ = {};
};

}  // namespace v0
}  // namespace lance
