#include "inputs/parquet.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "arrow/io/file.h"
#include "arrow/io/memory.h"
#include "arrow/ipc/dictionary.h"
#include "arrow/ipc/reader.h"
#include "arrow/ipc/writer.h"
#include "arrow/record_batch.h"
#include "arrow/table.h"
#include "arrow/type.h"
#include "arrow/util/base64.h"
#include "arrow/util/byte_size.h"
#include "arrow/util/key_value_metadata.h"
#include "parquet/arrow/reader.h"
#include "parquet/column_page.h"
#include "parquet/column_reader.h"
#include "parquet/file_reader.h"
#include "parquet/metadata.h"
#include "parquet/properties.h"

namespace lance::cli {
namespace {

using arrow::Status;
using MetadataPtr = std::shared_ptr<parquet::FileMetaData>;

/// How much of each column is read at a time.
constexpr int64_t kBufferBytes = 256 << 10;
/// A batch has no more, unless one row does.
constexpr int64_t kBatchBytes = 16 << 20;
/// How many rows the first batch of a row group has. Each one tells how large the next may be.
constexpr int64_t kFirstRows = 16;

parquet::ReaderProperties BufferedReading() {
  // Pages are read when their rows are due, not whole row groups.
  parquet::ReaderProperties properties;
  properties.enable_buffered_stream();
  properties.set_buffer_size(kBufferBytes);
  return properties;
}

arrow::Result<std::unique_ptr<parquet::arrow::FileReader>> OpenFile(const std::string& path,
                                                                    arrow::TimeUnit::type int96_unit,
                                                                    MetadataPtr metadata) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_pre_buffer(false);
  properties.set_coerce_int96_timestamp_unit(int96_unit);
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(std::move(file), BufferedReading(), std::move(metadata)));
  builder.properties(properties);
  return builder.Build();
}

std::shared_ptr<arrow::DataType> WithoutViews(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    default:
      return type;
  }
}

/// Let columns that the writer of a file had as views be read as strings, which is what is stored of them: to
/// build views of each value, check and join them takes a tenth of an import.
Status ReadViewsAsStrings(parquet::FileMetaData& metadata) {
  const std::string kKey = "ARROW:schema";
  // Made for this file alone, when its footer was read.
  const auto entries = std::const_pointer_cast<arrow::KeyValueMetadata>(metadata.key_value_metadata());
  if (entries == nullptr || !entries->Contains(kKey)) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(const std::string text, entries->Get(kKey));
  ARROW_ASSIGN_OR_RAISE(std::string bytes, arrow::util::base64_decode(text));
  arrow::io::BufferReader stored(arrow::Buffer::FromString(std::move(bytes)));
  arrow::ipc::DictionaryMemo dictionaries;
  ARROW_ASSIGN_OR_RAISE(auto schema, arrow::ipc::ReadSchema(&stored, &dictionaries));
  for (int i = 0; i < schema->num_fields(); ++i) {
    const auto field = schema->field(i);
    ARROW_ASSIGN_OR_RAISE(schema, schema->SetField(i, field->WithType(WithoutViews(field->type()))));
  }
  ARROW_ASSIGN_OR_RAISE(const auto changed, arrow::ipc::SerializeSchema(*schema));
  return entries->Set(kKey, arrow::util::base64_encode(std::string_view(*changed)));
}

/// How long the longest value in the dictionary of a column is, which any number of rows may have: a
/// dictionary makes a small file of gigabytes of text. 0 if there is no dictionary.
int64_t LongestDictionaryEntry(parquet::RowGroupReader& group, int column) {
  const parquet::ColumnDescriptor& leaf = *group.metadata()->schema()->Column(column);
  if (leaf.physical_type() == parquet::Type::FIXED_LEN_BYTE_ARRAY) return leaf.type_length();
  if (leaf.physical_type() != parquet::Type::BYTE_ARRAY) return 0;
  const std::shared_ptr<parquet::Page> page = group.GetColumnPageReader(column)->NextPage();
  if (page == nullptr || page->type() != parquet::PageType::DICTIONARY_PAGE) return 0;
  int64_t longest = 0;
  const uint8_t* at = page->data();
  for (int64_t left = page->size(); left >= static_cast<int64_t>(sizeof(uint32_t));) {
    uint32_t length = 0;
    std::memcpy(&length, at, sizeof(length));
    longest = std::max<int64_t>(longest, length);
    left -= static_cast<int64_t>(sizeof(length)) + length;
    if (left > 0) at += sizeof(length) + length;
  }
  return longest;
}

/// The rows of a row group, in batches that are bounded by bytes.
class RowGroupBatches : public arrow::RecordBatchReader {
 public:
  static arrow::Result<std::shared_ptr<RowGroupBatches>> Open(const std::string& path,
                                                              arrow::TimeUnit::type int96_unit,
                                                              const MetadataPtr& metadata, int group,
                                                              int64_t max_rows) {
    std::shared_ptr<RowGroupBatches> batches(new RowGroupBatches);
    // Columns are read over all row groups that a file has.
    ARROW_ASSIGN_OR_RAISE(batches->file_, OpenFile(path, int96_unit, metadata->Subset({group})));
    ARROW_RETURN_NOT_OK(batches->file_->GetSchema(&batches->schema_));
    batches->columns_.resize(static_cast<size_t>(batches->schema_->num_fields()));
    for (int i = 0; i < batches->schema_->num_fields(); ++i) {
      ARROW_RETURN_NOT_OK(batches->file_->GetColumn(i, &batches->columns_[static_cast<size_t>(i)]));
    }
    batches->left_ = metadata->RowGroup(group)->num_rows();
    const auto reader = batches->file_->parquet_reader()->RowGroup(0);
    int64_t longest = 1;
    for (int i = 0; i < metadata->num_columns(); ++i) longest += LongestDictionaryEntry(*reader, i);
    batches->max_rows_ = std::clamp<int64_t>(kBatchBytes / longest, 1, max_rows);
    batches->next_rows_ = std::min(kFirstRows, batches->max_rows_);
    return batches;
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    *out = nullptr;
    if (chunks_ != nullptr) ARROW_RETURN_NOT_OK(chunks_->ReadNext(out));
    if (*out != nullptr) return Status::OK();
    if (left_ == 0) return CheckEnd();
    const int64_t rows = std::min(next_rows_, left_);
    ARROW_ASSIGN_OR_RAISE(table_, Read(rows));
    left_ -= rows;
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(*table_));
    const int64_t of_row = std::max<int64_t>(1, bytes / rows);
    next_rows_ = std::clamp<int64_t>(std::min(2 * rows, kBatchBytes / of_row), 1, max_rows_);
    // Values of a column that are too much for one array come as several.
    chunks_ = std::make_unique<arrow::TableBatchReader>(*table_);
    return chunks_->ReadNext(out);
  }

 private:
  RowGroupBatches() = default;

  arrow::Result<std::shared_ptr<arrow::Table>> Read(int64_t rows) {
    arrow::ChunkedArrayVector columns(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
      ARROW_RETURN_NOT_OK(columns_[i]->NextBatch(rows, &columns[i]));
      if (columns[i]->length() == rows) continue;
      return InColumn(schema_->field(static_cast<int>(i))->name(),
                      Status::Invalid("damaged: its pages hold fewer rows than the footer counts"));
    }
    return arrow::Table::Make(schema_, std::move(columns), rows);
  }

  Status CheckEnd() {
    for (size_t i = 0; i < columns_.size(); ++i) {
      std::shared_ptr<arrow::ChunkedArray> more;
      ARROW_RETURN_NOT_OK(columns_[i]->NextBatch(1, &more));
      if (more->length() == 0) continue;
      return InColumn(schema_->field(static_cast<int>(i))->name(),
                      Status::Invalid("damaged: its pages hold more rows than the footer counts"));
    }
    return Status::OK();
  }

  // In this order: what reads from the file goes first.
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::vector<std::unique_ptr<parquet::arrow::ColumnReader>> columns_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Table> table_;
  std::unique_ptr<arrow::TableBatchReader> chunks_;
  int64_t left_ = 0;
  int64_t max_rows_ = 1;
  int64_t next_rows_ = 1;
};

/// What the timestamps of a file that are stored as INT96 need.
struct Int96Range {
  bool beyond_nanoseconds = false;
  bool below_microseconds = false;
  bool beyond_microseconds = false;

  void Add(const parquet::Int96& value) {
    constexpr int64_t kJulianDayOf1970 = 2'440'588;
    constexpr int64_t kNanosOfDay = 86'400'000'000'000;
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    const int64_t day = static_cast<int64_t>(value.value[2]) - kJulianDayOf1970;
    uint64_t nanos = 0;
    std::memcpy(&nanos, value.value.data(), sizeof(nanos));
    // A day less, for the time of the day.
    if (std::abs(day) > kMax / kNanosOfDay - 1) beyond_nanoseconds = true;
    if (std::abs(day) > kMax / (kNanosOfDay / 1000) - 1) beyond_microseconds = true;
    if (nanos > static_cast<uint64_t>(kNanosOfDay)) beyond_microseconds = true;
    if (nanos % 1000 != 0) below_microseconds = true;
  }
};

/// Look at every timestamp that is stored as INT96. The format's statistics do not tell their range.
Int96Range FindInt96Range(parquet::ParquetFileReader& file) {
  constexpr int64_t kStep = 4096;
  std::vector<int16_t> definitions(kStep);
  std::vector<int16_t> repetitions(kStep);
  std::vector<parquet::Int96> values(kStep);
  Int96Range range;
  const MetadataPtr metadata = file.metadata();
  for (int column = 0; column < metadata->num_columns(); ++column) {
    if (metadata->schema()->Column(column)->physical_type() != parquet::Type::INT96) continue;
    for (int group = 0; group < metadata->num_row_groups(); ++group) {
      const auto reader =
          std::static_pointer_cast<parquet::Int96Reader>(file.RowGroup(group)->Column(column));
      while (reader->HasNext()) {
        int64_t count = 0;
        const int64_t levels =
            reader->ReadBatch(kStep, definitions.data(), repetitions.data(), values.data(), &count);
        if (levels == 0 && count == 0) break;
        for (int64_t i = 0; i < count; ++i) range.Add(values[static_cast<size_t>(i)]);
      }
    }
  }
  return range;
}

arrow::Result<arrow::TimeUnit::type> Int96Unit(parquet::ParquetFileReader& file, Input* input) {
  const Int96Range range = FindInt96Range(file);
  if (range.beyond_microseconds) return Status::Invalid("a timestamp of type INT96 is out of range");
  if (!range.beyond_nanoseconds) return arrow::TimeUnit::NANO;
  if (range.below_microseconds) {
    input->notes.push_back("timestamps of type INT96 are beyond the years 1677 to 2262: cut to microseconds");
  }
  return arrow::TimeUnit::MICRO;
}

}  // namespace

Status InspectParquet(const std::string& path, const InputOptions& options, Input* input) {
  ARROW_ASSIGN_OR_RAISE(auto file, OpenFile(path, arrow::TimeUnit::NANO, nullptr));
  ARROW_ASSIGN_OR_RAISE(const auto int96_unit, Int96Unit(*file->parquet_reader(), input));
  const MetadataPtr metadata = file->parquet_reader()->metadata();
  ARROW_RETURN_NOT_OK(ReadViewsAsStrings(*metadata));
  ARROW_ASSIGN_OR_RAISE(file, OpenFile(path, int96_unit, metadata));
  ARROW_RETURN_NOT_OK(file->GetSchema(&input->schema));
  uint64_t rows = 0;
  for (int group = 0; group < metadata->num_row_groups(); ++group) {
    const auto row_group = metadata->RowGroup(group);
    if (row_group->num_rows() < 0)
      return Status::Invalid("damaged: a row group of ", row_group->num_rows(), " rows");
    const auto open = [=, max_rows = options.batch_rows] {
      return RowGroupBatches::Open(path, int96_unit, metadata, group, max_rows);
    };
    input->parts.push_back(
        {.open = open, .bytes = static_cast<uint64_t>(row_group->total_byte_size()), .first_row = rows});
    rows += static_cast<uint64_t>(row_group->num_rows());
  }
  if (static_cast<int64_t>(rows) != metadata->num_rows()) {
    return Status::Invalid("damaged: the footer counts ", metadata->num_rows(), " rows, its row groups ",
                           rows);
  }
  input->rows = rows;
  return Status::OK();
}

}  // namespace lance::cli
