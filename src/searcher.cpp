#include "lance/searcher.h"

#include <utility>

#include "arrow/array.h"
#include "arrow/record_batch.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/scan_internal.h"
#include "ffi/generated/searcher_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"

namespace lance::inline v0 {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using SearcherPtr = std::shared_ptr<Searcher>;

class Searcher::Impl {
 public:
  explicit Impl(internal::SearcherHandle handle, bool is_prepared)
      : handle(std::move(handle)), is_prepared(is_prepared) {}

  template <typename Form>
  static typename Form::template Of<SearcherPtr> Open(const Dataset& dataset, const ScanOptions& options,
                                                      const SearcherOptions& searcher_options,
                                                      const StopToken& stop) {
    if (options.statistics) {
      return internal::MakeStatus(ErrorCode::kInvalidArgument,
                                  "options.statistics is for scans: a searcher has none");
    }
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::ScanOptionsC::Make(options));
    ARROW_ASSIGN_OR_RAISE(const auto c_searcher, internal::SearcherOptionsC::Make(searcher_options));
    using Out = internal::HandleOut<internal::SearcherHandle>;
    return Form::Make(Prepare<Out>(lance_searcher_open, lance_searcher_open_async, ToSearcher,
                                   DatasetAccess::Get(dataset), &c_options.c, &c_searcher.c),
                      stop);
  }

  template <typename Form>
  typename Form::template Of<BatchPtr> Search(const std::shared_ptr<arrow::Array>& vectors,
                                              const StopToken& stop) const {
    if (vectors == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "vectors is null");
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    internal::ArrayShells shells;
    ARROW_RETURN_NOT_OK(shells.Export(*vectors));
    const LanceSearcher* const c = handle.get();
    return Form::MakeConsuming(
        Prepare<internal::BatchOut>(lance_searcher_run, lance_searcher_run_async, internal::ToBatch, c,
                                    shells.array.get(), shells.type.get()),
        &shells, stop);
  }

  const internal::SearcherHandle handle;
  const bool is_prepared;

 private:
  static arrow::Result<SearcherPtr> ToSearcher(internal::HandleOut<internal::SearcherHandle>& out) {
    auto handle = out.Take();
    const LanceSearcher* const c = handle.get();
    ARROW_ASSIGN_OR_RAISE(const int32_t is_prepared,
                          internal::CallFor(int32_t{0}, lance_searcher_is_prepared, c));
    return SearcherPtr(new Searcher(std::make_unique<Impl>(std::move(handle), is_prepared != 0)));
  }
};

Searcher::Searcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Searcher::~Searcher() = default;

arrow::Result<SearcherPtr> Searcher::Open(const Dataset& dataset, const ScanOptions& options,
                                          const SearcherOptions& searcher_options, const StopToken& stop) {
  return Impl::Open<Waiting>(dataset, options, searcher_options, stop);
}

arrow::Future<SearcherPtr> Searcher::OpenAsync(const Dataset& dataset, const ScanOptions& options,
                                               const SearcherOptions& searcher_options,
                                               const StopToken& stop) {
  return Impl::Open<Starting>(dataset, options, searcher_options, stop);
}

bool Searcher::is_prepared() const { return impl_->is_prepared; }

arrow::Result<BatchPtr> Searcher::Search(const std::shared_ptr<arrow::Array>& vectors,
                                         const StopToken& stop) const {
  return impl_->Search<Waiting>(vectors, stop);
}

arrow::Future<BatchPtr> Searcher::SearchAsync(const std::shared_ptr<arrow::Array>& vectors,
                                              const StopToken& stop) const {
  return impl_->Search<Starting>(vectors, stop);
}

}  // namespace lance::inline v0
