/// \file options_internal.h
/// Values as the C ABI takes them. The C side borrows its strings from the public structs. What is out of
/// range, or is text that the engine cannot have, is refused behind the C ABI.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/c/base.h"

namespace lance::inline v0::internal {

/// Borrow a name; one with an embedded NUL, which C would cut short, is an error that says `what` it is.
arrow::Result<const char*> ToC(const std::string& name, const char* what);
/// As above; NULL when unset.
arrow::Result<const char*> ToC(const std::optional<std::string>& name, const char* what);

/// Borrow free text, of any length.
LanceText TextC(const std::string& text);
/// As above; no text when unset.
LanceText TextC(const std::optional<std::string>& text);

std::vector<LanceKeyValue> ToC(const std::map<std::string, std::string>& map);
std::vector<LanceKeyValue> ToC(const std::vector<std::pair<std::string, std::string>>& pairs);

/// Borrow numbers; NULL when unset, which an empty list is not.
std::span<const uint64_t> SpanOf(const std::vector<uint64_t>& numbers);
std::span<const uint64_t> SpanOf(const std::optional<std::vector<uint64_t>>& numbers);

/// Borrow bytes in memory of the CPU; NULL when there are none.
std::span<const uint8_t> SpanOf(const std::shared_ptr<arrow::Buffer>& bytes);

/// A number, or what stands for an unset one: an end of the type's range. In place of that number itself goes
/// the one beside it, which means the same: no bound, or out of range.
template <typename T>
T ToC(const std::optional<T>& number, std::type_identity_t<T> unset) {
  if (number == unset) return unset == std::numeric_limits<T>::max() ? unset - 1 : unset + 1;
  return number.value_or(unset);
}

inline int64_t ToC(const std::optional<std::chrono::seconds>& seconds, int64_t unset) {
  const auto count = seconds.has_value() ? std::optional<int64_t>(seconds->count()) : std::nullopt;
  return ToC(count, unset);
}

/// A list of names, or NULL for none given.
class NamesC {
 public:
  static arrow::Result<NamesC> Make(const std::vector<std::string>& names, const char* what);
  static arrow::Result<NamesC> Make(const std::optional<std::vector<std::string>>& names, const char* what);
  /// They are borrowed.
  static arrow::Result<NamesC> Make(std::vector<std::string>&& names, const char* what) = delete;
  static arrow::Result<NamesC> Make(std::optional<std::vector<std::string>>&& names,
                                    const char* what) = delete;

  const char* const* data() const { return names_.empty() ? nullptr : names_.data(); }
  size_t size() const { return names_.empty() ? 0 : names_.size() - 1; }

 private:
  static arrow::Result<NamesC> MakeGiven(const std::vector<std::string>& names, const char* what);

  /// The names and a NULL, so that an empty list differs from none.
  std::vector<const char*> names_;
};

}  // namespace lance::inline v0::internal
