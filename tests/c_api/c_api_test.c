/* A C program's session, without Arrow C++: write, append, open, scan, take, and transactions. */
#include <string.h>

#include "check.h"
#include "int64_batch.h"

#define URI "memory://c_api_test"

static LanceWriter* open_writer(const char* uri, int32_t mode) {
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.mode = mode;
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, uri, &schema, &options, &writer);
  CHECK(schema.release == NULL);
  return writer;
}

static void write_rows(LanceWriter* writer, int64_t first, int64_t rows) {
  struct ArrowArray array;
  make_int64_batch(first, rows, &array);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &array, NULL);
  CHECK(array.release == NULL);
}

static LanceDataset* open_dataset(const char* uri) {
  LanceDataset* dataset = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open, uri, NULL, &dataset);
  return dataset;
}

static uint64_t count_rows(const LanceDataset* dataset, const char* filter) {
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, dataset, filter, &rows);
  return rows;
}

static void versions_are_known(void) {
  CHECK(lance_abi_version() == LANCE_ABI_VERSION);
  CHECK(strlen(lance_version()) >= 5);
  CHECK(strcmp(lance_engine_version(), "14.0.2") == 0);
  CHECK(strcmp(lance_status_name(LANCE_COMMIT_CONFLICT), "COMMIT_CONFLICT") == 0);
  CHECK(lance_status_name(-1) != NULL);
}

static void errors_are_objects(void) {
  LanceDataset* dataset = NULL;
  LanceError* error = NULL;
  CHECK(lance_dataset_open("memory://c_api_test/missing", NULL, &dataset, &error) == LANCE_DATASET_NOT_FOUND);
  CHECK(dataset == NULL);
  CHECK(lance_error_code(error) == LANCE_DATASET_NOT_FOUND);
  CHECK(strstr(lance_error_message(error), "c_api_test/missing") != NULL);
  CHECK(lance_error_detail(error) != NULL);
  lance_error_free(error);
  CHECK(lance_dataset_open("memory://c_api_test/missing", NULL, &dataset, NULL) == LANCE_DATASET_NOT_FOUND);
}

static void batches_become_a_version(void) {
  LanceWriter* writer = open_writer(URI, LANCE_WRITE_CREATE);
  for (int64_t first = 0; first < 1000; first += 100) write_rows(writer, first, 100);
  LanceWriteStats stats = LANCE_WRITE_STATS_INIT;
  CHECK_CALL(LANCE_OK, lance_writer_stats, writer, &stats);
  CHECK(stats.batches == 10 && stats.rows == 1000);
  LanceCommitResult result = LANCE_COMMIT_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, &result);
  CHECK(result.version == 1);
  CHECK(live_structs == 0);
  lance_writer_free(writer);
}

static void dataset_is_described(void) {
  LanceDataset* dataset = open_dataset(URI);
  LanceDatasetInfo info = LANCE_DATASET_INFO_INIT;
  CHECK_CALL(LANCE_OK, lance_dataset_info, dataset, &info);
  CHECK(info.version == 1 && info.rows == 1000 && info.fragments == 1);
  CHECK(info.storage_version_major == 2 && info.storage_version_minor == 2);
  CHECK(count_rows(dataset, NULL) == 1000);
  CHECK(count_rows(dataset, "id >= 990") == 10);

  struct ArrowSchema schema;
  CHECK_CALL(LANCE_OK, lance_dataset_schema, dataset, &schema);
  CHECK(strcmp(schema.format, "+s") == 0 && schema.n_children == 1);
  CHECK(strcmp(schema.children[0]->name, "id") == 0 && strcmp(schema.children[0]->format, "l") == 0);
  CHECK((schema.children[0]->flags & ARROW_FLAG_NULLABLE) == 0);
  schema.release(&schema);

  LanceVersionList* versions = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_versions, dataset, &versions);
  CHECK(lance_version_list_length(versions) == 1);
  LanceVersionInfo version = LANCE_VERSION_INFO_INIT;
  CHECK_CALL(LANCE_OK, lance_version_list_get, versions, 0, &version);
  CHECK(version.version == 1 && version.timestamp_micros > 0);
  lance_version_list_free(versions);

  LanceFragmentList* fragments = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_fragments, dataset, &fragments);
  CHECK(lance_fragment_list_length(fragments) == 1);
  LanceFragmentInfo fragment = LANCE_FRAGMENT_INFO_INIT;
  CHECK_CALL(LANCE_OK, lance_fragment_list_get, fragments, 0, &fragment);
  CHECK(fragment.rows == 1000 && fragment.data_files == 1);
  lance_fragment_list_free(fragments);
  lance_dataset_free(dataset);
}

/* A caller compiled against an older, shorter struct gets no byte beyond it. */
static void outputs_respect_the_struct_size(void) {
  LanceDataset* dataset = open_dataset(URI);
  LanceDatasetInfo info;
  memset(&info, 0xab, sizeof info);
  info.struct_size = offsetof(LanceDatasetInfo, rows);
  CHECK_CALL(LANCE_OK, lance_dataset_info, dataset, &info);
  CHECK(info.version == 1 && info.fragments == 1);
  CHECK(info.rows == 0xabababababababab);
  lance_dataset_free(dataset);
}

static void scan_is_a_stream_that_outlives_its_makers(void) {
  LanceDataset* dataset = open_dataset(URI);
  const char* columns[] = {"id"};
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.columns = columns;
  options.column_count = 1;
  options.filter = "id % 2 = 0";
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, &options, &scanner);
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_scanner_count_rows, scanner, &rows);
  CHECK(rows == 500);
  char* plan = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_explain, scanner, &plan);
  CHECK(strstr(plan, "id") != NULL);
  lance_string_free(plan);

  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_scanner_to_stream, scanner, &stream);
  lance_scanner_free(scanner);
  lance_dataset_free(dataset);

  int64_t expected = 0;
  for (;;) {
    struct ArrowArray batch;
    CHECK(stream.get_next(&stream, &batch) == 0);
    if (batch.release == NULL) break;
    const struct ArrowArray* ids = batch.children[0];
    const int64_t* values = (const int64_t*)ids->buffers[1] + ids->offset;
    for (int64_t i = 0; i < ids->length; ++i, expected += 2) CHECK(values[i] == expected);
    batch.release(&batch);
  }
  CHECK(expected == 1000);
  stream.release(&stream);
}

static void take_returns_rows_in_the_order_asked_for(void) {
  LanceDataset* dataset = open_dataset(URI);
  const uint64_t positions[] = {7, 999, 0};
  struct ArrowArray array;
  struct ArrowSchema schema;
  CHECK_CALL(LANCE_OK, lance_dataset_take, dataset, positions, 3, NULL, 0, &array, &schema);
  const int64_t* values = (const int64_t*)array.children[0]->buffers[1] + array.children[0]->offset;
  CHECK(array.length == 3 && values[0] == 7 && values[1] == 999 && values[2] == 0);
  array.release(&array);
  schema.release(&schema);
  lance_dataset_free(dataset);
}

static void transactions_travel_as_json(void) {
  LanceWriter* writer = open_writer(URI, LANCE_WRITE_APPEND);
  write_rows(writer, 1000, 5);
  LanceTransaction* transaction = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_finish_uncommitted, writer, &transaction);
  lance_writer_free(writer);
  char* json = NULL;
  CHECK_CALL(LANCE_OK, lance_transaction_to_json, transaction, &json);
  lance_transaction_free(transaction);

  LanceTransaction* copy = NULL;
  CHECK_CALL(LANCE_OK, lance_transaction_from_json, json, NULL, 0, &copy);
  lance_string_free(json);
  LanceCommitResult result = LANCE_COMMIT_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_transaction_commit, &copy, 1, &result);
  CHECK(result.version == 2);
  lance_transaction_free(copy);

  LanceDataset* dataset = open_dataset(URI);
  CHECK(count_rows(dataset, NULL) == 1005);
  lance_dataset_free(dataset);
}

static void frees_accept_null(void) {
  lance_error_free(NULL);
  lance_string_free(NULL);
  lance_dataset_free(NULL);
  lance_fragment_list_free(NULL);
  lance_version_list_free(NULL);
  lance_scanner_free(NULL);
  lance_transaction_free(NULL);
  lance_writer_free(NULL);
}

int main(void) {
  versions_are_known();
  errors_are_objects();
  batches_become_a_version();
  dataset_is_described();
  outputs_respect_the_struct_size();
  scan_is_a_stream_that_outlives_its_makers();
  take_returns_rows_in_the_order_asked_for();
  transactions_travel_as_json();
  frees_accept_null();
  CHECK(live_structs == 0);
  return 0;
}
