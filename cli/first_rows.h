/// \file first_rows.h
/// Batches that are bounded by bytes, not by rows.
#pragma once

#include <cstdint>
#include <memory>

#include "arrow/result.h"
#include "arrow/type_fwd.h"

namespace lance::cli {

/// Take rows off the front of a batch that has some: as many as come to 16 MiB, but at least one. A value in
/// a dictionary counts for every row, as it may be decoded.
///
/// \param[in] max_rows the most rows
arrow::Result<std::shared_ptr<arrow::RecordBatch>> FirstRows(const arrow::RecordBatch& batch,
                                                             int64_t max_rows);

}  // namespace lance::cli
