#include "vector_batch.h"

#include <string.h>

#include "check.h"

enum { ROWS = 5, LENGTH = 2 };

/* Points on a line: row i is at (i, 0). */
static const float kPoints[ROWS * LENGTH] = {0, 0, 1, 0, 2, 0, 3, 0, 4, 0};

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

void make_vector(const double* numbers, int64_t length, struct ArrowSchema* type, struct ArrowArray* array) {
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

LanceDataset* make_vector_dataset(const char* uri) {
  struct ArrowSchema schema;
  struct ArrowArray array;
  make_batch(&schema, &array);
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, uri, &schema, NULL, &writer);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &array, NULL);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
  LanceDataset* dataset = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open, uri, NULL, &dataset);
  return dataset;
}

LanceVectorQuery* make_vector_query(const double* numbers, int64_t length, uint32_t k) {
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
