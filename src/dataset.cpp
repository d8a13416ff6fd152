#include "lance/dataset.h"

#include "arrow/record_batch.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/options_internal.h"
#include "lance/scanner.h"
#include "scanner_internal.h"

namespace lance::inline v0 {

using internal::Call;
using internal::CallFor;
using internal::CallForHandle;

class Dataset::Impl {
 public:
  Impl(std::string uri, internal::DatasetHandle handle, std::shared_ptr<arrow::Schema> schema)
      : uri(std::move(uri)), handle(std::move(handle)), schema(std::move(schema)) {}

  /// `function` is one of the two that take rows.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(
      decltype(lance_dataset_take)* function, const std::vector<uint64_t>& rows,
      const std::optional<std::vector<std::string>>& column_names) const {
    ARROW_ASSIGN_OR_RAISE(const auto columns, internal::ColumnsC::Make(column_names));
    internal::CArray array;
    internal::CSchema array_schema;
    ARROW_RETURN_NOT_OK(Call(function, handle.get(), rows.data(), rows.size(), columns.data(), columns.size(),
                             array.get(), array_schema.get()));
    return internal::WithCode(arrow::ImportRecordBatch(array.get(), array_schema.get()), ErrorCode::kArrow);
  }

  const std::string uri;
  const internal::DatasetHandle handle;
  const std::shared_ptr<arrow::Schema> schema;
};

Dataset::Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dataset::~Dataset() = default;

arrow::Result<std::shared_ptr<Dataset>> Dataset::Open(const std::string& uri, const OpenOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "URI"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::OpenOptionsC::Make(options));
  ARROW_ASSIGN_OR_RAISE(auto handle,
                        CallForHandle<internal::DatasetHandle>(lance_dataset_open, c_uri, &c_options.c));
  ARROW_ASSIGN_OR_RAISE(auto schema, internal::CallForSchema(lance_dataset_schema, handle.get()));
  return std::shared_ptr<Dataset>(
      new Dataset(std::make_unique<Impl>(uri, std::move(handle), std::move(schema))));
}

const std::string& Dataset::uri() const { return impl_->uri; }

const std::shared_ptr<arrow::Schema>& Dataset::schema() const { return impl_->schema; }

arrow::Result<DatasetInfo> Dataset::Info() const {
  ARROW_ASSIGN_OR_RAISE(const auto c, CallFor(LanceDatasetInfo LANCE_DATASET_INFO_INIT, lance_dataset_info,
                                              impl_->handle.get()));
  return DatasetInfo{
      .version = c.version,
      .fragments = c.fragments,
      .rows = c.rows,
      .deleted_rows = c.deleted_rows,
      .data_files = c.data_files,
      .data_bytes = c.data_bytes,
      .data_storage_version =
          std::to_string(c.storage_version_major) + "." + std::to_string(c.storage_version_minor),
      .stable_row_ids = c.stable_row_ids != 0,
  };
}

arrow::Result<uint64_t> Dataset::Version() const {
  ARROW_ASSIGN_OR_RAISE(const DatasetInfo info, Info());
  return info.version;
}

arrow::Result<uint64_t> Dataset::LatestVersion() const {
  return CallFor(uint64_t{0}, lance_dataset_latest_version, impl_->handle.get());
}

arrow::Result<std::vector<VersionInfo>> Dataset::Versions() const {
  ARROW_ASSIGN_OR_RAISE(const auto list, CallForHandle<internal::VersionListHandle>(lance_dataset_versions,
                                                                                    impl_->handle.get()));
  std::vector<VersionInfo> out(lance_version_list_length(list.get()));
  for (size_t i = 0; i < out.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto c, CallFor(LanceVersionInfo LANCE_VERSION_INFO_INIT,
                                                lance_version_list_get, list.get(), i));
    out[i].version = c.version;
    out[i].timestamp_micros = c.timestamp_micros;
    for (size_t k = 0; k < c.metadata_count; ++k) {
      out[i].metadata.emplace(c.metadata[k].key, c.metadata[k].value);
    }
  }
  return out;
}

arrow::Result<std::vector<FragmentInfo>> Dataset::Fragments() const {
  ARROW_ASSIGN_OR_RAISE(const auto list, CallForHandle<internal::FragmentListHandle>(lance_dataset_fragments,
                                                                                     impl_->handle.get()));
  std::vector<FragmentInfo> out(lance_fragment_list_length(list.get()));
  for (size_t i = 0; i < out.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto c, CallFor(LanceFragmentInfo LANCE_FRAGMENT_INFO_INIT,
                                                lance_fragment_list_get, list.get(), i));
    out[i] = {.id = c.id,
              .rows = c.rows,
              .deleted_rows = c.deleted_rows,
              .data_files = c.data_files,
              .data_bytes = c.data_bytes};
  }
  return out;
}

arrow::Result<uint64_t> Dataset::CountRows(const std::optional<std::string>& filter) const {
  ARROW_ASSIGN_OR_RAISE(const char* c_filter, internal::ToC(filter, "filter"));
  return CallFor(uint64_t{0}, lance_dataset_count_rows, impl_->handle.get(), c_filter);
}

arrow::Result<std::shared_ptr<Scanner>> Dataset::Scan(const ScanOptions& options) const {
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::ScanOptionsC::Make(options));
  ARROW_ASSIGN_OR_RAISE(auto handle, CallForHandle<internal::ScannerHandle>(
                                         lance_scanner_open, impl_->handle.get(), &c_options.c));
  ARROW_ASSIGN_OR_RAISE(auto schema, internal::CallForSchema(lance_scanner_schema, handle.get()));
  return std::shared_ptr<Scanner>(
      new Scanner(std::make_unique<Scanner::Impl>(std::move(handle), std::move(schema))));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::Take(
    const std::vector<uint64_t>& indices, const std::optional<std::vector<std::string>>& columns) const {
  return impl_->Take(lance_dataset_take, indices, columns);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeRows(
    const std::vector<uint64_t>& row_ids, const std::optional<std::vector<std::string>>& columns) const {
  return impl_->Take(lance_dataset_take_rows, row_ids, columns);
}

}  // namespace lance::inline v0
