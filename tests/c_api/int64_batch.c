#define _POSIX_C_SOURCE 200809L
#include "int64_batch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

atomic_int live_structs = 0;

int all_are_released_soon(void) {
  const struct timespec moment = {0, 10 * 1000 * 1000};
  for (int tries = 0; tries < 1000 && live_structs != 0; ++tries) nanosleep(&moment, NULL);
  return live_structs == 0;
}

static void release_child_schema(struct ArrowSchema* schema) { schema->release = NULL; }

static void release_schema(struct ArrowSchema* schema) {
  free(schema->private_data);
  schema->release = NULL;
  --live_structs;
}

void make_int64_schema(struct ArrowSchema* out) {
  struct contents {
    struct ArrowSchema child;
    struct ArrowSchema* children[1];
  }* contents = calloc(1, sizeof *contents);
  contents->children[0] = &contents->child;
  contents->child.format = "l";
  contents->child.name = "id";
  contents->child.release = release_child_schema;

  memset(out, 0, sizeof *out);
  out->format = "+s";
  out->name = "";
  out->n_children = 1;
  out->children = contents->children;
  out->release = release_schema;
  out->private_data = contents;
  ++live_structs;
}

static void release_child_array(struct ArrowArray* array) { array->release = NULL; }

static void release_array(struct ArrowArray* array) {
  free(array->private_data);
  array->release = NULL;
  --live_structs;
}

void make_int64_batch(int64_t first, int64_t rows, struct ArrowArray* out) {
  struct contents {
    struct ArrowArray child;
    struct ArrowArray* children[1];
    const void* buffers[1];
    const void* child_buffers[2];
    int64_t values[];
  }* contents = calloc(1, sizeof *contents + (size_t)rows * sizeof(int64_t));
  for (int64_t i = 0; i < rows; ++i) contents->values[i] = first + i;
  contents->children[0] = &contents->child;
  contents->child_buffers[1] = contents->values;
  contents->child.length = rows;
  contents->child.n_buffers = 2;
  contents->child.buffers = contents->child_buffers;
  contents->child.release = release_child_array;

  memset(out, 0, sizeof *out);
  out->length = rows;
  out->n_buffers = 1;
  out->buffers = contents->buffers;
  out->n_children = 1;
  out->children = contents->children;
  out->release = release_array;
  out->private_data = contents;
  ++live_structs;
}

LanceDataset* make_int64_dataset(const char* uri, int64_t rows) {
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, uri, &schema, NULL, &writer);
  struct ArrowArray array;
  make_int64_batch(0, rows, &array);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &array, NULL);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
  LanceDataset* dataset = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open, uri, NULL, &dataset);
  return dataset;
}
