#include "inputs/arrow_ipc.h"

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"
#include "arrow/record_batch.h"

namespace lance::cli {
namespace {

using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;

constexpr std::string_view kFileMagic = "ARROW1";
constexpr std::string_view kFeatherV1Magic = "FEA1";

/// The batches of a file, one at a time.
class FileBatches : public arrow::RecordBatchReader {
 public:
  explicit FileBatches(std::shared_ptr<arrow::ipc::RecordBatchFileReader> file) : file_(std::move(file)) {}

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

arrow::Result<ReaderPtr> Open(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
  std::array<char, kFileMagic.size()> start{};
  ARROW_ASSIGN_OR_RAISE(const int64_t length, file->ReadAt(0, start.size(), start.data()));
  ARROW_RETURN_NOT_OK(file->Seek(0));
  const std::string_view magic(start.data(), static_cast<size_t>(length));
  if (magic == kFileMagic) {
    ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
    return std::make_shared<FileBatches>(std::move(reader));
  }
  if (magic.starts_with(kFeatherV1Magic)) {
    return arrow::Status::NotImplemented("Feather version 1 is not supported; write it as version 2");
  }
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
  return reader;
}

}  // namespace

arrow::Status InspectArrow(const std::string& path, Input* input) {
  ARROW_ASSIGN_OR_RAISE(const ReaderPtr reader, Open(path));
  input->schema = reader->schema();
  input->parts.push_back({.open = [path] { return Open(path); }});
  return arrow::Status::OK();
}

}  // namespace lance::cli
