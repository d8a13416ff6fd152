#include "writers/open_writer_internal.h"

#include <unistd.h>

#include <mutex>
#include <unordered_set>

#include "arrow/memory_pool.h"

namespace lance::inline v0::internal {
namespace {

/// There is nobody to report to; a writer that was finished or aborted stays as it is.
void Abort(::LanceWriter* writer) {
  LanceError** const not_wanted = nullptr;
  lance_writer_abort(writer, not_wanted);
}

/// The writers that are open. Never destroyed: threads go on while static variables are.
class OpenWriters {
 public:
  static OpenWriters& Instance() {
    static auto* const instance = new OpenWriters;
    return *instance;
  }

  void Add(::LanceWriter* writer) {
    const std::lock_guard lock(mutex_);
    writers_.insert(writer);
  }

  void Remove(::LanceWriter* writer) {
    if (InForkedChild()) return;
    const std::lock_guard lock(mutex_);
    writers_.erase(writer);
  }

  void AbortAll() {
    if (InForkedChild()) return;
    // Threads that go on cannot free a writer meanwhile.
    const std::lock_guard lock(mutex_);
    for (::LanceWriter* writer : writers_) Abort(writer);
  }

 private:
  /// Writers do not work there, and the lock may be held by a thread that did not survive the fork.
  bool InForkedChild() const { return getpid() != owner_; }

  const pid_t owner_ = getpid();
  std::mutex mutex_;
  std::unordered_set<::LanceWriter*> writers_;
};

/// Constructed when this library is loaded, and destroyed at exit. The system destroys in reverse order:
/// first what was constructed later, as all of the program's static variables are, then this, then what was
/// constructed before.
class AbortAtExit {
 public:
  AbortAtExit() {
    // The release of an exported array asks for the default memory pool, which looks into this list. The
    // pool itself must not be chosen yet: the program may want to set the environment for it.
    arrow::SupportedMemoryBackendNames();
  }
  ~AbortAtExit() { OpenWriters::Instance().AbortAll(); }
};

const AbortAtExit abort_at_exit;

}  // namespace

OpenWriterHandle OwnOpenWriter(::LanceWriter* writer) {
  OpenWriters::Instance().Add(writer);
  return OpenWriterHandle(writer);
}

void CloseWriter::operator()(::LanceWriter* writer) const {
  // While it is still listed, so that an exit at this moment waits for it.
  Abort(writer);
  OpenWriters::Instance().Remove(writer);
  lance_writer_free(writer);
}

}  // namespace lance::inline v0::internal
