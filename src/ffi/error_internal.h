/// \file error_internal.h
/// From error codes to arrow::Status.
#pragma once

#include <string>
#include <utility>

#include "arrow/result.h"
#include "arrow/status.h"
#include "lance/c/lance.h"
#include "lance/status.h"

namespace lance::inline v0::internal {

/// Make a failed status with a LanceStatusDetail.
arrow::Status MakeStatus(ErrorCode code, std::string message, std::string origin = "");

/// Turn an error of the C ABI into a status. `error` is the caller's and is freed here.
arrow::Status ToStatus(LanceError* error);

/// Give a failure of another library a LanceStatusDetail, unless it has a detail already.
arrow::Status WithCode(arrow::Status status, ErrorCode code);

template <typename T>
arrow::Result<T> WithCode(arrow::Result<T> result, ErrorCode code) {
  if (result.ok()) return result;
  return WithCode(result.status(), code);
}

}  // namespace lance::inline v0::internal
