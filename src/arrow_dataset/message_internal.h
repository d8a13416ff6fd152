/// \file message_internal.h
/// Messages of Protocol Buffers, as far as filters need them.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace lance::inline v0::internal {

/// A message that is written field by field, and read by nobody here.
class Message {
 public:
  /// An integer, a bool or an enum. Negative numbers are those of int32 and int64, not of sint32 and sint64.
  template <std::integral T>
  Message& Integer(int field, T value) {
    Key(field, 0);
    Varint(static_cast<uint64_t>(value));
    return *this;
  }

  Message& Float(int field, float value) {
    Key(field, 5);
    LittleEndian(std::bit_cast<uint32_t>(value));
    return *this;
  }

  Message& Double(int field, double value) {
    Key(field, 1);
    LittleEndian(std::bit_cast<uint64_t>(value));
    return *this;
  }

  Message& Bytes(int field, std::string_view value) {
    Key(field, 2);
    Varint(value.size());
    bytes_.append(value);
    return *this;
  }

  Message& Add(int field, const Message& value) { return Bytes(field, value.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  void Key(int field, uint64_t wire_type) { Varint(static_cast<uint64_t>(field) << 3 | wire_type); }

  void Varint(uint64_t value) {
    for (; value > 0x7f; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }

  template <std::unsigned_integral T>
  void LittleEndian(T value) {
    for (size_t i = 0; i < sizeof(T); ++i) bytes_.push_back(static_cast<char>(value >> 8 * i));
  }

  std::string bytes_;
};

}  // namespace lance::inline v0::internal
