/// \file owned_bytes_internal.h
/// Bytes that a function of the C ABI has returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include "arrow/buffer.h"
#include "lance/c/lance.h"

namespace lance::inline v0::internal {

/// Own them: the buffer frees them.
inline std::shared_ptr<arrow::Buffer> OwnBytes(uint8_t* bytes, size_t length) {
  class OwnedBytes : public arrow::Buffer {
   public:
    OwnedBytes(uint8_t* bytes, size_t length) : Buffer(bytes, static_cast<int64_t>(length)) {}
    OwnedBytes(const OwnedBytes&) = delete;
    OwnedBytes& operator=(const OwnedBytes&) = delete;
    ~OwnedBytes() override { lance_bytes_free(const_cast<uint8_t*>(data()), static_cast<size_t>(size())); }
  };
  return std::make_shared<OwnedBytes>(bytes, length);
}

/// An output that is bytes.
struct BytesOut {
  uint8_t* bytes = nullptr;
  size_t length = 0;
  auto pointers() { return std::make_tuple(&bytes, &length); }
  std::shared_ptr<arrow::Buffer> Take() { return OwnBytes(std::exchange(bytes, nullptr), length); }
};

}  // namespace lance::inline v0::internal
