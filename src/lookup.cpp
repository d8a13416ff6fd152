#include "lance/lookup.h"

#include <utility>

#include "arrow/array.h"
#include "arrow/record_batch.h"
#include "dataset_internal.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/lookup_internal.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/options_internal.h"

namespace lance::inline v0 {

using arrow::StopToken;
using internal::Prepare;
using internal::Starting;
using internal::Waiting;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using LookupPtr = std::shared_ptr<Lookup>;

class Lookup::Impl {
 public:
  Impl(internal::LookupHandle handle, bool is_prepared)
      : handle(std::move(handle)), is_prepared(is_prepared) {}

  template <typename Form>
  static typename Form::template Of<LookupPtr> Open(const Dataset& dataset, const std::string& column,
                                                    const LookupOptions& options, const StopToken& stop) {
    ARROW_ASSIGN_OR_RAISE(const char* c_column, internal::ToC(column, "column"));
    ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::LookupOptionsC::Make(options));
    using Out = internal::HandleOut<internal::LookupHandle>;
    return Form::Make(Prepare<Out>(lance_lookup_open, lance_lookup_open_async, ToLookup,
                                   DatasetAccess::Get(dataset), c_column, &c_options.c),
                      stop);
  }

  /// The functions are those of one of the ways to name values.
  template <typename Form>
  typename Form::template Of<BatchPtr> Take(decltype(lance_lookup_take)* blocking,
                                            decltype(lance_lookup_take_async)* async, const ArrayPtr& values,
                                            const StopToken& stop) const {
    return Ask<Form, BatchPtr, internal::BatchOut>(blocking, async, internal::ToBatch, values, stop);
  }

  /// The functions are those of one of the ways to name values.
  template <typename Form>
  typename Form::template Of<uint64_t> Count(decltype(lance_lookup_count)* blocking,
                                             decltype(lance_lookup_count_async)* async,
                                             const ArrayPtr& values, const StopToken& stop) const {
    using Out = internal::ValueOut<uint64_t>;
    const auto finish = [](Out& out) -> arrow::Result<uint64_t> { return out.value; };
    return Ask<Form, uint64_t, Out>(blocking, async, finish, values, stop);
  }

  const internal::LookupHandle handle;
  const bool is_prepared;

 private:
  template <typename Form, typename T, typename Out, typename Blocking, typename Async, typename Finish>
  typename Form::template Of<T> Ask(Blocking* blocking, Async* async, Finish finish, const ArrayPtr& values,
                                    const StopToken& stop) const {
    if (values == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "values is null");
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop));
    internal::ArrayShells shells;
    ARROW_RETURN_NOT_OK(shells.Export(*values));
    const LanceLookup* const c = handle.get();
    return Form::MakeConsuming(
        Prepare<Out>(blocking, async, finish, c, shells.array.get(), shells.type.get()), &shells, stop);
  }

  static arrow::Result<LookupPtr> ToLookup(internal::HandleOut<internal::LookupHandle>& out) {
    auto handle = out.Take();
    const LanceLookup* const c = handle.get();
    ARROW_ASSIGN_OR_RAISE(const int32_t is_prepared,
                          internal::CallFor(int32_t{0}, lance_lookup_is_prepared, c));
    return LookupPtr(new Lookup(std::make_unique<Impl>(std::move(handle), is_prepared != 0)));
  }
};

Lookup::Lookup(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Lookup::~Lookup() = default;

arrow::Result<LookupPtr> Lookup::Open(const Dataset& dataset, const std::string& column,
                                      const LookupOptions& options, const StopToken& stop) {
  return Impl::Open<Waiting>(dataset, column, options, stop);
}

arrow::Future<LookupPtr> Lookup::OpenAsync(const Dataset& dataset, const std::string& column,
                                           const LookupOptions& options, const StopToken& stop) {
  return Impl::Open<Starting>(dataset, column, options, stop);
}

bool Lookup::is_prepared() const { return impl_->is_prepared; }

arrow::Result<BatchPtr> Lookup::Take(const ArrayPtr& values, const StopToken& stop) const {
  return impl_->Take<Waiting>(lance_lookup_take, lance_lookup_take_async, values, stop);
}

arrow::Future<BatchPtr> Lookup::TakeAsync(const ArrayPtr& values, const StopToken& stop) const {
  return impl_->Take<Starting>(lance_lookup_take, lance_lookup_take_async, values, stop);
}

arrow::Result<BatchPtr> Lookup::TakeBetween(const ArrayPtr& bounds, const StopToken& stop) const {
  return impl_->Take<Waiting>(lance_lookup_take_between, lance_lookup_take_between_async, bounds, stop);
}

arrow::Future<BatchPtr> Lookup::TakeBetweenAsync(const ArrayPtr& bounds, const StopToken& stop) const {
  return impl_->Take<Starting>(lance_lookup_take_between, lance_lookup_take_between_async, bounds, stop);
}

arrow::Result<uint64_t> Lookup::Count(const ArrayPtr& values, const StopToken& stop) const {
  return impl_->Count<Waiting>(lance_lookup_count, lance_lookup_count_async, values, stop);
}

arrow::Future<uint64_t> Lookup::CountAsync(const ArrayPtr& values, const StopToken& stop) const {
  return impl_->Count<Starting>(lance_lookup_count, lance_lookup_count_async, values, stop);
}

arrow::Result<uint64_t> Lookup::CountBetween(const ArrayPtr& bounds, const StopToken& stop) const {
  return impl_->Count<Waiting>(lance_lookup_count_between, lance_lookup_count_between_async, bounds, stop);
}

arrow::Future<uint64_t> Lookup::CountBetweenAsync(const ArrayPtr& bounds, const StopToken& stop) const {
  return impl_->Count<Starting>(lance_lookup_count_between, lance_lookup_count_between_async, bounds, stop);
}

}  // namespace lance::inline v0
