#include "lance/evolution.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "arrow/c/bridge.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/error_internal.h"
#include "ffi/generated/evolve_internal.h"
#include "ffi/guarded_reader_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/listener_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "ffi/records_internal.h"
#include "ffi/schema_check_internal.h"
#include "ffi/thread_edge_internal.h"
#include "lance/dataset.h"

namespace lance::inline v0 {
namespace {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using DatasetPtr = std::shared_ptr<Dataset>;
using Expressions = std::vector<std::pair<std::string, std::string>>;
using Names = std::vector<std::string>;
using Pairs = std::map<std::string, std::string>;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using Updates = std::vector<MetadataUpdate>;

using DatasetOut = internal::HandleOut<internal::DatasetHandle>;
using Progress = internal::Listener<AddColumnsProgress>;

extern "C" void CallAddColumnsProgress(void* context, const LanceAddColumnsProgress* progress) noexcept {
  static_cast<Progress*>(context)->Tell([&] { return internal::FromC(*progress); });
}

/// The first failure of what the caller has given, which tells more than that of the call.
class FirstFailure {
 public:
  void Set(const arrow::Status& status) {
    const std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = status;
  }

  arrow::Status Or(const arrow::Status& failure) const {
    const std::lock_guard lock(mutex_);
    return status_.ok() ? failure : status_;
  }

 private:
  mutable std::mutex mutex_;
  arrow::Status status_;
};

/// A function behind the C callback. The library frees it after the last use.
class FunctionSource {
 public:
  FunctionSource(ColumnFunction function, SchemaPtr schema, std::shared_ptr<FirstFailure> failure)
      : function_(std::move(function)), schema_(std::move(schema)), failure_(std::move(failure)) {}
  ~FunctionSource() { edge_.Enter(); }
  FunctionSource(const FunctionSource&) = delete;
  FunctionSource& operator=(const FunctionSource&) = delete;

  /// Get the context of the C callback. From now on threads of the library use this.
  void* HandOver() {
    edge_.Leave();
    return this;
  }

  LanceStatusCode Call(ArrowArray* batch, ArrowSchema* batch_schema, ArrowArray* out, char* message,
                       size_t message_size) noexcept {
    edge_.Enter();
    const arrow::Status status = Guarded(batch, batch_schema, out);
    if (!status.ok()) {
      failure_->Set(status);
      const size_t length = std::min(status.message().size(), message_size - 1);
      std::memcpy(message, status.message().data(), length);
      message[length] = '\0';
    }
    edge_.Leave();
    return status.ok() ? LANCE_OK : LANCE_CALLBACK;
  }

 private:
  arrow::Status Guarded(ArrowArray* batch, ArrowSchema* batch_schema, ArrowArray* out) const noexcept {
    arrow::Status status;
    try {
      status = Compute(batch, batch_schema, out);
    } catch (const std::exception& exception) {
      status = arrow::Status::UnknownError(exception.what());
    } catch (...) {
      status = arrow::Status::UnknownError("the function threw what is no exception");
    }
    return internal::WithCode(std::move(status), ErrorCode::kCallback);
  }

  arrow::Status Compute(ArrowArray* batch, ArrowSchema* batch_schema, ArrowArray* out) const {
    ARROW_ASSIGN_OR_RAISE(const auto input, arrow::ImportRecordBatch(batch, batch_schema));
    ARROW_ASSIGN_OR_RAISE(const auto made, function_(input));
    if (made == nullptr) return arrow::Status::Invalid("the function has returned no batch");
    ARROW_RETURN_NOT_OK(internal::CheckBatch(*schema_, *made));
    internal::CArray array;
    ARROW_RETURN_NOT_OK(internal::batch_to_ffi(*made, &array));
    *out = array.Take();
    return arrow::Status::OK();
  }

  const ColumnFunction function_;
  const SchemaPtr schema_;
  const std::shared_ptr<FirstFailure> failure_;
  internal::ThreadEdge edge_;
};

extern "C" LanceStatusCode CallFunction(void* context, ArrowArray* batch, ArrowSchema* batch_schema,
                                        ArrowArray* out, char* message, size_t message_size) noexcept {
  return static_cast<FunctionSource*>(context)->Call(batch, batch_schema, out, message, message_size);
}

extern "C" void FreeFunction(void* context) noexcept {
  const std::unique_ptr<FunctionSource> owned(static_cast<FunctionSource*>(context));
}

arrow::Result<internal::ColumnFunctionHandle> MakeFunction(ColumnFunction function, const SchemaPtr& schema,
                                                           const std::shared_ptr<FirstFailure>& failure) {
  if (!function) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the function is empty");
  auto source = std::make_unique<FunctionSource>(std::move(function), schema, failure);
  // Consumed, whatever the outcome.
  void* const context = source.release()->HandOver();
  return internal::CallForHandle<internal::ColumnFunctionHandle>(
      lance_column_function_create, LanceColumnFn{CallFunction}, context, LanceReleaseFn{FreeFunction});
}

/// Export a schema for a call that consumes it.
arrow::Status Export(const SchemaPtr& schema, internal::CSchema* out) {
  if (schema == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the schema is NULL");
  ARROW_RETURN_NOT_OK(internal::CheckNames(*schema));
  return internal::WithCode(arrow::ExportSchema(*schema, out->get()), ErrorCode::kArrow);
}

/// The outcome, with the failure of what the caller has given in place of that of the call.
template <typename Failure>
arrow::Result<DatasetPtr> Explained(arrow::Result<DatasetPtr> outcome, const Failure& failure) {
  if (outcome.ok()) return outcome;
  return failure->Or(outcome.status());
}

template <typename Failure>
arrow::Future<DatasetPtr> Explained(const arrow::Future<DatasetPtr>& outcome, const Failure& failure) {
  return outcome.Then(
      [](const DatasetPtr& dataset) { return dataset; },
      [failure](const arrow::Status& status) -> arrow::Result<DatasetPtr> { return failure->Or(status); });
}

/// The failure of a reader.
struct ReaderFailure {
  std::shared_ptr<internal::GuardedReader> reader;

  const ReaderFailure* operator->() const { return this; }
  arrow::Status Or(const arrow::Status& failure) const { return internal::WithReaderError(failure, *reader); }
};

template <typename Form>
typename Form::template Of<DatasetPtr> Add(const Dataset& dataset, const Expressions& expressions,
                                           const AddColumnsOptions& options, const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::AddColumnsOptionsC::Make(options));
  const auto pairs = internal::ToC(expressions);
  auto progress = internal::ListenToProgress(options.progress, CallAddColumnsProgress, c_options.c);
  return Form::Make(
      Prepare<DatasetOut>(lance_dataset_add_columns, lance_dataset_add_columns_async,
                          DatasetAccess::Opening(dataset, std::move(progress)), DatasetAccess::Get(dataset),
                          pairs.data(), pairs.size(), &c_options.c),
      stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> AddByFunction(const Dataset& dataset, ColumnFunction function,
                                                     const SchemaPtr& schema,
                                                     const AddColumnsOptions& options,
                                                     const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
  internal::CSchema c_schema;
  ARROW_RETURN_NOT_OK(Export(schema, &c_schema));
  ARROW_ASSIGN_OR_RAISE(auto c_options, internal::AddColumnsOptionsC::Make(options));
  const auto failure = std::make_shared<FirstFailure>();
  ARROW_ASSIGN_OR_RAISE(const auto handle, MakeFunction(std::move(function), schema, failure));
  auto progress = internal::ListenToProgress(options.progress, CallAddColumnsProgress, c_options.c);
  return Explained(
      Form::MakeConsuming(
          Prepare<DatasetOut>(
              lance_dataset_add_columns_by_function, lance_dataset_add_columns_by_function_async,
              DatasetAccess::Opening(dataset, std::move(progress)), DatasetAccess::Get(dataset),
              static_cast<const LanceColumnFunction*>(handle.get()), c_schema.get(), &c_options.c),
          &c_schema, stop),
      failure);
}

/// A call that consumes a reader.
template <typename Form, typename Blocking, typename Async, typename... Args>
typename Form::template Of<DatasetPtr> FromReader(Blocking* blocking, Async* async, const Dataset& dataset,
                                                  const ReaderPtr& reader, const StopToken& stop,
                                                  Args... args) {
  ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
  if (reader == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "the reader is NULL");
  const ReaderFailure failure{std::make_shared<internal::GuardedReader>(reader)};
  ARROW_RETURN_NOT_OK(failure.reader->status());
  ARROW_RETURN_NOT_OK(internal::CheckNames(*failure.reader->schema()));
  internal::CStream stream;
  failure.reader->Export(stream.get());
  return Explained(
      Form::MakeConsuming(Prepare<DatasetOut>(blocking, async, DatasetAccess::Opening(dataset),
                                              DatasetAccess::Get(dataset), stream.get(), args...),
                          &stream, stop),
      failure);
}

template <typename Form>
typename Form::template Of<DatasetPtr> AddFromReader(const Dataset& dataset, const ReaderPtr& reader,
                                                     const StopToken& stop) {
  return FromReader<Form>(lance_dataset_add_columns_from_stream, lance_dataset_add_columns_from_stream_async,
                          dataset, reader, stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> Merge(const Dataset& dataset, const ReaderPtr& reader,
                                             const std::string& left_on, const std::string& right_on,
                                             const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_left_on, internal::ToC(left_on, "left_on"));
  ARROW_ASSIGN_OR_RAISE(const char* c_right_on, internal::ToC(right_on, "right_on"));
  return FromReader<Form>(lance_dataset_merge_columns, lance_dataset_merge_columns_async, dataset, reader,
                          stop, c_left_on, c_right_on);
}

template <typename Form>
typename Form::template Of<DatasetPtr> AddNull(const Dataset& dataset, const SchemaPtr& schema,
                                               const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
  internal::CSchema c_schema;
  ARROW_RETURN_NOT_OK(Export(schema, &c_schema));
  return Form::MakeConsuming(
      Prepare<DatasetOut>(lance_dataset_add_null_columns, lance_dataset_add_null_columns_async,
                          DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), c_schema.get()),
      &c_schema, stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> Alter(const Dataset& dataset,
                                             const std::vector<ColumnAlteration>& alterations,
                                             const StopToken& stop) {
  ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
  std::vector<LanceColumnAlteration> c_alterations;
  arrow::FieldVector types;
  for (const ColumnAlteration& alteration : alterations) {
    LanceColumnAlteration& c = c_alterations.emplace_back();
    ARROW_ASSIGN_OR_RAISE(c.column, internal::ToC(alteration.column, "column"));
    ARROW_ASSIGN_OR_RAISE(c.rename, internal::ToC(alteration.rename, "rename"));
    c.nullability = static_cast<int32_t>(alteration.nullability);
    if (alteration.type != nullptr) types.push_back(arrow::field(alteration.column, alteration.type));
  }
  internal::CSchema c_types;
  if (!types.empty()) ARROW_RETURN_NOT_OK(Export(arrow::schema(types), &c_types));
  return Form::MakeConsuming(
      Prepare<DatasetOut>(lance_dataset_alter_columns, lance_dataset_alter_columns_async,
                          DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), c_alterations.data(),
                          c_alterations.size(), types.empty() ? nullptr : c_types.get()),
      &c_types, stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> Drop(const Dataset& dataset, const Names& columns,
                                            const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_columns, internal::NamesC::Make(columns, "columns"));
  return Form::Make(Prepare<DatasetOut>(lance_dataset_drop_columns, lance_dataset_drop_columns_async,
                                        DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset),
                                        c_columns.data(), c_columns.size()),
                    stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> SetKey(const Dataset& dataset, const Names& columns,
                                              const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const auto c_columns, internal::NamesC::Make(columns, "columns"));
  return Form::Make(Prepare<DatasetOut>(lance_dataset_set_primary_key, lance_dataset_set_primary_key_async,
                                        DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset),
                                        c_columns.data(), c_columns.size()),
                    stop);
}

/// Read a list of two columns of texts.
arrow::Result<Pairs> DecodePairs(internal::CStream* stream) {
  Pairs pairs;
  ARROW_RETURN_NOT_OK(internal::ForEachBatch(stream, [&](const arrow::RecordBatch& batch) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto key, internal::Column<arrow::StringArray>(batch, "key"));
    ARROW_ASSIGN_OR_RAISE(const auto value, internal::Column<arrow::StringArray>(batch, "value"));
    for (int64_t i = 0; i < batch.num_rows(); ++i) pairs.emplace(key->GetString(i), value->GetString(i));
    return arrow::Status::OK();
  }));
  return pairs;
}

arrow::Result<Pairs> PairsOf(const Dataset& dataset, LanceMetadataKind kind) {
  internal::CStream stream;
  ARROW_RETURN_NOT_OK(
      internal::Call(lance_dataset_metadata, DatasetAccess::Get(dataset), kind, stream.get()));
  return DecodePairs(&stream);
}

std::vector<LanceMetadataUpdate> ToC(const Updates& updates) {
  std::vector<LanceMetadataUpdate> out;
  out.reserve(updates.size());
  for (const auto& [key, value] : updates) out.push_back({internal::TextC(key), internal::TextC(value)});
  return out;
}

template <typename Form>
typename Form::template Of<DatasetPtr> UpdatePairs(const Dataset& dataset, LanceMetadataKind kind,
                                                   const Updates& updates, bool replace,
                                                   const StopToken& stop) {
  const auto c_updates = ToC(updates);
  return Form::Make(Prepare<DatasetOut>(lance_dataset_update_metadata, lance_dataset_update_metadata_async,
                                        DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), kind,
                                        c_updates.data(), c_updates.size(), int32_t{replace}),
                    stop);
}

template <typename Form>
typename Form::template Of<DatasetPtr> UpdateField(const Dataset& dataset, const std::string& column,
                                                   const Updates& updates, bool replace,
                                                   const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_column, internal::ToC(column, "column"));
  const auto c_updates = ToC(updates);
  return Form::Make(
      Prepare<DatasetOut>(lance_dataset_update_field_metadata, lance_dataset_update_field_metadata_async,
                          DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), c_column,
                          c_updates.data(), c_updates.size(), int32_t{replace}),
      stop);
}

auto Validating(const Dataset& dataset) {
  return Prepare<internal::NoOut>(lance_dataset_validate, lance_dataset_validate_async, internal::Nothing,
                                  DatasetAccess::Get(dataset));
}

auto Migrating(const Dataset& dataset, Migration migration) {
  return Prepare<DatasetOut>(lance_dataset_migrate, lance_dataset_migrate_async,
                             DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset),
                             static_cast<LanceMigration>(migration));
}

template <typename Form>
typename Form::template Of<DatasetPtr> Upgrade(const Dataset& dataset, const std::string& version,
                                               const StopToken& stop) {
  ARROW_ASSIGN_OR_RAISE(const char* c_version, internal::ToC(version, "data_storage_version"));
  return Form::Make(
      Prepare<DatasetOut>(lance_dataset_upgrade_storage, lance_dataset_upgrade_storage_async,
                          DatasetAccess::Opening(dataset), DatasetAccess::Get(dataset), c_version),
      stop);
}

}  // namespace

arrow::Result<DatasetPtr> Dataset::AddColumns(const Expressions& expressions,
                                              const AddColumnsOptions& options, const StopToken& stop) const {
  return Add<Waiting>(*this, expressions, options, stop);
}

arrow::Future<DatasetPtr> Dataset::AddColumnsAsync(const Expressions& expressions,
                                                   const AddColumnsOptions& options,
                                                   const StopToken& stop) const {
  return Add<Starting>(*this, expressions, options, stop);
}

arrow::Result<DatasetPtr> Dataset::AddColumnsByFunction(ColumnFunction function, const SchemaPtr& schema,
                                                        const AddColumnsOptions& options,
                                                        const StopToken& stop) const {
  return AddByFunction<Waiting>(*this, std::move(function), schema, options, stop);
}

arrow::Future<DatasetPtr> Dataset::AddColumnsByFunctionAsync(ColumnFunction function, const SchemaPtr& schema,
                                                             const AddColumnsOptions& options,
                                                             const StopToken& stop) const {
  return AddByFunction<Starting>(*this, std::move(function), schema, options, stop);
}

arrow::Result<DatasetPtr> Dataset::AddColumnsFromReader(const ReaderPtr& reader,
                                                        const StopToken& stop) const {
  return AddFromReader<Waiting>(*this, reader, stop);
}

arrow::Future<DatasetPtr> Dataset::AddColumnsFromReaderAsync(const ReaderPtr& reader,
                                                             const StopToken& stop) const {
  return AddFromReader<Starting>(*this, reader, stop);
}

arrow::Result<DatasetPtr> Dataset::AddNullColumns(const SchemaPtr& schema, const StopToken& stop) const {
  return AddNull<Waiting>(*this, schema, stop);
}

arrow::Future<DatasetPtr> Dataset::AddNullColumnsAsync(const SchemaPtr& schema, const StopToken& stop) const {
  return AddNull<Starting>(*this, schema, stop);
}

arrow::Result<DatasetPtr> Dataset::MergeColumns(const ReaderPtr& reader, const std::string& left_on,
                                                const std::string& right_on, const StopToken& stop) const {
  return Merge<Waiting>(*this, reader, left_on, right_on, stop);
}

arrow::Future<DatasetPtr> Dataset::MergeColumnsAsync(const ReaderPtr& reader, const std::string& left_on,
                                                     const std::string& right_on,
                                                     const StopToken& stop) const {
  return Merge<Starting>(*this, reader, left_on, right_on, stop);
}

arrow::Result<DatasetPtr> Dataset::AlterColumns(const std::vector<ColumnAlteration>& alterations,
                                                const StopToken& stop) const {
  return Alter<Waiting>(*this, alterations, stop);
}

arrow::Future<DatasetPtr> Dataset::AlterColumnsAsync(const std::vector<ColumnAlteration>& alterations,
                                                     const StopToken& stop) const {
  return Alter<Starting>(*this, alterations, stop);
}

arrow::Result<DatasetPtr> Dataset::DropColumns(const Names& columns, const StopToken& stop) const {
  return Drop<Waiting>(*this, columns, stop);
}

arrow::Future<DatasetPtr> Dataset::DropColumnsAsync(const Names& columns, const StopToken& stop) const {
  return Drop<Starting>(*this, columns, stop);
}

arrow::Result<SchemaPtr> Dataset::PlanDropColumns(const Names& columns) const {
  ARROW_ASSIGN_OR_RAISE(const auto c_columns, internal::NamesC::Make(columns, "columns"));
  internal::CSchema schema;
  ARROW_RETURN_NOT_OK(internal::Call(lance_dataset_plan_drop_columns, DatasetAccess::Get(*this),
                                     c_columns.data(), c_columns.size(), schema.get()));
  return internal::WithCode(arrow::ImportSchema(schema.get()), ErrorCode::kArrow);
}

arrow::Result<Pairs> Dataset::Config() const { return PairsOf(*this, LANCE_METADATA_CONFIG); }

arrow::Result<Pairs> Dataset::Metadata() const { return PairsOf(*this, LANCE_METADATA_TABLE); }

arrow::Result<Pairs> Dataset::SchemaMetadata() const { return PairsOf(*this, LANCE_METADATA_SCHEMA); }

arrow::Result<Pairs> Dataset::FieldMetadata(const std::string& column) const {
  ARROW_ASSIGN_OR_RAISE(const char* c_column, internal::ToC(column, "column"));
  internal::CStream stream;
  ARROW_RETURN_NOT_OK(
      internal::Call(lance_dataset_field_metadata, DatasetAccess::Get(*this), c_column, stream.get()));
  return DecodePairs(&stream);
}

arrow::Result<DatasetPtr> Dataset::UpdateConfig(const Updates& updates, bool replace,
                                                const StopToken& stop) const {
  return UpdatePairs<Waiting>(*this, LANCE_METADATA_CONFIG, updates, replace, stop);
}

arrow::Future<DatasetPtr> Dataset::UpdateConfigAsync(const Updates& updates, bool replace,
                                                     const StopToken& stop) const {
  return UpdatePairs<Starting>(*this, LANCE_METADATA_CONFIG, updates, replace, stop);
}

arrow::Result<DatasetPtr> Dataset::UpdateMetadata(const Updates& updates, bool replace,
                                                  const StopToken& stop) const {
  return UpdatePairs<Waiting>(*this, LANCE_METADATA_TABLE, updates, replace, stop);
}

arrow::Future<DatasetPtr> Dataset::UpdateMetadataAsync(const Updates& updates, bool replace,
                                                       const StopToken& stop) const {
  return UpdatePairs<Starting>(*this, LANCE_METADATA_TABLE, updates, replace, stop);
}

arrow::Result<DatasetPtr> Dataset::UpdateSchemaMetadata(const Updates& updates, bool replace,
                                                        const StopToken& stop) const {
  return UpdatePairs<Waiting>(*this, LANCE_METADATA_SCHEMA, updates, replace, stop);
}

arrow::Future<DatasetPtr> Dataset::UpdateSchemaMetadataAsync(const Updates& updates, bool replace,
                                                             const StopToken& stop) const {
  return UpdatePairs<Starting>(*this, LANCE_METADATA_SCHEMA, updates, replace, stop);
}

arrow::Result<DatasetPtr> Dataset::UpdateFieldMetadata(const std::string& column, const Updates& updates,
                                                       bool replace, const StopToken& stop) const {
  return UpdateField<Waiting>(*this, column, updates, replace, stop);
}

arrow::Future<DatasetPtr> Dataset::UpdateFieldMetadataAsync(const std::string& column, const Updates& updates,
                                                            bool replace, const StopToken& stop) const {
  return UpdateField<Starting>(*this, column, updates, replace, stop);
}

arrow::Result<Names> Dataset::PrimaryKey() const {
  internal::CStream stream;
  ARROW_RETURN_NOT_OK(internal::Call(lance_dataset_primary_key, DatasetAccess::Get(*this), stream.get()));
  Names names;
  ARROW_RETURN_NOT_OK(internal::ForEachBatch(&stream, [&](const arrow::RecordBatch& batch) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto column, internal::Column<arrow::StringArray>(batch, "column"));
    for (int64_t i = 0; i < batch.num_rows(); ++i) names.push_back(column->GetString(i));
    return arrow::Status::OK();
  }));
  return names;
}

arrow::Result<DatasetPtr> Dataset::SetPrimaryKey(const Names& columns, const StopToken& stop) const {
  return SetKey<Waiting>(*this, columns, stop);
}

arrow::Future<DatasetPtr> Dataset::SetPrimaryKeyAsync(const Names& columns, const StopToken& stop) const {
  return SetKey<Starting>(*this, columns, stop);
}

arrow::Status Dataset::Validate(const StopToken& stop) const { return Validating(*this).Wait(stop); }

arrow::Future<> Dataset::ValidateAsync(const StopToken& stop) const { return Validating(*this).Start(stop); }

arrow::Result<DatasetPtr> Dataset::Migrate(Migration migration, const StopToken& stop) const {
  return Migrating(*this, migration).Wait(stop);
}

arrow::Future<DatasetPtr> Dataset::MigrateAsync(Migration migration, const StopToken& stop) const {
  return Migrating(*this, migration).Start(stop);
}

arrow::Result<DatasetPtr> Dataset::UpgradeStorage(const std::string& data_storage_version,
                                                  const StopToken& stop) const {
  return Upgrade<Waiting>(*this, data_storage_version, stop);
}

arrow::Future<DatasetPtr> Dataset::UpgradeStorageAsync(const std::string& data_storage_version,
                                                       const StopToken& stop) const {
  return Upgrade<Starting>(*this, data_storage_version, stop);
}

}  // namespace lance::inline v0
