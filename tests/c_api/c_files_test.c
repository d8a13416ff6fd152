/* Files by themselves, changes of a fragment, and commits with options, with nothing but the C ABI. */
#include <string.h>

#include "check.h"
#include "int64_batch.h"

#define ROOT "memory://c_files_test"

static uint64_t count_rows(struct ArrowArrayStream* stream) {
  uint64_t rows = 0;
  for (;;) {
    struct ArrowArray array;
    CHECK(stream->get_next(stream, &array) == 0);
    if (array.release == NULL) break;
    rows += (uint64_t)array.length;
    array.release(&array);
  }
  stream->release(stream);
  return rows;
}

static void files(void) {
  struct ArrowSchema schema;
  make_int64_schema(&schema);
  LanceFileWriter* writer = NULL;
  CHECK_CALL(LANCE_OK, lance_file_writer_open, ROOT "/a.lance", &schema, NULL, &writer);
  struct ArrowArray array;
  make_int64_batch(0, 100, &array);
  CHECK_CALL(LANCE_OK, lance_file_writer_write_batch, writer, &array, NULL);
  CHECK(array.release == NULL);
  uint64_t index = 0;
  CHECK_CALL(LANCE_OK, lance_file_writer_add_global_buffer, writer, (const uint8_t*)"bytes", 5, &index);
  CHECK(index == 1);
  CHECK_CALL(LANCE_OK, lance_file_writer_add_schema_metadata, writer, LANCE_TEXT("key"), LANCE_TEXT("value"));
  uint64_t position = 0;
  CHECK_CALL(LANCE_OK, lance_file_writer_tell, writer, &position);
  LanceFileWriteResult made = LANCE_FILE_WRITE_RESULT_INIT;
  CHECK_CALL(LANCE_OK, lance_file_writer_finish, writer, &made);
  CHECK(made.rows == 100 && made.bytes >= position);
  CHECK_CALL(LANCE_INVALID_STATE, lance_file_writer_finish, writer, NULL);
  lance_file_writer_free(writer);

  LanceFileReader* reader = NULL;
  CHECK_CALL(LANCE_OK, lance_file_reader_open, ROOT "/a.lance", NULL, &reader);
  LanceFileInfo info = LANCE_FILE_INFO_INIT;
  CHECK_CALL(LANCE_OK, lance_file_reader_info, reader, &info);
  CHECK(info.rows == 100 && info.bytes == made.bytes && info.global_buffers == 1);
  uint8_t* bytes = NULL;
  size_t length = 0;
  CHECK_CALL(LANCE_OK, lance_file_reader_global_buffer, reader, 1, &bytes, &length);
  CHECK(length == 5 && memcmp(bytes, "bytes", 5) == 0);
  lance_bytes_free(bytes, length);
  LanceReadFileOptions options = LANCE_READ_FILE_OPTIONS_INIT;
  options.first_row = 30;
  options.batch_rows = 7;
  struct ArrowArrayStream stream;
  CHECK_CALL(LANCE_OK, lance_file_reader_read, reader, &options, &stream);
  /* The stream outlives its reader. */
  lance_file_reader_free(reader);
  CHECK(count_rows(&stream) == 70);
  CHECK_CALL(LANCE_NOT_FOUND, lance_file_reader_open, ROOT "/none.lance", NULL, &reader);

  make_int64_schema(&schema);
  CHECK_CALL(LANCE_OK, lance_file_writer_open, ROOT "/b.lance", &schema, NULL, &writer);
  lance_file_writer_free(writer);
  CHECK_CALL(LANCE_NOT_FOUND, lance_file_reader_open, ROOT "/b.lance", NULL, &reader);
}

static void fragments(void) {
  LanceDataset* dataset = make_int64_dataset(ROOT "/dataset", 10);
  struct ArrowArrayStream described;
  CHECK_CALL(LANCE_OK, lance_dataset_fragment_metadata, dataset, NULL, 0, &described);
  CHECK(count_rows(&described) == 1);
  const uint64_t offsets[] = {0, 9};
  LanceTransaction* deletion = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_delete_offsets, dataset, 0, offsets, 2, &deletion);
  char* json = NULL;
  CHECK_CALL(LANCE_OK, lance_transaction_to_json, deletion, &json);
  LanceTransaction* copy = NULL;
  CHECK_CALL(LANCE_OK, lance_transaction_from_json, LANCE_TEXT(json), NULL, 0, &copy);
  lance_string_free(json);

  LanceCommitOptions options = LANCE_COMMIT_OPTIONS_INIT;
  options.commit_message = LANCE_TEXT("two rows less");
  LanceCommitResult result = LANCE_COMMIT_RESULT_INIT;
  LanceDataset* made = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_commit, dataset, &copy, 1, &options, &made, &result);
  CHECK(result.version == 2);
  uint64_t rows = 0;
  CHECK_CALL(LANCE_OK, lance_dataset_count_rows, made, LANCE_NO_TEXT, &rows);
  CHECK(rows == 8);
  /* The same once more is the same version. */
  CHECK_CALL(LANCE_OK, lance_transaction_commit_with, &deletion, 1, &options, &result);
  CHECK(result.version == 2);

  LanceTransaction* restored = NULL;
  CHECK_CALL(LANCE_OK, lance_dataset_stage, made, LANCE_TEXT("{\"type\": \"Restore\", \"version\": 1}"),
             &restored);
  CHECK_CALL(LANCE_OK, lance_transaction_commit_with, &restored, 1, NULL, NULL);
  CHECK_CALL(LANCE_INVALID_ARGUMENT, lance_dataset_stage, made, LANCE_TEXT("{}"), &restored);
  lance_transaction_free(restored);
  lance_transaction_free(deletion);
  lance_transaction_free(copy);
  lance_dataset_free(made);
  lance_dataset_free(dataset);
}

int main(void) {
  files();
  fragments();
  return 0;
}
