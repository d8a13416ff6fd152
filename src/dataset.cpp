#include "lance/dataset.h"

#include <utility>

#include "arrow/buffer.h"
#include "arrow/record_batch.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/dataset_internal.h"
#include "ffi/generated/scan_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/owned_bytes_internal.h"
#include "ffi/stream_reader_internal.h"
#include "lance/scanner.h"
#include "scanner_internal.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::BatchOut;
using internal::CStream;
using internal::Prepare;
using internal::Starting;
using internal::ToBatch;
using internal::ValueOut;
using internal::Waiting;

using ScanStatisticsCall = internal::Listener<ScanStatistics>;

extern "C" void CallStatistics(void* context, const LanceScanStatistics* statistics) noexcept {
  static_cast<ScanStatisticsCall*>(context)->Hold()->Tell([&] { return internal::FromC(*statistics); });
}

DatasetInfo ToInfo(const LanceDatasetInfo& c) {
  return {
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

}  // namespace

class Dataset::Impl {
 public:
  Impl(std::string uri, internal::DatasetHandle handle, std::shared_ptr<arrow::Schema> schema)
      : uri(std::move(uri)), handle(std::move(handle)), schema(std::move(schema)) {}

  template <typename Form>
  static typename Form::template Of<std::shared_ptr<Dataset>> Open(const std::string& uri,
                                                                   const OpenOptions& options,
                                                                   const StopToken& stop) {
    ARROW_RETURN_NOT_OK(internal::CheckAbi());
    ARROW_ASSIGN_OR_RAISE(const char* c_uri, internal::ToC(uri, "uri"));
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::OpenOptionsC::Make(options));
    using Out = internal::HandleOut<internal::DatasetHandle>;
    const auto finish = [uri](Out& out) { return DatasetAccess::Make(uri, out.Take()); };
    return Form::Make(Prepare<Out>(lance_dataset_open, lance_dataset_open_async, finish, c_uri, &c_options.c),
                      stop);
  }

  template <typename Form>
  static typename Form::template Of<std::shared_ptr<Dataset>> Deserialize(const arrow::Buffer& bytes,
                                                                          const AccessOptions& options,
                                                                          const StopToken& stop) {
    ARROW_RETURN_NOT_OK(internal::CheckAbi());
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::AccessOptionsC::Make(options));
    using Out = internal::HandleOut<internal::DatasetHandle>;
    const auto finish = [](Out& out) -> arrow::Result<std::shared_ptr<Dataset>> {
      auto handle = out.Take();
      ARROW_ASSIGN_OR_RAISE(const auto uri,
                            internal::CallForHandle<internal::StringHandle>(lance_dataset_uri, handle.get()));
      return DatasetAccess::Make(uri.get(), std::move(handle));
    };
    return Form::Make(Prepare<Out>(lance_dataset_deserialize, lance_dataset_deserialize_async, finish,
                                   bytes.data(), static_cast<size_t>(bytes.size()), &c_options.c),
                      stop);
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> Serialize() const {
    uint8_t* bytes = nullptr;
    size_t length = 0;
    ARROW_RETURN_NOT_OK(internal::Call(lance_dataset_serialize, c(), &bytes, &length));
    return internal::OwnBytes(bytes, length);
  }

  auto Info() const {
    using Out = internal::SizedOut<LanceDatasetInfo>;
    const auto finish = [](Out& out) -> arrow::Result<DatasetInfo> { return ToInfo(out.value); };
    return Prepare<Out>(lance_dataset_info, lance_dataset_info_async, finish, c());
  }

  auto LatestVersion() const {
    return Prepare<ValueOut<uint64_t>>(lance_dataset_latest_version, lance_dataset_latest_version_async,
                                       ToNumber, c());
  }

  auto Latest() const {
    using Out = internal::HandleOut<internal::DatasetHandle>;
    const auto finish = [uri = uri](Out& out) { return DatasetAccess::Make(uri, out.Take()); };
    return Prepare<Out>(lance_dataset_latest, lance_dataset_latest_async, finish, c());
  }

  auto Versions() const {
    const auto finish = [](internal::ShellOut<CStream>& out) {
      return internal::DecodeVersionInfos(&out.shell);
    };
    return Prepare<internal::ShellOut<CStream>>(lance_dataset_versions, lance_dataset_versions_async, finish,
                                                c());
  }

  auto Fragments() const {
    const auto finish = [](internal::ShellOut<CStream>& out) {
      return internal::DecodeFragmentInfos(&out.shell);
    };
    return Prepare<internal::ShellOut<CStream>>(lance_dataset_fragments, lance_dataset_fragments_async,
                                                finish, c());
  }

  auto CountRows(const std::optional<std::string>& filter) const {
    return Prepare<ValueOut<uint64_t>>(lance_dataset_count_rows, lance_dataset_count_rows_async, ToNumber,
                                       c(), internal::TextC(filter));
  }

  template <typename Form>
  typename Form::template Of<std::shared_ptr<Scanner>> Scan(const ScanOptions& options,
                                                            const StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(auto c_options, internal::ScanOptionsC::Make(options));
    std::shared_ptr<ScanStatisticsCall> statistics;
    if (options.statistics) {
      statistics = std::make_shared<ScanStatisticsCall>(options.statistics);
      c_options.c.statistics = CallStatistics;
      c_options.c.statistics_context = statistics->HandOver();
    }
    using Out = internal::HandleOut<internal::ScannerHandle>;
    const auto finish = [statistics](Out& out) { return Scanner::Impl::Make(out.Take(), statistics); };
    return Form::Make(Prepare<Out>(lance_scanner_open, lance_scanner_open_async, finish, c(), &c_options.c),
                      stop);
  }

  /// The functions are those of one of the two ways to name rows.
  template <typename Form>
  typename Form::template Of<std::shared_ptr<arrow::RecordBatch>> Take(
      decltype(lance_dataset_take)* blocking, decltype(lance_dataset_take_async)* async,
      const std::vector<uint64_t>& rows, const std::optional<std::vector<std::string>>& names,
      const StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(const auto columns, internal::NamesC::Make(names, "columns"));
    return Form::Make(Prepare<BatchOut>(blocking, async, ToBatch, c(), rows.data(), rows.size(),
                                        columns.data(), columns.size()),
                      stop);
  }

  /// The functions are those of one of the ways to name rows.
  template <typename Form>
  typename Form::template Of<std::shared_ptr<arrow::RecordBatch>> TakeWith(
      decltype(lance_dataset_take_positions)* blocking, decltype(lance_dataset_take_positions_async)* async,
      const std::vector<uint64_t>& rows, const TakeOptions& options, const StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TakeOptionsC::Make(options));
    return Form::Make(
        Prepare<BatchOut>(blocking, async, ToBatch, c(), rows.data(), rows.size(), &c_options.c), stop);
  }

  template <typename Form>
  typename Form::template Of<std::shared_ptr<arrow::RecordBatchReader>> TakeRanges(
      const std::vector<RowRange>& ranges, const TakeOptions& options, const StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TakeOptionsC::Make(options));
    std::vector<LanceRowRange> c_ranges;
    c_ranges.reserve(ranges.size());
    for (const RowRange& range : ranges) c_ranges.push_back({range.first_row, range.row_count});
    using Out = internal::ShellOut<CStream>;
    const auto finish = [](Out& out) { return internal::StreamReader::Make(&out.shell); };
    return Form::Make(Prepare<Out>(lance_dataset_take_ranges, lance_dataset_take_ranges_async, finish, c(),
                                   c_ranges.data(), c_ranges.size(), &c_options.c),
                      stop);
  }

  template <typename Form>
  typename Form::template Of<std::shared_ptr<arrow::RecordBatch>> Sample(uint64_t rows,
                                                                         const std::optional<uint64_t>& seed,
                                                                         const TakeOptions& options,
                                                                         const StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::TakeOptionsC::Make(options));
    return Form::Make(Prepare<BatchOut>(lance_dataset_sample, lance_dataset_sample_async, ToBatch, c(), rows,
                                        internal::ToC(seed, LANCE_UNSET_U64), &c_options.c),
                      stop);
  }

  arrow::Result<DatasetStatistics> Statistics() const {
    ARROW_ASSIGN_OR_RAISE(const auto c_statistics,
                          internal::CallFor(LanceDatasetStatistics LANCE_DATASET_STATISTICS_INIT,
                                            lance_dataset_statistics, c()));
    return internal::FromC(c_statistics);
  }

  const std::string uri;
  const internal::DatasetHandle handle;
  const std::shared_ptr<arrow::Schema> schema;

 private:
  static arrow::Result<uint64_t> ToNumber(ValueOut<uint64_t>& out) { return out.value; }

  const LanceDataset* c() const { return handle.get(); }
};

const LanceDataset* DatasetAccess::Get(const Dataset& dataset) { return dataset.impl_->handle.get(); }

arrow::Result<std::shared_ptr<Dataset>> DatasetAccess::Make(const std::string& uri,
                                                            internal::DatasetHandle handle) {
  ARROW_ASSIGN_OR_RAISE(auto schema, internal::CallForSchema(lance_dataset_schema, handle.get()));
  return std::shared_ptr<Dataset>(
      new Dataset(std::make_unique<Dataset::Impl>(uri, std::move(handle), std::move(schema))));
}

Dataset::Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dataset::~Dataset() = default;

arrow::Result<std::shared_ptr<Dataset>> Dataset::Open(const std::string& uri, const OpenOptions& options,
                                                      const StopToken& stop) {
  return Impl::Open<Waiting>(uri, options, stop);
}

arrow::Future<std::shared_ptr<Dataset>> Dataset::OpenAsync(const std::string& uri, const OpenOptions& options,
                                                           const StopToken& stop) {
  return Impl::Open<Starting>(uri, options, stop);
}

arrow::Result<std::shared_ptr<Dataset>> Dataset::Deserialize(const arrow::Buffer& bytes,
                                                             const AccessOptions& options,
                                                             const StopToken& stop) {
  return Impl::Deserialize<Waiting>(bytes, options, stop);
}

arrow::Future<std::shared_ptr<Dataset>> Dataset::DeserializeAsync(const arrow::Buffer& bytes,
                                                                  const AccessOptions& options,
                                                                  const StopToken& stop) {
  return Impl::Deserialize<Starting>(bytes, options, stop);
}

arrow::Result<std::shared_ptr<arrow::Buffer>> Dataset::Serialize() const { return impl_->Serialize(); }

const std::string& Dataset::uri() const { return impl_->uri; }

const std::shared_ptr<arrow::Schema>& Dataset::schema() const { return impl_->schema; }

arrow::Result<DatasetInfo> Dataset::Info(const StopToken& stop) const { return impl_->Info().Wait(stop); }

arrow::Future<DatasetInfo> Dataset::InfoAsync(const StopToken& stop) const {
  return impl_->Info().Start(stop);
}

arrow::Result<uint64_t> Dataset::Version() const {
  ARROW_ASSIGN_OR_RAISE(const DatasetInfo info, Info());
  return info.version;
}

arrow::Result<uint64_t> Dataset::LatestVersion(const StopToken& stop) const {
  return impl_->LatestVersion().Wait(stop);
}

arrow::Future<uint64_t> Dataset::LatestVersionAsync(const StopToken& stop) const {
  return impl_->LatestVersion().Start(stop);
}

arrow::Result<std::shared_ptr<Dataset>> Dataset::Latest(const StopToken& stop) const {
  return impl_->Latest().Wait(stop);
}

arrow::Future<std::shared_ptr<Dataset>> Dataset::LatestAsync(const StopToken& stop) const {
  return impl_->Latest().Start(stop);
}

arrow::Result<std::vector<VersionInfo>> Dataset::Versions(const StopToken& stop) const {
  return impl_->Versions().Wait(stop);
}

arrow::Future<std::vector<VersionInfo>> Dataset::VersionsAsync(const StopToken& stop) const {
  return impl_->Versions().Start(stop);
}

arrow::Result<std::vector<FragmentInfo>> Dataset::Fragments(const StopToken& stop) const {
  return impl_->Fragments().Wait(stop);
}

arrow::Future<std::vector<FragmentInfo>> Dataset::FragmentsAsync(const StopToken& stop) const {
  return impl_->Fragments().Start(stop);
}

arrow::Result<uint64_t> Dataset::CountRows(const std::optional<std::string>& filter,
                                           const StopToken& stop) const {
  return impl_->CountRows(filter).Wait(stop);
}

arrow::Future<uint64_t> Dataset::CountRowsAsync(const std::optional<std::string>& filter,
                                                const StopToken& stop) const {
  return impl_->CountRows(filter).Start(stop);
}

arrow::Result<std::shared_ptr<Scanner>> Dataset::Scan(const ScanOptions& options,
                                                      const StopToken& stop) const {
  return impl_->Scan<Waiting>(options, stop);
}

arrow::Future<std::shared_ptr<Scanner>> Dataset::ScanAsync(const ScanOptions& options,
                                                           const StopToken& stop) const {
  return impl_->Scan<Starting>(options, stop);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::Take(
    const std::vector<uint64_t>& indices, const std::optional<std::vector<std::string>>& columns,
    const StopToken& stop) const {
  return impl_->Take<Waiting>(lance_dataset_take, lance_dataset_take_async, indices, columns, stop);
}

arrow::Future<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeAsync(
    const std::vector<uint64_t>& indices, const std::optional<std::vector<std::string>>& columns,
    const StopToken& stop) const {
  return impl_->Take<Starting>(lance_dataset_take, lance_dataset_take_async, indices, columns, stop);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeRows(
    const std::vector<uint64_t>& row_ids, const std::optional<std::vector<std::string>>& columns,
    const StopToken& stop) const {
  return impl_->Take<Waiting>(lance_dataset_take_rows, lance_dataset_take_rows_async, row_ids, columns, stop);
}

arrow::Future<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeRowsAsync(
    const std::vector<uint64_t>& row_ids, const std::optional<std::vector<std::string>>& columns,
    const StopToken& stop) const {
  return impl_->Take<Starting>(lance_dataset_take_rows, lance_dataset_take_rows_async, row_ids, columns,
                               stop);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::TakePositions(
    const std::vector<uint64_t>& positions, const TakeOptions& options, const StopToken& stop) const {
  return impl_->TakeWith<Waiting>(lance_dataset_take_positions, lance_dataset_take_positions_async, positions,
                                  options, stop);
}

arrow::Future<std::shared_ptr<arrow::RecordBatch>> Dataset::TakePositionsAsync(
    const std::vector<uint64_t>& positions, const TakeOptions& options, const StopToken& stop) const {
  return impl_->TakeWith<Starting>(lance_dataset_take_positions, lance_dataset_take_positions_async,
                                   positions, options, stop);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeRowIds(const std::vector<uint64_t>& row_ids,
                                                                       const TakeOptions& options,
                                                                       const StopToken& stop) const {
  return impl_->TakeWith<Waiting>(lance_dataset_take_row_ids, lance_dataset_take_row_ids_async, row_ids,
                                  options, stop);
}

arrow::Future<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeRowIdsAsync(
    const std::vector<uint64_t>& row_ids, const TakeOptions& options, const StopToken& stop) const {
  return impl_->TakeWith<Starting>(lance_dataset_take_row_ids, lance_dataset_take_row_ids_async, row_ids,
                                   options, stop);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeAddresses(
    const std::vector<uint64_t>& addresses, const TakeOptions& options, const StopToken& stop) const {
  return impl_->TakeWith<Waiting>(lance_dataset_take_addresses, lance_dataset_take_addresses_async, addresses,
                                  options, stop);
}

arrow::Future<std::shared_ptr<arrow::RecordBatch>> Dataset::TakeAddressesAsync(
    const std::vector<uint64_t>& addresses, const TakeOptions& options, const StopToken& stop) const {
  return impl_->TakeWith<Starting>(lance_dataset_take_addresses, lance_dataset_take_addresses_async,
                                   addresses, options, stop);
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Dataset::TakeRanges(
    const std::vector<RowRange>& ranges, const TakeOptions& options, const StopToken& stop) const {
  return impl_->TakeRanges<Waiting>(ranges, options, stop);
}

arrow::Future<std::shared_ptr<arrow::RecordBatchReader>> Dataset::TakeRangesAsync(
    const std::vector<RowRange>& ranges, const TakeOptions& options, const StopToken& stop) const {
  return impl_->TakeRanges<Starting>(ranges, options, stop);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Dataset::Sample(uint64_t rows,
                                                                   std::optional<uint64_t> seed,
                                                                   const TakeOptions& options,
                                                                   const StopToken& stop) const {
  return impl_->Sample<Waiting>(rows, seed, options, stop);
}

arrow::Future<std::shared_ptr<arrow::RecordBatch>> Dataset::SampleAsync(uint64_t rows,
                                                                        std::optional<uint64_t> seed,
                                                                        const TakeOptions& options,
                                                                        const StopToken& stop) const {
  return impl_->Sample<Starting>(rows, seed, options, stop);
}

arrow::Result<DatasetStatistics> Dataset::Statistics() const { return impl_->Statistics(); }

}  // namespace lance::inline v0
