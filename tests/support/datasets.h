/// \file datasets.h
/// Small datasets for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arrow/type_fwd.h"
#include "lance/options.h"
#include "lance/transaction.h"

namespace lance_test {

/// Write rows `first_id`, `first_id + 1`, ... of SimpleSchema().
arrow::Result<lance::CommitResult> WriteSimple(const std::string& uri, int64_t first_id, int64_t rows,
                                               const lance::WriteOptions& options = {});

/// Write batches under the schema of the first.
arrow::Result<lance::CommitResult> WriteBatches(
    const std::string& uri, const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
    const lance::WriteOptions& options = {});

/// Read all of the latest version.
arrow::Result<std::shared_ptr<arrow::Table>> ReadAll(const std::string& uri);

/// The values of an int64 column, in order.
std::vector<int64_t> Int64s(const arrow::ChunkedArray& column);

/// The ids of a dataset written by WriteSimple(), in order.
std::vector<int64_t> ReadIds(const std::string& uri);

/// `first`, `first + 1`, ... : `count` numbers.
std::vector<int64_t> Range(int64_t first, int64_t count);

}  // namespace lance_test
