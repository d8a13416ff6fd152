#include "ffi/write_hook_internal.h"

#include <array>
#include <charconv>
#include <utility>

#include "ffi/error_internal.h"

namespace lance::inline v0::internal {
namespace {

arrow::Status Invalid(std::string message) {
  return MakeStatus(ErrorCode::kInvalidArgument, std::move(message));
}

/// Collects the hints of one column.
class HintBuilder {
 public:
  HintBuilder(const char* column, WriteOptionsC* out) : column_(column), out_(out) {}

  void Add(const char* key, const char* value) {
    out_->column_hints.push_back({column_, key, LANCE_TEXT(value)});
  }

  template <typename Number>
  void AddNumber(const char* key, const std::optional<Number>& number) {
    if (!number.has_value()) return;
    std::array<char, 32> text;
    char* end = std::to_chars(text.data(), text.data() + text.size(), *number).ptr;
    Add(key, out_->texts.emplace_back(text.data(), end).c_str());
  }

  template <typename Enum, size_t N>
  arrow::Status AddEnum(const char* key, const std::optional<Enum>& value, const char* const (&names)[N]) {
    if (!value.has_value()) return arrow::Status::OK();
    const auto index = static_cast<size_t>(*value);
    if (index >= N) return Invalid("column '" + std::string(column_) + "': unknown value for " + key);
    Add(key, names[index]);
    return arrow::Status::OK();
  }

 private:
  const char* column_;
  WriteOptionsC* out_;
};

arrow::Status AddHints(const ColumnEncoding& encoding, WriteOptionsC* out) {
  static constexpr const char* kCompressions[] = {"none", "lz4", "zstd", "fsst"};
  static constexpr const char* kStructurals[] = {"miniblock", "fullzip"};
  static constexpr const char* kByteStreamSplits[] = {"off", "on", "auto"};

  ARROW_ASSIGN_OR_RAISE(const char* column, ToC(encoding.column, "column name"));
  if (encoding.rle_threshold.has_value() && !(*encoding.rle_threshold >= 0 && *encoding.rle_threshold <= 1)) {
    return Invalid("column '" + encoding.column + "': rle_threshold must be in 0..1");
  }
  if (encoding.dictionary_divisor.has_value() && *encoding.dictionary_divisor <= 0) {
    return Invalid("column '" + encoding.column + "': dictionary_divisor must be greater than 0");
  }

  HintBuilder hints(column, out);
  ARROW_RETURN_NOT_OK(hints.AddEnum("compression", encoding.compression, kCompressions));
  hints.AddNumber("compression-level", encoding.compression_level);
  ARROW_RETURN_NOT_OK(hints.AddEnum("structural-encoding", encoding.structural, kStructurals));
  ARROW_RETURN_NOT_OK(hints.AddEnum("bss", encoding.byte_stream_split, kByteStreamSplits));
  hints.AddNumber("rle-threshold", encoding.rle_threshold);
  hints.AddNumber("dict-divisor", encoding.dictionary_divisor);
  if (encoding.packed_struct.has_value()) hints.Add("packed", *encoding.packed_struct ? "true" : "false");
  return arrow::Status::OK();
}

}  // namespace

void AddMessage(const std::optional<std::string>& message, std::vector<LanceKeyValue>* properties) {
  if (message.has_value()) properties->push_back({LANCE_TEXT("__lance_commit_message"), TextC(message)});
}

arrow::Status AddWhatCHasNot(const WriteOptions& options, WriteOptionsC* out) {
  AddMessage(options.commit_message, &out->transaction_properties);
  for (const ColumnEncoding& encoding : options.encodings) ARROW_RETURN_NOT_OK(AddHints(encoding, out));
  return arrow::Status::OK();
}

}  // namespace lance::inline v0::internal
