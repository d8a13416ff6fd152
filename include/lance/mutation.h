/// \file mutation.h
/// What changes of rows return.
#pragma once

#include <cstdint>
#include <memory>

#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class Dataset;

/// What Dataset::Delete() and its like return.
struct LANCE_EXPORT DeleteResult {
  /// The version that was made; where no row was meant, another object of the same version.
  std::shared_ptr<Dataset> dataset;
  /// Rows that are gone.
  uint64_t deleted_rows = 0;
};

/// What Dataset::Update() returns.
struct LANCE_EXPORT UpdateResult {
  /// The version that was made; where no row was meant, another object of the same version.
  std::shared_ptr<Dataset> dataset;
  /// Rows that were written anew.
  uint64_t updated_rows = 0;
};

}  // namespace v0
}  // namespace lance
