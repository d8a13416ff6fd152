/// \file scanner_internal.h
/// What a Scanner holds; Dataset::Scan() makes it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ffi/batches_reader_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/progress_internal.h"
#include "lance/options.h"
#include "lance/scanner.h"

namespace lance::inline v0 {

class Scanner::Impl {
 public:
  using BatchesOut = internal::HandleOut<internal::BatchesHandle>;

  using Statistics = internal::Progress<ScanStatistics>;

  Impl(internal::ScannerHandle handle, std::shared_ptr<arrow::Schema> schema,
       std::shared_ptr<Statistics> statistics = nullptr)
      : statistics(std::move(statistics)), handle(std::move(handle)), schema(std::move(schema)) {}

  /// `finish` makes something of the batches.
  template <typename Finish>
  auto ToBatches(Finish finish) const {
    return internal::Prepare<BatchesOut>(lance_batches_open, lance_batches_open_async, std::move(finish),
                                         c());
  }

  auto CountRows() const {
    using Out = internal::ValueOut<uint64_t>;
    const auto finish = [](Out& out) -> arrow::Result<uint64_t> { return out.value; };
    return internal::Prepare<Out>(lance_scanner_count_rows, lance_scanner_count_rows_async, finish, c());
  }

  auto Explain() const {
    return internal::Prepare<TextOut>(lance_scanner_explain, lance_scanner_explain_async, ToText, c());
  }

  auto Analyze() const {
    return internal::Prepare<TextOut>(lance_scanner_analyze, lance_scanner_analyze_async, ToText, c());
  }

  /// What `options.statistics` is called through; NULL without it. Readers keep it, too.
  const std::shared_ptr<Statistics> statistics;
  const internal::ScannerHandle handle;
  const std::shared_ptr<arrow::Schema> schema;

 private:
  using TextOut = internal::HandleOut<internal::StringHandle>;

  static arrow::Result<std::string> ToText(TextOut& out) { return std::string(out.Take().get()); }

  const LanceScanner* c() const { return handle.get(); }
};

}  // namespace lance::inline v0
