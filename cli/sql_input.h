/// \file sql_input.h
/// What `lance sql` is given: a query, tables, parameters.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/status.h"
#include "arrow/type_fwd.h"
#include "lance/options.h"
#include "lance/type_fwd.h"

namespace lance::cli {

/// Read a query: from standard input if `path` is "-".
arrow::Result<std::string> ReadQuery(const std::string& path);

/// Add datasets to a context.
///
/// \param[in] data directories, whose datasets NAME.lance become tables of these names, and NAME=PATH
/// \param[in] options how the datasets are opened
/// \param[out] context what has the tables
arrow::Status AddTables(const std::vector<std::string>& data, const OpenOptions& options,
                        SqlContext& context);

/// Make the row of NAME=VALUE parameters; NULL without any. A value is a number, true, false, null, or text;
/// in single quotes it is text whatever it looks like.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToParameters(const std::vector<std::string>& pairs);

}  // namespace lance::cli
