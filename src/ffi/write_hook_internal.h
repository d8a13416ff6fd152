/// \file write_hook_internal.h
/// What options have in C++ only.
#pragma once

#include "arrow/status.h"
#include "ffi/generated/merge_insert_internal.h"
#include "ffi/generated/write_internal.h"
#include "lance/options.h"

namespace lance::inline v0::internal {

/// Make the commit message a property, and the encodings hints.
arrow::Status AddWhatCHasNot(const WriteOptions& options, WriteOptionsC* out);

/// Make the commit message a property.
arrow::Status AddWhatCHasNot(const MergeInsertOptions& options, MergeInsertOptionsC* out);

}  // namespace lance::inline v0::internal
