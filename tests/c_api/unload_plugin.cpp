// What a program loads at run time to use the library. It closes its writer, as it must before it is
// unloaded: a destructor inside dlclose() would wait for threads, and these may wait for the loader's lock.

#include "arrow/api.h"
#include "arrow/util/logging.h"
#include "lance/api.h"

extern "C" __attribute__((visibility("default"))) void use_library(const char* uri) {
  arrow::Int64Builder ids;
  for (int64_t i = 0; i < 1000; ++i) ARROW_CHECK_OK(ids.Append(i));
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  const auto batch = arrow::RecordBatch::Make(schema, 1000, {ids.Finish().ValueOrDie()});

  lance::WriteOptions options;
  options.max_rows_per_file = 1000;
  const auto writer = lance::LanceWriter::Open(uri, schema, options).ValueOrDie();
  for (int i = 0; i < 10; ++i) ARROW_CHECK_OK(writer->Write(*batch));
}
