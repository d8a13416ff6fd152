/// \file wait.h
/// Waiting for futures.
#pragma once

#include "arrow/result.h"
#include "arrow/util/future.h"

namespace lance_test {

/// By value: a future that nobody keeps would take what MoveResult() refers to with it.
template <typename T>
arrow::Result<T> Wait(arrow::Future<T> future) {
  return future.MoveResult();
}

}  // namespace lance_test
