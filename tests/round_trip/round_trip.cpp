// Takes a table through the library, in one process: writes the batches of an Arrow IPC stream into a new
// dataset, then reads them back in every way, each into a stream of its own in DIRECTORY. round_trip FILE URI
// DIRECTORY [storage=VERSION|rows_per_file=N|lanes=N|slice=N|batch_size=N|take=ROW|column=NAME|
//                                filter=SQL]...
// scan.arrow has all rows, columns.arrow and take.arrow the named columns of all rows and of the rows asked
// for, filter.N.arrow what passes the N-th filter; the counts are printed, first of all rows, then by each
// filter.

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "arrow/ipc/writer.h"
#include "lance/api.h"

namespace {

struct Request {
  std::string file;
  std::string uri;
  std::string directory;
  lance::WriteOptions write;
  lance::ScanOptions scan;
  int64_t slice = 0;
  std::optional<std::vector<std::string>> columns;
  std::vector<uint64_t> rows;
  std::vector<std::string> filters;
};

arrow::Result<Request> Parse(int argc, char** argv) {
  if (argc < 4) return arrow::Status::Invalid("usage: round_trip FILE URI DIRECTORY [KEY=VALUE]...");
  Request request;
  request.file = argv[1];
  request.uri = argv[2];
  request.directory = argv[3];
  for (int i = 4; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = argument.substr(equals + 1);
    if (key == "storage") {
      request.write.data_storage_version = value;
    } else if (key == "rows_per_file") {
      request.write.max_rows_per_file = std::stoull(value);
    } else if (key == "lanes") {
      request.write.lanes = std::stoul(value);
    } else if (key == "slice") {
      request.slice = std::stoll(value);
    } else if (key == "batch_size") {
      request.scan.batch_size = std::stoll(value);
    } else if (key == "take") {
      request.rows.push_back(std::stoull(value));
    } else if (key == "column") {
      if (!request.columns.has_value()) request.columns.emplace();
      request.columns->push_back(value);
    } else if (key == "filter") {
      request.filters.push_back(value);
    } else {
      return arrow::Status::Invalid("unknown argument ", argument);
    }
  }
  return request;
}

/// Batches go to the lanes in turn, as slices of `slice` rows if that is not 0: lane 0 gets the first rows.
arrow::Status WriteAll(const Request& request) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(request.file));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
  ARROW_ASSIGN_OR_RAISE(const auto batches, reader->ToRecordBatches());
  ARROW_ASSIGN_OR_RAISE(auto writer, lance::LanceWriter::Open(request.uri, reader->schema(), request.write));
  const size_t batches_per_lane = batches.size() / request.write.lanes + 1;
  for (size_t i = 0; i < batches.size(); ++i) {
    const auto lane = static_cast<uint32_t>(i / batches_per_lane);
    const int64_t rows = batches[i]->num_rows();
    const int64_t step = request.slice > 0 ? request.slice : std::max<int64_t>(rows, 1);
    for (int64_t start = 0; start < rows; start += step) {
      ARROW_RETURN_NOT_OK(writer->WriteToLane(lane, *batches[i]->Slice(start, step)));
    }
  }
  return writer->Finish().status();
}

arrow::Status Dump(const arrow::RecordBatchVector& batches, const std::shared_ptr<arrow::Schema>& schema,
                   const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::FileOutputStream::Open(path));
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(file, schema));
  for (const auto& batch : batches) {
    // What the library gives out is sound, down to the last value.
    ARROW_RETURN_NOT_OK(batch->ValidateFull());
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  }
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

arrow::Status Scan(const lance::Dataset& dataset, const lance::ScanOptions& options,
                   const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(auto reader, scanner->ToReader());
  ARROW_ASSIGN_OR_RAISE(const auto batches, reader->ToRecordBatches());
  return Dump(batches, reader->schema(), path);
}

arrow::Status ReadAll(const Request& request) {
  ARROW_ASSIGN_OR_RAISE(auto dataset, lance::Dataset::Open(request.uri));
  ARROW_ASSIGN_OR_RAISE(const uint64_t rows, dataset->CountRows());
  std::cout << rows << '\n';
  lance::ScanOptions options = request.scan;
  ARROW_RETURN_NOT_OK(Scan(*dataset, options, request.directory + "/scan.arrow"));
  options.columns = request.columns;
  ARROW_RETURN_NOT_OK(Scan(*dataset, options, request.directory + "/columns.arrow"));
  ARROW_ASSIGN_OR_RAISE(auto taken, dataset->Take(request.rows, request.columns));
  ARROW_RETURN_NOT_OK(Dump({taken}, taken->schema(), request.directory + "/take.arrow"));
  options = request.scan;
  for (size_t i = 0; i < request.filters.size(); ++i) {
    options.filter = request.filters[i];
    ARROW_ASSIGN_OR_RAISE(const uint64_t passing, dataset->CountRows(options.filter));
    std::cout << passing << '\n';
    ARROW_RETURN_NOT_OK(
        Scan(*dataset, options, request.directory + "/filter." + std::to_string(i) + ".arrow"));
  }
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  const auto request = Parse(argc, argv);
  arrow::Status status = request.status();
  if (status.ok()) status = WriteAll(*request);
  if (status.ok()) status = ReadAll(*request);
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
