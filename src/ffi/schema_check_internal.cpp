#include "ffi/schema_check_internal.h"

#include <algorithm>
#include <string>

#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "ffi/error_internal.h"

namespace lance::inline v0::internal {
namespace {

std::string DescribeField(const arrow::Schema& schema, int i) {
  return i < schema.num_fields() ? "'" + schema.field(i)->ToString() + "'" : "no such field";
}

std::string DescribeDifference(const arrow::Schema& expected, const arrow::Schema& actual) {
  const int common = std::min(expected.num_fields(), actual.num_fields());
  int i = 0;
  while (i < common && expected.field(i)->Equals(*actual.field(i), /*check_metadata=*/false)) ++i;
  if (i == common && expected.num_fields() == actual.num_fields()) return "the byte order differs";
  return "field " + std::to_string(i) + ": expected " + DescribeField(expected, i) + ", got " +
         DescribeField(actual, i);
}

}  // namespace

arrow::Status CheckSchema(const arrow::Schema& expected, const arrow::Schema& actual) {
  if (&expected == &actual || expected.Equals(actual, /*check_metadata=*/false)) return arrow::Status::OK();
  return MakeStatus(ErrorCode::kSchemaMismatch, "schema mismatch at " + DescribeDifference(expected, actual));
}

arrow::Status CheckBatch(const arrow::Schema& expected, const arrow::RecordBatch& batch) {
  ARROW_RETURN_NOT_OK(CheckSchema(expected, *batch.schema()));
  return WithCode(batch.Validate(), ErrorCode::kInvalidArgument);
}

}  // namespace lance::inline v0::internal
