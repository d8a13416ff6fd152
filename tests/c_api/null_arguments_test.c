/* Every public function with NULL for each pointer that may not be NULL: refused, never a crash, and what the
 * function consumes is released all the same. */

#include "check.h"
#include "int64_batch.h"

#define URI "memory://null_arguments_test"

/* With and without somewhere to put the error. */
#define REFUSED(function, ...)                                    \
  do {                                                            \
    CHECK_CALL(LANCE_INVALID_ARGUMENT, function, __VA_ARGS__);    \
    CHECK(function(__VA_ARGS__, NULL) == LANCE_INVALID_ARGUMENT); \
  } while (0)

static const LanceKeyValue kNullKey[] = {{NULL, "value"}};
static const LanceKeyValue kNullValue[] = {{"key", NULL}};
static const char* const kNullColumn[] = {NULL};

static LanceWriter* open_writer(const char* uri) {
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, uri, &schema, NULL, &writer);
  return writer;
}

static LanceDataset* make_dataset(void) {
  LanceWriter* writer = open_writer(URI);
  struct ArrowArray array;
  make_int64_batch(0, 10, &array);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &array, NULL);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
  LanceDataset* dataset = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open, URI, NULL, &dataset);
  return dataset;
}

static void errors(void) {
  CHECK(lance_error_code(NULL) == LANCE_OK);
  CHECK(lance_error_message(NULL) != NULL);
  CHECK(lance_error_detail(NULL) != NULL);
}

static void datasets(const LanceDataset* dataset) {
  LanceDataset* out = NULL;
  REFUSED(lance_dataset_open, NULL, NULL, &out);
  REFUSED(lance_dataset_open, URI, NULL, NULL);
  LanceOpenOptions options = LANCE_OPEN_OPTIONS_INIT;
  options.storage_options_count = 1;
  REFUSED(lance_dataset_open, URI, &options, &out);
  options.storage_options = kNullKey;
  REFUSED(lance_dataset_open, URI, &options, &out);
  options.storage_options = kNullValue;
  REFUSED(lance_dataset_open, URI, &options, &out);
  LanceOpenOptions no_size = LANCE_OPEN_OPTIONS_INIT;
  no_size.struct_size = 0;
  REFUSED(lance_dataset_open, URI, &no_size, &out);
  CHECK(out == NULL);

  LanceDatasetInfo info = LANCE_DATASET_INFO_INIT;
  REFUSED(lance_dataset_info, NULL, &info);
  REFUSED(lance_dataset_info, dataset, NULL);
  info.struct_size = 0;
  REFUSED(lance_dataset_info, dataset, &info);

  struct ArrowSchema schema = {0};
  REFUSED(lance_dataset_schema, NULL, &schema);
  REFUSED(lance_dataset_schema, dataset, NULL);

  uint64_t number = 0;
  REFUSED(lance_dataset_count_rows, NULL, NULL, &number);
  REFUSED(lance_dataset_count_rows, dataset, NULL, NULL);
  REFUSED(lance_dataset_latest_version, NULL, &number);
  REFUSED(lance_dataset_latest_version, dataset, NULL);

  const uint64_t rows[] = {0};
  struct ArrowArray array = {0};
  REFUSED(lance_dataset_take, NULL, rows, 1, NULL, 0, &array, &schema);
  REFUSED(lance_dataset_take, dataset, NULL, 1, NULL, 0, &array, &schema);
  REFUSED(lance_dataset_take, dataset, rows, 1, kNullColumn, 1, &array, &schema);
  REFUSED(lance_dataset_take, dataset, rows, 1, NULL, 0, NULL, &schema);
  REFUSED(lance_dataset_take, dataset, rows, 1, NULL, 0, &array, NULL);
  REFUSED(lance_dataset_take_rows, NULL, rows, 1, NULL, 0, &array, &schema);
  REFUSED(lance_dataset_take_rows, dataset, NULL, 1, NULL, 0, &array, &schema);
  REFUSED(lance_dataset_take_rows, dataset, rows, 1, kNullColumn, 1, &array, &schema);
  REFUSED(lance_dataset_take_rows, dataset, rows, 1, NULL, 0, NULL, &schema);
  REFUSED(lance_dataset_take_rows, dataset, rows, 1, NULL, 0, &array, NULL);
  CHECK(array.release == NULL && schema.release == NULL);
}

static void lists(const LanceDataset* dataset) {
  LanceFragmentList* fragments = NULL;
  REFUSED(lance_dataset_fragments, NULL, &fragments);
  REFUSED(lance_dataset_fragments, dataset, NULL);
  CHECK(lance_fragment_list_length(NULL) == 0);
  CHECK_CALL(LANCE_OK, lance_dataset_fragments, dataset, &fragments);
  LanceFragmentInfo fragment = LANCE_FRAGMENT_INFO_INIT;
  REFUSED(lance_fragment_list_get, NULL, 0, &fragment);
  REFUSED(lance_fragment_list_get, fragments, 0, NULL);
  REFUSED(lance_fragment_list_get, fragments, 1, &fragment);
  lance_fragment_list_free(fragments);

  LanceVersionList* versions = NULL;
  REFUSED(lance_dataset_versions, NULL, &versions);
  REFUSED(lance_dataset_versions, dataset, NULL);
  CHECK(lance_version_list_length(NULL) == 0);
  CHECK_CALL(LANCE_OK, lance_dataset_versions, dataset, &versions);
  LanceVersionInfo version = LANCE_VERSION_INFO_INIT;
  REFUSED(lance_version_list_get, NULL, 0, &version);
  REFUSED(lance_version_list_get, versions, 0, NULL);
  REFUSED(lance_version_list_get, versions, 1, &version);
  lance_version_list_free(versions);
}

static void scanners(const LanceDataset* dataset) {
  LanceScanner* scanner = NULL;
  REFUSED(lance_scanner_open, NULL, NULL, &scanner);
  REFUSED(lance_scanner_open, dataset, NULL, NULL);
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.columns = kNullColumn;
  options.column_count = 1;
  REFUSED(lance_scanner_open, dataset, &options, &scanner);
  LanceScanOptions no_size = LANCE_SCAN_OPTIONS_INIT;
  no_size.struct_size = 0;
  REFUSED(lance_scanner_open, dataset, &no_size, &scanner);
  CHECK(scanner == NULL);
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, NULL, &scanner);

  struct ArrowSchema schema = {0};
  REFUSED(lance_scanner_schema, NULL, &schema);
  REFUSED(lance_scanner_schema, scanner, NULL);
  struct ArrowArrayStream stream = {0};
  REFUSED(lance_scanner_to_stream, NULL, &stream);
  REFUSED(lance_scanner_to_stream, scanner, NULL);
  LanceError* failure = NULL;
  REFUSED(lance_stream_last_error, NULL, &failure);
  REFUSED(lance_stream_last_error, &stream, &failure);
  CHECK_CALL(LANCE_OK, lance_scanner_to_stream, scanner, &stream);
  REFUSED(lance_stream_last_error, &stream, NULL);
  CHECK_CALL(LANCE_OK, lance_stream_last_error, &stream, &failure);
  CHECK(failure == NULL);
  stream.release(&stream);
  REFUSED(lance_stream_last_error, &stream, &failure);
  uint64_t rows = 0;
  REFUSED(lance_scanner_count_rows, NULL, &rows);
  REFUSED(lance_scanner_count_rows, scanner, NULL);
  char* plan = NULL;
  REFUSED(lance_scanner_explain, NULL, &plan);
  REFUSED(lance_scanner_explain, scanner, NULL);
  lance_scanner_free(scanner);
}

static void transactions(void) {
  LanceWriter* writer = open_writer(URI "/transactions");
  LanceTransaction* transaction = NULL;
  REFUSED(lance_writer_finish_uncommitted, NULL, &transaction);
  REFUSED(lance_writer_finish_uncommitted, writer, NULL);
  lance_writer_free(writer);
  writer = open_writer(URI "/transactions");
  CHECK_CALL(LANCE_OK, lance_writer_finish_uncommitted, writer, &transaction);
  lance_writer_free(writer);

  LanceTransaction* none[] = {NULL};
  REFUSED(lance_transaction_commit, NULL, 1, NULL);
  REFUSED(lance_transaction_commit, &transaction, 0, NULL);
  REFUSED(lance_transaction_commit, none, 1, NULL);
  LanceCommitResult no_size = {0};
  REFUSED(lance_transaction_commit, &transaction, 1, &no_size);
  REFUSED(lance_transaction_discard, NULL);
  char* json = NULL;
  REFUSED(lance_transaction_to_json, NULL, &json);
  REFUSED(lance_transaction_to_json, transaction, NULL);
  CHECK_CALL(LANCE_OK, lance_transaction_to_json, transaction, &json);
  LanceTransaction* copy = NULL;
  REFUSED(lance_transaction_from_json, NULL, NULL, 0, &copy);
  REFUSED(lance_transaction_from_json, json, NULL, 1, &copy);
  REFUSED(lance_transaction_from_json, json, kNullKey, 1, &copy);
  REFUSED(lance_transaction_from_json, json, NULL, 0, NULL);
  CHECK(copy == NULL);
  lance_string_free(json);
  CHECK_CALL(LANCE_OK, lance_transaction_discard, transaction);
  lance_transaction_free(transaction);
}

/* A writer cannot be opened with these options, and the schema is consumed. */
static void refused_options(const LanceWriteOptions* options) {
  struct ArrowSchema schema;
  LanceWriter* writer = NULL;
  make_int64_schema(&schema);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_open, URI "/options", &schema, options, &writer);
  CHECK(schema.release == NULL && writer == NULL && live_structs == 0);
}

static void writer_options(void) {
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.struct_size = 0;
  refused_options(&options);

  options = (LanceWriteOptions)LANCE_WRITE_OPTIONS_INIT;
  options.storage_options_count = 1;
  refused_options(&options);
  options.storage_options = kNullValue;
  refused_options(&options);

  options = (LanceWriteOptions)LANCE_WRITE_OPTIONS_INIT;
  options.transaction_properties_count = 1;
  refused_options(&options);
  options.transaction_properties = kNullKey;
  refused_options(&options);

  options = (LanceWriteOptions)LANCE_WRITE_OPTIONS_INIT;
  options.column_hints_count = 1;
  refused_options(&options);
  const LanceColumnHint hints[] = {{NULL, "compression", "zstd"},
                                   {"id", NULL, "zstd"},
                                   {"id", "compression", NULL},
                                   {"id", "no-such-key", "1"},
                                   {"id", "compression", "no-such-compression"}};
  for (size_t i = 0; i < sizeof hints / sizeof hints[0]; ++i) {
    options.column_hints = &hints[i];
    refused_options(&options);
  }
}

static void writers(void) {
  struct ArrowSchema schema;
  LanceWriter* writer = NULL;
  REFUSED(lance_writer_open, URI "/writers", NULL, NULL, &writer);
  make_int64_schema(&schema);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_open, NULL, &schema, NULL, &writer);
  CHECK(schema.release == NULL);
  make_int64_schema(&schema);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_open, URI "/writers", &schema, NULL, NULL);
  CHECK(schema.release == NULL && writer == NULL);

  writer = open_writer(URI "/writers");
  struct ArrowArray array;
  make_int64_batch(0, 5, &array);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_write_batch, NULL, &array, NULL);
  CHECK(array.release == NULL);
  make_int64_schema(&schema);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_write_batch, writer, NULL, &schema);
  CHECK(schema.release == NULL);
  REFUSED(lance_writer_write_batch, NULL, NULL, NULL);

  make_int64_batch(0, 5, &array);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_write_batch_to_lane, NULL, 0, &array, NULL);
  CHECK(array.release == NULL);
  REFUSED(lance_writer_write_batch_to_lane, writer, 0, NULL, NULL);
  REFUSED(lance_writer_write_stream, NULL, 0, NULL);
  REFUSED(lance_writer_write_stream, writer, 0, NULL);

  LanceWriteStats stats = LANCE_WRITE_STATS_INIT;
  REFUSED(lance_writer_stats, NULL, &stats);
  REFUSED(lance_writer_stats, writer, NULL);
  REFUSED(lance_writer_finish, NULL, NULL);
  LanceCommitResult no_size = {0};
  REFUSED(lance_writer_finish, writer, &no_size);
  REFUSED(lance_writer_abort, NULL);
  lance_writer_free(writer);
  CHECK(live_structs == 0);
}

static void maintenance(void) {
  LanceCheckReport* report = NULL;
  REFUSED(lance_dataset_check, NULL, NULL, &report);
  REFUSED(lance_dataset_check, URI, NULL, NULL);
  LanceCheckOptions check = LANCE_CHECK_OPTIONS_INIT;
  check.storage_options_count = 1;
  REFUSED(lance_dataset_check, URI, &check, &report);
  check.storage_options = kNullKey;
  REFUSED(lance_dataset_check, URI, &check, &report);
  LanceCheckOptions no_size = LANCE_CHECK_OPTIONS_INIT;
  no_size.struct_size = 0;
  REFUSED(lance_dataset_check, URI, &no_size, &report);
  LanceCheckOptions no_flag = LANCE_CHECK_OPTIONS_INIT;
  no_flag.deep = 2;
  REFUSED(lance_dataset_check, URI, &no_flag, &report);
  CHECK(report == NULL);

  CHECK_CALL(LANCE_OK, lance_dataset_check, URI, NULL, &report);
  LanceCheckSummary summary = LANCE_CHECK_SUMMARY_INIT;
  REFUSED(lance_check_report_summary, NULL, &summary);
  REFUSED(lance_check_report_summary, report, NULL);
  CHECK_CALL(LANCE_OK, lance_check_report_summary, report, &summary);
  CHECK(summary.rows == 10 && summary.problems == 0);
  CHECK(lance_check_report_length(NULL) == 0);
  CHECK(lance_check_report_length(report) == 0);
  LanceCheckProblem problem = LANCE_CHECK_PROBLEM_INIT;
  REFUSED(lance_check_report_get, NULL, 0, &problem);
  REFUSED(lance_check_report_get, report, 0, &problem);
  REFUSED(lance_check_report_get, report, 0, NULL);
  lance_check_report_free(report);
  lance_check_report_free(NULL);

  LanceCleanupResult result = LANCE_CLEANUP_RESULT_INIT;
  REFUSED(lance_dataset_cleanup, NULL, NULL, &result);
  REFUSED(lance_dataset_cleanup, URI, NULL, NULL);
  LanceCleanupOptions cleanup = LANCE_CLEANUP_OPTIONS_INIT;
  cleanup.storage_options_count = 1;
  REFUSED(lance_dataset_cleanup, URI, &cleanup, &result);
  cleanup.storage_options = kNullValue;
  REFUSED(lance_dataset_cleanup, URI, &cleanup, &result);
  LanceCleanupOptions negative = LANCE_CLEANUP_OPTIONS_INIT;
  negative.older_than_seconds = -2;
  REFUSED(lance_dataset_cleanup, URI, &negative, &result);
  negative.older_than_seconds = -1;
  negative.orphan_min_age_seconds = -1;
  REFUSED(lance_dataset_cleanup, URI, &negative, &result);
  result.struct_size = 0;
  REFUSED(lance_dataset_cleanup, URI, NULL, &result);
}

/* Before anything else: the runtime starts here. */
static void runtime(void) {
  LanceRuntimeOptions options = LANCE_RUNTIME_OPTIONS_INIT;
  options.struct_size = 0;
  REFUSED(lance_runtime_configure, &options);
  options.struct_size = sizeof(options) - 1;
  REFUSED(lance_runtime_configure, &options);
  CHECK_CALL(LANCE_OK, lance_runtime_configure, NULL);
}

int main(void) {
  runtime();
  LanceDataset* dataset = make_dataset();
  errors();
  datasets(dataset);
  lists(dataset);
  maintenance();
  scanners(dataset);
  transactions();
  writer_options();
  writers();
  lance_dataset_free(dataset);
  CHECK(live_structs == 0);
  return 0;
}
