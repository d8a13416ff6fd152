#include "writers/open_writer_internal.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "arrow/memory_pool.h"
#include "ffi/error_internal.h"

namespace lance::inline v0::internal {
namespace {

/// There is nobody to report to; a writer that was finished or aborted stays as it is. Inside a callback of
/// the library this does not wait.
void Abort(::LanceWriter* writer) {
  LanceError** const not_wanted = nullptr;
  lance_writer_abort(writer, not_wanted);
}

/// How long an exit waits for calls on their way. Aborted writers return at once, but the reader that a call
/// pulls from may never do.
constexpr std::chrono::seconds kLongestWaitAtExit{5};

thread_local int calls_of_this_thread = 0;

/// The writers that are open, and the calls on them. Never destroyed: threads go on while static variables
/// are.
class OpenWriters {
 public:
  static OpenWriters& Instance() {
    static auto* const instance = new OpenWriters;
    return *instance;
  }

  void Add(::LanceWriter* writer, std::shared_ptr<void> context) {
    Handle handle(writer, [context = std::move(context)](::LanceWriter* last) { lance_writer_free(last); });
    const std::lock_guard lock(mutex_);
    writers_.emplace(writer, std::move(handle));
  }

  /// Free a writer, unless an exit is aborting it at this moment, which then does.
  void Free(::LanceWriter* writer) {
    if (InForkedChild()) return;
    Handle last;
    const std::lock_guard lock(mutex_);
    last = std::move(writers_.extract(writer).mapped());
  }

  /// False if the process is exiting. Leave() is due in either case.
  bool Enter() {
    if (owner_ == 0) owner_ = getpid();
    ++calls_of_this_thread;
    ++calls_;
    return !exiting_;
  }

  void Leave() {
    --calls_;
    --calls_of_this_thread;
  }

  void EndAll() {
    if (InForkedChild()) return;
    exiting_ = true;
    AbortAll();
    WaitForCalls();
    // Those that a call has opened meanwhile.
    AbortAll();
  }

 private:
  using Handle = std::shared_ptr<::LanceWriter>;

  void AbortAll() {
    // Without the lock: what an abort waits for may free another writer.
    for (const Handle& writer : Open()) Abort(writer.get());
  }

  std::vector<Handle> Open() {
    const std::lock_guard lock(mutex_);
    std::vector<Handle> open;
    for (const auto& [_, writer] : writers_) open.push_back(writer);
    return open;
  }

  /// The exit may come from inside a call, from a reader, which then cannot go on.
  void WaitForCalls() const {
    const auto deadline = std::chrono::steady_clock::now() + kLongestWaitAtExit;
    while (calls_ > calls_of_this_thread && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  /// Writers do not work there, and the lock may be held by a thread that did not survive the fork.
  bool InForkedChild() const { return owner_ != 0 && owner_ != getpid(); }

  /// The process that first used a writer.
  std::atomic<pid_t> owner_{0};
  std::atomic<bool> exiting_{false};
  std::atomic<int> calls_{0};
  std::mutex mutex_;
  std::unordered_map<::LanceWriter*, Handle> writers_;
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
    // Not at first use: a process that is forked in the middle of that would wait for the rest.
    OpenWriters::Instance();
  }
  ~AbortAtExit() { OpenWriters::Instance().EndAll(); }
};

const AbortAtExit abort_at_exit;

}  // namespace

WriterCall::WriterCall() {
  if (!OpenWriters::Instance().Enter()) {
    status_ = MakeStatus(ErrorCode::kInvalidState, "the process is exiting, which has aborted all writers");
  }
}

WriterCall::~WriterCall() { OpenWriters::Instance().Leave(); }

OpenWriterHandle OwnOpenWriter(::LanceWriter* writer, std::shared_ptr<void> context) {
  OpenWriters::Instance().Add(writer, std::move(context));
  return OpenWriterHandle(writer);
}

void CloseWriter::operator()(::LanceWriter* writer) const {
  // While it is still listed, so that an exit at this moment waits for it.
  Abort(writer);
  OpenWriters::Instance().Free(writer);
}

}  // namespace lance::inline v0::internal
