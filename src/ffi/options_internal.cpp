#include "ffi/options_internal.h"

#include <array>
#include <charconv>
#include <utility>

#include "ffi/error_internal.h"

namespace lance::inline v0::internal {
namespace {

arrow::Status Invalid(std::string message) {
  return MakeStatus(ErrorCode::kInvalidArgument, std::move(message));
}

/// The value of an option for which the C ABI takes 0 as unset.
template <typename T>
arrow::Result<T> ZeroIfUnset(const std::optional<T>& option, const char* what) {
  if (option.has_value() && *option <= 0) return Invalid(std::string(what) + " must be greater than 0");
  return option.value_or(0);
}

/// Collects the hints of one column.
class HintBuilder {
 public:
  HintBuilder(const char* column, WriteOptionsC* out) : column_(column), out_(out) {}

  void Add(const char* key, const char* value) { out_->hints.push_back({column_, key, value}); }

  template <typename Number>
  void AddNumber(const char* key, const std::optional<Number>& number) {
    if (!number.has_value()) return;
    std::array<char, 32> text;
    char* end = std::to_chars(text.data(), text.data() + text.size(), *number).ptr;
    Add(key, out_->numbers.emplace_back(text.data(), end).c_str());
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
  ARROW_RETURN_NOT_OK(ZeroIfUnset(encoding.dictionary_divisor, "dictionary_divisor"));

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

arrow::Result<const char*> ToC(const std::string& string, const char* what) {
  if (string.find('\0') != std::string::npos) return Invalid(std::string(what) + " contains a NUL character");
  return string.c_str();
}

arrow::Result<const char*> ToC(const std::optional<std::string>& string, const char* what) {
  if (!string.has_value()) return nullptr;
  return ToC(*string, what);
}

arrow::Result<std::vector<LanceKeyValue>> ToC(const std::map<std::string, std::string>& map,
                                              const char* what) {
  std::vector<LanceKeyValue> out;
  out.reserve(map.size());
  for (const auto& [key, value] : map) {
    ARROW_ASSIGN_OR_RAISE(const char* c_key, ToC(key, what));
    ARROW_ASSIGN_OR_RAISE(const char* c_value, ToC(value, what));
    out.push_back({c_key, c_value});
  }
  return out;
}

arrow::Result<ColumnsC> ColumnsC::Make(const std::optional<std::vector<std::string>>& columns) {
  ColumnsC out;
  if (!columns.has_value()) return out;
  out.names.reserve(columns->size() + 1);
  for (const std::string& column : *columns) {
    ARROW_ASSIGN_OR_RAISE(const char* name, ToC(column, "column name"));
    out.names.push_back(name);
  }
  out.names.push_back(nullptr);
  return out;
}

arrow::Result<OpenOptionsC> OpenOptionsC::Make(const OpenOptions& options) {
  OpenOptionsC out;
  ARROW_ASSIGN_OR_RAISE(out.c.version, ZeroIfUnset(options.version, "version"));
  ARROW_ASSIGN_OR_RAISE(out.c.tag, ToC(options.tag, "tag"));
  ARROW_ASSIGN_OR_RAISE(out.c.branch, ToC(options.branch, "branch"));
  ARROW_ASSIGN_OR_RAISE(out.storage, ToC(options.storage.map(), "storage option"));
  out.c.storage_options = out.storage.data();
  out.c.storage_options_count = out.storage.size();
  return out;
}

arrow::Result<ScanOptionsC> ScanOptionsC::Make(const ScanOptions& options) {
  if (options.limit.has_value() && *options.limit < 0) return Invalid("limit must not be negative");
  ScanOptionsC out;
  ARROW_ASSIGN_OR_RAISE(out.columns, ColumnsC::Make(options.columns));
  out.c.columns = out.columns.data();
  out.c.column_count = out.columns.size();
  ARROW_ASSIGN_OR_RAISE(out.c.filter, ToC(options.filter, "filter"));
  out.c.limit = options.limit.value_or(-1);
  out.c.offset = options.offset;
  ARROW_ASSIGN_OR_RAISE(out.c.batch_size, ZeroIfUnset(options.batch_size, "batch_size"));
  out.c.with_row_id = options.with_row_id;
  out.c.with_row_address = options.with_row_address;
  out.c.ordered = options.ordered;
  ARROW_ASSIGN_OR_RAISE(out.c.batch_readahead, ZeroIfUnset(options.batch_readahead, "batch_readahead"));
  ARROW_ASSIGN_OR_RAISE(out.c.io_buffer_bytes, ZeroIfUnset(options.io_buffer_bytes, "io_buffer_bytes"));
  return out;
}

arrow::Result<WriteOptionsC> WriteOptionsC::Make(const WriteOptions& options) {
  if (options.lanes == 0) return Invalid("lanes must be greater than 0");
  WriteOptionsC out;
  out.c.mode = static_cast<int32_t>(options.mode);
  out.c.lanes = options.lanes;
  out.c.preserve_order = options.preserve_order;
  out.c.stable_row_ids = options.stable_row_ids;
  out.c.durable = options.durable;
  out.c.tuned_encodings = options.tuned_encodings;
  ARROW_ASSIGN_OR_RAISE(out.c.max_bytes_in_flight,
                        ZeroIfUnset(options.max_bytes_in_flight, "max_bytes_in_flight"));
  ARROW_ASSIGN_OR_RAISE(out.c.max_rows_per_file, ZeroIfUnset(options.max_rows_per_file, "max_rows_per_file"));
  ARROW_ASSIGN_OR_RAISE(out.c.max_bytes_per_file,
                        ZeroIfUnset(options.max_bytes_per_file, "max_bytes_per_file"));
  ARROW_ASSIGN_OR_RAISE(out.c.data_storage_version,
                        ToC(options.data_storage_version, "data_storage_version"));
  ARROW_ASSIGN_OR_RAISE(out.c.encoder_cache_bytes,
                        ZeroIfUnset(options.encoder_cache_bytes, "encoder_cache_bytes"));
  ARROW_ASSIGN_OR_RAISE(out.c.max_page_bytes, ZeroIfUnset(options.max_page_bytes, "max_page_bytes"));

  ARROW_ASSIGN_OR_RAISE(out.properties, ToC(options.transaction_properties, "transaction property"));
  ARROW_ASSIGN_OR_RAISE(const char* message, ToC(options.commit_message, "commit_message"));
  if (message != nullptr) out.properties.push_back({"__lance_commit_message", message});
  out.c.transaction_properties = out.properties.data();
  out.c.transaction_properties_count = out.properties.size();

  ARROW_ASSIGN_OR_RAISE(out.storage, ToC(options.storage.map(), "storage option"));
  out.c.storage_options = out.storage.data();
  out.c.storage_options_count = out.storage.size();

  for (const ColumnEncoding& encoding : options.encodings) ARROW_RETURN_NOT_OK(AddHints(encoding, &out));
  out.c.column_hints = out.hints.data();
  out.c.column_hints_count = out.hints.size();
  return out;
}

arrow::Result<LanceRuntimeOptions> ToC(const RuntimeOptions& options) {
  LanceRuntimeOptions out = LANCE_RUNTIME_OPTIONS_INIT;
  ARROW_ASSIGN_OR_RAISE(out.io_threads, ZeroIfUnset(options.io_threads, "io_threads"));
  ARROW_ASSIGN_OR_RAISE(out.cpu_threads, ZeroIfUnset(options.cpu_threads, "cpu_threads"));
  ARROW_ASSIGN_OR_RAISE(out.index_cache_bytes, ZeroIfUnset(options.index_cache_bytes, "index_cache_bytes"));
  ARROW_ASSIGN_OR_RAISE(out.metadata_cache_bytes,
                        ZeroIfUnset(options.metadata_cache_bytes, "metadata_cache_bytes"));
  return out;
}

}  // namespace lance::inline v0::internal
