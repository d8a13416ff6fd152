#include "lance/search.h"

#include <utility>

#include "arrow/array.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/call_internal.h"
#include "ffi/generated/search_internal.h"
#include "ffi/options_internal.h"
#include "vector_query_handle_internal.h"

namespace lance::inline v0 {

VectorQuery::VectorQuery(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VectorQuery::~VectorQuery() = default;

arrow::Result<std::shared_ptr<VectorQuery>> VectorQuery::Make(const std::string& column,
                                                              const std::shared_ptr<arrow::Array>& vectors,
                                                              const VectorQueryOptions& options) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  if (vectors == nullptr) return internal::MakeStatus(ErrorCode::kInvalidArgument, "vectors is null");
  ARROW_ASSIGN_OR_RAISE(const char* c_column, internal::ToC(column, "column"));
  ARROW_ASSIGN_OR_RAISE(const auto c_options, internal::VectorQueryOptionsC::Make(options));
  internal::ArrayShells shells;
  ARROW_RETURN_NOT_OK(shells.Export(*vectors));
  auto made = internal::CallForHandle<internal::VectorQueryHandle>(
      lance_vector_query_new, c_column, shells.array.get(), shells.type.get(), &c_options.c);
  ARROW_RETURN_NOT_OK(shells.AfterConsumedBy(made.status()));
  return std::shared_ptr<VectorQuery>(new VectorQuery(std::make_unique<Impl>(*std::move(made))));
}

}  // namespace lance::inline v0
