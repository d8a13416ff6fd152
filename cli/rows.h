/// \file rows.h
/// Rows as tables, JSON lines and CSV.
#pragma once

#include <cstdint>
#include <string>

#include "app.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"

namespace lance::cli {

/// Append one value as JSON. Decimals keep their digits; binary becomes base64, dates and times become
/// text, and numbers that JSON does not know become null.
arrow::Status AppendJson(const arrow::Array& array, int64_t row, std::string* out);

/// Append a text as a JSON string. Bytes that are not UTF-8 are replaced.
void AppendJsonString(std::string_view text, std::string* out);

/// Print all rows of a reader, as they come for kJson and kCsv.
///
/// \return the number of rows
arrow::Result<int64_t> PrintRows(arrow::RecordBatchReader& reader, Format format);

}  // namespace lance::cli
