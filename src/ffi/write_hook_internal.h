/// \file write_hook_internal.h
/// What options have in C++ only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arrow/status.h"
#include "ffi/generated/write_internal.h"
#include "lance/options.h"

namespace lance::inline v0::internal {

/// Make the commit message a property.
void AddMessage(const std::optional<std::string>& message, std::vector<LanceKeyValue>* properties);

/// Make the commit message a property, and the encodings hints.
arrow::Status AddWhatCHasNot(const WriteOptions& options, WriteOptionsC* out);

/// Make the commit message of any other operation a property.
template <typename Options, typename OptionsC>
arrow::Status AddWhatCHasNot(const Options& options, OptionsC* out) {
  AddMessage(options.commit_message, &out->transaction_properties);
  return arrow::Status::OK();
}

}  // namespace lance::inline v0::internal
