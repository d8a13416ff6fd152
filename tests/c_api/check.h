/* Assertions of the C tests. */
#ifndef LANCE_TESTS_C_API_CHECK_H_
#define LANCE_TESTS_C_API_CHECK_H_

#include <stdio.h>
#include <stdlib.h>

#include "lance/c/lance.h"

/* End the test unless `condition` holds. */
#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

/* Call `function(..., &error)` and end the test unless it returns `expected`, with an error object if and
 * only if that is a failure. */
#define CHECK_CALL(expected, function, ...)                                                                \
  do {                                                                                                     \
    LanceError* check_error = NULL;                                                                        \
    const LanceStatusCode check_code = function(__VA_ARGS__, &check_error);                                \
    if (check_code != (expected) || lance_error_code(check_error) != (expected)) {                         \
      fprintf(stderr, "%s:%d: %s returned %s: %s\n", __FILE__, __LINE__, #function,                        \
              lance_status_name(check_code), check_error == NULL ? "" : lance_error_message(check_error)); \
      exit(1);                                                                                             \
    }                                                                                                      \
    lance_error_free(check_error);                                                                         \
  } while (0)

#endif
