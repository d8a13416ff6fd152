/// \file file.h
/// Data files by themselves, outside of any dataset.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// A data file that is open for reading, outside of any dataset: for formats that keep tables of their own.
/// Immutable and thread-safe. Files of format 0.1 are ErrorCode::kNotSupported.
class LANCE_EXPORT FileReader {
 public:
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Open a file. One that is damaged, or none of Lance, is ErrorCode::kCorrupt.
  ///
  /// \param[in] uri a path, or a URI as Dataset::Open() has it
  /// \param[in] options the store's credentials
  /// \param[in] stop ends the call early
  static arrow::Result<std::shared_ptr<FileReader>> Open(const std::string& uri,
                                                         const AccessOptions& options = {},
                                                         const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<FileReader>> OpenAsync(const std::string& uri,
                                                              const AccessOptions& options = {},
                                                              const arrow::StopToken& stop = {});

  /// The columns, with the metadata of the file.
  const std::shared_ptr<arrow::Schema>& schema() const;

  const FileInfo& info() const;

  /// List the columns as they are stored: a struct has one for each of its fields.
  arrow::Result<std::vector<FileColumn>> Columns() const;

  /// List the pages of all columns.
  arrow::Result<std::vector<FilePage>> Pages() const;

  /// Read rows, in the order in which they are stored. The batches may outlive the reader.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Read(const ReadFileOptions& options = {},
                                                                const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::RecordBatchReader>> ReadAsync(const ReadFileOptions& options = {},
                                                                     const arrow::StopToken& stop = {}) const;

  /// Read a buffer that FileWriter::AddGlobalBuffer() has added.
  ///
  /// \param[in] index from 1 on
  /// \param[in] stop ends the call early
  arrow::Result<std::shared_ptr<arrow::Buffer>> GlobalBuffer(uint64_t index,
                                                             const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<arrow::Buffer>> GlobalBufferAsync(uint64_t index,
                                                                  const arrow::StopToken& stop = {}) const;

 private:
  class Impl;
  explicit FileReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A data file on its way. It is at its place when Finish() has returned, and not at all otherwise: a
/// failure, Abort() and destruction leave no file. Calls are taken one after the other.
class LANCE_EXPORT FileWriter {
 public:
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// Begin a file. What is there already is ErrorCode::kAlreadyExists.
  ///
  /// \param[in] uri a path, or a URI as Dataset::Open() has it
  /// \param[in] schema the columns; encodings and other metadata are in its fields
  /// \param[in] options how to write
  /// \param[in] stop ends the call early
  static arrow::Result<std::unique_ptr<FileWriter>> Open(const std::string& uri,
                                                         const std::shared_ptr<arrow::Schema>& schema,
                                                         const WriteFileOptions& options = {},
                                                         const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<FileWriter>> OpenAsync(const std::string& uri,
                                                              const std::shared_ptr<arrow::Schema>& schema,
                                                              const WriteFileOptions& options = {},
                                                              const arrow::StopToken& stop = {});

  const std::shared_ptr<arrow::Schema>& schema() const;

  /// Write a batch. After a failure nothing more is accepted.
  arrow::Status Write(const arrow::RecordBatch& batch, const arrow::StopToken& stop = {});
  arrow::Future<> WriteAsync(const arrow::RecordBatch& batch, const arrow::StopToken& stop = {});

  /// Keep a value with the schema, beside those that it has, or in the place of one of these.
  arrow::Status AddSchemaMetadata(const std::string& key, const std::string& value);

  /// Keep bytes in the file: their number, from 1 on.
  arrow::Result<uint64_t> AddGlobalBuffer(const arrow::Buffer& bytes, const arrow::StopToken& stop = {});
  arrow::Future<uint64_t> AddGlobalBufferAsync(const arrow::Buffer& bytes, const arrow::StopToken& stop = {});

  /// How many bytes have left the encoders so far.
  arrow::Result<uint64_t> Tell();

  /// Write what is left, and put the file at its place. Either way the writer is then closed.
  arrow::Result<FileWriteResult> Finish(const arrow::StopToken& stop = {});
  arrow::Future<FileWriteResult> FinishAsync(const arrow::StopToken& stop = {});

  /// Give up. Aborting twice is allowed, and so it is after Finish(), whose file stays.
  arrow::Status Abort();
  arrow::Future<> AbortAsync();

 private:
  class Impl;
  explicit FileWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
