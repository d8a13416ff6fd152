/// \file merge.h
/// The parts of a scan as one stream.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// How parts are read ahead.
struct LANCE_EXPORT MergeOptions {
  /// Parts that are read at once, each by a thread. 0: as many as there are cores, and one more.
  size_t parts_ahead = 0;
  /// The most batches of each of them that wait to be read.
  size_t batches_ahead = 8;
};

/// Read parts side by side, and return their batches part by part, in the order of the parts. Memory is
/// bounded by the batches that wait. An error of a part comes in place of its batches, and ends the stream.
/// Closing or destroying the reader waits for the batches that are being read, and closes the parts.
///
/// \param[in] parts readers of one schema, which nobody else uses from now on
/// \param[in] options how far to read ahead
LANCE_EXPORT arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> MergeOrdered(
    std::vector<std::shared_ptr<arrow::RecordBatchReader>> parts, const MergeOptions& options = {});

}  // namespace v0
}  // namespace lance
