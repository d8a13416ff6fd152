/// \file column_encoding.h
/// How single columns are stored.
#pragma once

#include <optional>
#include <string>

#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// How one column is stored. Unset fields leave the choice to the engine.
struct LANCE_EXPORT ColumnEncoding {
  enum class Compression { kNone, kLz4, kZstd, kFsst };
  enum class Structural { kMiniBlock, kFullZip };
  enum class ByteStreamSplit { kOff, kOn, kAuto };

  /// The column, nested ones as "a.b".
  std::string column = {};
  std::optional<Compression> compression = std::nullopt;
  /// The level of zstd or lz4.
  std::optional<int> compression_level = std::nullopt;
  std::optional<Structural> structural = std::nullopt;
  /// Split floating point values into byte streams before compression.
  std::optional<ByteStreamSplit> byte_stream_split = std::nullopt;
  /// Use run-length encoding when runs / values is below this, in 0..1.
  std::optional<double> rle_threshold = std::nullopt;
  /// Use a dictionary when values / distinct values is above this.
  std::optional<int> dictionary_divisor = std::nullopt;
  /// Store the children of a struct together, for random access.
  std::optional<bool> packed_struct = std::nullopt;
};

}  // namespace v0
}  // namespace lance
