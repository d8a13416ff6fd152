/* Every public function with NULL for each pointer that may not be NULL, and every option with what is out of
 * its range: refused, never a crash, and what the function consumes is released all the same. What follows
 * from the contract is in generated/null_arguments.c; here is what it is called with, and the rest. */
#include "null_arguments.h"

#include "int64_batch.h"
#include "vector_batch.h"

struct ArrowArray* fresh_array(void) {
  static struct ArrowArray array;
  CHECK(array.release == NULL);
  make_int64_batch(0, 5, &array);
  return &array;
}

struct ArrowSchema* fresh_schema(void) {
  static struct ArrowSchema schema;
  CHECK(schema.release == NULL);
  make_int64_schema(&schema);
  return &schema;
}

static int get_schema(struct ArrowArrayStream* stream, struct ArrowSchema* out) {
  (void)stream;
  make_int64_schema(out);
  return 0;
}

static int get_nothing(struct ArrowArrayStream* stream, struct ArrowArray* out) {
  (void)stream;
  memset(out, 0, sizeof *out);
  return 0;
}

static const char* no_error(struct ArrowArrayStream* stream) {
  (void)stream;
  return NULL;
}

static void release_stream(struct ArrowArrayStream* stream) {
  stream->release = NULL;
  --live_structs;
}

struct ArrowArrayStream* fresh_stream(void) {
  static struct ArrowArrayStream stream;
  CHECK(stream.release == NULL);
  stream = (struct ArrowArrayStream){get_schema, get_nothing, no_error, release_stream, NULL};
  ++live_structs;
  return &stream;
}

void must_not_be_called(void* context, LanceStatusCode status, LanceError* error) {
  (void)context;
  (void)error;
  fprintf(stderr, "a call that was refused has called back with %s\n", lance_status_name(status));
  exit(1);
}

static LanceWriter* open_writer(const char* uri) {
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, uri, fresh_schema(), NULL, &writer);
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

static LanceSearcher* open_searcher(void) {
  static const double kQuery[] = {1, 2};
  LanceDataset* vectors = make_vector_dataset(URI "/vectors");
  LanceVectorQuery* query = make_vector_query(kQuery, 2, 3);
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.nearest = query;
  LanceSearcher* searcher = NULL;
  CHECK_CALL(LANCE_OK, lance_searcher_open, vectors, &options, NULL, &searcher);
  lance_vector_query_free(query);
  lance_dataset_free(vectors);
  return searcher;
}

static LanceTransaction* make_transaction(void) {
  LanceTransaction* transaction = NULL;
  LanceWriter* writer = open_writer(URI "/transactions");
  CHECK_CALL(LANCE_OK, lance_writer_finish_uncommitted, writer, &transaction);
  lance_writer_free(writer);
  return transaction;
}

static LanceMergeInserter* open_merge_inserter(const LanceDataset* dataset) {
  static const char* const kKey[] = {"id"};
  LanceMergeInsertOptions options = LANCE_MERGE_INSERT_OPTIONS_INIT;
  options.on = kKey;
  options.on_count = 1;
  LanceMergeInserter* inserter = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open_merge_inserter, dataset, fresh_schema(), &options, &inserter);
  return inserter;
}

static LanceFileWriter* open_file_writer(const char* uri) {
  LanceFileWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_file_writer_open, uri, fresh_schema(), NULL, &writer);
  return writer;
}

static LanceFileReader* open_file_reader(void) {
  LanceFileWriter* writer = open_file_writer(URI "/files/read.lance");
  CHECK_CALL(LANCE_OK, lance_file_writer_finish, writer, NULL);
  lance_file_writer_free(writer);
  LanceFileReader* reader = NULL;
  CHECK_CALL(LANCE_OK, lance_file_reader_open, URI "/files/read.lance", NULL, &reader);
  return reader;
}

static LanceNamespace* connect_namespace(void) {
  const LanceKeyValue root = {LANCE_TEXT("root"), LANCE_TEXT(URI "/namespace")};
  LanceNamespace* ns = NULL;
  CHECK_CALL(LANCE_OK, lance_namespace_connect, "dir", &root, 1, NULL, &ns);
  return ns;
}

static LanceStatusCode no_credentials(void* context, LanceCredentials* out) {
  (void)context;
  out->message = LANCE_TEXT("there are none");
  return LANCE_IO;
}

static void count_release(void* context) { ++*(int*)context; }

/* The context is released once, whatever becomes of the call; and what fails is told by its own words. */
static void credentials(void) {
  int releases = 0;
  LanceCredentialsProvider* provider = NULL;
  REFUSED(lance_credentials_provider_create, NULL, &releases, count_release, &provider);
  REFUSED(lance_credentials_provider_create, no_credentials, &releases, count_release, NULL);
  CHECK(provider == NULL && releases == 4);
  CHECK_CALL(LANCE_OK, lance_credentials_provider_create, no_credentials, &releases, count_release,
             &provider);
  LanceOpenOptions options = LANCE_OPEN_OPTIONS_INIT;
  options.credentials = provider;
  LanceDataset* dataset = NULL;
  LanceError* error = NULL;
  CHECK(lance_dataset_open(URI, &options, &dataset, &error) == LANCE_CALLBACK);
  CHECK(strstr(lance_error_message(error), "there are none") != NULL);
  lance_error_free(error);
  CHECK(dataset == NULL && releases == 4);
  lance_credentials_provider_free(provider);
  CHECK(releases == 5);
}

static LanceStatusCode no_columns(void* context, struct ArrowArray* batch, struct ArrowSchema* batch_schema,
                                  struct ArrowArray* out, char* message, size_t message_size) {
  (void)context;
  CHECK(batch->release != NULL && batch_schema->release != NULL && out->release == NULL);
  snprintf(message, message_size, "there are none");
  return LANCE_IO;
}

static LanceColumnFunction* make_column_function(int* releases) {
  LanceColumnFunction* function = NULL;
  REFUSED(lance_column_function_create, NULL, releases, count_release, &function);
  REFUSED(lance_column_function_create, no_columns, releases, count_release, NULL);
  CHECK(function == NULL && *releases == 4);
  CHECK_CALL(LANCE_OK, lance_column_function_create, no_columns, releases, count_release, &function);
  return function;
}

static void namespaces(const LanceNamespace* ns) {
  const LanceKeyValue unknown[] = {{LANCE_TEXT("root"), LANCE_TEXT(URI)},
                                   {LANCE_TEXT("rot"), LANCE_TEXT("x")}};
  LanceNamespace* made = NULL;
  REFUSED_FOR("rot", lance_namespace_connect, "dir", unknown, 2, NULL, &made);
  REFUSED_FOR("kind", lance_namespace_connect, "directory", unknown, 1, NULL, &made);
  REFUSED_FOR("uri", lance_namespace_connect, "rest", NULL, 0, NULL, &made);
  CHECK(made == NULL);
  const char* const odd[] = {"", "a$b", "../a"};
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
    struct ArrowArrayStream out = {0};
    REFUSED_FOR("id", lance_namespace_describe_table, ns, &odd[i], 1, &out);
    CHECK(out.release == NULL);
  }
  REFUSED_FOR("id", lance_namespace_drop_table, ns, NULL, 0);
}

static void errors(void) {
  CHECK(lance_error_code(NULL) == LANCE_OK);
  CHECK(lance_error_message(NULL) != NULL);
  CHECK(lance_error_detail(NULL) != NULL);
}

static void streams(const LanceScanner* scanner) {
  struct ArrowArrayStream stream = {0};
  LanceError* failure = NULL;
  REFUSED(lance_stream_last_error, NULL, &failure);
  REFUSED(lance_stream_last_error, &stream, &failure);
  CHECK_CALL(LANCE_OK, lance_scanner_to_stream, scanner, &stream);
  REFUSED(lance_stream_last_error, &stream, NULL);
  CHECK_CALL(LANCE_OK, lance_stream_last_error, &stream, &failure);
  CHECK(failure == NULL);
  stream.release(&stream);
  REFUSED(lance_stream_last_error, &stream, &failure);
}

static void batches(const LanceBatches* batches) {
  LancePollState state = LANCE_POLL_END;
  struct ArrowArray array = {0};
  REFUSED(lance_batches_poll, NULL, NULL, NULL, &state, &array);
  REFUSED(lance_batches_poll, batches, NULL, NULL, NULL, &array);
  REFUSED(lance_batches_poll, batches, NULL, NULL, &state, NULL);
  CHECK(array.release == NULL);
}

static void logging(void) {
  REFUSED(lance_log_set, NULL, NULL, NULL, LANCE_LOG_TRACE + 1);
  REFUSED(lance_log_set, NULL, NULL, NULL, -1);
}

static void operations(void) {
  REFUSED(lance_operation_cancel, NULL);
  REFUSED(lance_operation_wait, NULL);
  CHECK(lance_operation_is_done(NULL) == 1);
}

static void column_hints(void) {
  const LanceColumnHint hints[] = {{"id", "no-such-key", LANCE_TEXT("1")},
                                   {"id", "compression", LANCE_TEXT("no-such-compression")}};
  for (size_t i = 0; i < sizeof hints / sizeof hints[0]; ++i) {
    LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
    options.column_hints = &hints[i];
    options.column_hints_count = 1;
    LanceWriter* writer = NULL;
    REFUSED(lance_writer_open, URI "/options", fresh_schema(), &options, &writer);
    CHECK(writer == NULL && live_structs == 0);
  }
}

/* What is optional may be NULL, but not together with what is not. */
static void writers(LanceWriter* writer) {
  REFUSED(lance_writer_finish, NULL, NULL);
  struct ArrowSchema* schema = fresh_schema();
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_write_batch, writer, NULL, schema);
  CHECK(schema->release == NULL);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_write_batch_to_lane, writer, 0, NULL, fresh_schema());
  CHECK(schema->release == NULL);
  struct ArrowArray* array = fresh_array();
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_write_batch, NULL, array, fresh_schema());
  CHECK(array->release == NULL && schema->release == NULL);
  REFUSED(lance_writer_write_batch, NULL, NULL, NULL);
}

/* Parameters come with their types, or not at all. */
static void parameters(const LanceSqlContext* context) {
  LanceSqlQuery* query = NULL;
  struct ArrowArray* array = fresh_array();
  REFUSED_FOR("parameter_types", lance_sql_prepare, context, LANCE_TEXT("select $1"), array, NULL, &query);
  CHECK(array->release == NULL);
  struct ArrowSchema* schema = fresh_schema();
  REFUSED_FOR("parameter_types", lance_sql_prepare, context, LANCE_TEXT("select $1"), NULL, schema, &query);
  CHECK(schema->release == NULL);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_sql_prepare, context, LANCE_TEXT("select $1"), fresh_array(),
             fresh_schema(), &query);
  CHECK(array->release == NULL && schema->release == NULL && query == NULL);
}

/* The text of a transaction that is there, with options that are not; and commits of nothing. */
static void transactions(LanceTransaction* transaction) {
  char* json = NULL;
  CHECK_CALL(LANCE_OK, lance_transaction_to_json, transaction, &json);
  LanceTransaction* copy = NULL;
  REFUSED(lance_transaction_from_json, LANCE_TEXT(json), NULL, 1, &copy);
  const LanceKeyValue no_key = {{NULL, 0}, {"value", 5}};
  REFUSED_FOR("storage_options", lance_transaction_from_json, LANCE_TEXT(json), &no_key, 1, &copy);
  const LanceKeyValue no_value = {{"key", 3}, {NULL, 0}};
  REFUSED_FOR("storage_options", lance_transaction_from_json, LANCE_TEXT(json), &no_value, 1, &copy);
  REFUSED(lance_transaction_from_json, LANCE_TEXT(json), NULL, 0, NULL);
  CHECK(copy == NULL);
  lance_string_free(json);

  LanceTransaction* const none[] = {NULL};
  REFUSED(lance_transaction_commit, NULL, 1, NULL);
  REFUSED(lance_transaction_commit, none, 1, NULL);
  REFUSED(lance_transaction_commit, &transaction, 0, NULL);
}

static void sound_dataset(void) {
  LanceCheckSummary summary = LANCE_CHECK_SUMMARY_INIT;
  struct ArrowArrayStream problems;
  CHECK_CALL(LANCE_OK, lance_dataset_check, URI, NULL, &summary, &problems);
  CHECK(summary.rows == 10 && summary.problems == 0);
  problems.release(&problems);
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
  Handles handles = {.dataset = make_dataset()};
  int releases = 0;
  handles.column_function = make_column_function(&releases);
  CHECK_CALL(LANCE_OK, lance_scanner_open, handles.dataset, NULL, &handles.scanner);
  CHECK_CALL(LANCE_OK, lance_session_create, NULL, &handles.session);
  CHECK_CALL(LANCE_OK, lance_text_query_match, LANCE_TEXT("text"), NULL, &handles.text_query);
  CHECK_CALL(LANCE_OK, lance_batches_open, handles.scanner, &handles.batches);
  CHECK_CALL(LANCE_OK, lance_sql_context_create, NULL, &handles.sql_context);
  CHECK_CALL(LANCE_OK, lance_sql_prepare, handles.sql_context, LANCE_TEXT("select 1"), NULL, NULL,
             &handles.sql_query);
  CHECK_CALL(LANCE_OK, lance_shuffler_open, handles.dataset, NULL, &handles.shuffler);
  CHECK_CALL(LANCE_OK, lance_lookup_open, handles.dataset, "id", NULL, &handles.lookup);
  handles.searcher = open_searcher();
  handles.transaction = make_transaction();
  handles.merge_inserter = open_merge_inserter(handles.dataset);
  handles.writer = open_writer(URI "/writers");
  handles.ns = connect_namespace();
  handles.file_reader = open_file_reader();
  handles.file_writer = open_file_writer(URI "/files/written.lance");
  null_arguments(&handles);
  /* It has kept its example. */
  lance_searcher_free(handles.searcher);
  CHECK(live_structs == 0);

  errors();
  streams(handles.scanner);
  batches(handles.batches);
  logging();
  operations();
  column_hints();
  credentials();
  namespaces(handles.ns);
  writers(handles.writer);
  parameters(handles.sql_context);
  transactions(handles.transaction);
  sound_dataset();
  CHECK_CALL(LANCE_OK, lance_transaction_discard, handles.transaction);
  lance_transaction_free(handles.transaction);
  lance_merge_inserter_free(handles.merge_inserter);
  lance_writer_free(handles.writer);
  lance_file_writer_free(handles.file_writer);
  lance_file_reader_free(handles.file_reader);
  lance_shuffler_free(handles.shuffler);
  lance_lookup_free(handles.lookup);
  lance_sql_query_free(handles.sql_query);
  lance_sql_context_free(handles.sql_context);
  lance_namespace_free(handles.ns);
  lance_batches_free(handles.batches);
  lance_scanner_free(handles.scanner);
  lance_text_query_free(handles.text_query);
  lance_session_free(handles.session);
  lance_column_function_free(handles.column_function);
  CHECK(releases == 5);
  lance_dataset_free(handles.dataset);
  CHECK(live_structs == 0);
  return 0;
}
