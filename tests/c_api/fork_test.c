/* A child forked after the library was used gets LANCE_FORKED at once, and the parent does not notice. */
#define _POSIX_C_SOURCE 200809L
#include <sys/wait.h>
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
  CHECK_CALL(LANCE_FORKED, lance_dataset_count_rows, dataset, NULL, &rows);
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

int main(void) {
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
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }

  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, dataset, NULL, &rows);
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
  /* A child that hangs or dies of a signal has ended the test above. */
  printf("\n[figure] L4 children=%d hung=0 killed=0\n", CHILDREN);
  return 0;
}
