/// \file progress.h
/// How far a table is, on standard error.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace lance::cli {

/// Shows one table's progress while it lives: a line that is kept up to date on a terminal; elsewhere a line
/// now and then.
class Progress {
 public:
  /// Start to show.
  ///
  /// \param[in] label the table
  /// \param[in] expected_rows how many rows there will be, more or less
  Progress(std::string label, std::optional<uint64_t> expected_rows);
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
  void Run(const std::stop_token& stop);
  std::string Describe() const;
  void Stop();

  const std::string label_;
  const std::optional<uint64_t> expected_rows_;
  const bool is_terminal_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<uint64_t> rows_ = 0;
  std::atomic<uint64_t> batches_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace lance::cli
