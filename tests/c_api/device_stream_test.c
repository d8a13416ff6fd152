/* Scans that are pushed to a consumer: whatever it asks for, refuses and cancels, it is told in order and by
 * one thread at a time, gets no more than it asked for, and is released once, after everything else; also
 * when the process exits. */

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "check.h"
#include "int64_batch.h"

#define URI "memory://device_stream_test"

/* Of the dataset, and of the test that cancels at random; also the arguments of the program, for valgrind. */
static int64_t row_count = 300000;
static int run_count = 100;
static const int64_t kBatchSize = 1000;

/* Takes a while: each row is hashed. */
#define SLOW_FILTER LANCE_TEXT("md5(md5(cast(id as string))) like '%no digest ends so'")

enum { kKept = 400, kNever = -1 };

/* What a consumer does, and what it was told. */
typedef struct {
  struct ArrowAsyncDeviceStreamHandler handler;
  /* Batches it requests with the schema and with each task. */
  int64_t first_request;
  int64_t next_request;
  /* What on_schema returns, and on_next_task at the n-th task, which is then taken out or not. */
  int schema_result;
  int fail_at;
  bool fail_after_extracting;
  /* The task at which it cancels; 0 is the schema. */
  int cancel_at;
  /* Tasks are taken out when the stream has ended. */
  bool keeps;

  mtx_t lock;
  cnd_t changed;
  atomic_int inside;
  atomic_int_fast64_t requested;
  int schemas;
  int tasks;
  int ends;
  int errors;
  int releases;
  int64_t rows;
  int64_t next_id;
  int number;
  char message[200];
  char code[40];
  struct ArrowAsyncTask kept[kKept];
} Consumer;

static void ask(Consumer* consumer, int64_t count) {
  struct ArrowAsyncProducer* producer = consumer->handler.producer;
  if (count != 0) atomic_fetch_add(&consumer->requested, count);
  producer->request(producer, count);
}

static void cancel(Consumer* consumer) { consumer->handler.producer->cancel(consumer->handler.producer); }

/* Callbacks come one at a time, before the release, from a handler that was not moved. */
static Consumer* enter(struct ArrowAsyncDeviceStreamHandler* self) {
  Consumer* consumer = self->private_data;
  CHECK(self == &consumer->handler);
  CHECK(atomic_fetch_add(&consumer->inside, 1) == 0);
  CHECK(consumer->releases == 0);
  CHECK(self->producer != NULL);
  return consumer;
}

static void leave(Consumer* consumer) { CHECK(atomic_fetch_sub(&consumer->inside, 1) == 1); }

static int on_schema(struct ArrowAsyncDeviceStreamHandler* self, struct ArrowSchema* schema) {
  Consumer* consumer = enter(self);
  CHECK(consumer->schemas++ == 0 && consumer->errors == 0);
  CHECK(schema->n_children == 1 && strcmp(schema->children[0]->name, "id") == 0);
  /* What is not moved out is released by the producer. */
  if (consumer->schema_result == 0) schema->release(schema);
  CHECK(self->producer->device_type == ARROW_DEVICE_CPU && self->producer->additional_metadata == NULL);
  if (consumer->cancel_at == 0) cancel(consumer);
  if (consumer->first_request != kNever) ask(consumer, consumer->first_request);
  leave(consumer);
  return consumer->schema_result;
}

static void extract(Consumer* consumer, struct ArrowAsyncTask* task) {
  struct ArrowDeviceArray out;
  memset(&out, 0xab, sizeof out);
  CHECK(task->extract_data(task, &out) == 0);
  CHECK(out.device_type == ARROW_DEVICE_CPU && out.device_id == -1 && out.sync_event == NULL);
  CHECK(out.reserved[0] == 0 && out.reserved[1] == 0 && out.reserved[2] == 0);
  const int64_t* ids = out.array.children[0]->buffers[1];
  for (int64_t i = 0; i < out.array.length; ++i)
    CHECK(ids[out.array.children[0]->offset + i] == consumer->next_id++);
  consumer->rows += out.array.length;
  out.array.release(&out.array);
}

static int on_next_task(struct ArrowAsyncDeviceStreamHandler* self, struct ArrowAsyncTask* task,
                        const char* metadata) {
  Consumer* consumer = enter(self);
  CHECK(consumer->schemas == 1 && consumer->ends == 0 && consumer->errors == 0 && metadata == NULL);
  int result = 0;
  if (task == NULL) {
    ++consumer->ends;
  } else {
    ++consumer->tasks;
    CHECK(consumer->tasks <= atomic_load(&consumer->requested));
    if (consumer->tasks == consumer->fail_at) result = EIO;
    if (consumer->keeps) {
      CHECK(consumer->tasks <= kKept);
      consumer->kept[consumer->tasks - 1] = *task;
    } else if (result == 0 || consumer->fail_after_extracting) {
      extract(consumer, task);
    }
    if (consumer->tasks == consumer->cancel_at) {
      cancel(consumer);
      cancel(consumer);
    }
    if (consumer->next_request != 0) ask(consumer, consumer->next_request);
  }
  leave(consumer);
  return result;
}

/* The value of a key, or an empty text. */
static void find(const char* metadata, const char* key, char* out, size_t size) {
  int32_t count;
  memcpy(&count, metadata, sizeof count);
  metadata += sizeof count;
  *out = '\0';
  bool is_wanted = false;
  for (int32_t i = 0; i < 2 * count; ++i) {
    int32_t length;
    memcpy(&length, metadata, sizeof length);
    metadata += sizeof length;
    if (i % 2 == 0) {
      is_wanted = (size_t)length == strlen(key) && memcmp(metadata, key, (size_t)length) == 0;
    } else if (is_wanted) {
      CHECK((size_t)length < size);
      memcpy(out, metadata, (size_t)length);
      out[length] = '\0';
    }
    metadata += length;
  }
}

static void on_error(struct ArrowAsyncDeviceStreamHandler* self, int number, const char* message,
                     const char* metadata) {
  Consumer* consumer = enter(self);
  CHECK(consumer->errors++ == 0 && consumer->ends == 0 && number != 0);
  consumer->number = number;
  strncpy(consumer->message, message, sizeof(consumer->message) - 1);
  find(metadata, "lance:code", consumer->code, sizeof(consumer->code));
  leave(consumer);
}

static void on_release(struct ArrowAsyncDeviceStreamHandler* self) {
  Consumer* consumer = enter(self);
  leave(consumer);
  mtx_lock(&consumer->lock);
  ++consumer->releases;
  self->release = NULL;
  cnd_broadcast(&consumer->changed);
  mtx_unlock(&consumer->lock);
}

static void init(Consumer* consumer) {
  memset(consumer, 0, sizeof *consumer);
  consumer->handler = (struct ArrowAsyncDeviceStreamHandler){
      .on_schema = on_schema, .on_next_task = on_next_task, .on_error = on_error, .release = on_release};
  consumer->handler.private_data = consumer;
  consumer->first_request = 1;
  consumer->next_request = 1;
  consumer->cancel_at = kNever;
  CHECK(mtx_init(&consumer->lock, mtx_plain) == thrd_success);
  CHECK(cnd_init(&consumer->changed) == thrd_success);
}

static void wait_for(Consumer* consumer) {
  mtx_lock(&consumer->lock);
  while (consumer->releases == 0) cnd_wait(&consumer->changed, &consumer->lock);
  mtx_unlock(&consumer->lock);
  CHECK(consumer->releases == 1 && consumer->ends + consumer->errors <= 1);
}

/* The scanner is gone before the stream begins. */
static void start(const LanceDataset* dataset, LanceText filter, Consumer* consumer) {
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.filter = filter;
  options.batch_size = kBatchSize;
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, &options, &scanner);
  CHECK_CALL(LANCE_OK, lance_scanner_to_async_device_stream, scanner, &consumer->handler);
  lance_scanner_free(scanner);
}

static void run(const LanceDataset* dataset, Consumer* consumer) {
  start(dataset, LANCE_NO_TEXT, consumer);
  wait_for(consumer);
}

static void expect_all(const Consumer* consumer) {
  CHECK(consumer->rows == row_count && consumer->ends == 1 && consumer->errors == 0);
}

static void whatever_is_asked_for_comes(const LanceDataset* dataset) {
  Consumer consumer;
  init(&consumer);
  run(dataset, &consumer);
  expect_all(&consumer);
  const int batches = consumer.tasks;
  CHECK(batches > 1);

  /* More than there can be. */
  init(&consumer);
  consumer.first_request = INT64_MAX;
  consumer.next_request = 0;
  run(dataset, &consumer);
  expect_all(&consumer);
  CHECK(consumer.tasks == batches);

  init(&consumer);
  consumer.first_request = 3;
  consumer.next_request = 2;
  run(dataset, &consumer);
  expect_all(&consumer);

  /* Just as many as there are: the end comes without a request. */
  init(&consumer);
  consumer.first_request = batches;
  consumer.next_request = 0;
  run(dataset, &consumer);
  expect_all(&consumer);
}

static int tasks_of(Consumer* consumer) {
  /* Nobody is inside, and somebody was. */
  while (atomic_load(&consumer->inside) != 0) thrd_yield();
  return consumer->tasks;
}

static void nothing_comes_unasked(const LanceDataset* dataset) {
  Consumer consumer;
  init(&consumer);
  consumer.first_request = kNever;
  consumer.next_request = 0;
  start(dataset, LANCE_NO_TEXT, &consumer);
  const struct timespec pause = {.tv_nsec = 20000000};
  thrd_sleep(&pause, NULL);
  CHECK(tasks_of(&consumer) == 0 && consumer.ends == 0);
  ask(&consumer, 2);
  thrd_sleep(&pause, NULL);
  CHECK(tasks_of(&consumer) <= 2 && consumer.ends == 0);
  cancel(&consumer);
  wait_for(&consumer);
  CHECK(consumer.errors == 0 && consumer.ends == 0);
}

static void a_cancel_ends_the_stream_without_an_error(const LanceDataset* dataset) {
  for (int at = 0; at < 5; ++at) {
    Consumer consumer;
    init(&consumer);
    consumer.cancel_at = at;
    consumer.first_request = INT64_MAX / 2;
    run(dataset, &consumer);
    CHECK(consumer.tasks == at && consumer.errors == 0 && consumer.ends == 0);
  }
  /* Nor is the end told that would come next. */
  Consumer consumer;
  init(&consumer);
  run(dataset, &consumer);
  const int last = consumer.tasks;
  init(&consumer);
  consumer.cancel_at = last;
  run(dataset, &consumer);
  CHECK(consumer.tasks == last && consumer.errors == 0 && consumer.ends == 0);
}

/* A consumer with a thread that asks and cancels. */
typedef struct {
  Consumer consumer;
  thrd_t thread;
} Cancelled;

static int ask_and_cancel(void* context) {
  Cancelled* cancelled = context;
  ask(&cancelled->consumer, 2);
  const struct timespec pause = {.tv_nsec = rand() % 3000000};
  thrd_sleep(&pause, NULL);
  cancel(&cancelled->consumer);
  return 0;
}

/* Nobody may use the producer when this has returned. */
static void release_after_join(struct ArrowAsyncDeviceStreamHandler* self) {
  Cancelled* cancelled = self->private_data;
  mtx_lock(&cancelled->consumer.lock);
  const thrd_t thread = cancelled->thread;
  mtx_unlock(&cancelled->consumer.lock);
  CHECK(thrd_join(thread, NULL) == thrd_success);
  on_release(self);
}

static void a_cancel_may_come_at_any_moment(const LanceDataset* dataset) {
  int early = 0;
  for (int i = 0; i < run_count; ++i) {
    Cancelled cancelled;
    init(&cancelled.consumer);
    cancelled.consumer.handler.release = release_after_join;
    cancelled.consumer.first_request = kNever;
    start(dataset, LANCE_NO_TEXT, &cancelled.consumer);
    mtx_lock(&cancelled.consumer.lock);
    CHECK(thrd_create(&cancelled.thread, ask_and_cancel, &cancelled) == thrd_success);
    mtx_unlock(&cancelled.consumer.lock);
    wait_for(&cancelled.consumer);
    CHECK(cancelled.consumer.errors == 0);
    early += cancelled.consumer.ends == 0;
  }
  CHECK(early > 0);
}

static void a_consumer_that_fails_is_told_no_more(const LanceDataset* dataset) {
  Consumer consumer;
  init(&consumer);
  consumer.schema_result = EINVAL;
  run(dataset, &consumer);
  CHECK(consumer.tasks == 0 && consumer.errors == 0 && consumer.ends == 0);
  for (int at = 1; at < 4; ++at) {
    for (int extracts = 0; extracts < 2; ++extracts) {
      init(&consumer);
      consumer.first_request = 10;
      consumer.fail_at = at;
      consumer.fail_after_extracting = extracts;
      run(dataset, &consumer);
      CHECK(consumer.tasks == at && consumer.errors == 0 && consumer.ends == 0);
    }
  }
  /* What it has kept of the task that it refused is nothing any more. */
  init(&consumer);
  consumer.keeps = true;
  consumer.fail_at = 1;
  run(dataset, &consumer);
  struct ArrowDeviceArray out;
  CHECK(consumer.kept[0].extract_data(&consumer.kept[0], &out) == EINVAL);
}

static void a_wrong_request_is_an_error(const LanceDataset* dataset) {
  for (int64_t count = 0; count > -3; --count) {
    Consumer consumer;
    init(&consumer);
    consumer.first_request = count == -1 ? INT64_MIN : count;
    run(dataset, &consumer);
    CHECK(consumer.errors == 1 && consumer.tasks == 0 && consumer.number == EINVAL);
    CHECK(strcmp(consumer.code, "INVALID_ARGUMENT") == 0 && strstr(consumer.message, "at least 1") != NULL);
  }
  /* After a cancel it is one that is not heard. */
  Consumer consumer;
  init(&consumer);
  consumer.cancel_at = 0;
  consumer.first_request = -5;
  run(dataset, &consumer);
  CHECK(consumer.errors == 0);
}

static void a_scan_that_fails_says_why(const LanceDataset* dataset) {
  Consumer consumer;
  init(&consumer);
  start(dataset, LANCE_TEXT("10 / (id - 5000) > 1"), &consumer);
  wait_for(&consumer);
  CHECK(consumer.errors == 1 && strcmp(consumer.code, "EXECUTION") == 0);
  CHECK(strstr(consumer.message, "ivide by zero") != NULL);
}

static void a_stream_that_cannot_begin_is_released(const LanceDataset* dataset) {
  Consumer consumer;
  init(&consumer);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_scanner_to_async_device_stream, NULL, &consumer.handler);
  CHECK(consumer.releases == 1 && consumer.errors == 1 && consumer.schemas == 0);
  CHECK(strcmp(consumer.code, "CANCELLED") == 0);
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, NULL, &scanner);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_scanner_to_async_device_stream, scanner, NULL);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_scanner_to_async_device_stream, scanner, &consumer.handler);
  CHECK(consumer.releases == 1);
  for (int lacking = 0; lacking < 3; ++lacking) {
    init(&consumer);
    if (lacking == 0) consumer.handler.on_schema = NULL;
    if (lacking == 1) consumer.handler.on_next_task = NULL;
    if (lacking == 2) consumer.handler.on_error = NULL;
    consumer.handler.producer = &(struct ArrowAsyncProducer){0};
    CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_scanner_to_async_device_stream, scanner, &consumer.handler);
    CHECK(consumer.releases == 1);
  }
  lance_scanner_free(scanner);
}

static void tasks_may_be_taken_out_later(const LanceDataset* dataset) {
  static Consumer consumer;
  init(&consumer);
  consumer.keeps = true;
  consumer.first_request = kKept;
  consumer.next_request = 0;
  run(dataset, &consumer);
  CHECK(consumer.ends == 1 && consumer.tasks > 2);
  /* Thrown away, and not there a second time. */
  struct ArrowAsyncTask last = consumer.kept[consumer.tasks - 1];
  CHECK(last.extract_data(&last, NULL) == 0);
  struct ArrowDeviceArray out;
  CHECK(last.extract_data(&last, &out) == EINVAL);
  for (int i = 0; i < consumer.tasks - 1; ++i) extract(&consumer, &consumer.kept[i]);
  CHECK(consumer.rows > 0 && consumer.rows < row_count);
}

static LanceDataset* waited_for;
static atomic_int refusals;

static int refuse_to_wait(struct ArrowAsyncDeviceStreamHandler* self, struct ArrowSchema* schema) {
  uint64_t rows = 0;
  CHECK_CALL(LANCE_INVALID_STATE, lance_dataset_count_rows, waited_for, LANCE_TEXT("id < 3"), &rows);
  CHECK(lance_may_wait(NULL) == LANCE_INVALID_STATE);
  atomic_fetch_add(&refusals, 1);
  return on_schema(self, schema);
}

static void a_callback_must_not_wait(LanceDataset* dataset) {
  waited_for = dataset;
  Consumer consumer;
  init(&consumer);
  consumer.handler.on_schema = refuse_to_wait;
  run(dataset, &consumer);
  CHECK(atomic_load(&refusals) == 1);
  CHECK(lance_may_wait(NULL) == LANCE_OK);
}

enum { kLeft = 20 };
static Consumer left_behind[kLeft];

/* Runs after the library's own handlers, as it was registered before. */
static void check_at_exit(void) {
  for (int i = 0; i < kLeft; ++i) {
    const Consumer* consumer = &left_behind[i];
    if (consumer->releases != 1 || consumer->ends + consumer->errors > 1) _Exit(1);
    if (consumer->errors == 1 && strcmp(consumer->code, "CANCELLED") != 0) _Exit(2);
  }
}

/* At the end of main(): some at work, some waiting for a request. */
static void leave_streams_behind(const LanceDataset* dataset) {
  for (int i = 0; i < kLeft; ++i) {
    init(&left_behind[i]);
    if (i % 2 == 1) left_behind[i].first_request = kNever;
    start(dataset, i % 2 == 0 ? SLOW_FILTER : LANCE_NO_TEXT, &left_behind[i]);
  }
}

int main(int argc, char** argv) {
  if (argc > 1) row_count = atoi(argv[1]);
  if (argc > 2) run_count = atoi(argv[2]);
  CHECK(atexit(check_at_exit) == 0);
  LanceDataset* dataset = make_int64_dataset(URI, row_count);
  whatever_is_asked_for_comes(dataset);
  nothing_comes_unasked(dataset);
  a_cancel_ends_the_stream_without_an_error(dataset);
  a_cancel_may_come_at_any_moment(dataset);
  a_consumer_that_fails_is_told_no_more(dataset);
  a_wrong_request_is_an_error(dataset);
  a_scan_that_fails_says_why(dataset);
  a_stream_that_cannot_begin_is_released(dataset);
  tasks_may_be_taken_out_later(dataset);
  a_callback_must_not_wait(dataset);
  leave_streams_behind(dataset);
  lance_dataset_free(dataset);
  return 0;
}
