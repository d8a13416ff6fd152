/// \file allocator.h
/// The memory allocators of the program.
#pragma once

#include <cstdint>

namespace lance::cli {

/// Bound what allocators keep of freed memory. To be called before Arrow is used.
///
/// \param[in] threads how many work at once
void BoundFreeMemory(uint32_t threads);

}  // namespace lance::cli
