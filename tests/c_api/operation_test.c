/* Asynchronous forms from C: a callback is called exactly once, with the whole error, whatever becomes of the
 * call, also when the process exits; batches can be asked for without waiting. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "check.h"
#include "int64_batch.h"

#define URI "memory://operation_test"

/* Of the dataset, and of the test that makes many; also the arguments of the program, for valgrind. */
static int64_t row_count = 300000;
static int call_count = 400;

/* Takes a while: each row is hashed. */
#define SLOW_FILTER LANCE_TEXT("md5(md5(cast(id as string))) like '%no digest ends so'")

/* What a call tells at its end. */
typedef struct {
  mtx_t lock;
  cnd_t changed;
  int calls;
  LanceStatusCode status;
  char message[200];
} End;

static void init_end(End* end) {
  memset(end, 0, sizeof(*end));
  CHECK(mtx_init(&end->lock, mtx_plain) == thrd_success);
  CHECK(cnd_init(&end->changed) == thrd_success);
}

static void on_done(void* context, LanceStatusCode status, LanceError* error) {
  End* end = context;
  CHECK(lance_error_code(error) == status);
  mtx_lock(&end->lock);
  end->calls += 1;
  end->status = status;
  strncpy(end->message, lance_error_message(error), sizeof(end->message) - 1);
  cnd_broadcast(&end->changed);
  mtx_unlock(&end->lock);
  lance_error_free(error);
}

static LanceStatusCode wait_for(End* end) {
  mtx_lock(&end->lock);
  while (end->calls == 0) cnd_wait(&end->changed, &end->lock);
  mtx_unlock(&end->lock);
  return end->status;
}

static void outcomes_are_told(const LanceDataset* dataset) {
  End end;
  init_end(&end);
  uint64_t rows = 0;
  LanceOperation* operation = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows_async, dataset, LANCE_TEXT("id < 10"), &rows, on_done, &end,
             &operation);
  CHECK_CALL(LANCE_OK, lance_operation_wait, operation);
  CHECK(end.calls == 1 && end.status == LANCE_OK && rows == 10);
  CHECK(lance_operation_is_done(operation) == 1);
  /* It comes too late. */
  CHECK_CALL(LANCE_OK, lance_operation_cancel, operation);
  lance_operation_free(operation);

  init_end(&end);
  rows = 77;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows_async, dataset, LANCE_TEXT("nope < 10"), &rows, on_done, &end,
             NULL);
  CHECK(wait_for(&end) == LANCE_FIELD_NOT_FOUND);
  CHECK(strstr(end.message, "nope") != NULL);
  CHECK(rows == 77);
}

static void a_call_that_cannot_begin_tells_nothing(const LanceDataset* dataset) {
  End end;
  init_end(&end);
  uint64_t rows = 0;
  LanceOperation* operation = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_count_rows_async, NULL, LANCE_NO_TEXT, &rows, on_done,
             &end, &operation);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_count_rows_async, dataset, LANCE_NO_TEXT, &rows, NULL,
             &end, &operation);
  CHECK(operation == NULL && end.calls == 0);
}

/* Some are cancelled at once, some later, some after their handle was freed, some never. */
static void each_of_many_ends_once(const LanceDataset* dataset) {
  End* ends = calloc((size_t)call_count, sizeof(*ends));
  uint64_t* rows = calloc((size_t)call_count, sizeof(*rows));
  LanceOperation** operations = calloc((size_t)call_count, sizeof(*operations));
  for (int i = 0; i < call_count; ++i) {
    init_end(&ends[i]);
    CHECK_CALL(LANCE_OK, lance_dataset_count_rows_async, dataset, SLOW_FILTER, &rows[i], on_done, &ends[i],
               &operations[i]);
    if (i % 4 == 1) CHECK_CALL(LANCE_OK, lance_operation_cancel, operations[i]);
    if (i % 4 == 2) {
      lance_operation_free(operations[i]);
      operations[i] = NULL;
    }
  }
  for (int i = 0; i < call_count; ++i) {
    if (i % 50 != 0 && operations[i] != NULL) CHECK_CALL(LANCE_OK, lance_operation_cancel, operations[i]);
  }
  int cancelled = 0;
  for (int i = 0; i < call_count; ++i) {
    const LanceStatusCode status = wait_for(&ends[i]);
    CHECK(status == LANCE_OK || status == LANCE_CANCELLED);
    CHECK(status == LANCE_CANCELLED || rows[i] == 0);
    cancelled += status == LANCE_CANCELLED;
    if (i % 4 == 2) CHECK(status == LANCE_OK);
  }
  CHECK(cancelled > 0);
  for (int i = 0; i < call_count; ++i) {
    if (operations[i] != NULL) CHECK_CALL(LANCE_OK, lance_operation_wait, operations[i]);
    lance_operation_free(operations[i]);
    CHECK(ends[i].calls == 1);
  }
  free(operations);
  free(rows);
  free(ends);
}

static void refuse_to_wait(void* context, LanceStatusCode status, LanceError* error) {
  uint64_t rows = 0;
  CHECK_CALL(LANCE_INVALID_STATE, lance_dataset_count_rows, *(LanceDataset**)context, LANCE_TEXT("id < 3"),
             &rows);
  CHECK(status == LANCE_OK && error == NULL);
}

static void a_callback_must_not_wait(LanceDataset* dataset) {
  uint64_t rows = 0;
  LanceOperation* operation = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows_async, dataset, LANCE_TEXT("id < 10"), &rows, refuse_to_wait,
             &dataset, &operation);
  CHECK_CALL(LANCE_OK, lance_operation_wait, operation);
  lance_operation_free(operation);
}

static void what_is_consumed_is_released(void) {
  End end;
  init_end(&end);
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open_async, "memory://operation_test/written", &schema, NULL, &writer,
             on_done, &end, NULL);
  CHECK(schema.release == NULL);
  CHECK(wait_for(&end) == LANCE_OK);
  init_end(&end);
  struct ArrowArray array;
  make_int64_batch(0, 10, &array);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch_async, writer, &array, NULL, on_done, &end, NULL);
  CHECK(array.release == NULL);
  CHECK(wait_for(&end) == LANCE_OK);
  init_end(&end);
  LanceCommitResult result = LANCE_COMMIT_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_writer_finish_async, writer, &result, on_done, &end, NULL);
  CHECK(wait_for(&end) == LANCE_OK && result.version == 1);
  /* Also by a call that cannot begin. */
  make_int64_batch(0, 10, &array);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_writer_write_batch_async, writer, &array, NULL, NULL, NULL, NULL);
  CHECK(array.release == NULL);
  lance_writer_free(writer);
  CHECK(live_structs == 0);
}

static void on_wake(void* context) {
  End* end = context;
  mtx_lock(&end->lock);
  end->calls += 1;
  CHECK(end->calls == 1);
  cnd_broadcast(&end->changed);
  mtx_unlock(&end->lock);
}

static LanceBatches* run(const LanceDataset* dataset, LanceText filter, int64_t batch_size) {
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.filter = filter;
  options.batch_size = batch_size;
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, &options, &scanner);
  LanceBatches* batches = NULL;
  CHECK_CALL(LANCE_OK, lance_batches_open, scanner, &batches);
  lance_scanner_free(scanner);
  return batches;
}

/* Each poll has a context of its own, which is gone when the poll has found something. */
static void batches_are_polled(const LanceDataset* dataset) {
  LanceBatches* batches = run(dataset, LANCE_NO_TEXT, 64);
  struct ArrowSchema schema;
  CHECK_CALL(LANCE_OK, lance_batches_schema, batches, &schema);
  CHECK(schema.n_children == 1);
  schema.release(&schema);
  int64_t rows = 0;
  int pending = 0;
  for (int32_t state = LANCE_POLL_PENDING; state != LANCE_POLL_END;) {
    End* woken = calloc(1, sizeof(*woken));
    init_end(woken);
    struct ArrowArray array;
    CHECK_CALL(LANCE_OK, lance_batches_poll, batches, on_wake, woken, &state, &array);
    if (state == LANCE_POLL_PENDING) {
      ++pending;
      wait_for(woken);
    } else {
      CHECK(woken->calls == 0);
    }
    if (state == LANCE_POLL_READY) {
      rows += array.length;
      array.release(&array);
    }
    /* A call that came now would fail. */
    memset(woken, 0xff, sizeof(*woken));
    free(woken);
  }
  CHECK(rows == row_count && pending > 0);
  lance_batches_free(batches);
}

static void cancelled_batches_wake_and_fail(const LanceDataset* dataset) {
  LanceBatches* batches = NULL;
  End woken;
  int32_t state = LANCE_POLL_READY;
  struct ArrowArray array;
  /* A thread that has to wait for a core may come too late. */
  do {
    lance_batches_free(batches);
    batches = run(dataset, SLOW_FILTER, LANCE_UNSET_I64);
    init_end(&woken);
    CHECK_CALL(LANCE_OK, lance_batches_poll, batches, on_wake, &woken, &state, &array);
    CHECK(state != LANCE_POLL_READY);
  } while (state == LANCE_POLL_END);
  CHECK_CALL(LANCE_OK, lance_batches_cancel, batches);
  wait_for(&woken);
  CHECK_CALL(LANCE_CANCELLED, lance_batches_poll, batches, NULL, NULL, &state, &array);
  lance_batches_free(batches);

  /* Also what is decoded already is not given out. */
  for (int i = 0; i < 20; ++i) {
    batches = run(dataset, LANCE_NO_TEXT, 64);
    CHECK_CALL(LANCE_OK, lance_batches_next, batches, &array);
    array.release(&array);
    CHECK_CALL(LANCE_OK, lance_batches_cancel, batches);
    CHECK_CALL(LANCE_CANCELLED, lance_batches_next, batches, &array);
    CHECK_CALL(LANCE_OK, lance_batches_next, batches, &array);
    CHECK(array.release == NULL);
    lance_batches_free(batches);
  }

  batches = run(dataset, LANCE_TEXT("id < 5"), LANCE_UNSET_I64);
  CHECK_CALL(LANCE_OK, lance_batches_next, batches, &array);
  CHECK(array.length == 5);
  array.release(&array);
  CHECK_CALL(LANCE_OK, lance_batches_next, batches, &array);
  CHECK(array.release == NULL);
  lance_batches_free(batches);
}

static atomic_int started;
static atomic_int ended;

static void count_end(void* context, LanceStatusCode status, LanceError* error) {
  (void)context;
  CHECK(status == LANCE_OK || status == LANCE_CANCELLED);
  lance_error_free(error);
  atomic_fetch_add(&ended, 1);
}

/* Runs after the library's own handlers, as it was registered before. */
static void check_at_exit(void) {
  if (atomic_load(&started) != atomic_load(&ended)) _Exit(1);
}

/* At the end of main(), with calls on their way. */
static void leave_calls_behind(const LanceDataset* dataset) {
  static uint64_t rows[50];
  for (int i = 0; i < 50; ++i) {
    CHECK_CALL(LANCE_OK, lance_dataset_count_rows_async, dataset, SLOW_FILTER, &rows[i], count_end, NULL,
               NULL);
    atomic_fetch_add(&started, 1);
  }
}

int main(int argc, char** argv) {
  if (argc > 1) row_count = atoi(argv[1]);
  if (argc > 2) call_count = atoi(argv[2]);
  CHECK(atexit(check_at_exit) == 0);
  LanceDataset* dataset = make_int64_dataset(URI, row_count);
  outcomes_are_told(dataset);
  a_call_that_cannot_begin_tells_nothing(dataset);
  each_of_many_ends_once(dataset);
  a_callback_must_not_wait(dataset);
  what_is_consumed_is_released();
  batches_are_polled(dataset);
  cancelled_batches_wake_and_fail(dataset);
  leave_calls_behind(dataset);
  lance_dataset_free(dataset);
  return 0;
}
