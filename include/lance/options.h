/// \file options.h
/// Options of all operations. Unset optionals take the default named in their comment.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Credentials and settings of an object store, by the names `object_store` gives them
/// (`aws_access_key_id`, `aws_endpoint`, `account_name`, ...). Printing shows the keys only.
class LANCE_EXPORT StorageOptions {
 public:
  StorageOptions() = default;
  StorageOptions(std::initializer_list<std::pair<const std::string, std::string>> options)
      : options_(options) {}

  /// Set an option, replacing its earlier value.
  StorageOptions& Set(std::string key, std::string value);

  bool empty() const { return options_.empty(); }
  const std::map<std::string, std::string>& map() const { return options_; }

  /// Describe as "{key=***, ...}": values never appear.
  std::string ToString() const;

 private:
  std::map<std::string, std::string> options_ = {};
};

/// Which version of a dataset to open.
struct LANCE_EXPORT OpenOptions {
  /// Default: the latest version.
  std::optional<uint64_t> version = std::nullopt;
  /// The version this tag points to. Excludes `version` and `branch`.
  std::optional<std::string> tag = std::nullopt;
  /// Default: main.
  std::optional<std::string> branch = std::nullopt;
  StorageOptions storage = {};
};

/// What a scan returns.
struct LANCE_EXPORT ScanOptions {
  /// Columns to read. Default: all. An empty list reads none. Upper and lower case differ. "a.b" is the field
  /// b of the struct a, and comes as a column "a.b"; odd names stand in backticks. `_rowid`, `_rowaddr` and
  /// `_rowoffset` may be named too. A name that does not exist, or comes twice, is an error.
  std::optional<std::vector<std::string>> columns = std::nullopt;
  /// One SQL expression. Default: all rows.
  std::optional<std::string> filter = std::nullopt;
  /// The most rows to return. Default: no limit.
  std::optional<int64_t> limit = std::nullopt;
  /// Rows to skip first.
  int64_t offset = 0;
  /// The most rows per batch. Default: 8192, or 16384 where a filter takes out most of short rows. Of wide
  /// rows a batch has fewer, about as many as take 32 MiB.
  std::optional<int64_t> batch_size = std::nullopt;
  /// Add the column `_rowid`.
  bool with_row_id = false;
  /// Add the column `_rowaddr`.
  bool with_row_address = false;
  /// Return rows in dataset order; otherwise in the order they become ready.
  bool ordered = true;
  /// Batches decoded ahead of the reader. Default: the number of cores.
  std::optional<int32_t> batch_readahead = std::nullopt;
  /// Bytes read ahead of the decoder, exceeded only where it could not go on otherwise. Default: the
  /// environment variable `LANCE_DEFAULT_IO_BUFFER_SIZE`, or else 32 MiB for local files, and from an object
  /// store 32 MiB for each read at once.
  std::optional<uint64_t> io_buffer_bytes = std::nullopt;
};

enum class WriteMode : int {
  /// Make a new dataset; an existing one is an error.
  kCreate = 0,
  /// Add rows to a dataset, which must exist.
  kAppend = 1,
  /// Replace rows and schema in a new version; make the dataset if it does not exist.
  kOverwrite = 2,
};

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

/// How much a writer has taken in and written so far.
struct LANCE_EXPORT WriteStats {
  /// Accepted by the writer: batches, rows, and their bytes in memory.
  uint64_t batches = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  /// Bytes accepted but not encoded yet, now and at most.
  uint64_t bytes_in_flight = 0;
  uint64_t peak_bytes_in_flight = 0;
  /// Encoded rows, bytes handed to the store, completed data files.
  uint64_t rows_written = 0;
  uint64_t bytes_written = 0;
  uint64_t files_written = 0;
};

/// How a LanceWriter writes.
struct LANCE_EXPORT WriteOptions {
  WriteMode mode = WriteMode::kCreate;
  /// Ordered sub-streams, each with an encoder of its own (see LanceWriter).
  uint32_t lanes = 1;
  /// Keep the order of batches given to Write() by feeding lane 0 only. When false they go to whichever
  /// lane is free.
  bool preserve_order = true;
  /// The bound on bytes accepted but not encoded. Default: per lane 48 MiB, and with more than 96 columns
  /// 512 KiB for each of them; at least 64 MiB in all.
  std::optional<uint64_t> max_bytes_in_flight = std::nullopt;
  /// Start a new file after so many rows. Default: 1,048,576; at most 4,294,967,295.
  std::optional<uint64_t> max_rows_per_file = std::nullopt;
  /// Start a new file after about so many bytes. Default: 90 GiB.
  std::optional<uint64_t> max_bytes_per_file = std::nullopt;
  /// "2.0", "2.1", "2.2", "2.3", "stable" or "next". Default: the dataset's; "2.2" for a new one.
  std::optional<std::string> data_storage_version = std::nullopt;
  /// Make row ids survive compaction. That is decided when a dataset is made: asked of one that has none, it
  /// is an error.
  bool stable_row_ids = false;
  /// Make a successful commit survive a power failure: sync files before they get their names, and the
  /// directories after. Costs about the time the disk needs to write. Object stores always store durably.
  bool durable = false;
  /// Bytes of a lane's batches that are encoded together, to a page of each column or more. Default: 24 MiB,
  /// and 256 KiB for each column when that is more. At most 1 GiB, and three quarters of a lane's share of
  /// `max_bytes_in_flight`.
  std::optional<uint64_t> encoder_cache_bytes = std::nullopt;
  /// The largest page in bytes. Default: the engine's.
  std::optional<uint64_t> max_page_bytes = std::nullopt;
  /// A message kept with the version.
  std::optional<std::string> commit_message = std::nullopt;
  /// Properties kept with the version.
  std::map<std::string, std::string> transaction_properties = {};
  /// Give columns without an encoding of their own one that was measured to pay: decimals are stored with
  /// LZ4, short strings in dictionaries, 64-bit integers without one unless few differ, and values that
  /// rarely repeat never as runs. The schema of the dataset does not change. False leaves the choice to the
  /// engine.
  bool tuned_encodings = true;
  /// Per-column encodings. The schema keeps them in the metadata of its fields. Of a dataset that is appended
  /// to, they have to be its own.
  std::vector<ColumnEncoding> encodings = {};
  StorageOptions storage = {};
  /// Called now and then on a library thread while data is encoded, and by Finish() at the end; it must be
  /// quick and must not call this library. An exception it throws is dropped.
  std::function<void(const WriteStats&)> progress = {};
};

}  // namespace v0
}  // namespace lance
