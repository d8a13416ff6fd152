/// \file text_query_handle_internal.h
/// What a TextQuery holds, for the options that name one.
#pragma once

#include <memory>
#include <utility>

#include "ffi/handle_internal.h"
#include "lance/text_query.h"

namespace lance::inline v0 {

class TextQuery::Impl {
 public:
  explicit Impl(internal::TextQueryHandle handle) : handle(std::move(handle)) {}

  const internal::TextQueryHandle handle;
};

struct TextQueryAccess {
  static const LanceTextQuery* Get(const TextQuery& query) { return query.impl_->handle.get(); }
};

namespace internal {

/// Borrow a query; NULL when there is none.
inline const LanceTextQuery* ToC(const std::shared_ptr<TextQuery>& query) {
  return query == nullptr ? nullptr : TextQueryAccess::Get(*query);
}

}  // namespace internal

}  // namespace lance::inline v0
