#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "check.h"

namespace lance_test {

/// Bytes that end where memory ends: the library has no sanitizer, but a read or write behind them is a
/// segmentation fault.
class GuardedBytes {
 public:
  GuardedBytes() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void* pages = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Check(pages != MAP_FAILED, "two pages can be mapped");
    pages_ = static_cast<uint8_t*>(pages);
    Check(mprotect(pages_ + page_, page_, PROT_NONE) == 0, "a page can be protected");
  }
  ~GuardedBytes() { munmap(pages_, 2 * page_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  /// Place `size` bytes, the first of them a copy of `value`, as near to the end as their alignment allows.
  template <typename T>
  T* Place(const T& value, size_t size) {
    const size_t aligned = (size + alignof(T) - 1) / alignof(T) * alignof(T);
    uint8_t* at = pages_ + page_ - aligned;
    std::memset(at, 0xa5, aligned);
    std::memcpy(at, &value, size < sizeof(T) ? size : sizeof(T));
    return reinterpret_cast<T*>(at);
  }

 private:
  size_t page_;
  uint8_t* pages_;
};

}  // namespace lance_test
