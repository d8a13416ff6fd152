/* A search from C: vectors are written, searched and freed, and each struct is released once. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "vector_batch.h"

#define URI "memory://c_search_test"

static void the_nearest_come_with_their_distances(const LanceDataset* dataset) {
  static const double kQuery[] = {3.25, 0};
  static const char* const kColumns[] = {"_distance"};
  LanceVectorQuery* query = make_vector_query(kQuery, 2, 3);
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
  LanceVectorQuery* query = make_vector_query(kQuery, 3, 1);
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
  LanceDataset* dataset = make_vector_dataset(URI);
  the_nearest_come_with_their_distances(dataset);
  what_does_not_fit_is_refused(dataset);
  words_of_a_column_that_has_none_are_refused(dataset);
  text_queries_are_made_of_others();
  a_text_is_cut_into_words();
  lance_dataset_free(dataset);
  lance_vector_query_free(NULL);
  lance_text_query_free(NULL);
  CHECK(all_are_released_soon());
  return 0;
}
