/// \file batch_source_internal.h
/// What can be run any number of times, and yields batches each time: scans and queries.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "arrow/record_batch.h"
#include "arrow/result.h"
#include "arrow/table.h"
#include "arrow/util/async_generator.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "ffi/arrow_bridge_internal.h"
#include "ffi/batches_reader_internal.h"
#include "ffi/operation_internal.h"
#include "ffi/stream_reader_internal.h"

namespace lance::inline v0::internal {

/// \tparam HandleT owns what is run
/// \tparam kToStream runs it as a stream
/// \tparam kToBatches runs it as batches that are waited for
/// \tparam kToBatchesAsync the asynchronous form of that
template <typename HandleT, auto kToStream, auto kToBatches, auto kToBatchesAsync>
class BatchSource {
 public:
  using ReaderPtr = std::shared_ptr<arrow::RecordBatchReader>;
  using TablePtr = std::shared_ptr<arrow::Table>;
  using Generator = std::function<arrow::Future<std::shared_ptr<arrow::RecordBatch>>()>;

  /// \param[in] needs what is called while batches are read: readers keep it
  BatchSource(HandleT handle, std::shared_ptr<arrow::Schema> schema,
              std::shared_ptr<const void> needs = nullptr)
      : handle(std::move(handle)), schema(std::move(schema)), needs_(std::move(needs)) {}

  /// \param[in] stop ends what is run
  /// \param[in] args what the functions need to know of a run
  template <typename... Args>
  arrow::Result<ReaderPtr> ToReader(const arrow::StopToken& stop, Args... args) const {
    // Who waits for a batch of a stream cannot be stopped, but gets it without a change of threads.
    if (IsStoppable(stop)) {
      ARROW_RETURN_NOT_OK(CheckMayWait());
      return ToReaderAsync(stop, args...).MoveResult();
    }
    CStream stream;
    ARROW_RETURN_NOT_OK(Call(kToStream, c(), args..., stream.get()));
    return StreamReader::Make(&stream, needs_);
  }

  template <typename... Args>
  arrow::Future<ReaderPtr> ToReaderAsync(const arrow::StopToken& stop, Args... args) const {
    const auto finish = [stop, needs = needs_](BatchesOut& out) -> arrow::Result<ReaderPtr> {
      return BatchesReader::Make(out.Take(), stop, needs);
    };
    return ToBatches(finish, args...).Start(stop);
  }

  template <typename... Args>
  arrow::Future<Generator> ToGenerator(const arrow::StopToken& stop, Args... args) const {
    const auto finish = [stop, needs = needs_](BatchesOut& out) -> arrow::Result<Generator> {
      ARROW_ASSIGN_OR_RAISE(auto reader, BatchesReader::Make(out.Take(), stop, needs));
      return [reader = std::move(reader)] { return reader->NextAsync(); };
    };
    return ToBatches(finish, args...).Start(stop);
  }

  arrow::Result<TablePtr> ToTable(const arrow::StopToken& stop) const {
    ARROW_ASSIGN_OR_RAISE(auto reader, ToReader(stop));
    return WithCode(reader->ToTable(), ErrorCode::kExecution);
  }

  arrow::Future<TablePtr> ToTableAsync(const arrow::StopToken& stop) const {
    return ToGenerator(stop)
        .Then([](const Generator& generator) { return arrow::CollectAsyncGenerator(generator); })
        .Then([schema = schema](const arrow::RecordBatchVector& batches) {
          return WithCode(arrow::Table::FromRecordBatches(schema, batches), ErrorCode::kExecution);
        });
  }

  const HandleT handle;
  const std::shared_ptr<arrow::Schema> schema;

 protected:
  /// What functions of the C ABI borrow.
  const typename HandleT::element_type* c() const { return handle.get(); }

 private:
  using BatchesOut = HandleOut<BatchesHandle>;

  /// `finish` makes something of the batches.
  template <typename Finish, typename... Args>
  auto ToBatches(Finish finish, Args... args) const {
    return Prepare<BatchesOut>(kToBatches, kToBatchesAsync, std::move(finish), c(), args...);
  }

  const std::shared_ptr<const void> needs_;
};

}  // namespace lance::inline v0::internal
