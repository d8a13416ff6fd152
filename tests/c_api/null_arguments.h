/* What the generated calls with NULL and with wrong values are made with. */
#ifndef LANCE_TESTS_C_API_NULL_ARGUMENTS_H_
#define LANCE_TESTS_C_API_NULL_ARGUMENTS_H_

#include <string.h>

#include "check.h"

#define URI "memory://null_arguments_test"

/* With and without somewhere to put the error. */
#define REFUSED(function, ...)                                    \
  do {                                                            \
    CHECK_CALL(LANCE_INVALID_ARGUMENT, function, __VA_ARGS__);    \
    CHECK(function(__VA_ARGS__, NULL) == LANCE_INVALID_ARGUMENT); \
  } while (0)

/* As REFUSED, and the message names what is wrong. */
#define REFUSED_FOR(what, function, ...)                                                                \
  do {                                                                                                  \
    LanceError* refused_error = NULL;                                                                   \
    CHECK(function(__VA_ARGS__, &refused_error) == LANCE_INVALID_ARGUMENT);                             \
    if (strstr(lance_error_message(refused_error), what) == NULL) {                                     \
      fprintf(stderr, "%s does not say %s: %s\n", #function, what, lance_error_message(refused_error)); \
      exit(1);                                                                                          \
    }                                                                                                   \
    lance_error_free(refused_error);                                                                    \
    CHECK(function(__VA_ARGS__, NULL) == LANCE_INVALID_ARGUMENT);                                       \
  } while (0)

/* A handle of each kind. */
typedef struct Handles {
  LanceSession* session;
  LanceDataset* dataset;
  LanceColumnFunction* column_function;
  LanceScanner* scanner;
  LanceSearcher* searcher;
  LanceLookup* lookup;
  LanceBatches* batches;
  LanceSqlContext* sql_context;
  LanceSqlQuery* sql_query;
  LanceShuffler* shuffler;
  LanceTextQuery* text_query;
  LanceTransaction* transaction;
  LanceMergeInserter* merge_inserter;
  LanceWriter* writer;
  LanceNamespace* ns;
  LanceFileReader* file_reader;
  LanceFileWriter* file_writer;
} Handles;

/* A new struct to be consumed; the one before must be released by then. */
struct ArrowArray* fresh_array(void);
struct ArrowSchema* fresh_schema(void);
struct ArrowArrayStream* fresh_stream(void);

/* What a call that was refused never calls. */
void must_not_be_called(void* context, LanceStatusCode status, LanceError* error);

/* All of them. */
void null_arguments(const Handles* handles);

#endif
