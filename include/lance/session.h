/// \file session.h
/// Caches of one's own.
#pragma once

#include <memory>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// Caches of one's own, in place of the default ones, for the datasets that are opened or written with it
/// (OpenOptions::session, WriteOptions::session). Stores and their connections are shared with the default
/// session. Such a dataset keeps the caches, whatever becomes of this object. Immutable and thread-safe.
class LANCE_EXPORT Session {
 public:
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  static arrow::Result<std::shared_ptr<Session>> Make(const SessionOptions& options = {});

  /// Read its statistics.
  arrow::Result<SessionStats> Stats(const arrow::StopToken& stop = {}) const;
  arrow::Future<SessionStats> StatsAsync(const arrow::StopToken& stop = {}) const;

 private:
  friend struct SessionAccess;
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
