/// \file arrow_dataset.h
/// Lance for Acero, and for whatever else takes an Arrow dataset.
///
/// In a library of its own, `LanceCpp::lance_dataset`, because it needs libarrow_dataset; lance/api.h does
/// not include it.
#pragma once

#include <memory>

#include "arrow/compute/type_fwd.h"
#include "arrow/dataset/type_fwd.h"
#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "arrow/util/cancel.h"
#include "lance/visibility.h"

namespace lance {
inline namespace v0 {

class Dataset;

/// Make an Arrow dataset of one version of a Lance dataset, with a fragment for each of Lance's. It keeps the
/// dataset alive, and is immutable and thread-safe as that is.
///
/// A scan reads the columns that its projection and its filter need, and takes `batch_size`,
/// `batch_readahead` and the stop token of `io_context` from arrow::dataset::ScanOptions. What the engine
/// evaluates just as Arrow does of a filter is left to the engine (see ToSubstrait()); Arrow filters again
/// what comes, so that no outcome depends on it. Rows are counted without a scan, unless a filter is not the
/// engine's in whole. Dropping the generator of a scan ends it.
///
/// \param[in] dataset an open dataset, whose fragments are listed now
/// \param[in] stop ends the call early
LANCE_EXPORT arrow::Result<std::shared_ptr<arrow::dataset::Dataset>> MakeArrowDataset(
    std::shared_ptr<Dataset> dataset, const arrow::StopToken& stop = {});
LANCE_EXPORT arrow::Future<std::shared_ptr<arrow::dataset::Dataset>> MakeArrowDatasetAsync(
    std::shared_ptr<Dataset> dataset, const arrow::StopToken& stop = {});

/// Turn a filter of Arrow into Substrait, for ScanOptions::filter_substrait. The engine then passes the rows
/// that Arrow would, also where the two have other rules: for NaN, for zeros of either sign, and for nulls in
/// `is_in`.
///
/// It may be made of
///
/// - `and_kleene`, `or_kleene`, `invert`, and columns and literals of type bool;
/// - `equal`, `not_equal`, `less`, `less_equal`, `greater`, `greater_equal` of a column and a literal or
///   another column, of type bool, integer, string, binary, fixed-size binary, date32, time, timestamp or
///   decimal128, plain or in a dictionary; and of a column of float or double and a literal but NaN;
/// - `is_in` of these types but float and double; `is_null` and `is_valid` of all types but dictionaries;
///   `is_nan`;
/// - `starts_with`, `ends_with` and `match_substring`, which do not ignore case.
///
/// A column may be a field of structs, and cast to a type that holds all of its values. All else, columns of
/// extension types and blobs are ErrorCode::kNotSupported; a column that the schema does not have is
/// ErrorCode::kFieldNotFound.
///
/// \param[in] filter an expression of type bool, which need not be bound
/// \param[in] schema the whole Dataset::schema()
LANCE_EXPORT arrow::Result<std::shared_ptr<arrow::Buffer>> ToSubstrait(
    const arrow::compute::Expression& filter, const arrow::Schema& schema);

}  // namespace v0
}  // namespace lance
