#include "lance/storage_options.h"

namespace lance::inline v0 {

StorageOptions& StorageOptions::Set(std::string key, std::string value) {
  options_.insert_or_assign(std::move(key), std::move(value));
  return *this;
}

std::string StorageOptions::ToString() const {
  std::string out = "{";
  for (const auto& [key, value] : options_) {
    if (out.size() > 1) out += ", ";
    out += key + "=***";
  }
  return out + "}";
}

}  // namespace lance::inline v0
