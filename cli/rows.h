/// \file rows.h
/// Rows as tables, JSON lines, CSV, Arrow IPC and Parquet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app.h"
#include "arrow/io/type_fwd.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"

namespace lance::cli {

/// Append one value as JSON. Decimals keep their digits; binary becomes base64, dates and times become
/// text, and numbers that JSON does not know become null.
arrow::Status AppendJson(const arrow::Array& array, int64_t row, std::string* out);

/// Append a text as a JSON string. Bytes that are not UTF-8 are replaced.
void AppendJsonString(std::string_view text, std::string* out);

/// Write all rows of a reader, as they come but for kTable, and close the output. kArrow is a stream.
///
/// \return the number of rows
arrow::Result<int64_t> WriteRows(arrow::RecordBatchReader& reader, Format format,
                                 const std::shared_ptr<arrow::io::OutputStream>& out);

/// Write all rows of a reader to standard output.
arrow::Result<int64_t> PrintRows(arrow::RecordBatchReader& reader, Format format);

}  // namespace lance::cli
