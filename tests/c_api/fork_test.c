/* A child forked after the library was used, or while another thread uses it for the first time, gets
 * LANCE_FORKED at once, and the parent does not notice. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "int64_batch.h"

#define URI "memory://fork_test"
#define CHILDREN 50

static void write_dataset(void) {
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, URI, &schema, NULL, &writer);
  struct ArrowArray array;
  make_int64_batch(0, 10, &array);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &array, NULL);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
}

/* Everything a child may try; the handles are the parent's. */
static void use_in_child(LanceDataset* dataset, LanceScanner* scanner, LanceWriter* writer,
                         struct ArrowArrayStream* stream) {
  LanceDataset* out = NULL;
  CHECK_CALL(LANCE_FORKED, lance_dataset_open, URI, NULL, &out);
  uint64_t rows = 0;
  CHECK_CALL(LANCE_FORKED, lance_dataset_count_rows, dataset, LANCE_NO_TEXT, &rows);
  CHECK_CALL(LANCE_FORKED, lance_scanner_count_rows, scanner, &rows);

  struct ArrowArray array;
  make_int64_batch(0, 10, &array);
  CHECK_CALL(LANCE_FORKED, lance_writer_write_batch, writer, &array, NULL);
  CHECK(array.release == NULL);
  CHECK_CALL(LANCE_FORKED, lance_writer_finish, writer, NULL);
  CHECK(stream->get_next(stream, &array) != 0);
  CHECK(stream->get_last_error(stream) != NULL);

  /* Needs no thread of the library. */
  CHECK(lance_abi_version() == LANCE_ABI_VERSION);

  stream->release(stream);
  lance_writer_free(writer);
  lance_scanner_free(scanner);
  lance_dataset_free(dataset);
}

#ifndef LANCE_WITH_ADDRESS_SANITIZER
static LanceStatusCode open_missing(void) {
  LanceDataset* none = NULL;
  return lance_dataset_open(URI "/missing", NULL, &none, NULL);
}

static void* start_library(void* unused) {
  LanceRuntimeOptions options = LANCE_RUNTIME_OPTIONS_INIT;
  options.io_threads = 64;
  CHECK_CALL(LANCE_OK, lance_runtime_configure, &options);
  return unused;
}

/* A process whose second thread starts the library while it forks; 0 if its child was served. */
static int fork_while_starting(long microseconds) {
  alarm(60);
  pthread_t starter;
  CHECK(pthread_create(&starter, NULL, start_library, NULL) == 0);
  const struct timespec moment = {0, microseconds * 1000};
  nanosleep(&moment, NULL);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    const LanceStatusCode status = open_missing();
    /* Forked before, it has a library of its own. */
    CHECK(status == LANCE_FORKED || status == LANCE_DATASET_NOT_FOUND);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(pthread_join(starter, NULL) == 0);
  CHECK(open_missing() == LANCE_DATASET_NOT_FOUND);
  return status;
}
#endif

int main(void) {
#ifndef LANCE_WITH_ADDRESS_SANITIZER
  /* First, as this process must not have used the library. */
  for (long i = 0; i < CHILDREN; ++i) {
    const pid_t parent = fork();
    CHECK(parent >= 0);
    if (parent == 0) _exit(fork_while_starting(i * 100) == 0 ? 0 : 1);
    int status = 0;
    CHECK(waitpid(parent, &status, 0) == parent);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
#endif

  write_dataset();
  LanceDataset* dataset = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open, URI, NULL, &dataset);
  LanceScanner* scanner = NULL;
  CHECK_CALL(LANCE_OK, lance_scanner_open, dataset, NULL, &scanner);
  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_scanner_to_stream, scanner, &stream);
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, URI "/unfinished", &schema, NULL, &writer);

  int hung = 0;
  int killed = 0;
  int failed = 0;
  for (int i = 0; i < CHILDREN; ++i) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(5);
      use_in_child(dataset, scanner, writer, &stream);
      /* What the child only forgot would look like a leak. */
      _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    hung += WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    killed += WIFSIGNALED(status) && WTERMSIG(status) != SIGALRM;
    failed += WIFEXITED(status) && WEXITSTATUS(status) != 0;
  }
  printf("\n[figure] L4 children=%d hung=%d killed=%d\n", CHILDREN, hung, killed);
  CHECK(hung == 0 && killed == 0 && failed == 0);

  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, dataset, LANCE_NO_TEXT, &rows);
  CHECK(rows == 10);
  struct ArrowArray array;
  CHECK(stream.get_next(&stream, &array) == 0);
  CHECK(array.release != NULL && array.length == 10);
  array.release(&array);
  stream.release(&stream);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
  lance_scanner_free(scanner);
  lance_dataset_free(dataset);
  CHECK(live_structs == 0);
  return 0;
}
