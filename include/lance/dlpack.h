/// \file dlpack.h
/// Columns as tensors, for whatever speaks DLPack: PyTorch, JAX, NumPy, CuPy, TensorFlow.
#pragma once

#include <memory>
#include <string>

#include "arrow/result.h"
#include "arrow/type_fwd.h"
#include "lance/visibility.h"

// Of DLPack, whose header is dlpack/dlpack.h, and also comes with Arrow as arrow/c/dlpack_abi.h.
struct DLManagedTensor;
struct DLManagedTensorVersioned;

namespace lance {
inline namespace v0 {

/// Calls a tensor's own deleter.
struct LANCE_EXPORT DLPackDeleter {
  void operator()(::DLManagedTensor* tensor) const;
  void operator()(::DLManagedTensorVersioned* tensor) const;
};

/// A tensor and its only owner. Give it to a framework with `release()`: from then on that is the owner, and
/// calls the deleter, on whichever thread. Until then the numbers stay in memory, whatever becomes of the
/// array and the batch.
using DLPackTensor = std::unique_ptr<::DLManagedTensor, DLPackDeleter>;
/// As DLPack 1 has it, and says that it must not be written to.
using DLPackTensorVersioned = std::unique_ptr<::DLManagedTensorVersioned, DLPackDeleter>;

/// Make a tensor of an array, without a copy.
///
/// Numbers make a tensor of one dimension; a fixed-size list of them one of two, the rows and the items of
/// each; lists in lists more. Those of the Arrow extension `arrow.fixed_shape_tensor` have its shape behind
/// the rows, in the order of its permutation. Integers and floating-point numbers have a type in DLPack;
/// others, such as booleans, which are bits in Arrow, are ErrorCode::kNotSupported.
///
/// A null in the rows of the array is ErrorCode::kInvalidArgument, as a tensor has none: fill nulls, or leave
/// them out by a filter.
///
/// Arrays never change, and others may refer to the same memory: do not write to the tensor.
LANCE_EXPORT arrow::Result<DLPackTensor> ToDLPack(const std::shared_ptr<arrow::Array>& array);
LANCE_EXPORT arrow::Result<DLPackTensorVersioned> ToDLPackVersioned(
    const std::shared_ptr<arrow::Array>& array);

/// Make a tensor of a column of a batch, without a copy. A column that it does not have, or has twice, is
/// ErrorCode::kFieldNotFound.
LANCE_EXPORT arrow::Result<DLPackTensor> ToDLPack(const arrow::RecordBatch& batch, const std::string& column);
LANCE_EXPORT arrow::Result<DLPackTensorVersioned> ToDLPackVersioned(const arrow::RecordBatch& batch,
                                                                    const std::string& column);

}  // namespace v0
}  // namespace lance
