#include "lance/text_query.h"

#include <utility>

#include "ffi/call_internal.h"
#include "ffi/options_internal.h"
#include "text_query_handle_internal.h"

namespace lance::inline v0 {

TextQuery::TextQuery(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextQuery::~TextQuery() = default;

arrow::Result<std::shared_ptr<TextQuery>> TextQuery::FromJson(const std::string& json) {
  ARROW_RETURN_NOT_OK(internal::CheckAbi());
  ARROW_ASSIGN_OR_RAISE(auto handle, internal::CallForHandle<internal::TextQueryHandle>(
                                         lance_text_query_from_json, internal::TextC(json)));
  return std::shared_ptr<TextQuery>(new TextQuery(std::make_unique<Impl>(std::move(handle))));
}

}  // namespace lance::inline v0
