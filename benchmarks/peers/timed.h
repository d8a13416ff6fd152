/// \file timed.h
/// What the contenders have in common: tables in memory, and work that is timed.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/reader.h"

using Batches = arrow::RecordBatchVector;

/// CPU time of all threads of this process.
inline double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

inline double SecondsOf(const std::function<arrow::Status()>& work, arrow::Status* status) {
  const auto begin = std::chrono::steady_clock::now();
  *status = work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Time one piece of work and print it.
inline arrow::Status Report(uint64_t* rows, const std::function<arrow::Status()>& work) {
  arrow::Status status;
  const double cpu_before = CpuSeconds();
  const double seconds = SecondsOf(work, &status);
  const double cpu = CpuSeconds() - cpu_before;
  if (status.ok())
    std::cout << nlohmann::json{{"seconds", seconds}, {"cpu", cpu}, {"rows", *rows}} << std::endl;
  return status;
}

/// An Arrow IPC file, all of it in memory.
inline arrow::Result<Batches> Load(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(path));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  return reader->ToRecordBatches();
}
