/// \file open_writer_internal.h
/// The handles of writers, and what becomes of those that are still open when the process exits.
#pragma once

#include <memory>

#include "arrow/status.h"
#include "lance/c/lance.h"

namespace lance::inline v0::internal {

struct CloseWriter {
  void operator()(::LanceWriter* writer) const;
};

/// An open writer.
///
/// It need not be closed before the process exits: the caller of exit() may have one on its stack, and a
/// global one may never be destroyed. Such writers are aborted when the program's own static variables are
/// gone, so these can still finish a write, and while Arrow's are alive, which the release of a batch uses.
using OpenWriterHandle = std::unique_ptr<::LanceWriter, CloseWriter>;

/// A call in which a writer uses Arrow. While it is on its way, another thread that exits the process waits
/// for it, since Arrow's static variables are destroyed next; from then on no call begins.
class WriterCall {
 public:
  WriterCall();
  ~WriterCall();
  WriterCall(const WriterCall&) = delete;
  WriterCall& operator=(const WriterCall&) = delete;

  /// OK, or why the call must not go on.
  const arrow::Status& status() const { return status_; }

 private:
  arrow::Status status_;
};

/// Take care of a writer that was opened, and of what its callback uses.
OpenWriterHandle OwnOpenWriter(::LanceWriter* writer, std::shared_ptr<void> context);

}  // namespace lance::inline v0::internal
