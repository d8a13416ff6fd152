/// \file generators.h
/// Record batches of every Arrow type, filled by a fixed pattern.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "arrow/type_fwd.h"

namespace lance_test {

/// One nullable field for each tested Arrow type, named after what it tests.
const std::vector<std::shared_ptr<arrow::Field>>& AllFields();

/// The names of fields for which Lance has no storage. Of fixed-size lists it knows those of plain values: on
/// others the engine panics, or it writes a file that it cannot read together with other columns.
const std::set<std::string>& RefusedTypes();

bool IsRefused(const arrow::Field& field);

/// Make an array. Every fifth value of a nullable field is NULL, at every level of nesting; the values below
/// a NULL parent are not empty.
std::shared_ptr<arrow::Array> MakeArray(const arrow::Field& field, int64_t rows, uint64_t seed = 0);

/// Make a batch with one column for each field.
std::shared_ptr<arrow::RecordBatch> MakeBatch(const std::shared_ptr<arrow::Schema>& schema, int64_t rows,
                                              uint64_t seed = 0);

/// A schema of columns `id` (int64) and `name` (string), and a batch of it whose ids count up from a first
/// one.
std::shared_ptr<arrow::Schema> SimpleSchema();
std::shared_ptr<arrow::RecordBatch> SimpleBatch(int64_t first_id, int64_t rows);

/// Rewrite a column the way Lance returns it: views become plain strings, and dictionaries, whose indices
/// may change, become their values.
std::shared_ptr<arrow::Array> Plain(const std::shared_ptr<arrow::Array>& array);

}  // namespace lance_test
