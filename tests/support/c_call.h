/// \file c_call.h
/// Calls of the C ABI for tests: owned handles, and the status code with its message as one value.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "lance/c/lance.h"

namespace lance_test {

template <auto FreeFn>
struct Free {
  template <typename T>
  void operator()(T* handle) const {
    FreeFn(handle);
  }
};

using WriterPtr = std::unique_ptr<::LanceWriter, Free<lance_writer_free>>;
using FileReaderPtr = std::unique_ptr<LanceFileReader, Free<lance_file_reader_free>>;
using FileWriterPtr = std::unique_ptr<LanceFileWriter, Free<lance_file_writer_free>>;
using SessionPtr = std::unique_ptr<LanceSession, Free<lance_session_free>>;
using BatchesPtr = std::unique_ptr<LanceBatches, Free<lance_batches_free>>;
using OperationPtr = std::unique_ptr<LanceOperation, Free<lance_operation_free>>;
using ColumnFunctionPtr = std::unique_ptr<LanceColumnFunction, Free<lance_column_function_free>>;
using DatasetPtr = std::unique_ptr<LanceDataset, Free<lance_dataset_free>>;
using ScannerPtr = std::unique_ptr<LanceScanner, Free<lance_scanner_free>>;
using ShufflerPtr = std::unique_ptr<LanceShuffler, Free<lance_shuffler_free>>;
using SqlContextPtr = std::unique_ptr<LanceSqlContext, Free<lance_sql_context_free>>;
using LookupPtr = std::unique_ptr<LanceLookup, Free<lance_lookup_free>>;
using SearcherPtr = std::unique_ptr<LanceSearcher, Free<lance_searcher_free>>;
using SqlQueryPtr = std::unique_ptr<LanceSqlQuery, Free<lance_sql_query_free>>;
using TextQueryPtr = std::unique_ptr<LanceTextQuery, Free<lance_text_query_free>>;
using VectorQueryPtr = std::unique_ptr<LanceVectorQuery, Free<lance_vector_query_free>>;
using TransactionPtr = std::unique_ptr<LanceTransaction, Free<lance_transaction_free>>;
using MergeInserterPtr = std::unique_ptr<LanceMergeInserter, Free<lance_merge_inserter_free>>;
using NamespacePtr = std::unique_ptr<LanceNamespace, Free<lance_namespace_free>>;
using CredentialsProviderPtr =
    std::unique_ptr<LanceCredentialsProvider, Free<lance_credentials_provider_free>>;
using StringPtr = std::unique_ptr<char, Free<lance_string_free>>;

/// What a call returned.
struct Outcome {
  LanceStatusCode code = LANCE_OK;
  std::string message;
  std::string detail = {};

  bool ok() const { return code == LANCE_OK; }
  bool operator==(LanceStatusCode expected) const { return code == expected; }
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << lance_status_name(outcome.code) << ": " << outcome.message << " (" << outcome.detail << ")";
}

/// A status and its error, which is freed; expects that a failure and only a failure comes with an error
/// object of the same code.
inline Outcome ToOutcome(LanceStatusCode code, LanceError* error) {
  Outcome outcome{.code = code, .message = {}};
  EXPECT_EQ(error != nullptr, outcome.code != LANCE_OK);
  EXPECT_EQ(lance_error_code(error), outcome.code);
  if (error != nullptr) {
    outcome.message = lance_error_message(error);
    outcome.detail = lance_error_detail(error);
    EXPECT_FALSE(outcome.message.empty());
  }
  lance_error_free(error);
  return outcome;
}

/// Call a function whose last parameter is `LanceError**`.
template <typename... Params, typename... Args>
Outcome CallC(LanceStatusCode (*function)(Params...), Args... args) {
  LanceError* error = nullptr;
  const LanceStatusCode code = function(args..., &error);
  return ToOutcome(code, error);
}

/// Call a function that gives a handle away, on success only.
template <typename Ptr, typename Call>
Outcome Made(Ptr* owned, Call call) {
  typename Ptr::pointer handle = nullptr;
  const Outcome outcome = call(&handle);
  EXPECT_EQ(handle != nullptr, outcome.ok());
  owned->reset(handle);
  return outcome;
}

/// Open a writer; the handle stays NULL on failure.
inline Outcome OpenWriter(const std::string& uri, ArrowSchema* schema, const LanceWriteOptions* options,
                          WriterPtr* out) {
  return Made(out,
              [&](auto* handle) { return CallC(lance_writer_open, uri.c_str(), schema, options, handle); });
}

inline Outcome Write(const WriterPtr& writer, ArrowArray* array, ArrowSchema* schema) {
  return CallC(lance_writer_write_batch, writer.get(), array, schema);
}

inline Outcome Finish(const WriterPtr& writer) {
  return CallC(lance_writer_finish, writer.get(), static_cast<LanceCommitResult*>(nullptr));
}

}  // namespace lance_test
