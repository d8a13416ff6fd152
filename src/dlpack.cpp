#include "lance/dlpack.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array.h"
#include "arrow/buffer.h"
#include "arrow/c/dlpack_abi.h"
#include "arrow/extension/fixed_shape_tensor.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "ffi/error_internal.h"
#include "lance/error_code.h"

namespace lance::inline v0 {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using internal::MakeStatus;

arrow::Result<DLDataType> ToDLType(const arrow::DataType& type) {
  uint8_t code = 0;
  if (arrow::is_signed_integer(type.id())) {
    code = kDLInt;
  } else if (arrow::is_unsigned_integer(type.id())) {
    code = kDLUInt;
  } else if (arrow::is_floating(type.id())) {
    code = kDLFloat;
  } else {
    return MakeStatus(ErrorCode::kNotSupported, type.ToString() + " has no type in DLPack");
  }
  return DLDataType{.code = code, .bits = static_cast<uint8_t>(type.bit_width()), .lanes = 1};
}

/// The dimensions of an array and of what is in it.
class Dimensions {
 public:
  explicit Dimensions(int64_t rows) { Add(rows); }

  void Add(int64_t size) {
    order_.push_back(stored_.size());
    stored_.push_back(size);
  }

  void AddTensor(const arrow::extension::FixedShapeTensorType& type) {
    const size_t first = stored_.size();
    for (const int64_t size : type.shape()) Add(size);
    for (size_t i = 0; i < type.permutation().size(); ++i) {
      order_[first + i] = first + static_cast<size_t>(type.permutation()[i]);
    }
  }

  int64_t count() const {
    int64_t count = 1;
    for (const int64_t size : stored_) count *= size;
    return count;
  }

  std::vector<int64_t> Shape() const { return InOrder(stored_); }

  /// In items.
  std::vector<int64_t> Strides() const {
    std::vector<int64_t> strides(stored_.size(), 1);
    for (size_t i = strides.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * stored_[i];
    return InOrder(strides);
  }

 private:
  std::vector<int64_t> InOrder(const std::vector<int64_t>& stored) const {
    std::vector<int64_t> ordered;
    for (const size_t place : order_) ordered.push_back(stored[place]);
    return ordered;
  }

  /// Those that are stored, the innermost last, and which of them comes first, second, and so on.
  std::vector<int64_t> stored_;
  std::vector<size_t> order_;
};

arrow::Status CheckNoNulls(const arrow::Array& array) {
  if (array.null_count() == 0) return arrow::Status::OK();
  return MakeStatus(
      ErrorCode::kInvalidArgument,
      std::to_string(array.null_count()) + " nulls cannot be in a tensor: fill them, or filter them");
}

/// The items of the lists that are in use.
ArrayPtr Items(const arrow::FixedSizeListArray& lists) {
  return lists.values()->Slice(lists.value_offset(0), lists.length() * lists.list_type()->list_size());
}

/// What a tensor needs as long as it lives.
template <typename Managed>
struct Holder {
  ArrayPtr numbers;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  Managed managed{};
};

/// What the older struct cannot say.
void Describe(::DLManagedTensor*) {}

void Describe(::DLManagedTensorVersioned* tensor) {
  tensor->version = {.major = 1, .minor = 0};
  tensor->flags = DLPACK_FLAG_BITMASK_READ_ONLY;
}

template <typename Managed>
void Delete(Managed* tensor) noexcept {
  delete static_cast<Holder<Managed>*>(tensor->manager_ctx);
}

template <typename Managed>
arrow::Result<std::unique_ptr<Managed, DLPackDeleter>> Export(const ArrayPtr& array) {
  if (array == nullptr) return MakeStatus(ErrorCode::kInvalidArgument, "array is NULL");
  Dimensions dimensions(array->length());
  ArrayPtr numbers = array;
  // Where nulls may be.
  arrow::ArrayVector levels{array};
  while (true) {
    if (numbers->type_id() == arrow::Type::EXTENSION) {
      const auto& extended = static_cast<const arrow::ExtensionArray&>(*numbers);
      const auto& type = static_cast<const arrow::ExtensionType&>(*numbers->type());
      numbers = extended.storage();
      if (type.extension_name() != "arrow.fixed_shape_tensor") continue;
      dimensions.AddTensor(static_cast<const arrow::extension::FixedShapeTensorType&>(type));
    } else if (numbers->type_id() == arrow::Type::FIXED_SIZE_LIST) {
      dimensions.Add(static_cast<const arrow::FixedSizeListType&>(*numbers->type()).list_size());
    } else {
      break;
    }
    numbers = levels.emplace_back(Items(static_cast<const arrow::FixedSizeListArray&>(*numbers)));
  }
  ARROW_ASSIGN_OR_RAISE(const DLDataType type, ToDLType(*numbers->type()));
  for (const ArrayPtr& level : levels) ARROW_RETURN_NOT_OK(CheckNoNulls(*level));
  const std::shared_ptr<arrow::Buffer>& buffer = numbers->data()->buffers[1];
  if (buffer != nullptr && !buffer->is_cpu()) {
    return MakeStatus(ErrorCode::kNotSupported, "the numbers are not in memory of the CPU");
  }

  auto holder = std::make_unique<Holder<Managed>>();
  holder->shape = dimensions.Shape();
  holder->strides = dimensions.Strides();
  DLTensor& tensor = holder->managed.dl_tensor;
  if (dimensions.count() > 0) {
    const int64_t offset = numbers->offset() * type.bits / 8;
    tensor.data = const_cast<uint8_t*>(buffer->data() + offset);
  }
  tensor.device = {.device_type = kDLCPU, .device_id = 0};
  tensor.ndim = static_cast<int32_t>(holder->shape.size());
  tensor.dtype = type;
  tensor.shape = holder->shape.data();
  tensor.strides = holder->strides.data();
  holder->numbers = std::move(numbers);
  Describe(&holder->managed);
  holder->managed.deleter = Delete<Managed>;
  holder->managed.manager_ctx = holder.get();
  return std::unique_ptr<Managed, DLPackDeleter>(&holder.release()->managed);
}

template <typename Managed>
arrow::Result<std::unique_ptr<Managed, DLPackDeleter>> ExportColumn(const arrow::RecordBatch& batch,
                                                                    const std::string& column) {
  const ArrayPtr array = batch.GetColumnByName(column);
  if (array == nullptr) {
    return MakeStatus(ErrorCode::kFieldNotFound, "the batch has no column \"" + column + "\", or several");
  }
  auto tensor = Export<Managed>(array);
  if (tensor.ok()) return tensor;
  return tensor.status().WithMessage("column \"", column, "\": ", tensor.status().message());
}

}  // namespace

void DLPackDeleter::operator()(::DLManagedTensor* tensor) const {
  if (tensor->deleter != nullptr) tensor->deleter(tensor);
}

void DLPackDeleter::operator()(::DLManagedTensorVersioned* tensor) const {
  if (tensor->deleter != nullptr) tensor->deleter(tensor);
}

arrow::Result<DLPackTensor> ToDLPack(const ArrayPtr& array) { return Export<::DLManagedTensor>(array); }

arrow::Result<DLPackTensorVersioned> ToDLPackVersioned(const ArrayPtr& array) {
  return Export<::DLManagedTensorVersioned>(array);
}

arrow::Result<DLPackTensor> ToDLPack(const arrow::RecordBatch& batch, const std::string& column) {
  return ExportColumn<::DLManagedTensor>(batch, column);
}

arrow::Result<DLPackTensorVersioned> ToDLPackVersioned(const arrow::RecordBatch& batch,
                                                       const std::string& column) {
  return ExportColumn<::DLManagedTensorVersioned>(batch, column);
}

}  // namespace lance::inline v0
