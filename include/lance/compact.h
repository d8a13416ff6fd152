/// \file compact.h
/// What compactions return. Dataset::Compact() compacts, CompactOptions says how.
#pragma once

#include <cstdint>
#include <memory>

#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// What a compaction has replaced, by what. All numbers are 0 when there was nothing to compact.
struct LANCE_EXPORT CompactResult {
  /// At the version that was made; of the same version when none was.
  std::shared_ptr<Dataset> dataset = nullptr;
  uint64_t fragments_removed = 0;
  uint64_t fragments_added = 0;
  /// Data and deletion files.
  uint64_t files_removed = 0;
  uint64_t files_added = 0;
  /// Of the new fragments.
  uint64_t rows = 0;
  /// Bytes of the data files that were replaced, as far as sizes are recorded, and of the new ones.
  uint64_t bytes_removed = 0;
  uint64_t bytes_added = 0;
};

}  // namespace v0
}  // namespace lance
