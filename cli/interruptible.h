/// \file interruptible.h
/// Changes that an interrupt stops.
#pragma once

#include <functional>

#include "app.h"
#include "arrow/result.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"

namespace lance::cli {

/// Wait for the end of a change. An interrupt stops it, and it leaves no file.
///
/// \param[in] start starts it with a token
template <typename T>
arrow::Result<T> FinishUnlessInterrupted(
    const std::function<arrow::Future<T>(const arrow::StopToken&)>& start) {
  constexpr double kInterruptSeconds = 0.05;
  WatchInterrupts();
  arrow::StopSource source;
  auto future = start(source.token());
  while (!future.Wait(kInterruptSeconds)) {
    if (InterruptSignal() != 0) source.RequestStop();
  }
  return future.MoveResult();
}

}  // namespace lance::cli
