/// \file scanner_internal.h
/// What a Scanner holds; Dataset::Scan() makes it.
#pragma once

#include <memory>
#include <utility>

#include "ffi/handle_internal.h"
#include "lance/scanner.h"

namespace lance::inline v0 {

class Scanner::Impl {
 public:
  Impl(internal::ScannerHandle handle, std::shared_ptr<arrow::Schema> schema)
      : handle(std::move(handle)), schema(std::move(schema)) {}

  const internal::ScannerHandle handle;
  const std::shared_ptr<arrow::Schema> schema;
};

}  // namespace lance::inline v0
