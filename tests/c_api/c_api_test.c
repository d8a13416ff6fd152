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

static uint64_t count_rows(const LanceDataset* dataset, LanceText filter) {
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, dataset, filter, &rows);
  return rows;
}

/* A list of records, which comes as one batch. */
typedef struct List {
  struct ArrowSchema columns;
  struct ArrowArray rows;
} List;

static List read_list(struct ArrowArrayStream* stream) {
  List list;
  CHECK(stream->get_schema(stream, &list.columns) == 0);
  CHECK(stream->get_next(stream, &list.rows) == 0);
  CHECK(list.rows.release != NULL);
  stream->release(stream);
  return list;
}

/* The first record's number in the column of this name. */
static int64_t number_in(const List* list, const char* name) {
  for (int64_t i = 0; i < list->columns.n_children; ++i) {
    if (strcmp(list->columns.children[i]->name, name) != 0) continue;
    const struct ArrowArray* column = list->rows.children[i];
    return ((const int64_t*)column->buffers[1])[column->offset];
  }
  CHECK(0 && "there is no such column");
  return -1;
}

static void free_list(List* list) {
  list->columns.release(&list->columns);
  list->rows.release(&list->rows);
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
  CHECK(count_rows(dataset, LANCE_NO_TEXT) == 1000);
  CHECK(count_rows(dataset, LANCE_TEXT("id >= 990")) == 10);

  struct ArrowSchema schema;
  CHECK_CALL(LANCE_OK, lance_dataset_schema, dataset, &schema);
  CHECK(strcmp(schema.format, "+s") == 0 && schema.n_children == 1);
  CHECK(strcmp(schema.children[0]->name, "id") == 0 && strcmp(schema.children[0]->format, "l") == 0);
  CHECK((schema.children[0]->flags & ARROW_FLAG_NULLABLE) == 0);
  schema.release(&schema);

  struct ArrowArrayStream versions;
  CHECK_CALL(LANCE_OK, lance_dataset_versions, dataset, &versions);
  List list = read_list(&versions);
  CHECK(list.rows.length == 1);
  CHECK(number_in(&list, "version") == 1 && number_in(&list, "timestamp_micros") > 0);
  free_list(&list);

  struct ArrowArrayStream fragments;
  CHECK_CALL(LANCE_OK, lance_dataset_fragments, dataset, &fragments);
  list = read_list(&fragments);
  CHECK(list.rows.length == 1);
  CHECK(number_in(&list, "rows") == 1000 && number_in(&list, "data_files") == 1);
  free_list(&list);
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
  options.filter = LANCE_TEXT("id % 2 = 0");
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

static void count_call(void* context, const LanceScanStatistics* statistics) {
  CHECK(statistics->struct_size >= sizeof(LanceScanStatistics) && statistics->rows_scanned == 20);
  ++*(int*)context;
}

static void scan_groups_and_sorts_and_tells_what_it_has_read(void) {
  LanceDataset* dataset = open_dataset(URI);
  const LanceKeyValue expressions[] = {{LANCE_TEXT("rest"), LANCE_TEXT("id % 3")}};
  const char* groups[] = {"rest"};
  const LanceAggregate aggregates[] = {{LANCE_AGGREGATE_COUNT, 0, NULL, "rows"},
                                       {LANCE_AGGREGATE_SUM, 0, "id", NULL}};
  const LanceSortKey order[] = {{"rest", 1, 0}};
  const LanceFragmentSlice slices[] = {{0, 10, 15}, {0, 20, 10}};
  int calls = 0;
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.expressions = expressions;
  options.expression_count = 1;
  options.group_by = groups;
  options.group_by_count = 1;
  options.aggregates = aggregates;
  options.aggregate_count = 2;
  options.order_by = order;
  options.order_by_count = 1;
  options.slices = slices;
  options.slice_count = 2;
  options.statistics = count_call;
  options.statistics_context = &calls;
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, &options, &scanner);
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_scanner_count_rows, scanner, &rows);
  CHECK(rows == 3 && calls == 0);
  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_scanner_to_stream, scanner, &stream);
  struct ArrowArray end;
  List list;
  CHECK(stream.get_schema(&stream, &list.columns) == 0);
  CHECK(stream.get_next(&stream, &list.rows) == 0);
  CHECK(list.rows.length == 3);
  /* 11, 14, 17, 20, 23, 26 and 29. */
  CHECK(number_in(&list, "rest") == 2 && number_in(&list, "rows") == 7 && number_in(&list, "sum(id)") == 140);
  CHECK(stream.get_next(&stream, &end) == 0 && end.release == NULL);
  CHECK(calls == 1);
  stream.release(&stream);
  free_list(&list);
  char* analysis = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_analyze, scanner, &analysis);
  CHECK(strstr(analysis, "Aggregate") != NULL);
  lance_string_free(analysis);
  lance_scanner_free(scanner);
  lance_dataset_free(dataset);
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

/* The first value of the column `id`, of a batch that is released. */
static int64_t first_id(struct ArrowArray* array, struct ArrowSchema* schema) {
  const int64_t id = ((const int64_t*)array->children[0]->buffers[1])[array->children[0]->offset];
  array->release(array);
  schema->release(schema);
  return id;
}

static void rows_are_taken_by_address_and_range_and_at_random(void) {
  LanceDataset* dataset = open_dataset(URI);
  struct ArrowArray array;
  struct ArrowSchema schema;
  const uint64_t rows[] = {7, 999};
  const LanceKeyValue twice = {LANCE_TEXT("twice"), LANCE_TEXT("id * 2")};
  LanceTakeOptions options = LANCE_TAKE_OPTIONS_INIT;
  options.expressions = &twice;
  options.expression_count = 1;
  CHECK_CALL(LANCE_OK, lance_dataset_take_addresses, dataset, rows, 2, &options, &array, &schema);
  CHECK(array.length == 2 && array.n_children == 1 && strcmp(schema.children[0]->name, "twice") == 0);
  CHECK(first_id(&array, &schema) == 14);
  CHECK_CALL(LANCE_OK, lance_dataset_take_positions, dataset, rows + 1, 1, NULL, &array, &schema);
  CHECK(first_id(&array, &schema) == 999);
  CHECK_CALL(LANCE_OK, lance_dataset_take_row_ids, dataset, rows, 1, NULL, &array, &schema);
  CHECK(first_id(&array, &schema) == 7);
  CHECK_CALL(LANCE_OK, lance_dataset_sample, dataset, 5000, LANCE_UNSET_U64, NULL, &array, &schema);
  CHECK(array.length == 1000);
  CHECK(first_id(&array, &schema) == 0);

  const LanceRowRange ranges[] = {{990, 10}, {0, 5}};
  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_dataset_take_ranges, dataset, ranges, 2, NULL, &stream);
  lance_dataset_free(dataset);
  int64_t taken = 0;
  for (;;) {
    CHECK(stream.get_next(&stream, &array) == 0);
    if (array.release == NULL) break;
    taken += array.length;
    array.release(&array);
  }
  CHECK(taken == 15);
  stream.release(&stream);
}

static void datasets_and_splits_travel(void) {
  LanceDataset* dataset = open_dataset(URI);
  uint8_t* bytes = NULL;
  size_t length = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_serialize, dataset, &bytes, &length);
  char* uri = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_uri, dataset, &uri);
  CHECK(strstr(uri, URI) != NULL);
  lance_string_free(uri);
  lance_dataset_free(dataset);
  CHECK_CALL(LANCE_OK, lance_dataset_deserialize, bytes, length, NULL, &dataset);
  LanceDataset* damaged = NULL;
  bytes[length - 1] ^= 1;
  CHECK_CALL(LANCE_CORRUPT, lance_dataset_deserialize, bytes, length, NULL, &damaged);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_deserialize, bytes, 3, NULL, &damaged);
  CHECK(damaged == NULL);
  lance_bytes_free(bytes, length);
  CHECK(count_rows(dataset, LANCE_NO_TEXT) == 1000);
  LanceDatasetStatistics statistics = LANCE_DATASET_STATISTICS_INIT;
  CHECK_CALL(LANCE_OK, lance_dataset_statistics, dataset, &statistics);
  CHECK(statistics.reads == 0);

  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, NULL, &scanner);
  struct ArrowArrayStream splits;
  CHECK_CALL(LANCE_OK, lance_scanner_splits, scanner, 4, &splits);
  lance_scanner_free(scanner);
  lance_dataset_free(dataset);
  struct ArrowArray list;
  CHECK(splits.get_next(&splits, &list) == 0 && list.length == 4);
  const int32_t* offsets = (const int32_t*)list.children[0]->buffers[1];
  const char* texts = (const char*)list.children[0]->buffers[2];
  uint64_t rows = 0;
  for (int64_t i = 0; i < list.length; ++i) {
    const LanceText text = {texts + offsets[i], (size_t)(offsets[i + 1] - offsets[i])};
    CHECK_CALL(LANCE_OK, lance_scanner_open_split, text, NULL, &scanner);
    uint64_t part = 0;
    CHECK_CALL(LANCE_OK, lance_scanner_count_rows, scanner, &part);
    rows += part;
    lance_scanner_free(scanner);
  }
  CHECK(rows == 1000);
  list.release(&list);
  splits.release(&splits);
}

/* Two shards of an epoch, the second in the order of the dataset and from its middle on. */
static void epochs_are_shuffled_in_shards(void) {
  LanceDataset* dataset = open_dataset(URI);
  LanceShuffleOptions options = LANCE_SHUFFLE_OPTIONS_INIT;
  options.shard_count = 2;
  options.shard_index = 1;
  options.batch_size = 64;
  options.shuffle = 0;
  LanceShuffler* shuffler = NULL;
  CHECK_CALL(LANCE_OK, lance_shuffler_open, dataset, &options, &shuffler);
  lance_dataset_free(dataset);
  LanceShuffleInfo info = LANCE_SHUFFLE_INFO_INIT;
  CHECK_CALL(LANCE_OK, lance_shuffler_info, shuffler, &info);
  CHECK(info.rows == 500 && info.batches == 8 && info.all_rows == 1000);
  char* state = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_shuffler_state, shuffler, 3, 501, &state);
  CHECK_CALL(LANCE_OK, lance_shuffler_state, shuffler, 3, 250, &state);
  lance_shuffler_free(shuffler);
  LanceShufflePosition position = LANCE_SHUFFLE_POSITION_INIT;
  CHECK_CALL(LANCE_OK, lance_shuffler_resume, LANCE_TEXT(state), NULL, &shuffler, &position);
  lance_string_free(state);
  CHECK(position.epoch == 3 && position.rows_done == 250);
  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_shuffler_to_stream, shuffler, position.epoch, position.rows_done, &stream);
  struct ArrowSchema schema;
  CHECK_CALL(LANCE_OK, lance_shuffler_schema, shuffler, &schema);
  struct ArrowArray array;
  CHECK(stream.get_next(&stream, &array) == 0 && array.length == 64);
  CHECK(first_id(&array, &schema) == 750);
  stream.release(&stream);
  LanceBatches* batches = NULL;
  CHECK_CALL(LANCE_OK, lance_shuffler_to_batches, shuffler, position.epoch, position.rows_done, &batches);
  lance_shuffler_free(shuffler);
  uint64_t rows = 0;
  for (;;) {
    CHECK_CALL(LANCE_OK, lance_batches_next, batches, &array);
    if (array.release == NULL) break;
    rows += (uint64_t)array.length;
    array.release(&array);
  }
  CHECK(rows == 250);
  lance_batches_free(batches);
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
  CHECK_CALL(LANCE_OK, lance_transaction_from_json, LANCE_TEXT(json), NULL, 0, &copy);
  lance_string_free(json);
  LanceCommitResult result = LANCE_COMMIT_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_transaction_commit, &copy, 1, &result);
  CHECK(result.version == 2);
  lance_transaction_free(copy);

  LanceDataset* dataset = open_dataset(URI);
  CHECK(count_rows(dataset, LANCE_NO_TEXT) == 1005);
  lance_dataset_free(dataset);
}

static void rows_are_deleted_and_updated(void) {
  const char* uri = "memory://c_api_test_mutations";
  LanceWriter* writer = open_writer(uri, LANCE_WRITE_CREATE);
  write_rows(writer, 0, 100);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
  LanceDataset* dataset = open_dataset(uri);

  LanceDeleteOptions options = LANCE_DELETE_OPTIONS_INIT;
  const LanceKeyValue message = {LANCE_TEXT("__lance_commit_message"), LANCE_TEXT("the first ones")};
  options.transaction_properties = &message;
  options.transaction_properties_count = 1;
  LanceDataset* fewer = NULL;
  LanceDeleteResult deleted = LANCE_DELETE_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_dataset_delete, dataset, LANCE_TEXT("id < 10"), &options, &fewer, &deleted);
  CHECK(deleted.deleted_rows == 10);
  CHECK(count_rows(fewer, LANCE_NO_TEXT) == 90);
  CHECK(count_rows(dataset, LANCE_NO_TEXT) == 100);

  const LanceKeyValue assignment = {LANCE_TEXT("id"), LANCE_TEXT("id + 1000")};
  LanceUpdateOptions which = LANCE_UPDATE_OPTIONS_INIT;
  which.filter = LANCE_TEXT("id >= 95");
  LanceDataset* updated = NULL;
  LanceUpdateResult result = LANCE_UPDATE_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_dataset_update, fewer, &assignment, 1, &which, &updated, &result);
  CHECK(result.updated_rows == 5);
  CHECK(count_rows(updated, LANCE_TEXT("id >= 1000")) == 5);

  LanceDataset* none = NULL;
  CHECK_CALL(LANCE_FIELD_NOT_FOUND, lance_dataset_delete, updated, LANCE_TEXT("nope = 1"), NULL, &none, NULL);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_update, updated, NULL, 0, NULL, &none, NULL);
  CHECK(none == NULL);

  const uint64_t no_rows[] = {UINT64_MAX - 1};
  CHECK_CALL(LANCE_OK, lance_dataset_delete_row_ids, updated, no_rows, 1, NULL, &none, &deleted);
  CHECK(deleted.deleted_rows == 0);
  lance_dataset_free(none);
  none = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_delete_addresses, updated, no_rows, 1, NULL, &none, NULL);
  CHECK_CALL(LANCE_OK, lance_dataset_truncate, updated, NULL, &none, &deleted);
  CHECK(deleted.deleted_rows == 90);
  CHECK(count_rows(none, LANCE_NO_TEXT) == 0);
  lance_dataset_free(none);
  lance_dataset_free(updated);
  lance_dataset_free(fewer);
  lance_dataset_free(dataset);
}

static void frees_accept_null(void) {
  lance_bytes_free(NULL, 0);
  lance_error_free(NULL);
  lance_string_free(NULL);
  lance_dataset_free(NULL);
  lance_operation_free(NULL);
  lance_scanner_free(NULL);
  lance_transaction_free(NULL);
  lance_writer_free(NULL);
}

/* Ids, and a thousand more. */
static LanceStatusCode add_thousand(void* context, struct ArrowArray* batch, struct ArrowSchema* batch_schema,
                                    struct ArrowArray* out, char* message, size_t message_size) {
  ++*(int*)context;
  if (strcmp(batch_schema->children[0]->name, "id") != 0) {
    snprintf(message, message_size, "there is no id");
    return LANCE_INVALID_ARGUMENT;
  }
  const struct ArrowArray* ids = batch->children[0];
  make_int64_batch(((const int64_t*)ids->buffers[1])[ids->offset] + 1000, batch->length, out);
  return LANCE_OK;
}

static void columns_are_computed_renamed_and_dropped(void) {
  const char* const uri = URI "/columns";
  LanceWriter* writer = open_writer(uri, LANCE_WRITE_CREATE);
  write_rows(writer, 0, 100);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
  LanceDataset* dataset = open_dataset(uri);

  int calls = 0;
  LanceColumnFunction* function = NULL;
  CHECK_CALL(LANCE_OK, lance_column_function_create, add_thousand, &calls, NULL, &function);
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  schema.children[0]->name = "more";
  LanceAddColumnsOptions options = LANCE_ADD_COLUMNS_OPTIONS_INIT;
  options.parallelism = 1;
  options.batch_size = 30;
  LanceDataset* added = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_add_columns_by_function, dataset, function, &schema, &options, &added);
  CHECK(schema.release == NULL && calls == 4);
  lance_column_function_free(function);
  CHECK(count_rows(added, LANCE_TEXT("more = id + 1000")) == 100);

  const LanceColumnAlteration rename = {"more", "most", LANCE_NULLABILITY_KEEP, 0};
  LanceDataset* renamed = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_alter_columns, added, &rename, 1, NULL, &renamed);
  const LanceMetadataUpdate unit = {LANCE_TEXT("unit"), LANCE_TEXT("m")};
  LanceDataset* described = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_update_field_metadata, renamed, "most", &unit, 1, 0, &described);
  struct ArrowArrayStream entries = {0};
  CHECK_CALL(LANCE_OK, lance_dataset_field_metadata, described, "most", &entries);
  List list = read_list(&entries);
  CHECK(list.rows.length == 1);
  free_list(&list);

  const char* const most = "most";
  CHECK_CALL(LANCE_OK, lance_dataset_plan_drop_columns, described, &most, 1, &schema);
  CHECK(schema.n_children == 1);
  schema.release(&schema);
  LanceDataset* dropped = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_drop_columns, described, &most, 1, &dropped);
  CHECK_CALL(LANCE_OK, lance_dataset_validate, dropped);
  CHECK(count_rows(dropped, LANCE_NO_TEXT) == 100);
  LanceDataset* const all[] = {dataset, added, renamed, described, dropped};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i) lance_dataset_free(all[i]);
}

int main(void) {
  versions_are_known();
  errors_are_objects();
  batches_become_a_version();
  dataset_is_described();
  outputs_respect_the_struct_size();
  scan_is_a_stream_that_outlives_its_makers();
  scan_groups_and_sorts_and_tells_what_it_has_read();
  take_returns_rows_in_the_order_asked_for();
  rows_are_taken_by_address_and_range_and_at_random();
  datasets_and_splits_travel();
  epochs_are_shuffled_in_shards();
  transactions_travel_as_json();
  rows_are_deleted_and_updated();
  columns_are_computed_renamed_and_dropped();
  frees_accept_null();
  CHECK(live_structs == 0);
  return 0;
}
