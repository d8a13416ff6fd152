// Writes an Arrow IPC stream, whose batches may have dictionaries of their own, into a dataset through
// lance-cpp: load_ipc FILE URI [KEY=VALUE]..., the keys being mode (append or overwrite), message, storage,
// rows_per_file, page_bytes, load_bytes, bytes_in_flight, stable_row_ids (1), profile (read, size or engine)
// and zstd (a column)

#include <cstdint>
#include <string>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "ipc_program.h"
#include "lance/api.h"

namespace {

arrow::Result<lance::WriteOptions> ParseOptions(int argc, char** argv) {
  lance::WriteOptions options;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    if (key == "mode") {
      options.mode = value == "append" ? lance::WriteMode::kAppend : lance::WriteMode::kOverwrite;
    } else if (key == "message") {
      options.commit_message = value;
    } else if (key == "storage") {
      options.data_storage_version = value;
    } else if (key == "rows_per_file") {
      options.max_rows_per_file = std::stoull(value);
    } else if (key == "page_bytes") {
      options.max_page_bytes = std::stoull(value);
    } else if (key == "load_bytes") {
      options.encoder_cache_bytes = std::stoull(value);
    } else if (key == "bytes_in_flight") {
      options.max_bytes_in_flight = std::stoull(value);
    } else if (key == "stable_row_ids") {
      options.stable_row_ids = true;
    } else if (key == "profile") {
      options.encoding_profile = value == "size"     ? lance::EncodingProfile::kSize
                                 : value == "engine" ? lance::EncodingProfile::kEngine
                                                     : lance::EncodingProfile::kRead;
    } else if (key == "zstd") {
      options.encodings.push_back(
          {.column = value, .compression = lance::ColumnEncoding::Compression::kZstd});
    } else {
      return arrow::Status::Invalid("unknown argument ", argument);
    }
  }
  return options;
}

arrow::Status Run(int argc, char** argv) {
  if (argc < 3) return arrow::Status::Invalid("usage: load_ipc FILE URI [KEY=VALUE]...");
  ARROW_ASSIGN_OR_RAISE(const auto options, ParseOptions(argc, argv));
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(argv[1]));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(argv[2], reader->schema(), options));
  for (const auto& next : *reader) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, next);
    ARROW_RETURN_NOT_OK(writer->Write(*batch));
  }
  return writer->Finish().status();
}

}  // namespace

int main(int argc, char** argv) { return lance_test::ExitCode(Run(argc, argv)); }
