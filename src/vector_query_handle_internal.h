/// \file vector_query_handle_internal.h
/// What a VectorQuery holds, for the options that name one.
#pragma once

#include <memory>
#include <utility>

#include "ffi/handle_internal.h"
#include "lance/search.h"

namespace lance::inline v0 {

class VectorQuery::Impl {
 public:
  explicit Impl(internal::VectorQueryHandle handle) : handle(std::move(handle)) {}

  const internal::VectorQueryHandle handle;
};

struct VectorQueryAccess {
  static const LanceVectorQuery* Get(const VectorQuery& query) { return query.impl_->handle.get(); }
};

namespace internal {

/// Borrow a query; NULL when there is none.
inline const LanceVectorQuery* ToC(const std::shared_ptr<VectorQuery>& query) {
  return query == nullptr ? nullptr : VectorQueryAccess::Get(*query);
}

}  // namespace internal

}  // namespace lance::inline v0
