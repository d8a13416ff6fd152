/// \file text_query_handle_internal.h
/// What a TextQuery holds, for the options that name one.
#pragma once

#include <optional>
#include <utility>

#include "arrow/result.h"
#include "ffi/error_internal.h"
#include "ffi/handle_internal.h"
#include "lance/text_query.h"

namespace lance::inline v0 {

/// A handle, or why there is none.
class TextQuery::Impl {
 public:
  explicit Impl(arrow::Result<internal::TextQueryHandle> handle) : handle(std::move(handle)) {}

  const arrow::Result<internal::TextQueryHandle> handle;
};

struct TextQueryAccess {
  static arrow::Result<LanceTextQuery*> Get(const TextQuery& query) {
    if (query.impl_ == nullptr) {
      return internal::MakeStatus(ErrorCode::kInvalidState, "the text query was moved from");
    }
    ARROW_RETURN_NOT_OK(query.impl_->handle);
    return query.impl_->handle->get();
  }
};

namespace internal {

/// Borrow a query; NULL when there is none.
inline arrow::Result<const LanceTextQuery*> ToC(const std::optional<TextQuery>& query) {
  if (!query.has_value()) return nullptr;
  return TextQueryAccess::Get(*query);
}

}  // namespace internal

}  // namespace lance::inline v0
