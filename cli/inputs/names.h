/// \file names.h
/// Schemas of files, made fit to be stored.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arrow/result.h"
#include "arrow/type_fwd.h"

namespace lance::cli {

/// Give each of the names beside each other another one if it is empty, taken or cannot be stored: "column0"
/// by its position, "name_1".
std::vector<std::string> UniqueNames(const std::vector<std::string>& names);

/// Make a schema one that can be stored and read back: names at any depth are repaired, metadata that is not
/// UTF-8 is dropped. What no repair can help is refused, by name.
///
/// \param[out] notes what was repaired
arrow::Result<std::shared_ptr<arrow::Schema>> RepairSchema(const arrow::Schema& schema,
                                                           std::vector<std::string>* notes);

/// Give an array a type that differs in names only.
std::shared_ptr<arrow::ArrayData> WithType(const arrow::ArrayData& data,
                                           const std::shared_ptr<arrow::DataType>& type);

}  // namespace lance::cli
