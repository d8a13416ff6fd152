/// \file sql.h
/// SQL over one and several datasets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A query that is planned, made by SqlContext::Prepare() and Dataset::Sql(). Immutable and thread-safe; it
/// may be run any number of times, over the datasets that its tables were when it was planned, and keeps what
/// it needs alive.
///
/// Every call that waits has an asynchronous form (see lance/api.h), and takes a token that stops it.
class LANCE_EXPORT SqlQuery {
 public:
  ~SqlQuery();
  SqlQuery(const SqlQuery&) = delete;
  SqlQuery& operator=(const SqlQuery&) = delete;

  /// Get the schema of the batches.
  const std::shared_ptr<arrow::Schema>& schema() const;

  /// Run the query. The reader is not thread-safe, and may outlive the query, the context and the datasets.
  /// Closing or destroying it ends the query. Its errors have a LanceStatusDetail.
  ///
  /// \param[in] stop ends the query, also while ReadNext() waits, which then fails
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ToReader(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatchReader>> ToReaderAsync(
      const arrow::StopToken& stop = {}) const;

  /// Gives batches as futures, as Scanner::Generator does.
  using Generator = std::function<arrow::Future<std::shared_ptr<arrow::RecordBatch>>()>;
  /// Run the query, for those who never wait.
  arrow::Future<Generator> ToGenerator(const arrow::StopToken& stop = {}) const;

  /// Run the query and gather all of its rows.
  arrow::Result<std::shared_ptr<arrow::Table>> ToTable(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::Table>> ToTableAsync(const arrow::StopToken& stop = {}) const;

  /// Describe the query plan.
  ///
  /// \param[in] verbose add what is estimated of rows and bytes
  /// \param[in] stop ends the call early
  arrow::Result<std::string> Explain(bool verbose = false, const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> ExplainAsync(bool verbose = false, const arrow::StopToken& stop = {}) const;

  /// Run the query to its end, and describe its plan with the rows and the time of each step.
  arrow::Result<std::string> Analyze(const arrow::StopToken& stop = {}) const;
  arrow::Future<std::string> AnalyzeAsync(const arrow::StopToken& stop = {}) const;

 private:
  friend class SqlContext;
  class Impl;
  explicit SqlQuery(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Datasets under names, which are the tables of queries. Thread-safe.
///
/// \code
///   ARROW_ASSIGN_OR_RAISE(auto context, lance::SqlContext::Make());
///   ARROW_RETURN_NOT_OK(context->Register("orders", *orders));
///   ARROW_RETURN_NOT_OK(context->Register("lineitem", *lineitem));
///   ARROW_ASSIGN_OR_RAISE(auto query, context->Prepare(
///       "select o_orderpriority, count(*) from orders join lineitem on o_orderkey = l_orderkey group by
///       1"));
///   ARROW_ASSIGN_OR_RAISE(auto table, query->ToTable());
/// \endcode
class LANCE_EXPORT SqlContext {
 public:
  ~SqlContext();
  SqlContext(const SqlContext&) = delete;
  SqlContext& operator=(const SqlContext&) = delete;

  /// Make a context without tables.
  static arrow::Result<std::shared_ptr<SqlContext>> Make(const SqlOptions& options = {});

  /// Make a dataset a table of the queries that are prepared from now on. It may be destroyed before the
  /// context. A name that is taken is ErrorCode::kAlreadyExists.
  ///
  /// \param[in] name keeps its case; in queries, names that are not quoted are found whatever their case
  /// \param[in] dataset the version that queries read
  /// \param[in] stop ends the call early
  arrow::Status Register(const std::string& name, const Dataset& dataset, const arrow::StopToken& stop = {});
  arrow::Future<> RegisterAsync(const std::string& name, const Dataset& dataset,
                                const arrow::StopToken& stop = {});

  /// Forget a table. Queries that are prepared keep it.
  arrow::Status Deregister(const std::string& name);

  /// List the tables, by name.
  arrow::Result<std::vector<SqlTable>> Tables() const;

  /// Plan a query: one SELECT, WITH, VALUES, SHOW TABLES, DESCRIBE or EXPLAIN. What changes something is
  /// ErrorCode::kNotSupported. What is wrong with the text is ErrorCode::kInvalidArgument and names line and
  /// column; a table that does not exist is ErrorCode::kNotFound, a column ErrorCode::kFieldNotFound, each
  /// with the nearest names. Columns that every dataset has, such as `_rowid`, are found by their names, and
  /// a `*` does not mean them.
  ///
  /// \param[in] text SQL, of at most 16 MiB
  /// \param[in] parameters one row: `$name` in the text is its column of this name, `$1` its first column.
  ///     NULL: none. Every parameter has a value, and every value is used
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<SqlQuery>> Prepare(
      const std::string& text, const std::shared_ptr<arrow::RecordBatch>& parameters = nullptr,
      const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<SqlQuery>> PrepareAsync(
      const std::string& text, const std::shared_ptr<arrow::RecordBatch>& parameters = nullptr,
      const arrow::StopToken& stop = {}) const;

 private:
  class Impl;
  explicit SqlContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
