#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

namespace lance_test {

/// The bytes of a fuzzer's input as a row of choices. Past the end every byte is 0, and 0 always chooses what
/// is right, so a short input is a well-formed one with few faults.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  uint8_t Byte() { return at_ == end_ ? 0 : *at_++; }

  template <typename T>
  T Raw() {
    T value{};
    const size_t size = std::min(sizeof(T), static_cast<size_t>(end_ - at_));
    if (size > 0) std::memcpy(&value, at_, size);
    at_ += size;
    return value;
  }

  /// A number in 0..n-1.
  int64_t Below(int64_t n) { return Byte() % n; }

  /// A choice that is seldom made.
  bool Seldom() { return Byte() >= 0xf8; }

  template <typename T, size_t n>
  T OneOf(const T (&choices)[n]) {
    return choices[Below(n)];
  }

  /// What is true, or seldom one of the lies.
  template <typename T, size_t n>
  T Or(std::type_identity_t<T> truth, const T (&lies)[n]) {
    return Seldom() ? OneOf(lies) : truth;
  }

  /// Up to `most` bytes, behind their number.
  std::string Text(int64_t most) {
    const auto size = std::min<size_t>(Below(most + 1), end_ - at_);
    std::string text(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return text;
  }

  /// All bytes that are left.
  std::string Rest() {
    std::string text(reinterpret_cast<const char*>(at_), end_ - at_);
    at_ = end_;
    return text;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace lance_test
