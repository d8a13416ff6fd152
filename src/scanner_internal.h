/// \file scanner_internal.h
/// What a Scanner holds; Dataset::Scan() makes it.
#pragma once

#include <string>

#include "ffi/batch_source_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "lance/scanner.h"

namespace lance::inline v0 {

class Scanner::Impl : public internal::BatchSource<internal::ScannerHandle, lance_scanner_to_stream,
                                                   lance_batches_open, lance_batches_open_async> {
 public:
  using BatchSource::BatchSource;

  auto CountRows() const {
    using Out = internal::ValueOut<uint64_t>;
    const auto finish = [](Out& out) -> arrow::Result<uint64_t> { return out.value; };
    return internal::Prepare<Out>(lance_scanner_count_rows, lance_scanner_count_rows_async, finish, c());
  }

  auto Explain() const {
    using Out = internal::HandleOut<internal::StringHandle>;
    const auto finish = [](Out& out) -> arrow::Result<std::string> { return std::string(out.Take().get()); };
    return internal::Prepare<Out>(lance_scanner_explain, lance_scanner_explain_async, finish, c());
  }
};

}  // namespace lance::inline v0
