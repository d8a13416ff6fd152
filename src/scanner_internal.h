/// \file scanner_internal.h
/// What a Scanner holds. Dataset::Scan() makes it, too.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ffi/arrow_bridge_internal.h"
#include "ffi/batch_source_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/dataset_internal.h"
#include "ffi/generated/scan_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/listener_internal.h"
#include "ffi/operation_internal.h"
#include "lance/options.h"
#include "lance/scanner.h"

namespace lance::inline v0 {

class Scanner::Impl : public internal::BatchSource<internal::ScannerHandle, lance_scanner_to_stream,
                                                   lance_batches_open, lance_batches_open_async> {
 public:
  using Statistics = internal::Listener<ScanStatistics>;

  Impl(internal::ScannerHandle handle, std::shared_ptr<arrow::Schema> schema,
       std::shared_ptr<Statistics> statistics)
      : BatchSource(std::move(handle), std::move(schema), std::move(statistics)) {}

  static arrow::Result<std::shared_ptr<Scanner>> Make(internal::ScannerHandle handle,
                                                      std::shared_ptr<Statistics> statistics = nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto schema, internal::CallForSchema(lance_scanner_schema, handle.get()));
    return std::shared_ptr<Scanner>(
        new Scanner(std::make_unique<Impl>(std::move(handle), std::move(schema), std::move(statistics))));
  }

  template <typename Form>
  static typename Form::template Of<std::shared_ptr<Scanner>> OpenSplit(const std::string& text,
                                                                        const AccessOptions& options,
                                                                        const arrow::StopToken& stop) {
    ARROW_RETURN_NOT_OK(internal::CheckAbi());
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::AccessOptionsC::Make(options));
    using Out = internal::HandleOut<internal::ScannerHandle>;
    const auto finish = [](Out& out) { return Make(out.Take()); };
    return Form::Make(internal::Prepare<Out>(lance_scanner_open_split, lance_scanner_open_split_async, finish,
                                             internal::TextC(text), &c_options.c),
                      stop);
  }

  auto Splits(uint64_t count) const {
    using Out = internal::ShellOut<internal::CStream>;
    const auto finish = [](Out& out) { return internal::DecodeScanSplits(&out.shell); };
    return internal::Prepare<Out>(lance_scanner_splits, lance_scanner_splits_async, finish, c(), count);
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

 private:
  using TextOut = internal::HandleOut<internal::StringHandle>;

  static arrow::Result<std::string> ToText(TextOut& out) { return std::string(out.Take().get()); }
};

}  // namespace lance::inline v0
