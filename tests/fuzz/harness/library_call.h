/// \file library_call.h
/// Calls of the real library, judged by what they return.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lance/c/lance.h"

namespace lance_test {

template <auto FreeFn>
struct Free {
  template <typename T>
  void operator()(T* handle) const {
    FreeFn(handle);
  }
};

using DatasetPtr = std::unique_ptr<LanceDataset, Free<lance_dataset_free>>;
using ScannerPtr = std::unique_ptr<LanceScanner, Free<lance_scanner_free>>;
using WriterPtr = std::unique_ptr<LanceWriter, Free<lance_writer_free>>;
using TransactionPtr = std::unique_ptr<LanceTransaction, Free<lance_transaction_free>>;

/// Notes the input of a run, for messages.
void Begin(std::string_view input);

/// Checks that a failure and only a failure has an error, of the same code and with a text, and tells the
/// fuzzer what kind of outcome it is: the library has no coverage counters. Frees the error.
LanceStatusCode Judge(LanceStatusCode status, LanceError* error);

/// Calls a function whose last parameter is `LanceError**`.
template <typename... Params, typename... Args>
LanceStatusCode Call(LanceStatusCode (*function)(Params...), Args... args) {
  LanceError* error = nullptr;
  const LanceStatusCode status = function(args..., &error);
  return Judge(status, error);
}

/// How the end of an asynchronous call was told.
struct End {
  int times = 0;
  LanceStatusCode status = LANCE_OK;
  LanceError* error = nullptr;
};

/// A callback of asynchronous calls.
void Tell(void* end, LanceStatusCode status, LanceError* error);

/// Checks that an end was told once, and judges it.
LanceStatusCode Judge(const End& end);

/// Checks that a call that could not be started left nothing behind. Returns its status.
LanceStatusCode CheckNotBegun(const End& end, const LanceOperation* operation, LanceStatusCode started);

/// Calls the asynchronous form of a function, cancels it perhaps, and waits for its end.
template <typename... Params, typename... Args>
LanceStatusCode CallAsync(bool cancels, LanceStatusCode (*function)(Params...), Args... args) {
  End end;
  LanceOperation* operation = nullptr;
  const LanceStatusCode started =
      Call(function, args..., LanceDoneFn{Tell}, static_cast<void*>(&end), &operation);
  if (started != LANCE_OK) return CheckNotBegun(end, operation, started);
  if (cancels) Call(lance_operation_cancel, operation);
  Call(lance_operation_wait, operation);
  lance_operation_free(operation);
  return Judge(end);
}

/// Tells the fuzzer that an input led to this text. Numbers and what is quoted are no news: the input put
/// them there.
void Reached(std::string_view text);

/// The URI of a dataset in memory with columns of many types, made at the first call.
const std::string& TableUri();

/// Opens it.
DatasetPtr OpenTable();

/// Columns `id` (int64) and `name` (string), and a few rows of them.
ArrowSchema SmallSchema();
ArrowArray SmallArray();

/// Reads a stream to its end or failure, and releases it. The rows do not matter.
void Drain(ArrowArrayStream* stream);

}  // namespace lance_test
