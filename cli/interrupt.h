/// \file interrupt.h
/// Waiting for a change that an interrupt stops.
#pragma once

#include <functional>

#include "app.h"
#include "arrow/result.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"

namespace lance::cli {

/// How often an interrupt is looked for.
inline constexpr double kInterruptSeconds = 0.05;

/// Wait for the end of a change. An interrupt stops it, and it leaves no file.
///
/// \param[in] start starts it with a token
template <typename T>
arrow::Result<T> WaitOrInterrupt(const std::function<arrow::Future<T>(const arrow::StopToken&)>& start) {
  WatchInterrupts();
  arrow::StopSource source;
  const arrow::Future<T> future = start(source.token());
  while (!future.Wait(kInterruptSeconds)) {
    if (InterruptSignal() != 0) source.RequestStop();
  }
  return future.result();
}

}  // namespace lance::cli
