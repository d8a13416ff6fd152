/// \file progress.h
/// How far the work is, on standard error.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lance::cli {

class Progress;

/// Shows what is in progress while it lives: on a terminal a line that is kept up to date, elsewhere a line
/// for each table now and then.
class ProgressDisplay {
 public:
  ProgressDisplay();
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

 private:
  friend class Progress;

  void Begin(const Progress& progress);
  /// Take a table out, with a last line or without.
  void End(const Progress& progress, std::string_view last);
  void Run(const std::stop_token& stop);
  void Show();

  const bool is_terminal_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  /// The oldest first, which is the one that a terminal shows.
  std::vector<const Progress*> shown_;
  std::jthread thread_;
};

/// How far one table is.
class Progress {
 public:
  /// Start to show.
  ///
  /// \param[in] display where; it outlives this
  /// \param[in] label the table
  /// \param[in] expected_rows how many rows there will be, more or less
  Progress(ProgressDisplay& display, std::string_view label, std::optional<uint64_t> expected_rows);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Count a batch. Thread-safe.
  void Add(uint64_t rows, uint64_t bytes);

  /// Stop, and leave a closing line. Without it nothing is left.
  void Finish();

  uint64_t rows() const { return rows_; }
  uint64_t batches() const { return batches_; }
  double seconds() const;

 private:
  friend class ProgressDisplay;

  std::string Announce() const;
  std::string Describe() const;

  ProgressDisplay& display_;
  const std::string label_;
  const std::optional<uint64_t> expected_rows_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<uint64_t> rows_ = 0;
  std::atomic<uint64_t> batches_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
};

}  // namespace lance::cli
