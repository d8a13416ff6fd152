/// \file shuffle.h
/// The rows of a dataset in a random order, for training.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/options.h"
#include "lance/results.h"
#include "lance/type_fwd.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

/// What is read of one version in each epoch, and in which order, made by Dataset::Shuffle(). Immutable and
/// thread-safe: epochs may be read any number of times, also several at once. It keeps what it needs alive.
///
/// The order follows from the seed, the epoch, the version and what is read of it alone: it is the same in
/// every process and on every machine, so that workers that open the same version with the same options, but
/// for their `shard_index`, have every row once among them.
///
/// Every call that waits has an asynchronous form (see lance/api.h), and takes a token that stops it.
///
/// \code
///   ARROW_ASSIGN_OR_RAISE(auto shuffler, dataset->Shuffle({.seed = 7, .shard_index = rank,
///                                                          .shard_count = workers, .batch_size = 256}));
///   for (uint64_t epoch = 0; epoch < epochs; ++epoch) {
///     ARROW_ASSIGN_OR_RAISE(auto reader, shuffler->ToReader(epoch));
///     for (auto batch : *reader) ...
///   }
/// \endcode
class LANCE_EXPORT Shuffler {
 public:
  ~Shuffler();
  Shuffler(const Shuffler&) = delete;
  Shuffler& operator=(const Shuffler&) = delete;

  /// Get the schema of the batches.
  const std::shared_ptr<arrow::Schema>& schema() const;

  /// How much comes in an epoch, which is the same in all of them.
  const ShuffleInfo& info() const;

  /// Read an epoch from a place on. The reader reads ahead, is not thread-safe, and may outlive the shuffler
  /// and the dataset. Its errors have a LanceStatusDetail.
  ///
  /// \param[in] epoch any number: each has an order of its own
  /// \param[in] rows_done rows that have come before, and do not come again. Batches are cut from there on;
  ///     more than there are is ErrorCode::kInvalidArgument
  /// \param[in] stop ends the reader, also while ReadNext() waits, which then fails
  arrow::Result<std::shared_ptr<ShuffledReader>> ToReader(uint64_t epoch, uint64_t rows_done = 0,
                                                          const arrow::StopToken& stop = {}) const;
  arrow::Future<std::shared_ptr<ShuffledReader>> ToReaderAsync(uint64_t epoch, uint64_t rows_done = 0,
                                                               const arrow::StopToken& stop = {}) const;

  /// Gives batches as futures, as Scanner::Generator does.
  using Generator = std::function<arrow::Future<std::shared_ptr<arrow::RecordBatch>>()>;
  /// Read an epoch from a place on, for those who never wait.
  arrow::Future<Generator> ToGenerator(uint64_t epoch, uint64_t rows_done = 0,
                                       const arrow::StopToken& stop = {}) const;

  /// Describe a place in an epoch, and all that there is to know to go on from there, in a text for Resume().
  /// It holds the URI, and no storage options.
  arrow::Result<std::string> State(uint64_t epoch, uint64_t rows_done) const;

  /// Go on from a place that perhaps another process has described. Where its version was cleaned up, or
  /// another dataset has taken its place, it is ErrorCode::kVersionNotFound. A text that is damaged is
  /// kCorrupt, another one kInvalidArgument, and that of a later version kNotSupported.
  ///
  /// \param[in] state what State() or ShuffledReader::State() has made
  /// \param[in] options the store's credentials, which the text has not
  /// \param[in] stop ends the call early, and then the reader
  static arrow::Result<std::shared_ptr<ShuffledReader>> Resume(const std::string& state,
                                                               const AccessOptions& options = {},
                                                               const arrow::StopToken& stop = {});
  static arrow::Future<std::shared_ptr<ShuffledReader>> ResumeAsync(const std::string& state,
                                                                    const AccessOptions& options = {},
                                                                    const arrow::StopToken& stop = {});

 private:
  friend class Dataset;
  friend class ShuffledReader;
  class Impl;
  explicit Shuffler(std::shared_ptr<const Impl> impl);
  static std::shared_ptr<ShuffledReader> Reader(std::shared_ptr<const Impl> impl,
                                                const ShufflePosition& position,
                                                std::shared_ptr<arrow::RecordBatchReader> batches);
  std::shared_ptr<const Impl> impl_;
};

/// An epoch that is read. It knows how far that is, whatever it has read ahead.
class LANCE_EXPORT ShuffledReader : public arrow::RecordBatchReader {
 public:
  ~ShuffledReader() override;

  std::shared_ptr<arrow::Schema> schema() const override;
  /// After a failure the position is behind the last batch that came.
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;
  /// End it. The position stays.
  arrow::Status Close() override;

  /// The epoch, and the rows of it that have come.
  const ShufflePosition& position() const;

  /// Describe the position for Shuffler::Resume().
  arrow::Result<std::string> State() const;

  /// What this is an epoch of: after Shuffler::Resume(), the way to the next ones.
  const std::shared_ptr<const Shuffler>& shuffler() const;

 private:
  friend class Shuffler;
  class Impl;
  explicit ShuffledReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace lance
