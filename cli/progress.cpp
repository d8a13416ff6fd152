#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "app.h"
#include "printable.h"
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

ProgressDisplay::ProgressDisplay()
    : is_terminal_(isatty(STDERR_FILENO) == 1), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

ProgressDisplay::~ProgressDisplay() {
  thread_.request_stop();
  thread_.join();
}

void ProgressDisplay::Begin(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  shown_.push_back(&progress);
  if (!is_terminal_) Say(progress.Announce());
}

void ProgressDisplay::End(const Progress& progress, std::string_view last) {
  const std::lock_guard lock(mutex_);
  if (std::erase(shown_, &progress) == 0) return;
  if (is_terminal_) Say(kEraseLine);
  if (!last.empty()) Say(last);
}

void ProgressDisplay::Run(const std::stop_token& stop) {
  const auto period = is_terminal_ ? kTerminalPeriod : kPlainPeriod;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, period, [&] { return stop.stop_requested(); })) Show();
}

void ProgressDisplay::Show() {
  if (is_terminal_) {
    if (!shown_.empty()) Say(kEraseLine + shown_.front()->Describe());
    return;
  }
  for (const Progress* progress : shown_) Say(progress->Describe() + "\n");
}

Progress::Progress(ProgressDisplay& display, std::string_view label, std::optional<uint64_t> expected_rows)
    : display_(display), label_(Printable(label)), expected_rows_(expected_rows) {
  display_.Begin(*this);
}

Progress::~Progress() { display_.End(*this, {}); }

void Progress::Add(uint64_t rows, uint64_t bytes) {
  rows_ += rows;
  batches_ += 1;
  bytes_ += bytes;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::Finish() {
  const double elapsed = seconds();
  const uint64_t rate = static_cast<uint64_t>(PerSecond(rows_, elapsed));
  display_.End(*this,
               fmt::format("{}: {} rows in {}, {} rows/s, {:.1f} MB/s\n", label_, FormatCount(rows_),
                           FormatSeconds(elapsed), FormatCount(rate), PerSecond(bytes_, elapsed) / 1e6));
}

std::string Progress::Announce() const {
  const std::string expected =
      expected_rows_ ? fmt::format("about {} rows", FormatCount(*expected_rows_)) : "started";
  return fmt::format("{}: {}\n", label_, expected);
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

}  // namespace lance::cli
