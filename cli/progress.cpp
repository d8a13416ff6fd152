#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "app.h"
#include "render.h"

namespace lance::cli {
namespace {

constexpr std::chrono::milliseconds kTerminalPeriod(100);
constexpr std::chrono::milliseconds kPlainPeriod(5000);
/// Return to the first column and erase the line.
const std::string kEraseLine = "\r\x1b[K";

double PerSecond(uint64_t amount, double seconds) {
  return seconds > 0 ? static_cast<double>(amount) / seconds : 0;
}

}  // namespace

Progress::Progress(std::string label, std::optional<uint64_t> expected_rows)
    : label_(std::move(label)),
      expected_rows_(expected_rows),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Progress::~Progress() { Stop(); }

void Progress::Add(uint64_t rows, uint64_t bytes) {
  rows_ += rows;
  batches_ += 1;
  bytes_ += bytes;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::Finish() {
  Stop();
  const double elapsed = seconds();
  Say(fmt::format("{}: {} rows in {}, {} rows/s, {:.1f} MB/s\n", label_, FormatCount(rows_),
                  FormatSeconds(elapsed), FormatCount(static_cast<uint64_t>(PerSecond(rows_, elapsed))),
                  PerSecond(bytes_, elapsed) / 1e6));
}

void Progress::Run(const std::stop_token& stop) {
  if (!is_terminal_) {
    const std::string expected =
        expected_rows_ ? fmt::format(": about {} rows", FormatCount(*expected_rows_)) : ": started";
    Say(label_ + expected + "\n");
  }
  const auto period = is_terminal_ ? kTerminalPeriod : kPlainPeriod;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, period, [&] { return stop.stop_requested(); })) {
    Say(is_terminal_ ? kEraseLine + Describe() : Describe() + "\n");
  }
}

std::string Progress::Describe() const {
  const double elapsed = seconds();
  const uint64_t rows = rows_;
  const double megabytes_per_second = PerSecond(bytes_, elapsed) / 1e6;
  if (!expected_rows_) {
    return fmt::format("{}: {} rows, {:.1f} MB/s", label_, FormatCount(rows), megabytes_per_second);
  }
  // An estimate may be too low.
  const uint64_t expected = std::max(*expected_rows_, rows);
  const double done = expected > 0 ? static_cast<double>(rows) / static_cast<double>(expected) : 1;
  const std::string eta = rows > 0 ? FormatSeconds(elapsed * (1 - done) / done) : "?";
  return fmt::format("{}: {:.0f} %, {} of {} rows, {:.1f} MB/s, {} left", label_, 100 * done,
                     FormatCount(rows), FormatCount(expected), megabytes_per_second, eta);
}

void Progress::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  if (is_terminal_) Say(kEraseLine);
}

}  // namespace lance::cli
