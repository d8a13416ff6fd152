#include "ffi/schema_check_internal.h"

#include <algorithm>
#include <string>

#include "arrow/extension_type.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "ffi/error_internal.h"

namespace lance::inline v0::internal {
namespace {

const arrow::DataType& StorageOf(const arrow::DataType& type) {
  if (type.id() != arrow::Type::EXTENSION) return type;
  return StorageOf(*static_cast<const arrow::ExtensionType&>(type).storage_type());
}

bool IsReadableAs(const arrow::DataType& expected, const arrow::DataType& actual);

/// `with_names` says whether the fields have to have the same names.
bool AreReadableAs(const arrow::FieldVector& expected, const arrow::FieldVector& actual, bool with_names) {
  return std::equal(expected.begin(), expected.end(), actual.begin(), actual.end(),
                    [&](const auto& a, const auto& b) {
                      return (!with_names || a->name() == b->name()) && IsReadableAs(*a->type(), *b->type());
                    });
}

bool IsReadableAs(const arrow::DataType& expected, const arrow::DataType& actual) {
  if (&expected == &actual) return true;
  if (expected.id() == arrow::Type::EXTENSION && actual.id() == arrow::Type::EXTENSION) {
    return expected.Equals(actual);
  }
  const arrow::DataType& a = StorageOf(expected);
  const arrow::DataType& b = StorageOf(actual);
  if (a.id() != b.id()) return false;
  switch (a.id()) {
    case arrow::Type::DICTIONARY: {
      const auto& words = static_cast<const arrow::DictionaryType&>(a);
      const auto& other_words = static_cast<const arrow::DictionaryType&>(b);
      return words.index_type()->Equals(*other_words.index_type()) &&
             IsReadableAs(*words.value_type(), *other_words.value_type());
    }
    case arrow::Type::FIXED_SIZE_LIST:
      if (static_cast<const arrow::FixedSizeListType&>(a).list_size() !=
          static_cast<const arrow::FixedSizeListType&>(b).list_size()) {
        return false;
      }
      [[fallthrough]];
    case arrow::Type::STRUCT:
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
      // The names of items mean nothing.
      return AreReadableAs(a.fields(), b.fields(), a.id() == arrow::Type::STRUCT);
    case arrow::Type::MAP:
      return AreReadableAs(a.field(0)->type()->fields(), b.field(0)->type()->fields(), /*with_names=*/false);
    default:
      return a.Equals(b);
  }
}

std::string DescribeField(const arrow::Schema& schema, int i) {
  return i < schema.num_fields() ? "'" + schema.field(i)->ToString() + "'" : "no such field";
}

arrow::Status CheckNames(const arrow::FieldVector& fields) {
  for (const auto& field : fields) {
    if (field->name().find('\0') != std::string::npos) {
      return MakeStatus(ErrorCode::kSchemaMismatch,
                        "a column cannot be stored: there is a NUL in its name, after '" +
                            std::string(field->name().c_str()) + "'");
    }
    ARROW_RETURN_NOT_OK(CheckNames(StorageOf(*field->type()).fields()));
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Status CheckNames(const arrow::Schema& schema) { return CheckNames(schema.fields()); }

arrow::Status CheckSchema(const arrow::Schema& expected, const arrow::Schema& actual) {
  if (&expected == &actual) return arrow::Status::OK();
  if (expected.endianness() != actual.endianness()) {
    return MakeStatus(ErrorCode::kSchemaMismatch, "the byte order differs");
  }
  if (AreReadableAs(expected.fields(), actual.fields(), /*with_names=*/true)) return arrow::Status::OK();
  const int common = std::min(expected.num_fields(), actual.num_fields());
  int i = 0;
  while (i < common && AreReadableAs({expected.field(i)}, {actual.field(i)}, /*with_names=*/true)) ++i;
  return MakeStatus(ErrorCode::kSchemaMismatch, "schema mismatch at field " + std::to_string(i) +
                                                    ": expected " + DescribeField(expected, i) + ", got " +
                                                    DescribeField(actual, i));
}

arrow::Status CheckBatch(const arrow::Schema& expected, const arrow::RecordBatch& batch) {
  ARROW_RETURN_NOT_OK(CheckSchema(expected, *batch.schema()));
  return WithCode(batch.Validate(), ErrorCode::kInvalidArgument);
}

}  // namespace lance::inline v0::internal
