#include "inputs/input.h"

#include <exception>
#include <new>

namespace lance::cli {
namespace {

/// Values are repeated in messages, and may be megabytes.
std::string Shortened(const std::string& message) {
  constexpr size_t kHead = 250;
  constexpr size_t kTail = 150;
  if (message.size() <= kHead + kTail) return message;
  return message.substr(0, kHead) + " ... " + message.substr(message.size() - kTail);
}

}  // namespace

arrow::Status InFile(const std::string& path, const arrow::Status& status) {
  return status.ok() ? status : status.WithMessage(path, ": ", Shortened(status.message()));
}

arrow::Status InColumn(const std::string& column, const arrow::Status& status) {
  return status.ok() ? status : status.WithMessage("column \"", column, "\": ", status.message());
}

arrow::Status Guarded(const std::function<arrow::Status()>& run) {
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return arrow::Status::OutOfMemory("not enough memory");
  } catch (const std::exception& error) {
    return arrow::Status::Invalid(error.what());
  }
}

}  // namespace lance::cli
