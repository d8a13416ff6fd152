#include "inputs.h"

#include <glob.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>

#include "arrow/csv/options.h"
#include "arrow/csv/reader.h"
#include "arrow/io/file.h"
#include "arrow/io/interfaces.h"
#include "arrow/ipc/reader.h"
#include "arrow/json/options.h"
#include "arrow/json/reader.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "parquet/arrow/reader.h"
#include "parquet/exception.h"
#include "parquet/file_reader.h"
#include "parquet/metadata.h"
#include "parquet/properties.h"

namespace lance::cli {
namespace {

using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

/// How much of each Parquet column is read at a time.
constexpr int64_t kParquetBufferBytes = 256 << 10;
constexpr std::string_view kArrowFileMagic = "ARROW1";
constexpr std::string_view kFeatherV1Magic = "FEA1";

/// Say which file a failure belongs to.
arrow::Status InFile(const std::string& path, const arrow::Status& status) {
  return status.ok() ? status : status.WithMessage(path, ": ", status.message());
}

/// A reader that names the file in its failures, and keeps alive what it reads from.
class FileBatches : public arrow::RecordBatchReader {
 public:
  FileBatches(std::string path, ReaderPtr reader, std::shared_ptr<void> owner = nullptr,
              std::string hint = "")
      : path_(std::move(path)),
        owner_(std::move(owner)),
        reader_(std::move(reader)),
        hint_(std::move(hint)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    const arrow::Status status = reader_->ReadNext(out);
    return status.ok() ? status : InFile(path_, status.WithMessage(status.message(), hint_));
  }

 private:
  std::string path_;
  // In this order: the reader goes first.
  std::shared_ptr<void> owner_;
  ReaderPtr reader_;
  std::string hint_;
};

/// The batches of an Arrow IPC file, one at a time.
class ArrowFileBatches : public arrow::RecordBatchReader {
 public:
  explicit ArrowFileBatches(std::shared_ptr<arrow::ipc::RecordBatchFileReader> file)
      : file_(std::move(file)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return file_->schema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    *out = nullptr;
    if (next_ == file_->num_record_batches()) return arrow::Status::OK();
    return file_->ReadRecordBatch(next_++).Value(out);
  }

 private:
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  int next_ = 0;
};

arrow::Result<uint64_t> FileSize(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const int64_t size, file->GetSize());
  return static_cast<uint64_t>(size);
}

// Parquet

arrow::Result<std::shared_ptr<parquet::arrow::FileReader>> OpenParquetFile(
    const std::string& path, int64_t batch_rows, std::shared_ptr<parquet::FileMetaData> metadata) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  // Pages are read when their rows are due, not whole row groups.
  parquet::ReaderProperties properties;
  properties.enable_buffered_stream();
  properties.set_buffer_size(kParquetBufferBytes);
  parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
  arrow_properties.set_batch_size(batch_rows);
  arrow_properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(std::move(file), properties, std::move(metadata)));
  builder.properties(arrow_properties);
  ARROW_ASSIGN_OR_RAISE(auto reader, builder.Build());
  return reader;
}

arrow::Status InspectParquet(const InputOptions& options, Input* input) {
  ARROW_ASSIGN_OR_RAISE(const auto file, OpenParquetFile(input->path, options.batch_rows, nullptr));
  ARROW_RETURN_NOT_OK(file->GetSchema(&input->schema));
  const std::shared_ptr<parquet::FileMetaData> metadata = file->parquet_reader()->metadata();
  input->rows = static_cast<uint64_t>(metadata->num_rows());
  for (int group = 0; group < metadata->num_row_groups(); ++group) {
    const auto open = [path = input->path, batch_rows = options.batch_rows, metadata,
                       group]() -> arrow::Result<ReaderPtr> {
      ARROW_ASSIGN_OR_RAISE(auto reader, OpenParquetFile(path, batch_rows, metadata));
      ARROW_ASSIGN_OR_RAISE(ReaderPtr batches, reader->GetRecordBatchReader(std::vector<int>{group}));
      return std::make_shared<FileBatches>(path, std::move(batches), std::move(reader));
    };
    input->parts.push_back({open, static_cast<uint64_t>(metadata->RowGroup(group)->total_byte_size())});
  }
  return arrow::Status::OK();
}

// CSV, JSON lines and Arrow IPC: a file is one part.

arrow::Result<ReaderPtr> OpenCsv(const std::string& path, const InputOptions& options,
                                 const std::shared_ptr<arrow::Schema>& expected) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = options.block_bytes;
  read.autogenerate_column_names = !options.has_header;
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.delimiter = options.delimiter.value_or(path.ends_with(".tsv") ? '\t' : ',');
  auto convert = arrow::csv::ConvertOptions::Defaults();
  if (expected != nullptr) {
    for (const auto& field : expected->fields()) convert.column_types[field->name()] = field->type();
  }
  return arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), std::move(file), read, parse,
                                           convert);
}

arrow::Result<ReaderPtr> OpenJsonLines(const std::string& path, const InputOptions& options,
                                       const std::shared_ptr<arrow::Schema>& expected) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  auto read = arrow::json::ReadOptions::Defaults();
  read.use_threads = false;
  read.block_size = options.block_bytes;
  auto parse = arrow::json::ParseOptions::Defaults();
  parse.explicit_schema = expected;
  return arrow::json::StreamingReader::Make(std::move(file), read, parse);
}

arrow::Result<ReaderPtr> OpenArrow(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  std::array<char, kArrowFileMagic.size()> start{};
  ARROW_ASSIGN_OR_RAISE(const int64_t length, file->ReadAt(0, start.size(), start.data()));
  ARROW_RETURN_NOT_OK(file->Seek(0));
  const std::string_view magic(start.data(), static_cast<size_t>(length));
  if (magic == kArrowFileMagic) {
    ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
    return std::make_shared<ArrowFileBatches>(std::move(reader));
  }
  if (magic.starts_with(kFeatherV1Magic)) {
    return arrow::Status::NotImplemented("Feather version 1 is not supported; write it as version 2");
  }
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
  return reader;
}

using Opener = std::function<arrow::Result<ReaderPtr>(const std::shared_ptr<arrow::Schema>& expected)>;

/// \param[in] block_bytes how much of the file decides its schema; 0 when the file has a schema
arrow::Status InspectWhole(Input* input, int32_t block_bytes, const Opener& open,
                           const std::shared_ptr<arrow::Schema>& expected) {
  ARROW_ASSIGN_OR_RAISE(const ReaderPtr reader, open(expected));
  input->schema = reader->schema();
  ARROW_ASSIGN_OR_RAISE(const uint64_t bytes, FileSize(input->path));
  const std::string hint =
      block_bytes > 0 && bytes > static_cast<uint64_t>(block_bytes)
          ? "; columns and types come from the first block, so a larger --block-size may help"
          : "";
  const auto open_part = [path = input->path, open, schema = input->schema,
                          hint]() -> arrow::Result<ReaderPtr> {
    auto batches = open(schema);
    if (!batches.ok()) return InFile(path, batches.status());
    return std::make_shared<FileBatches>(path, *std::move(batches), nullptr, hint);
  };
  input->parts.push_back({open_part, bytes});
  return arrow::Status::OK();
}

arrow::Result<InputFormat> FormatOf(const std::string& path) {
  constexpr std::pair<std::string_view, InputFormat> kExtensions[] = {
      {".parquet", InputFormat::kParquet}, {".pq", InputFormat::kParquet},
      {".csv", InputFormat::kCsv},         {".tsv", InputFormat::kCsv},
      {".jsonl", InputFormat::kJsonLines}, {".ndjson", InputFormat::kJsonLines},
      {".json", InputFormat::kJsonLines},  {".arrow", InputFormat::kArrow},
      {".arrows", InputFormat::kArrow},    {".feather", InputFormat::kArrow},
      {".ipc", InputFormat::kArrow},
  };
  std::string extension = std::filesystem::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [known, format] : kExtensions) {
    if (extension == known) return format;
  }
  return arrow::Status::Invalid("the name does not tell the format; use --format");
}

arrow::Status Inspect(const InputOptions& options, const std::shared_ptr<arrow::Schema>& expected,
                      Input* input) {
  const std::string& path = input->path;
  if (std::filesystem::is_directory(path)) {
    return arrow::Status::Invalid("is a directory; name its files, for example \"", path, "/*.parquet\"");
  }
  InputFormat format;
  if (options.format) {
    format = *options.format;
  } else {
    ARROW_ASSIGN_OR_RAISE(format, FormatOf(path));
  }
  switch (format) {
    case InputFormat::kParquet:
      return InspectParquet(options, input);
    case InputFormat::kCsv:
      return InspectWhole(
          input, options.block_bytes,
          [path, options](const auto& schema) { return OpenCsv(path, options, schema); }, expected);
    case InputFormat::kJsonLines:
      return InspectWhole(
          input, options.block_bytes,
          [path, options](const auto& schema) { return OpenJsonLines(path, options, schema); }, expected);
    case InputFormat::kArrow:
      break;
  }
  return InspectWhole(input, 0, [path](const auto&) { return OpenArrow(path); }, expected);
}

/// Check that a file has the columns of the first one.
arrow::Status CheckSchema(const arrow::Schema& schema, const arrow::Schema& expected) {
  const int columns = std::max(schema.num_fields(), expected.num_fields());
  for (int i = 0; i < columns; ++i) {
    const auto describe = [i](const arrow::Schema& of) {
      return i < of.num_fields() ? "\"" + of.field(i)->ToString() + "\"" : std::string("missing");
    };
    const bool both = i < schema.num_fields() && i < expected.num_fields();
    if (!both || !schema.field(i)->Equals(*expected.field(i))) {
      return arrow::Status::TypeError("column ", i + 1, " is ", describe(schema), ", but ",
                                      describe(expected), " in the first input");
    }
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& patterns) {
  std::vector<std::string> paths;
  for (const std::string& pattern : patterns) {
    // A file may have a name that looks like a pattern.
    if (pattern.find_first_of("*?[") == std::string::npos || std::filesystem::exists(pattern)) {
      paths.push_back(pattern);
      continue;
    }
    glob_t matches = {};
    if (glob(pattern.c_str(), GLOB_ERR, nullptr, &matches) == 0) {
      paths.insert(paths.end(), matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
    }
    const bool found = matches.gl_pathc > 0;
    globfree(&matches);
    if (!found) return arrow::Status::Invalid("no file matches \"", pattern, "\"");
  }
  return paths;
}

arrow::Result<Input> InspectInput(const std::string& path, const InputOptions& options,
                                  const std::shared_ptr<arrow::Schema>& expected) {
  Input input{.path = path, .schema = nullptr, .parts = {}, .rows = {}};
  arrow::Status status;
  try {
    status = Inspect(options, expected, &input);
  } catch (const parquet::ParquetException& error) {
    // The file's metadata is decoded outside the part of the library that returns statuses.
    status = arrow::Status::Invalid(error.what());
  }
  if (status.ok() && expected != nullptr) status = CheckSchema(*input.schema, *expected);
  if (!status.ok()) return InFile(path, status);
  return input;
}

}  // namespace lance::cli
