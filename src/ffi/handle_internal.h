/// \file handle_internal.h
/// Owners of the C ABI's opaque handles.
#pragma once

#include <memory>

#include "lance/c/lance.h"

namespace lance::inline v0::internal {

template <auto FreeFn>
struct HandleDeleter {
  template <typename T>
  void operator()(T* handle) const {
    FreeFn(handle);
  }
};

template <typename T, auto FreeFn>
using Handle = std::unique_ptr<T, HandleDeleter<FreeFn>>;

using ColumnFunctionHandle = Handle<LanceColumnFunction, lance_column_function_free>;
using CredentialsProviderHandle = Handle<LanceCredentialsProvider, lance_credentials_provider_free>;
using DatasetHandle = Handle<LanceDataset, lance_dataset_free>;
using ErrorHandle = Handle<LanceError, lance_error_free>;
using LookupHandle = Handle<LanceLookup, lance_lookup_free>;
using NamespaceHandle = Handle<LanceNamespace, lance_namespace_free>;
using ScannerHandle = Handle<LanceScanner, lance_scanner_free>;
using SearcherHandle = Handle<LanceSearcher, lance_searcher_free>;
using SessionHandle = Handle<LanceSession, lance_session_free>;
using ShufflerHandle = Handle<LanceShuffler, lance_shuffler_free>;
using SqlContextHandle = Handle<LanceSqlContext, lance_sql_context_free>;
using SqlQueryHandle = Handle<LanceSqlQuery, lance_sql_query_free>;
using StringHandle = Handle<char, lance_string_free>;
using TextQueryHandle = Handle<LanceTextQuery, lance_text_query_free>;
using TransactionHandle = Handle<LanceTransaction, lance_transaction_free>;
using VectorQueryHandle = Handle<LanceVectorQuery, lance_vector_query_free>;

}  // namespace lance::inline v0::internal
