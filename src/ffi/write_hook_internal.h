/// \file write_hook_internal.h
/// What options of writes and changes have in C++ only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arrow/status.h"
#include "ffi/generated/write_internal.h"
#include "lance/options.h"

namespace lance::inline v0::internal {

/// Make a commit message a property, which borrows from it.
void AddCommitMessage(const std::optional<std::string>& message, std::vector<LanceKeyValue>& properties);

template <typename Options, typename OptionsC>
arrow::Status AddWhatCHasNot(const Options& options, OptionsC* out) {
  AddCommitMessage(options.commit_message, out->transaction_properties);
  return arrow::Status::OK();
}

/// Make the commit message a property, and the encodings hints.
arrow::Status AddWhatCHasNot(const WriteOptions& options, WriteOptionsC* out);

}  // namespace lance::inline v0::internal
