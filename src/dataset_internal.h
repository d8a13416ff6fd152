/// \file dataset_internal.h
/// How a Dataset is made of a handle, and lends it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "arrow/result.h"
#include "ffi/handle_internal.h"
#include "ffi/operation_internal.h"
#include "lance/c/lance.h"
#include "lance/dataset.h"

namespace lance::inline v0 {

struct DatasetAccess {
  static arrow::Result<std::shared_ptr<Dataset>> Make(const std::string& uri, internal::DatasetHandle handle);
  /// Borrow its handle.
  static const LanceDataset* Get(const Dataset& dataset);

  /// What makes a dataset of a new version of this one. It keeps what the call needs until then.
  static auto Opening(const Dataset& dataset, std::shared_ptr<const void> kept = nullptr) {
    return [uri = dataset.uri(), kept = std::move(kept)](internal::HandleOut<internal::DatasetHandle>& out) {
      return Make(uri, out.Take());
    };
  }
};

}  // namespace lance::inline v0
