#include "ffi/options_internal.h"

#include "ffi/error_internal.h"

namespace lance::inline v0::internal {

arrow::Result<const char*> ToC(const std::string& name, const char* what) {
  if (name.find('\0') != std::string::npos) {
    return MakeStatus(ErrorCode::kInvalidArgument, std::string(what) + " contains a NUL character");
  }
  return name.c_str();
}

arrow::Result<const char*> ToC(const std::optional<std::string>& name, const char* what) {
  if (!name.has_value()) return nullptr;
  return ToC(*name, what);
}

LanceText TextC(const std::string& text) { return {text.data(), text.size()}; }

LanceText TextC(const std::optional<std::string>& text) {
  return text.has_value() ? TextC(*text) : LANCE_NO_TEXT;
}

std::vector<LanceKeyValue> ToC(const std::map<std::string, std::string>& map) {
  std::vector<LanceKeyValue> out;
  out.reserve(map.size());
  for (const auto& [key, value] : map) out.push_back({TextC(key), TextC(value)});
  return out;
}

arrow::Result<NamesC> NamesC::Make(const std::vector<std::string>& names, const char* what) {
  NamesC out;
  out.names_.reserve(names.size() + 1);
  for (const std::string& name : names) {
    ARROW_ASSIGN_OR_RAISE(out.names_.emplace_back(), ToC(name, what));
  }
  out.names_.push_back(nullptr);
  return out;
}

arrow::Result<NamesC> NamesC::Make(const std::optional<std::vector<std::string>>& names, const char* what) {
  return names.has_value() ? Make(*names, what) : NamesC();
}

}  // namespace lance::inline v0::internal
