/// \file text.h
/// Text that is read in pieces of whole records: what CSV and JSON lines have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "arrow/buffer.h"
#include "arrow/io/interfaces.h"
#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/util/compression.h"

namespace lance::cli {

/// Find where the record that begins at `from` ends, its line end included.
///
/// \param[in] last whether no text follows
/// \return the end, or npos when it is not in this text
using RecordEnd = std::function<size_t(std::string_view text, size_t from, bool last)>;

/// Parse whole records. Blank ones may give NULL.
using ParseRecords =
    std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>(const std::shared_ptr<arrow::Buffer>&)>;

/// Say more about the failure of one record.
using Explain =
    std::function<arrow::Status(const std::shared_ptr<arrow::Buffer>& record, const arrow::Status& failure)>;

/// Some whole records.
struct TextChunk {
  std::shared_ptr<arrow::Buffer> text;
  /// Where they begin in the file, counted from 1.
  uint64_t first_line = 1;
};

/// Cuts a file of UTF-8 text, which may be compressed, into whole records.
class TextReader {
 public:
  /// Open a file, and see that it begins like UTF-8 text.
  static arrow::Result<std::unique_ptr<TextReader>> Open(const std::string& path, int32_t block_bytes);

  /// Get the text of the first block.
  std::string_view beginning() const { return rest(); }

  /// Read about a block of records, or one that is larger than a block.
  ///
  /// \param[in] max_records the most records
  /// \return nothing at the end
  arrow::Result<std::optional<TextChunk>> Next(const RecordEnd& record_end, uint64_t max_records);

 private:
  TextReader(int32_t block_bytes, std::unique_ptr<arrow::util::Codec> codec)
      : block_bytes_(block_bytes), codec_(std::move(codec)) {}

  std::string_view rest() const;
  arrow::Status Refill();

  const size_t block_bytes_;
  // In this order: the stream goes first.
  std::unique_ptr<arrow::util::Codec> codec_;
  std::shared_ptr<arrow::io::InputStream> stream_;
  std::shared_ptr<arrow::Buffer> buffer_;
  size_t begin_ = 0;
  bool at_end_ = false;
  uint64_t line_ = 1;
};

/// Whether a text has a number of so many digits that it may be no int64. Arrow infers a floating point type
/// for it, which cannot hold it, where uint64 may.
bool HasWideInteger(std::string_view text);

/// Say in which line of a chunk a failure is: the record with which `parse` fails first.
arrow::Status AtLine(const TextChunk& chunk, const RecordEnd& record_end, const arrow::Status& failure,
                     const std::function<arrow::Status(const std::shared_ptr<arrow::Buffer>&)>& parse,
                     const Explain& explain);

/// The most records whose batch has no more than 64 MiB of values of fixed size.
uint64_t MostRecords(const arrow::Schema& schema);

/// The batches of a text, one for each chunk.
class TextBatches : public arrow::RecordBatchReader {
 public:
  /// \param[in] reader where to go on after `first`
  TextBatches(std::shared_ptr<arrow::Schema> schema, std::unique_ptr<TextReader> reader,
              std::optional<TextChunk> first, RecordEnd record_end, ParseRecords parse, Explain explain);

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  const std::unique_ptr<TextReader> reader_;
  std::optional<TextChunk> first_;
  const RecordEnd record_end_;
  const ParseRecords parse_;
  const Explain explain_;
  const uint64_t max_records_;
};

}  // namespace lance::cli
