/* A search from C: vectors are written, searched and freed, and each struct is released once. */
#include <stdio.h>
#include <string.h>

#include "check.h"

#define URI "memory://c_search_test"

enum { ROWS = 5, LENGTH = 2 };

/* Points on a line: row i is at (i, 0). */
static const float kPoints[ROWS * LENGTH] = {0, 0, 1, 0, 2, 0, 3, 0, 4, 0};

static int live_structs = 0;

static void release_schema(struct ArrowSchema* schema) {
  schema->release = NULL;
  --live_structs;
}

static void release_array(struct ArrowArray* array) {
  array->release = NULL;
  --live_structs;
}

/* What is below a struct is released with it. */
static void release_schema_below(struct ArrowSchema* schema) { schema->release = NULL; }
static void release_array_below(struct ArrowArray* array) { array->release = NULL; }

/* A batch of `ROWS` vectors in the column `v`. Its parts are static: there is one at a time. */
static void make_batch(struct ArrowSchema* schema, struct ArrowArray* array) {
  static struct ArrowSchema item, list, *items[] = {&item}, *lists[] = {&list};
  memset(&item, 0, sizeof item);
  item.format = "f";
  item.name = "item";
  item.flags = ARROW_FLAG_NULLABLE;
  item.release = release_schema_below;
  list = item;
  list.format = "+w:2";
  list.name = "v";
  list.n_children = 1;
  list.children = items;
  memset(schema, 0, sizeof *schema);
  schema->format = "+s";
  schema->name = "";
  schema->n_children = 1;
  schema->children = lists;
  schema->release = release_schema;

  static struct ArrowArray numbers, vectors, *all_numbers[] = {&numbers}, *all_vectors[] = {&vectors};
  static const void* no_nulls[] = {NULL};
  static const void* points[] = {NULL, kPoints};
  memset(&numbers, 0, sizeof numbers);
  numbers.length = ROWS * LENGTH;
  numbers.n_buffers = 2;
  numbers.buffers = points;
  numbers.release = release_array_below;
  memset(&vectors, 0, sizeof vectors);
  vectors.length = ROWS;
  vectors.n_buffers = 1;
  vectors.buffers = no_nulls;
  vectors.n_children = 1;
  vectors.children = all_numbers;
  vectors.release = release_array_below;
  memset(array, 0, sizeof *array);
  array->length = ROWS;
  array->n_buffers = 1;
  array->buffers = no_nulls;
  array->n_children = 1;
  array->children = all_vectors;
  array->release = release_array;
  live_structs += 2;
}

/* One vector of doubles, which are not the numbers of the column. */
static void make_vector(const double* numbers, int64_t length, struct ArrowSchema* type,
                        struct ArrowArray* array) {
  static const void* buffers[2];
  buffers[1] = numbers;
  memset(type, 0, sizeof *type);
  type->format = "g";
  type->release = release_schema;
  memset(array, 0, sizeof *array);
  array->length = length;
  array->n_buffers = 2;
  array->buffers = buffers;
  array->release = release_array;
  live_structs += 2;
}

static LanceDataset* make_dataset(void) {
  struct ArrowSchema schema;
  struct ArrowArray array;
  make_batch(&schema, &array);
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, URI, &schema, NULL, &writer);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &array, NULL);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
  LanceDataset* dataset = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open, URI, NULL, &dataset);
  return dataset;
}

static LanceVectorQuery* make_query(const double* numbers, int64_t length, uint32_t k) {
  struct ArrowSchema type;
  struct ArrowArray array;
  make_vector(numbers, length, &type, &array);
  LanceVectorQueryOptions options = LANCE_VECTOR_QUERY_OPTIONS_INIT;
  options.k = k;
  LanceVectorQuery* query = NULL;
  CHECK_CALL(LANCE_OK, lance_vector_query_new, "v", &array, &type, &options, &query);
  CHECK(array.release == NULL && type.release == NULL);
  return query;
}

static void the_nearest_come_with_their_distances(const LanceDataset* dataset) {
  static const double kQuery[] = {3.25, 0};
  static const char* const kColumns[] = {"_distance"};
  LanceVectorQuery* query = make_query(kQuery, 2, 3);
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.columns = kColumns;
  options.column_count = 1;
  options.nearest = query;
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, &options, &scanner);
  lance_vector_query_free(query);
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_scanner_count_rows, scanner, &rows);
  CHECK(rows == 3);
  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_scanner_to_stream, scanner, &stream);
  lance_scanner_free(scanner);
  struct ArrowArray batch;
  CHECK(stream.get_next(&stream, &batch) == 0);
  CHECK(batch.length == 3);
  const float* distances = (const float*)batch.children[0]->buffers[1] + batch.children[0]->offset;
  CHECK(distances[0] == 0.0625F && distances[1] == 0.5625F && distances[2] == 1.5625F);
  batch.release(&batch);
  stream.release(&stream);
}

static void what_does_not_fit_is_refused(const LanceDataset* dataset) {
  static const double kQuery[] = {1, 2, 3};
  LanceVectorQuery* query = make_query(kQuery, 3, 1);
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.nearest = query;
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_scanner_open, dataset, &options, &scanner);
  CHECK(scanner == NULL);
  lance_vector_query_free(query);

  struct ArrowSchema type;
  struct ArrowArray none;
  make_vector(kQuery, 0, &type, &none);
  query = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_vector_query_new, "v", &none, &type, NULL, &query);
  CHECK(none.release == NULL && type.release == NULL && query == NULL);
}

static LanceTextQuery* words(const char* text) {
  LanceTextQuery* query = NULL;
  CHECK_CALL(LANCE_OK, lance_text_query_match, LANCE_TEXT(text), NULL, &query);
  return query;
}

/* A query is made of others, which are freed before it. */
static void text_queries_are_made_of_others(void) {
  LanceTextQuery* fox = words("fox");
  LanceTextQuery* dog = words("dog");
  const LanceTextClause clauses[] = {{fox, LANCE_TEXT_MUST, 0}, {dog, LANCE_TEXT_MUST_NOT, 0}};
  LanceTextQuery* both = NULL;
  CHECK_CALL(LANCE_OK, lance_text_query_boolean, clauses, 2, &both);
  LanceTextQuery* none = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_text_query_boolean, clauses + 1, 1, &none);
  LanceTextQuery* less = NULL;
  CHECK_CALL(LANCE_OK, lance_text_query_boost, fox, dog, 0.25, &less);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_text_query_boost, fox, dog, -1.0, &none);
  CHECK(none == NULL);
  lance_text_query_free(fox);
  lance_text_query_free(dog);
  char* json = NULL;
  CHECK_CALL(LANCE_OK, lance_text_query_to_json, both, &json);
  CHECK(strstr(json, "\"must_not\":[{\"match\"") != NULL && strstr(json, "\"dog\"") != NULL);
  LanceTextQuery* again = NULL;
  CHECK_CALL(LANCE_OK, lance_text_query_from_json, LANCE_TEXT(json), &again);
  lance_string_free(json);
  LanceTextQueryOptions bounds = LANCE_TEXT_QUERY_OPTIONS_INIT;
  bounds.limit = 3;
  LanceTextQuery* bound = NULL;
  CHECK_CALL(LANCE_OK, lance_text_query_with, again, &bounds, &bound);
  lance_text_query_free(again);
  lance_text_query_free(bound);
  lance_text_query_free(both);
  lance_text_query_free(less);
}

static void a_text_is_cut_into_words(void) {
  const LanceKeyValue parameters[] = {{LANCE_TEXT("stem"), LANCE_TEXT("false")}};
  struct ArrowArrayStream tokens = {0};
  CHECK_CALL(LANCE_OK, lance_text_tokenize, LANCE_TEXT("Running the Foxes"), parameters, 1, &tokens);
  struct ArrowArray batch;
  CHECK(tokens.get_next(&tokens, &batch) == 0);
  CHECK(batch.length == 2);
  const uint64_t* positions = (const uint64_t*)batch.children[1]->buffers[1];
  CHECK(positions[0] == 0 && positions[1] == 2);
  batch.release(&batch);
  tokens.release(&tokens);
  const LanceKeyValue unknown[] = {{LANCE_TEXT("stemm"), LANCE_TEXT("false")}};
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_text_tokenize, LANCE_TEXT("a"), unknown, 1, &tokens);
}

static void words_of_a_column_that_has_none_are_refused(const LanceDataset* dataset) {
  LanceTextMatchOptions match = LANCE_TEXT_MATCH_OPTIONS_INIT;
  match.column = "v";
  LanceTextQuery* query = NULL;
  CHECK_CALL(LANCE_OK, lance_text_query_match, LANCE_TEXT("fox"), &match, &query);
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.full_text = query;
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_scanner_open, dataset, &options, &scanner);
  lance_text_query_free(query);
  match.column = "w";
  CHECK_CALL(LANCE_OK, lance_text_query_match, LANCE_TEXT("fox"), &match, &query);
  options.full_text = query;
  CHECK_CALL(LANCE_FIELD_NOT_FOUND, lance_scanner_open, dataset, &options, &scanner);
  lance_text_query_free(query);
  CHECK(scanner == NULL);
}

int main(void) {
  LanceDataset* dataset = make_dataset();
  the_nearest_come_with_their_distances(dataset);
  what_does_not_fit_is_refused(dataset);
  words_of_a_column_that_has_none_are_refused(dataset);
  text_queries_are_made_of_others();
  a_text_is_cut_into_words();
  lance_dataset_free(dataset);
  lance_vector_query_free(NULL);
  lance_text_query_free(NULL);
  CHECK(live_structs == 0);
  return 0;
}
