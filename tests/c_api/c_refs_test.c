/* Versions from C: tagged, continued on a branch, restored, cloned, compared and listed; each struct is
 * released once. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "int64_batch.h"

#define URI "memory://c_refs_test/dataset"

static void append(const char* branch, int64_t first, int64_t rows) {
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.mode = LANCE_WRITE_APPEND;
  options.branch = branch;
  LanceWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_writer_open, URI, &schema, &options, &writer);
  struct ArrowArray array;
  make_int64_batch(first, rows, &array);
  CHECK_CALL(LANCE_OK, lance_writer_write_batch, writer, &array, NULL);
  CHECK_CALL(LANCE_OK, lance_writer_finish, writer, NULL);
  lance_writer_free(writer);
}

static uint64_t count(const LanceDataset* dataset) {
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, dataset, LANCE_NO_TEXT, &rows);
  return rows;
}

/* The rows of a list, which is released. */
static int64_t length_of(struct ArrowArrayStream* stream) {
  int64_t rows = 0;
  for (;;) {
    struct ArrowArray batch;
    CHECK(stream->get_next(stream, &batch) == 0);
    if (batch.release == NULL) break;
    rows += batch.length;
    batch.release(&batch);
  }
  stream->release(stream);
  return rows;
}

static LanceDataset* checkout(const LanceDataset* dataset, uint64_t version, const char* tag,
                              const char* branch) {
  LanceCheckoutOptions options = LANCE_CHECKOUT_OPTIONS_INIT;
  options.version = version;
  options.tag = tag;
  options.branch = branch;
  LanceDataset* out = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_checkout, dataset, &options, &out);
  return out;
}

static void a_tag_points_to_a_version(const LanceDataset* dataset) {
  LanceTagOptions options = LANCE_TAG_OPTIONS_INIT;
  const LanceKeyValue owner = {LANCE_TEXT("owner"), LANCE_TEXT("me")};
  options.metadata = &owner;
  options.metadata_count = 1;
  CHECK_CALL(LANCE_OK, lance_dataset_create_tag, dataset, "first", &options);
  CHECK_CALL(LANCE_ALREADY_EXISTS, lance_dataset_create_tag, dataset, "first", NULL);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_create_tag, dataset, "a b", NULL);
  append(NULL, 10, 5);
  LanceDataset* latest = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_latest, dataset, &latest);
  CHECK(count(latest) == 15);
  LanceDataset* tagged = checkout(latest, LANCE_UNSET_U64, "first", NULL);
  CHECK(count(tagged) == 10);
  CHECK_CALL(LANCE_OK, lance_dataset_update_tag, latest, "first");
  CHECK_CALL(LANCE_OK, lance_dataset_replace_tag_metadata, latest, "first", NULL, 0);
  lance_dataset_free(tagged);
  tagged = checkout(latest, LANCE_UNSET_U64, "first", NULL);
  CHECK(count(tagged) == 15);
  lance_dataset_free(tagged);
  struct ArrowArrayStream tags;
  CHECK_CALL(LANCE_OK, lance_dataset_tags, latest, &tags);
  CHECK(length_of(&tags) == 1);
  CHECK_CALL(LANCE_OK, lance_dataset_delete_tag, latest, "first");
  CHECK_CALL(LANCE_REF_NOT_FOUND, lance_dataset_delete_tag, latest, "first");
  lance_dataset_free(latest);
}

static void a_branch_goes_its_own_way(const LanceDataset* dataset) {
  LanceDataset* branch = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_create_branch, dataset, "trial", NULL, &branch);
  append("trial", 20, 2);
  LanceDataset* latest = checkout(dataset, LANCE_UNSET_U64, NULL, "trial");
  CHECK(count(latest) == 12);
  CHECK_CALL(LANCE_OK, lance_dataset_replace_branch_metadata, branch, "trial", NULL, 0);
  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_dataset_branches, dataset, &stream);
  CHECK(length_of(&stream) == 1);
  CHECK_CALL(LANCE_OK, lance_dataset_transactions, latest, LANCE_UNSET_U64, &stream);
  CHECK(length_of(&stream) == 2);
  CHECK_CALL(LANCE_OK, lance_dataset_delete_branch, dataset, "trial", 0);
  CHECK_CALL(LANCE_REF_NOT_FOUND, lance_dataset_delete_branch, dataset, "trial", 0);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_delete_branch, dataset, "trial", 2);
  lance_dataset_free(latest);
  lance_dataset_free(branch);
}

static void versions_are_restored_cloned_and_compared(const LanceDataset* dataset) {
  LanceDataset* restored = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_restore, dataset, NULL, &restored);
  CHECK(count(restored) == 10);
  LanceDataset* clone = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_shallow_clone, restored, "memory://c_refs_test/shallow", NULL, &clone);
  CHECK(count(clone) == 10);
  lance_dataset_free(clone);
  clone = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_deep_clone, restored, "memory://c_refs_test/deep", NULL, &clone);
  CHECK(count(clone) == 10);
  lance_dataset_free(clone);
  clone = NULL;
  CHECK_CALL(LANCE_ALREADY_EXISTS, lance_dataset_deep_clone, restored, URI, NULL, &clone);
  CHECK(clone == NULL);

  LanceDeltaOptions delta = LANCE_DELTA_OPTIONS_INIT;
  delta.from_version = 1;
  struct ArrowArrayStream stream = {0};
  CHECK_CALL(LANCE_FAILED_PRECONDITION, lance_dataset_delta, restored, &delta, &stream);
  CHECK(stream.release == NULL);
  lance_dataset_free(restored);

  LanceCleanupOptions cleanup = LANCE_CLEANUP_OPTIONS_INIT;
  cleanup.keep_versions = 1;
  LanceCleanupResult totals = LANCE_CLEANUP_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_dataset_explain_cleanup, URI, &cleanup, &totals, &stream);
  CHECK(totals.versions == 2);
  CHECK(length_of(&stream) >= 3);
}

int main(void) {
  LanceDataset* dataset = make_int64_dataset(URI, 10);
  a_tag_points_to_a_version(dataset);
  a_branch_goes_its_own_way(dataset);
  versions_are_restored_cloned_and_compared(dataset);
  lance_dataset_free(dataset);
  CHECK(live_structs == 0);
  puts("ok");
  return 0;
}
