/// \file dataset_internal.h
/// How a Dataset is made of a handle, and lends it.
#pragma once

#include <memory>
#include <string>

#include "arrow/result.h"
#include "ffi/handle_internal.h"
#include "lance/c/lance.h"
#include "lance/dataset.h"

namespace lance::inline v0 {

struct DatasetAccess {
  static arrow::Result<std::shared_ptr<Dataset>> Make(const std::string& uri, internal::DatasetHandle handle);
  /// Borrow its handle.
  static const LanceDataset* Get(const Dataset& dataset);
};

}  // namespace lance::inline v0
