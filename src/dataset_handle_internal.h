/// \file dataset_handle_internal.h
/// What a Dataset holds, for calls that take one as an argument.
#pragma once

#include "lance/c/lance.h"
#include "lance/dataset.h"

namespace lance::inline v0 {

struct DatasetAccess {
  /// Borrow its handle.
  static const LanceDataset* Get(const Dataset& dataset);
};

}  // namespace lance::inline v0
