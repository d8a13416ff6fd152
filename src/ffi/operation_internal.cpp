#include "ffi/operation_internal.h"

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "arrow/device.h"
#include "arrow/type.h"
#include "arrow/util/thread_pool.h"
#include "ffi/call_internal.h"

namespace lance::inline v0::internal {
namespace {

/// How often tokens are looked at: they call nobody.
constexpr std::chrono::milliseconds kInterval{5};

/// Gives access to what a token does not tell.
struct Token : arrow::StopToken {
  explicit Token(const arrow::StopToken& token) : arrow::StopToken(token) {}
  bool has_source() const { return impl_ != nullptr; }
};

class Operation : public Cancellable {
 public:
  explicit Operation(OperationHandle handle) : handle_(std::move(handle)) {}

  void Cancel() override {
    // It cannot fail, but in a forked child, where nothing runs.
    LanceError** const not_wanted = nullptr;
    lance_operation_cancel(handle_.get(), not_wanted);
  }

  bool IsDone() const override { return lance_operation_is_done(handle_.get()) != 0; }

 private:
  const OperationHandle handle_;
};

/// Looks at the tokens of calls that are on their way. Never destroyed: they may outlive static variables.
class StopWatch {
 public:
  static StopWatch& Instance() {
    static auto* const instance = new StopWatch;
    return *instance;
  }

  void Add(const arrow::StopToken& stop, std::unique_ptr<Cancellable> call) {
    const std::lock_guard lock(mutex_);
    watched_.push_back({stop, std::move(call)});
    if (is_watching_) return;
    try {
      std::thread([this] { Watch(); }).detach();
      is_watching_ = true;
    } catch (const std::system_error&) {
      // There is no thread for it: the next call that can be stopped tries again.
    }
  }

 private:
  struct Watched {
    arrow::StopToken stop;
    std::unique_ptr<Cancellable> call;
  };

  /// As long as there is something to watch.
  void Watch() {
    for (bool goes_on = true; goes_on; std::this_thread::sleep_for(kInterval)) {
      std::list<Watched> stopped;
      std::list<Watched> ended;
      {
        const std::lock_guard lock(mutex_);
        for (auto it = watched_.begin(); it != watched_.end();) {
          const auto next = std::next(it);
          if (it->stop.IsStopRequested()) {
            stopped.splice(stopped.end(), watched_, it);
          } else if (it->call->IsDone()) {
            ended.splice(ended.end(), watched_, it);
          }
          it = next;
        }
        is_watching_ = goes_on = !watched_.empty();
      }
      // Without the lock: this may release batches, which may call anything.
      for (const Watched& watched : stopped) watched.call->Cancel();
    }
  }

  std::mutex mutex_;
  std::list<Watched> watched_;
  bool is_watching_ = false;
};

}  // namespace

void ConstructForCalls() {
  // All of it has locks of its own, and may be constructed by several threads. With one round it, a process
  // that is forked meanwhile would wait in a call that is to be refused.
  static std::atomic<bool> are_constructed{false};
  if (are_constructed) return;
  // Futures trace their continuations, before and after each.
  arrow::Future<>::MakeFinished().AddCallback([](const arrow::Status&) {});
  // Results are imported: types without parameters, and memory that is somebody else's.
  arrow::PrimitiveTypes();
  arrow::IntervalTypes();
  arrow::BinaryViewTypes();
  arrow::null();
  arrow::default_cpu_memory_manager();
  // Futures are transferred there.
  arrow::internal::GetCpuThreadPool();
  are_constructed = true;
}

bool IsStoppable(const arrow::StopToken& stop) { return Token(stop).has_source(); }

arrow::Status CheckStop(const arrow::StopToken& stop) { return WithCode(stop.Poll(), ErrorCode::kCancelled); }

arrow::Status CheckMayWait() { return Call(lance_may_wait); }

void CancelOnStop(const arrow::StopToken& stop, std::unique_ptr<Cancellable> call) {
  if (!IsStoppable(stop)) return;
  if (stop.IsStopRequested()) {
    call->Cancel();
  } else {
    StopWatch::Instance().Add(stop, std::move(call));
  }
}

void CancelOnStop(const arrow::StopToken& stop, OperationHandle operation) {
  CancelOnStop(stop, std::make_unique<Operation>(std::move(operation)));
}

}  // namespace lance::inline v0::internal
