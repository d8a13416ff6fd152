#include "ffi/records_internal.h"

#include "ffi/stream_reader_internal.h"

namespace lance::inline v0::internal {

arrow::Status ForEachBatch(CStream* stream,
                           const std::function<arrow::Status(const arrow::RecordBatch&)>& read) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, StreamReader::Make(stream));
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    if (batch == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(read(*batch));
  }
}

std::map<std::string, std::string> ToMap(const arrow::MapArray& maps, int64_t row) {
  const auto& keys = static_cast<const arrow::StringArray&>(*maps.keys());
  const auto& values = static_cast<const arrow::StringArray&>(*maps.items());
  std::map<std::string, std::string> out;
  for (int64_t i = maps.value_offset(row); i < maps.value_offset(row + 1); ++i) {
    out.emplace(keys.GetString(i), values.GetString(i));
  }
  return out;
}

}  // namespace lance::inline v0::internal
