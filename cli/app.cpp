#include "app.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

#include "arrow/io/file.h"
#include "arrow/util/io_util.h"

namespace lance::cli {
namespace {

std::atomic<int> interrupt_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait");

std::string_view Hint(const arrow::Status& status) {
  switch (GetErrorCode(status)) {
    case ErrorCode::kAlreadyExists:
      return status.message().find("dataset") == std::string::npos
                 ? ""
                 : "use --mode append or --mode overwrite to write to it";
    case ErrorCode::kDatasetNotFound:
      if (status.message().starts_with("there is no table ")) return "`lance tables list` lists the tables";
      return status.message().ends_with(" is a file, not a dataset")
                 ? "`lance import` makes one of Parquet, CSV, JSON lines and Arrow IPC files"
                 : "check the path, and the credentials of an object store";
    case ErrorCode::kVersionNotFound:
      return "`lance versions` lists the versions";
    case ErrorCode::kRefNotFound:
      return "check the name of the tag or branch";
    case ErrorCode::kFieldNotFound:
      return "`lance schema` lists the columns";
    case ErrorCode::kCorrupt:
      return "`lance fsck` names what is damaged";
    case ErrorCode::kCommitConflict:
    case ErrorCode::kCommitConflictRetryable:
    case ErrorCode::kContention:
      return "another program writes to the dataset; try again";
    case ErrorCode::kCommitStatusUnknown:
      return "look at the dataset with `lance versions` before trying again";
    default:
      return "";
  }
}

}  // namespace

uint32_t DefaultJobs() { return std::max(1u, std::thread::hardware_concurrency()); }

void ReserveStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // The lowest free descriptor is taken. It cannot be written to, so lost output is still noticed.
    if (fcntl(fd, F_GETFD) == -1) open("/dev/null", O_RDONLY);
  }
}

void WatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int signal) { interrupt_signal = signal; };
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int InterruptSignal() { return interrupt_signal; }

arrow::Status CheckInterrupt() {
  return interrupt_signal == 0 ? arrow::Status::OK() : arrow::Status::Cancelled("interrupted");
}

arrow::Result<std::shared_ptr<arrow::io::OutputStream>> OpenStdout() {
  // The stream closes its descriptor, so it gets one of its own.
  const int fd = dup(STDOUT_FILENO);
  if (fd < 0) return arrow::Status::IOError("standard output is not open: ", std::strerror(errno));
  return arrow::io::FileOutputStream::Open(fd);
}

arrow::Status Print(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(auto out, OpenStdout());
  ARROW_RETURN_NOT_OK(out->Write(text));
  return out->Close();
}

void Say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string DescribeError(const arrow::Status& status) {
  std::string line = status.message();
  // Such as "[errno 2] No such file or directory".
  if (status.detail() != nullptr && LanceStatusDetail::UnwrapStatus(status) == nullptr) {
    line.append(": ").append(status.detail()->ToString());
  }
  if (const std::string_view hint = Hint(status); !hint.empty()) line.append("; ").append(hint);
  return line;
}

bool IsClosedPipe(const arrow::Status& status) { return arrow::internal::ErrnoFromStatus(status) == EPIPE; }

}  // namespace lance::cli
