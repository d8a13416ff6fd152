#include "lance/sql.h"

#include <utility>

#include "arrow/record_batch.h"
#include "arrow/table.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/batch_source_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/sql_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"
#include "lance/dataset.h"

namespace lance::inline v0 {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using QueryPtr = std::shared_ptr<SqlQuery>;
using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;
using TablePtr = std::shared_ptr<arrow::Table>;

namespace {

/// The table of Dataset::Sql().
constexpr char kOnlyTable[] = "dataset";

using TextOut = internal::HandleOut<internal::StringHandle>;

arrow::Result<std::string> ToText(TextOut& out) { return std::string(out.Take().get()); }

/// A batch and its schema, both consumed by one call.
struct BatchShells {
  arrow::Status Export(const arrow::RecordBatch& batch) {
    ARROW_RETURN_NOT_OK(
        internal::WithCode(arrow::ExportSchema(*batch.schema(), schema.get()), ErrorCode::kArrow));
    return internal::batch_to_ffi(batch, &array);
  }

  arrow::Status AfterConsumedBy(arrow::Status status) {
    return schema.AfterConsumedBy(array.AfterConsumedBy(std::move(status)));
  }

  internal::CArray array;
  internal::CSchema schema;
};

}  // namespace

class SqlQuery::Impl
    : public internal::BatchSource<internal::SqlQueryHandle, lance_sql_query_to_stream,
                                   lance_sql_query_to_batches, lance_sql_query_to_batches_async> {
 public:
  using BatchSource::BatchSource;

  auto Explain(bool verbose) const {
    return Prepare<TextOut>(lance_sql_query_explain, lance_sql_query_explain_async, ToText, c(),
                            int32_t{verbose});
  }

  auto Analyze() const {
    return Prepare<TextOut>(lance_sql_query_analyze, lance_sql_query_analyze_async, ToText, c());
  }
};

SqlQuery::SqlQuery(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqlQuery::~SqlQuery() = default;

const std::shared_ptr<arrow::Schema>& SqlQuery::schema() const { return impl_->schema; }

arrow::Result<ReaderPtr> SqlQuery::ToReader(const StopToken& stop) const { return impl_->ToReader(stop); }

arrow::Future<ReaderPtr> SqlQuery::ToReaderAsync(const StopToken& stop) const {
  return impl_->ToReaderAsync(stop);
}

arrow::Future<SqlQuery::Generator> SqlQuery::ToGenerator(const StopToken& stop) const {
  return impl_->ToGenerator(stop);
}

arrow::Result<TablePtr> SqlQuery::ToTable(const StopToken& stop) const { return impl_->ToTable(stop); }

arrow::Future<TablePtr> SqlQuery::ToTableAsync(const StopToken& stop) const {
  return impl_->ToTableAsync(stop);
}

arrow::Result<std::string> SqlQuery::Explain(bool verbose, const StopToken& stop) const {
  return impl_->Explain(verbose).Wait(stop);
}

arrow::Future<std::string> SqlQuery::ExplainAsync(bool verbose, const StopToken& stop) const {
  return impl_->Explain(verbose).Start(stop);
}

arrow::Result<std::string> SqlQuery::Analyze(const StopToken& stop) const {
  return impl_->Analyze().Wait(stop);
}

arrow::Future<std::string> SqlQuery::AnalyzeAsync(const StopToken& stop) const {
  return impl_->Analyze().Start(stop);
}

class SqlContext::Impl {
 public:
  explicit Impl(internal::SqlContextHandle handle) : handle(std::move(handle)) {}

  template <typename Form>
  typename Form::template Of<void> Register(const std::string& name, const Dataset& dataset,
                                            const StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
    return Form::Make(
        internal::Prepare<internal::NoOut>(lance_sql_context_register, lance_sql_context_register_async,
                                           internal::Nothing, c(), c_name, DatasetAccess::Get(dataset)),
        stop);
  }

  template <typename Form>
  typename Form::template Of<QueryPtr> PrepareQuery(const std::string& text,
                                                    const std::shared_ptr<arrow::RecordBatch>& parameters,
                                                    const StopToken& stop) const {
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    using Out = internal::HandleOut<internal::SqlQueryHandle>;
    const auto finish = [](Out& out) -> arrow::Result<QueryPtr> {
      auto query = out.Take();
      ARROW_ASSIGN_OR_RAISE(auto schema, internal::CallForSchema(lance_sql_query_schema, query.get()));
      return QueryPtr(new SqlQuery(std::make_unique<SqlQuery::Impl>(std::move(query), std::move(schema))));
    };
    BatchShells row;
    if (parameters != nullptr) ARROW_RETURN_NOT_OK(row.Export(*parameters));
    ArrowArray* const array = parameters == nullptr ? nullptr : row.array.get();
    ArrowSchema* const schema = parameters == nullptr ? nullptr : row.schema.get();
    return Form::MakeConsuming(internal::Prepare<Out>(lance_sql_prepare, lance_sql_prepare_async, finish, c(),
                                                      internal::TextC(text), array, schema),
                               &row, stop);
  }

  const internal::SqlContextHandle handle;

 private:
  const LanceSqlContext* c() const { return handle.get(); }
};

SqlContext::SqlContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqlContext::~SqlContext() = default;

arrow::Result<std::shared_ptr<SqlContext>> SqlContext::Make(const SqlOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::SqlOptionsC::Make(options));
  ARROW_ASSIGN_OR_RAISE(auto handle, internal::CallForHandle<internal::SqlContextHandle>(
                                         lance_sql_context_create, &c_options.c));
  return std::shared_ptr<SqlContext>(new SqlContext(std::make_unique<Impl>(std::move(handle))));
}

arrow::Status SqlContext::Register(const std::string& name, const Dataset& dataset, const StopToken& stop) {
  return impl_->Register<Waiting>(name, dataset, stop);
}

arrow::Future<> SqlContext::RegisterAsync(const std::string& name, const Dataset& dataset,
                                          const StopToken& stop) {
  return impl_->Register<Starting>(name, dataset, stop);
}

arrow::Status SqlContext::Deregister(const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(const char* c_name, internal::ToC(name, "name"));
  const LanceSqlContext* context = impl_->handle.get();
  return internal::Call(lance_sql_context_deregister, context, c_name);
}

arrow::Result<std::vector<SqlTable>> SqlContext::Tables() const {
  internal::CStream stream;
  const LanceSqlContext* context = impl_->handle.get();
  ARROW_RETURN_NOT_OK(internal::Call(lance_sql_context_tables, context, stream.get()));
  return internal::DecodeSqlTables(&stream);
}

arrow::Result<QueryPtr> SqlContext::Prepare(const std::string& text,
                                            const std::shared_ptr<arrow::RecordBatch>& parameters,
                                            const StopToken& stop) const {
  return impl_->PrepareQuery<Waiting>(text, parameters, stop);
}

arrow::Future<QueryPtr> SqlContext::PrepareAsync(const std::string& text,
                                                 const std::shared_ptr<arrow::RecordBatch>& parameters,
                                                 const StopToken& stop) const {
  return impl_->PrepareQuery<Starting>(text, parameters, stop);
}

arrow::Result<QueryPtr> Dataset::Sql(const std::string& text,
                                     const std::shared_ptr<arrow::RecordBatch>& parameters,
                                     const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(auto context, SqlContext::Make());
  ARROW_RETURN_NOT_OK(context->Register(kOnlyTable, *this, stop));
  return context->Prepare(text, parameters, stop);
}

arrow::Future<QueryPtr> Dataset::SqlAsync(const std::string& text,
                                          const std::shared_ptr<arrow::RecordBatch>& parameters,
                                          const StopToken& stop) const {
  ARROW_ASSIGN_OR_RAISE(auto context, SqlContext::Make());
  return context->RegisterAsync(kOnlyTable, *this, stop).Then([context, text, parameters, stop] {
    return context->PrepareAsync(text, parameters, stop);
  });
}

}  // namespace lance::inline v0
