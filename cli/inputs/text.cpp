#include "inputs/text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/io/compressed.h"
#include "arrow/io/file.h"
#include "arrow/type.h"

namespace lance::cli {
namespace {

using arrow::Compression;
using arrow::Status;
using std::string_view_literals::operator""sv;

constexpr size_t kLargestRecord = 256 << 20;
constexpr size_t kLongestMagic = 10;

struct Compressed {
  size_t at;
  std::string_view magic;
  Compression::type type;
};

constexpr Compressed kCompressed[] = {
    {0, "\x1f\x8b"sv, Compression::GZIP},
    {0, "\x28\xb5\x2f\xfd"sv, Compression::ZSTD},
    {0, "\x04\x22\x4d\x18"sv, Compression::LZ4_FRAME},
    // "BZh" before it may be text.
    {4, "1AY&SY"sv, Compression::BZ2},
};

struct Foreign {
  std::string_view magic;
  std::string_view advice;
};

constexpr Foreign kForeign[] = {
    {"PAR1\x15"sv, "is a Parquet file; use --format parquet"},
    {"ARROW1\0"sv, "is an Arrow file; use --format arrow"},
    {"PK\x03\x04"sv, "is a ZIP archive; unpack it first"},
    {"\xfd"
     "7zXZ"sv,
     "is compressed by xz; unpack it first"},
    {"\xff\xfe\0\0"sv, "is UTF-32 text; convert it, for example with iconv -f UTF-32 -t UTF-8"},
    {"\0\0\xfe\xff"sv, "is UTF-32 text; convert it, for example with iconv -f UTF-32 -t UTF-8"},
    {"\xff\xfe"sv, "is UTF-16 text; convert it, for example with iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff"sv, "is UTF-16 text; convert it, for example with iconv -f UTF-16 -t UTF-8"},
};

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Status CheckBeginning(std::string_view text) {
  for (const auto& [magic, advice] : kForeign) {
    if (text.starts_with(magic)) return Status::Invalid(advice);
  }
  if (text.substr(0, 2).find('\0') != std::string_view::npos) {
    return Status::Invalid("begins with a zero byte; if it is UTF-16 text, convert it, for example with ",
                           text[0] == '\0' ? "iconv -f UTF-16BE -t UTF-8" : "iconv -f UTF-16LE -t UTF-8");
  }
  return Status::OK();
}

std::string_view View(const arrow::Buffer& buffer) { return std::string_view(buffer); }

uint64_t CountLines(std::string_view text) {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

/// How many values a row has at least, each of which takes memory even where the text has none for it.
uint64_t CountLeaves(const arrow::FieldVector& fields) {
  uint64_t leaves = 0;
  for (const auto& field : fields) leaves += std::max<uint64_t>(1, CountLeaves(field->type()->fields()));
  return leaves;
}

}  // namespace

arrow::Result<std::unique_ptr<TextReader>> TextReader::Open(const std::string& path, int32_t block_bytes) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  std::array<char, kLongestMagic> start{};
  ARROW_ASSIGN_OR_RAISE(const int64_t length, file->ReadAt(0, start.size(), start.data()));
  ARROW_RETURN_NOT_OK(file->Seek(0));
  std::unique_ptr<arrow::util::Codec> codec;
  const std::string_view beginning(start.data(), static_cast<size_t>(length));
  for (const auto& [at, magic, type] : kCompressed) {
    if (beginning.size() < at || !beginning.substr(at).starts_with(magic)) continue;
    ARROW_ASSIGN_OR_RAISE(codec, arrow::util::Codec::Create(type));
  }
  std::unique_ptr<TextReader> reader(new TextReader(block_bytes, std::move(codec)));
  if (reader->codec_ == nullptr) {
    reader->stream_ = file;
  } else {
    ARROW_ASSIGN_OR_RAISE(reader->stream_,
                          arrow::io::CompressedInputStream::Make(reader->codec_.get(), file));
  }
  ARROW_RETURN_NOT_OK(reader->Refill());
  ARROW_RETURN_NOT_OK(CheckBeginning(reader->rest()));
  if (reader->rest().starts_with(kByteOrderMark)) reader->begin_ += kByteOrderMark.size();
  return reader;
}

std::string_view TextReader::rest() const {
  return buffer_ == nullptr ? std::string_view() : View(*buffer_).substr(begin_);
}

/// Read on. As much again as there is, so that a large record is not looked through too often.
Status TextReader::Refill() {
  const std::string_view before = rest();
  const size_t more = std::max(block_bytes_, before.size());
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::ResizableBuffer> buffer,
                        arrow::AllocateResizableBuffer(static_cast<int64_t>(before.size() + more)));
  if (!before.empty()) std::memcpy(buffer->mutable_data(), before.data(), before.size());
  size_t size = before.size();
  // A stream that decompresses may give less than it is asked for.
  while (size < before.size() + more && !at_end_) {
    ARROW_ASSIGN_OR_RAISE(const int64_t read, stream_->Read(static_cast<int64_t>(before.size() + more - size),
                                                            buffer->mutable_data() + size));
    size += static_cast<size_t>(read);
    at_end_ = read == 0;
  }
  ARROW_RETURN_NOT_OK(buffer->Resize(static_cast<int64_t>(size), /*shrink_to_fit=*/false));
  buffer_ = std::move(buffer);
  begin_ = 0;
  return Status::OK();
}

arrow::Result<std::optional<TextChunk>> TextReader::Next(const RecordEnd& record_end, uint64_t max_records) {
  ARROW_RETURN_NOT_OK(CheckInterrupt());
  while (true) {
    size_t end = 0;
    for (uint64_t records = 0; records < max_records && end < rest().size(); ++records) {
      const size_t next = record_end(rest(), end, at_end_);
      if (next == std::string_view::npos) break;
      end = next;
    }
    if (end > 0) {
      TextChunk chunk{arrow::SliceBuffer(buffer_, static_cast<int64_t>(begin_), static_cast<int64_t>(end)),
                      line_};
      begin_ += end;
      line_ += CountLines(View(*chunk.text));
      return chunk;
    }
    if (at_end_ && rest().empty()) return std::nullopt;
    if (at_end_) return Status::Invalid("line ", line_, ": a quote is never closed");
    if (rest().size() > std::max(kLargestRecord, block_bytes_)) {
      return Status::Invalid("line ", line_, ": a record of more than ", kLargestRecord >> 20,
                             " MiB; perhaps a quote is never closed");
    }
    ARROW_RETURN_NOT_OK(Refill());
  }
}

bool HasWideInteger(std::string_view text) {
  constexpr int kDigits = 19;
  int digits = 0;
  return std::ranges::any_of(text, [&digits](char c) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    return digits == kDigits;
  });
}

Status AtLine(const TextChunk& chunk, const RecordEnd& record_end, const Status& failure,
              const std::function<Status(const std::shared_ptr<arrow::Buffer>&)>& parse,
              const Explain& explain) {
  const std::string_view text = View(*chunk.text);
  std::vector<size_t> ends;
  for (size_t end = 0; end < text.size(); ends.push_back(end)) {
    end = std::min(text.size(), record_end(text, end, /*last=*/true));
  }
  Status first = failure;
  const auto fails = [&](size_t end) {
    const Status status = parse(arrow::SliceBuffer(chunk.text, 0, static_cast<int64_t>(end)));
    if (!status.ok()) first = status;
    return !status.ok();
  };
  const auto bad = std::partition_point(ends.begin(), ends.end(), [&](size_t end) { return !fails(end); });
  if (bad == ends.end()) return failure;
  const size_t begin = bad == ends.begin() ? 0 : *(bad - 1);
  const auto record =
      arrow::SliceBuffer(chunk.text, static_cast<int64_t>(begin), static_cast<int64_t>(*bad - begin));
  const Status explained = explain(record, first);
  return explained.WithMessage("line ", chunk.first_line + CountLines(text.substr(0, begin)), ": ",
                               explained.message());
}

uint64_t MostRecords(const arrow::Schema& schema) {
  constexpr uint64_t kBytes = 64 << 20;
  constexpr uint64_t kOfLeaf = 16;
  return std::max<uint64_t>(1, kBytes / (kOfLeaf * std::max<uint64_t>(1, CountLeaves(schema.fields()))));
}

TextBatches::TextBatches(std::shared_ptr<arrow::Schema> schema, std::unique_ptr<TextReader> reader,
                         std::optional<TextChunk> first, RecordEnd record_end, ParseRecords parse,
                         Explain explain)
    : schema_(std::move(schema)),
      reader_(std::move(reader)),
      first_(std::move(first)),
      record_end_(std::move(record_end)),
      parse_(std::move(parse)),
      explain_(std::move(explain)),
      max_records_(MostRecords(*schema_)) {}

Status TextBatches::ReadNext(std::shared_ptr<arrow::RecordBatch>* out) {
  *out = nullptr;
  while (*out == nullptr) {
    std::optional<TextChunk> chunk = std::exchange(first_, std::nullopt);
    if (!chunk) {
      ARROW_ASSIGN_OR_RAISE(chunk, reader_->Next(record_end_, max_records_));
    }
    if (!chunk) return Status::OK();
    auto batch = parse_(chunk->text);
    if (!batch.ok()) {
      return AtLine(
          *chunk, record_end_, batch.status(), [this](const auto& text) { return parse_(text).status(); },
          explain_);
    }
    *out = *std::move(batch);
  }
  return Status::OK();
}

}  // namespace lance::cli
