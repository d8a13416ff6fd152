/* Writes three rows into a Lance dataset and reads two of them back: C11, no Arrow library.
 * usage: c_writer URI */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lance/c/lance.h"

static void require(LanceStatusCode status, LanceError* const* error) {
  if (status == LANCE_OK) return;
  fprintf(stderr, "%s: %s\n", lance_status_name(status), lance_error_message(*error));
  exit(1);
}

/* The data outlives the writer, so releasing means no more than to say so, for a struct and its children. */
static void release_schema(struct ArrowSchema* schema) {
  for (int64_t i = 0; i < schema->n_children; ++i) {
    if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
  }
  schema->release = NULL;
}

static void release_array(struct ArrowArray* array) {
  for (int64_t i = 0; i < array->n_children; ++i) {
    if (array->children[i]->release) array->children[i]->release(array->children[i]);
  }
  array->release = NULL;
}

static const int64_t kIds[] = {1, 2, 3};
static const int32_t kNameOffsets[] = {0, 5, 10, 15};
static const char kNames[] = "plainswiftwhole";

static void write_rows(const char* uri) {
  struct ArrowSchema id = {.format = "l", .name = "id", .release = release_schema};
  struct ArrowSchema name = {.format = "u", .name = "name", .release = release_schema};
  struct ArrowSchema schema = {.format = "+s",
                               .name = "",
                               .n_children = 2,
                               .children = (struct ArrowSchema*[]){&id, &name},
                               .release = release_schema};

  const void* id_buffers[] = {NULL, kIds};
  const void* name_buffers[] = {NULL, kNameOffsets, kNames};
  const void* no_validity[] = {NULL};
  struct ArrowArray ids = {.length = 3, .n_buffers = 2, .buffers = id_buffers, .release = release_array};
  struct ArrowArray names = {.length = 3, .n_buffers = 3, .buffers = name_buffers, .release = release_array};
  struct ArrowArray batch = {.length = 3,
                             .n_buffers = 1,
                             .n_children = 2,
                             .buffers = no_validity,
                             .children = (struct ArrowArray*[]){&ids, &names},
                             .release = release_array};

  LanceError* error = NULL;
  LanceWriter* writer = NULL;
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.mode = LANCE_WRITE_OVERWRITE;
  require(lance_writer_open(uri, &schema, &options, &writer, &error), &error);
  require(lance_writer_write_batch(writer, &batch, NULL, &error), &error);
  require(lance_writer_finish(writer, NULL, &error), &error); /* One atomic commit. */
  lance_writer_free(writer);
}

static int64_t read_rows(const char* uri) {
  LanceError* error = NULL;
  LanceDataset* dataset = NULL;
  LanceScanner* scanner = NULL;
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.filter = LANCE_TEXT("id >= 2");
  struct ArrowArrayStream stream;
  require(lance_dataset_open(uri, NULL, &dataset, &error), &error);
  require(lance_scanner_open(dataset, &options, &scanner, &error), &error);
  require(lance_scanner_to_stream(scanner, &stream, &error), &error);
  lance_scanner_free(scanner);
  lance_dataset_free(dataset);

  int64_t rows = 0;
  struct ArrowArray batch;
  for (;;) {
    if (stream.get_next(&stream, &batch) != 0) {
      fprintf(stderr, "%s\n", stream.get_last_error(&stream));
      exit(1);
    }
    if (!batch.release) break;
    const struct ArrowArray* ids = batch.children[0];
    const struct ArrowArray* names = batch.children[1];
    const int64_t* id = (const int64_t*)ids->buffers[1] + ids->offset;
    const int32_t* end = (const int32_t*)names->buffers[1] + names->offset;
    const char* text = names->buffers[2];
    for (int64_t i = 0; i < batch.length; ++i) {
      printf("%" PRId64 " %.*s\n", id[i], end[i + 1] - end[i], text + end[i]);
    }
    rows += batch.length;
    batch.release(&batch);
  }
  stream.release(&stream);
  return rows;
}

int main(int argc, char** argv) {
  const char* uri = argc > 1 ? argv[1] : "memory://example";
  write_rows(uri);
  return read_rows(uri) == 2 ? 0 : 1;
}
