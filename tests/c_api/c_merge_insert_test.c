/* Upserts from C: of a stream, and batch by batch. Every struct that is handed over is consumed, whatever
 * comes of it. */

#include <string.h>

#include "check.h"
#include "int64_batch.h"

#define URI "memory://merge_insert_test/dataset"

static uint64_t count_rows(const LanceDataset* dataset) {
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, dataset, LANCE_NO_TEXT, &rows);
  return rows;
}

/* A stream of the rows of a dataset. */
static void make_stream(const char* uri, int64_t rows, struct ArrowArrayStream* out) {
  LanceDataset* dataset = make_int64_dataset(uri, rows);
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, NULL, &scanner);
  CHECK_CALL(LANCE_OK, lance_scanner_to_stream, scanner, out);
  lance_scanner_free(scanner);
  lance_dataset_free(dataset);
}

static LanceMergeInsertOptions on_id(void) {
  static const char* const key[] = {"id"};
  LanceMergeInsertOptions options = LANCE_MERGE_INSERT_OPTIONS_INIT;
  options.on = key;
  options.on_count = 1;
  return options;
}

static LanceMergeInserter* open_inserter(const LanceDataset* dataset,
                                         const LanceMergeInsertOptions* options) {
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceMergeInserter* inserter = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open_merge_inserter, dataset, &schema, options, &inserter);
  CHECK(schema.release == NULL);
  return inserter;
}

static void push(LanceStatusCode expected, LanceMergeInserter* inserter, int64_t first, int64_t rows) {
  struct ArrowArray array;
  make_int64_batch(first, rows, &array);
  CHECK_CALL(expected, lance_merge_inserter_write_batch, inserter, &array, NULL);
  CHECK(array.release == NULL);
}

static void a_stream_is_merged(void) {
  LanceDataset* dataset = make_int64_dataset(URI "/stream", 100);
  LanceMergeInsertOptions options = on_id();
  options.when_matched = LANCE_WHEN_MATCHED_DO_NOTHING;
  struct ArrowArrayStream stream;
  make_stream(URI "/source", 150, &stream);
  LanceDataset* made = NULL;
  LanceMergeInsertResult result = LANCE_MERGE_INSERT_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_dataset_merge_insert, dataset, &stream, &options, &made, &result);
  CHECK(stream.release == NULL);
  CHECK(result.inserted_rows == 50 && result.updated_rows == 0 && result.deleted_rows == 0);
  CHECK(result.attempts == 1 && result.files_written == 1 && result.bytes_written > 0);
  CHECK(count_rows(made) == 150 && count_rows(dataset) == 100);
  lance_dataset_free(made);

  /* The result may be left out, and what fails consumes the stream. */
  make_stream(URI "/source2", 160, &stream);
  CHECK_CALL(LANCE_OK, lance_dataset_merge_insert, dataset, &stream, &options, &made, NULL);
  CHECK(count_rows(made) == 160);
  lance_dataset_free(made);
  static const char* const other[] = {"idd"};
  options.on = other;
  make_stream(URI "/source3", 10, &stream);
  CHECK_CALL(LANCE_FIELD_NOT_FOUND, lance_dataset_merge_insert, dataset, &stream, &options, &made, &result);
  CHECK(stream.release == NULL);
  lance_dataset_free(dataset);
}

static void batches_are_merged(void) {
  LanceDataset* dataset = make_int64_dataset(URI "/batches", 100);
  const LanceMergeInsertOptions options = on_id();
  LanceMergeInserter* inserter = open_inserter(dataset, &options);
  push(LANCE_OK, inserter, 90, 20);
  push(LANCE_OK, inserter, 200, 5);
  LanceDataset* made = NULL;
  LanceMergeInsertResult result = LANCE_MERGE_INSERT_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_merge_inserter_finish, inserter, &made, &result);
  CHECK(live_structs == 0);
  CHECK(result.inserted_rows == 15 && result.updated_rows == 10);
  CHECK(count_rows(made) == 115);
  lance_dataset_free(made);
  CHECK_CALL(LANCE_INVALID_STATE, lance_merge_inserter_finish, inserter, &made, NULL);
  lance_merge_inserter_free(inserter);

  /* A key that comes twice ends it. */
  inserter = open_inserter(dataset, &options);
  push(LANCE_OK, inserter, 0, 10);
  push(LANCE_INVALID_ARGUMENT, inserter, 9, 2);
  push(LANCE_INVALID_ARGUMENT, inserter, 20, 2);
  lance_merge_inserter_free(inserter);
  CHECK(live_structs == 0);

  inserter = open_inserter(dataset, &options);
  push(LANCE_OK, inserter, 0, 10);
  CHECK_CALL(LANCE_OK, lance_merge_inserter_abort, inserter);
  CHECK(live_structs == 0);
  push(LANCE_CANCELLED, inserter, 20, 2);
  CHECK_CALL(LANCE_CANCELLED, lance_merge_inserter_finish, inserter, &made, NULL);
  lance_merge_inserter_free(inserter);
  lance_merge_inserter_free(NULL);
  CHECK(live_structs == 0);
  lance_dataset_free(dataset);
}

static void plans_are_told(void) {
  LanceDataset* dataset = make_int64_dataset(URI "/plan", 10);
  const LanceMergeInsertOptions options = on_id();
  char* plan = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_explain_merge_insert, dataset, NULL, &options, 0, &plan);
  CHECK(strstr(plan, "MergeInsert") != NULL);
  lance_string_free(plan);
  lance_dataset_free(dataset);
}

int main(void) {
  a_stream_is_merged();
  batches_are_merged();
  plans_are_told();
  return 0;
}
