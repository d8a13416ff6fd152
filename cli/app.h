/// \file app.h
/// What all commands share: errors, interruption, standard output.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "arrow/io/interfaces.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "lance/api.h"
#include "names.h"

namespace lance::cli {

/// How a command prints its result. The last two are not for people.
enum class Format { kTable, kJson, kCsv, kArrow, kParquet };

/// A dataset to read.
struct Source {
  /// A path or URI, or the name of a table.
  std::string uri;
  OpenOptions options;
  /// Where the name is looked up.
  NamespaceFlags in;

  arrow::Result<std::shared_ptr<Dataset>> Open() const {
    ARROW_ASSIGN_OR_RAISE(const auto ns, in.Connect());
    return OpenDataset(ns, uri, options);
  }
};

/// How many threads work at once unless the user says otherwise: the number of cores.
uint32_t DefaultJobs();

/// Make sure that the standard descriptors are taken, so that no data file becomes standard error.
void ReserveStandardDescriptors();

/// From here on SIGINT and SIGTERM only set a flag, so that a write can be aborted; the second one kills.
void WatchInterrupts();

/// Get the signal that asked to stop, or 0.
int InterruptSignal();

/// Get a status that says so when a signal asked to stop.
arrow::Status CheckInterrupt();

/// Open standard output, unbuffered. A full disk or a closed pipe is an error of Write().
arrow::Result<std::shared_ptr<arrow::io::OutputStream>> OpenStdout();

/// Print to standard output.
arrow::Status Print(std::string_view text);

/// Tell the user something on standard error. That nobody may listen is no failure.
void Say(std::string_view text);

/// Describe a failure in one line, with a hint at what to do.
std::string DescribeError(const arrow::Status& status);

/// Tell whether whoever read our output has gone, which is no failure.
bool IsClosedPipe(const arrow::Status& status);

}  // namespace lance::cli
