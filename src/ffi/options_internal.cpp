#include "ffi/options_internal.h"

#include "arrow/buffer.h"
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

namespace {

template <typename Pairs>
std::vector<LanceKeyValue> PairsToC(const Pairs& pairs) {
  std::vector<LanceKeyValue> out;
  out.reserve(pairs.size());
  for (const auto& [key, value] : pairs) out.push_back({TextC(key), TextC(value)});
  return out;
}

/// Values, none of which is not NULL.
template <typename T>
std::span<const T> SpanOf(const T* values, size_t count) {
  static constexpr T kNone[1] = {};
  return {count == 0 ? kNone : values, count};
}

}  // namespace

std::vector<LanceKeyValue> ToC(const std::map<std::string, std::string>& map) { return PairsToC(map); }

std::vector<LanceKeyValue> ToC(const std::vector<std::pair<std::string, std::string>>& pairs) {
  return PairsToC(pairs);
}

std::span<const uint64_t> SpanOf(const std::vector<uint64_t>& numbers) {
  return {numbers.data(), numbers.size()};
}

std::span<const uint64_t> SpanOf(const std::optional<std::vector<uint64_t>>& numbers) {
  return numbers.has_value() ? SpanOf(numbers->data(), numbers->size()) : std::span<const uint64_t>();
}

std::span<const uint8_t> SpanOf(const std::shared_ptr<arrow::Buffer>& bytes) {
  if (bytes == nullptr) return {};
  return SpanOf(bytes->data(), static_cast<size_t>(bytes->size()));
}

arrow::Result<NamesC> NamesC::Make(const std::vector<std::string>& names, const char* what) {
  return names.empty() ? NamesC() : MakeGiven(names, what);
}

arrow::Result<NamesC> NamesC::MakeGiven(const std::vector<std::string>& names, const char* what) {
  NamesC out;
  out.names_.reserve(names.size() + 1);
  for (const std::string& name : names) {
    ARROW_ASSIGN_OR_RAISE(out.names_.emplace_back(), ToC(name, what));
  }
  out.names_.push_back(nullptr);
  return out;
}

arrow::Result<NamesC> NamesC::Make(const std::optional<std::vector<std::string>>& names, const char* what) {
  return names.has_value() ? MakeGiven(*names, what) : NamesC();
}

}  // namespace lance::inline v0::internal
