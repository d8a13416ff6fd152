/* A compaction from C: at once and in tasks, its numbers, its progress, and what each output is freed by. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "int64_batch.h"

#define URI "memory://c_compact_test"

static void append(LanceWriteMode mode, int64_t first) {
  struct ArrowSchema schema;
  struct ArrowArray batch;
  make_int64_schema(&schema);
  make_int64_batch(first, 10, &batch);
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.mode = mode;
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, URI, &schema, &options, &writer);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &batch, NULL);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
}

static LanceDataset* open_latest(void) {
  LanceDataset* dataset = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_open, URI, NULL, &dataset);
  return dataset;
}

static uint64_t count_rows(const LanceDataset* dataset) {
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, dataset, LANCE_NO_TEXT, &rows);
  return rows;
}

static void count_tasks(void* context, const LanceCompactionProgress* progress) {
  *(uint64_t*)context = progress->tasks;
}

/* What is planned is executed and committed by its text alone. */
static void it_goes_in_tasks(void) {
  LanceDataset* dataset = open_latest();
  struct ArrowArrayStream tasks;
  CHECK_CALL(LANCE_OK, lance_dataset_plan_compaction, dataset, NULL, &tasks);
  struct ArrowArray batch;
  CHECK(tasks.get_next(&tasks, &batch) == 0 && batch.length == 1);
  const struct ArrowArray* text = batch.children[0];
  const int32_t* offsets = (const int32_t*)text->buffers[1] + text->offset;
  const LanceText task = {(const char*)text->buffers[2] + offsets[0], (size_t)(offsets[1] - offsets[0])};
  char* result = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_execute_compaction, dataset, task, NULL, &result);
  const LanceText half = {task.data, task.length / 2};
  char* none = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_execute_compaction, dataset, half, NULL, &none);
  CHECK(none == NULL);
  batch.release(&batch);
  tasks.release(&tasks);

  LanceDataset* compacted = NULL;
  LanceCompactResult numbers = LANCE_COMPACT_RESULT_INIT;
  const char* const results[] = {result, result};
  CHECK_CALL(LANCE_OK, lance_dataset_commit_compaction, dataset, results, 2, NULL, &compacted, &numbers);
  lance_string_free(result);
  CHECK(numbers.fragments_removed == 3 && numbers.fragments_added == 1 && numbers.rows == 30);
  CHECK(count_rows(compacted) == 30);
  lance_dataset_free(compacted);
  lance_dataset_free(dataset);
}

static void it_goes_at_once(void) {
  append(LANCE_WRITE_APPEND, 30);
  LanceDataset* dataset = open_latest();
  LanceCompactOptions options = LANCE_COMPACT_OPTIONS_INIT;
  uint64_t tasks = 0;
  options.progress = count_tasks;
  options.progress_context = &tasks;
  LanceDataset* compacted = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_compact, dataset, &options, &compacted, NULL);
  CHECK(tasks == 1);
  CHECK(count_rows(compacted) == 40);
  LanceDataset* same = NULL;
  LanceCompactResult numbers = LANCE_COMPACT_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_dataset_compact, compacted, NULL, &same, &numbers);
  CHECK(numbers.fragments_removed == 0 && count_rows(same) == 40);
  lance_dataset_free(same);
  options.target_rows_per_fragment = 0;
  same = NULL;
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_compact, compacted, &options, &same, NULL);
  CHECK(same == NULL);
  lance_dataset_free(compacted);
  lance_dataset_free(dataset);
}

static void it_tells_what_is_where(void) {
  LanceDiskUsage usage = LANCE_DISK_USAGE_INIT;
  struct ArrowArrayStream versions;
  struct ArrowArrayStream orphans;
  CHECK_CALL(LANCE_OK, lance_dataset_disk_usage, URI, NULL, &usage, &versions, &orphans);
  CHECK(usage.bytes > 0 && usage.versions > 4 && usage.orphans == 0);
  versions.release(&versions);
  orphans.release(&orphans);
  LanceDataset* dataset = open_latest();
  struct ArrowArrayStream sizes;
  CHECK_CALL(LANCE_OK, lance_dataset_column_sizes, dataset, &sizes);
  sizes.release(&sizes);
  struct ArrowArray range;
  struct ArrowSchema schema;
  CHECK_CALL(LANCE_FIELD_NOT_FOUND, lance_dataset_column_range, dataset, "none", &range, &schema);
  lance_dataset_free(dataset);
}

int main(void) {
  append(LANCE_WRITE_CREATE, 0);
  append(LANCE_WRITE_APPEND, 10);
  append(LANCE_WRITE_APPEND, 20);
  it_goes_in_tasks();
  it_goes_at_once();
  it_tells_what_is_where();
  puts("ok");
  return 0;
}
