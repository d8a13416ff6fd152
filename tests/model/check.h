/// \file check.h
/// Whether a version of a dataset holds what the model says, whichever way it is read.
#pragma once

#include "arrow/status.h"
#include "lance/api.h"
#include "model/random.h"
#include "model/table.h"

namespace lance_test {

/// Compare the schema and every value.
arrow::Status CheckContent(const lance::Dataset& dataset, const Table& expected);

/// CheckContent(), and some random reads: counts, filters with indices and without, takes by position and by
/// row id.
arrow::Status CheckReads(const lance::Dataset& dataset, const Table& expected, Random& random);

}  // namespace lance_test
