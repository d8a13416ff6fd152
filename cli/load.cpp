#include "load.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/byte_size.h"
#include "progress.h"
#include "render.h"

namespace lance::cli {
namespace {

/// Half of what a writer takes by default: the generators make batches of even size at a steady rate.
constexpr uint64_t kLaneBytesInFlight = 16 << 20;

/// The batches of one lane: piece after piece, opened when it is its turn.
class LaneReader : public arrow::RecordBatchReader {
 public:
  LaneReader(std::shared_ptr<arrow::Schema> schema, std::vector<Piece> pieces, int64_t batch_rows,
             Progress* progress)
      : schema_(std::move(schema)),
        pieces_(std::move(pieces)),
        batch_rows_(batch_rows),
        progress_(progress) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    ARROW_RETURN_NOT_OK(CheckInterrupt());
    while (rest_ == nullptr || rest_->num_rows() == 0) {
      if (reader_ == nullptr) {
        if (next_piece_ == pieces_.size()) {
          *out = nullptr;
          return arrow::Status::OK();
        }
        ARROW_ASSIGN_OR_RAISE(reader_, pieces_[next_piece_++]());
      }
      ARROW_RETURN_NOT_OK(reader_->ReadNext(&rest_));
      if (rest_ == nullptr) reader_ = nullptr;
    }
    // Pieces agree on columns, but not always on their metadata.
    *out = arrow::RecordBatch::Make(schema_, rest_->num_rows(), rest_->columns())->Slice(0, batch_rows_);
    rest_ = rest_->Slice((*out)->num_rows());
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, arrow::util::ReferencedBufferSize(**out));
    progress_->Add(static_cast<uint64_t>((*out)->num_rows()), static_cast<uint64_t>(bytes));
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Piece> pieces_;
  int64_t batch_rows_;
  Progress* progress_;
  size_t next_piece_ = 0;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  std::shared_ptr<arrow::RecordBatch> rest_;
};

arrow::Status Discard(arrow::RecordBatchReader& reader) {
  std::shared_ptr<arrow::RecordBatch> batch;
  do {
    ARROW_RETURN_NOT_OK(reader.ReadNext(&batch));
  } while (batch != nullptr);
  return arrow::Status::OK();
}

/// Drain every lane on a thread of its own.
///
/// \return the failure that came first, which is the cause of those of other lanes
arrow::Status DrainLanes(const Load& load, LanceWriter* writer, Progress* progress) {
  std::mutex mutex;
  arrow::Status first_failure;
  const auto drain = [&](uint32_t lane) {
    const auto reader =
        std::make_shared<LaneReader>(load.schema, load.lanes[lane], load.batch_rows, progress);
    const arrow::Status status = writer == nullptr ? Discard(*reader) : writer->WriteToLane(lane, reader);
    const std::lock_guard lock(mutex);
    if (first_failure.ok()) first_failure = status;
  };
  std::vector<std::jthread> threads;
  for (uint32_t lane = 1; lane < load.lanes.size(); ++lane) threads.emplace_back(drain, lane);
  drain(0);
  threads.clear();
  return first_failure;
}

uint64_t PeakMemoryBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      uint64_t kilobytes = 0;
      status >> kilobytes;
      return kilobytes * 1024;
    }
  }
  return 0;
}

uint64_t RowsPerSecond(const LoadResult& result) {
  return result.seconds > 0 ? static_cast<uint64_t>(static_cast<double>(result.rows) / result.seconds) : 0;
}

LoadResult Total(const std::vector<LoadResult>& results) {
  LoadResult total{.label = "total", .uri = {}, .disk_bytes = {}, .version = {}};
  for (const LoadResult& result : results) {
    total.rows += result.rows;
    total.batches += result.batches;
    total.seconds += result.seconds;
    if (result.disk_bytes) total.disk_bytes = total.disk_bytes.value_or(0) + *result.disk_bytes;
    total.peak_memory_bytes = std::max(total.peak_memory_bytes, result.peak_memory_bytes);
  }
  return total;
}

nlohmann::ordered_json ToJson(const LoadResult& result) {
  nlohmann::ordered_json json;
  json["table"] = result.label;
  if (!result.uri.empty()) json["uri"] = result.uri;
  if (result.version) json["version"] = *result.version;
  json["rows"] = result.rows;
  json["batches"] = result.batches;
  if (result.disk_bytes) json["disk_bytes"] = *result.disk_bytes;
  json["seconds"] = result.seconds;
  json["rows_per_second"] = RowsPerSecond(result);
  json["peak_memory_bytes"] = result.peak_memory_bytes;
  return json;
}

std::vector<std::string> ToCells(const LoadResult& result) {
  return {result.label,
          FormatCount(result.rows),
          FormatCount(result.batches),
          result.disk_bytes ? FormatBytes(*result.disk_bytes) : "-",
          fmt::format("{:.2f}", result.seconds),
          FormatCount(RowsPerSecond(result)),
          FormatBytes(result.peak_memory_bytes)};
}

}  // namespace

arrow::Status CheckTarget(const std::string& uri, const WriteOptions& options) {
  if (options.mode == WriteMode::kOverwrite) return arrow::Status::OK();
  OpenOptions open;
  open.storage = options.storage;
  arrow::Status status = Dataset::Open(uri, open).status();
  const bool exists = status.ok();
  const ErrorCode code = GetErrorCode(status);
  if (!exists && code != ErrorCode::kDatasetNotFound && code != ErrorCode::kNotFound) return status;
  if (options.mode == WriteMode::kCreate && exists) {
    return arrow::Status::AlreadyExists("dataset already exists: ", uri,
                                        "; use --mode append or --mode overwrite to write to it");
  }
  if (options.mode == WriteMode::kAppend && !exists) {
    return arrow::Status::Invalid("there is no dataset to append to: ", uri,
                                  "; use --mode create to make it");
  }
  return arrow::Status::OK();
}

arrow::Result<LoadResult> RunLoad(const Load& load) {
  std::unique_ptr<LanceWriter> writer;
  if (!load.discard) {
    WriteOptions options = load.options;
    options.lanes = static_cast<uint32_t>(load.lanes.size());
    options.max_bytes_in_flight = load.lanes.size() * kLaneBytesInFlight;
    ARROW_ASSIGN_OR_RAISE(writer, LanceWriter::Open(load.uri, load.schema, options));
  }
  Progress progress(load.label, load.expected_rows);
  // A writer that is not finished takes back everything it wrote.
  ARROW_RETURN_NOT_OK(DrainLanes(load, writer.get(), &progress));
  LoadResult result{
      .label = load.label, .uri = load.discard ? "" : load.uri, .disk_bytes = {}, .version = {}};
  if (writer != nullptr) {
    ARROW_ASSIGN_OR_RAISE(const CommitResult commit, writer->Finish());
    result.version = commit.version;
    result.disk_bytes = writer->stats().bytes_written;
  }
  result.rows = progress.rows();
  result.batches = progress.batches();
  result.seconds = progress.seconds();
  result.peak_memory_bytes = PeakMemoryBytes();
  progress.Finish();
  return result;
}

arrow::Status PrintResults(const std::vector<LoadResult>& results, Format format) {
  const LoadResult total = Total(results);
  if (format == Format::kJson) {
    nlohmann::ordered_json json;
    json["tables"] = nlohmann::ordered_json::array();
    for (const LoadResult& result : results) json["tables"].push_back(ToJson(result));
    json["total"] = ToJson(total);
    json["total"].erase("table");
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"table"},
                   {"rows", kRight},
                   {"batches", kRight},
                   {"bytes on disk", kRight},
                   {"seconds", kRight},
                   {"rows/s", kRight},
                   {"peak memory", kRight}});
  for (const LoadResult& result : results) table.AddRow(ToCells(result));
  if (results.size() > 1) table.AddRow(ToCells(total));
  return Print(table.ToString());
}

}  // namespace lance::cli
