/* Prints the layout of every transparent struct of lance.h and the values of its INIT macro, to be compared
 * with Rust's.
 *
 * The format, which the example abi_layout of the crate lance-ffi prints too, in any order: one line per
 * struct, "LanceX <size> <alignment>", and one per field, "LanceX.field <offset> <size> <bytes of the initial
 * value>". A struct that has no INIT macro begins as zeros. */
#include <stdio.h>

#include "lance/c/lance.h"

static void print_field(const char* name, size_t offset, size_t size, const void* initial) {
  printf("%s %zu %zu ", name, offset, size);
  for (size_t i = 0; i < size; ++i) printf("%02x", ((const unsigned char*)initial)[offset + i]);
  printf("\n");
}

#define STRUCT(type, ...)                  \
  const type initial_##type = __VA_ARGS__; \
  printf("%s %zu %zu\n", #type, sizeof(type), _Alignof(type))
#define FIELD(type, field) \
  print_field(#type "." #field, offsetof(type, field), sizeof(((type*)0)->field), &initial_##type)

int main(void) {
  STRUCT(LanceKeyValue, {0});
  FIELD(LanceKeyValue, key);
  FIELD(LanceKeyValue, value);

  STRUCT(LanceRuntimeOptions, LANCE_RUNTIME_OPTIONS_INIT);
  FIELD(LanceRuntimeOptions, struct_size);
  FIELD(LanceRuntimeOptions, io_threads);
  FIELD(LanceRuntimeOptions, cpu_threads);
  FIELD(LanceRuntimeOptions, index_cache_bytes);
  FIELD(LanceRuntimeOptions, metadata_cache_bytes);

  STRUCT(LanceOpenOptions, LANCE_OPEN_OPTIONS_INIT);
  FIELD(LanceOpenOptions, struct_size);
  FIELD(LanceOpenOptions, version);
  FIELD(LanceOpenOptions, tag);
  FIELD(LanceOpenOptions, branch);
  FIELD(LanceOpenOptions, storage_options);
  FIELD(LanceOpenOptions, storage_options_count);

  STRUCT(LanceDatasetInfo, LANCE_DATASET_INFO_INIT);
  FIELD(LanceDatasetInfo, struct_size);
  FIELD(LanceDatasetInfo, version);
  FIELD(LanceDatasetInfo, fragments);
  FIELD(LanceDatasetInfo, rows);
  FIELD(LanceDatasetInfo, deleted_rows);
  FIELD(LanceDatasetInfo, data_bytes);
  FIELD(LanceDatasetInfo, data_files);
  FIELD(LanceDatasetInfo, storage_version_major);
  FIELD(LanceDatasetInfo, storage_version_minor);
  FIELD(LanceDatasetInfo, stable_row_ids);
  FIELD(LanceDatasetInfo, reserved);

  STRUCT(LanceFragmentInfo, LANCE_FRAGMENT_INFO_INIT);
  FIELD(LanceFragmentInfo, struct_size);
  FIELD(LanceFragmentInfo, id);
  FIELD(LanceFragmentInfo, rows);
  FIELD(LanceFragmentInfo, deleted_rows);
  FIELD(LanceFragmentInfo, data_files);
  FIELD(LanceFragmentInfo, data_bytes);

  STRUCT(LanceVersionInfo, LANCE_VERSION_INFO_INIT);
  FIELD(LanceVersionInfo, struct_size);
  FIELD(LanceVersionInfo, version);
  FIELD(LanceVersionInfo, timestamp_micros);
  FIELD(LanceVersionInfo, metadata);
  FIELD(LanceVersionInfo, metadata_count);

  STRUCT(LanceScanOptions, LANCE_SCAN_OPTIONS_INIT);
  FIELD(LanceScanOptions, struct_size);
  FIELD(LanceScanOptions, columns);
  FIELD(LanceScanOptions, column_count);
  FIELD(LanceScanOptions, filter);
  FIELD(LanceScanOptions, limit);
  FIELD(LanceScanOptions, offset);
  FIELD(LanceScanOptions, batch_size);
  FIELD(LanceScanOptions, with_row_id);
  FIELD(LanceScanOptions, with_row_address);
  FIELD(LanceScanOptions, ordered);
  FIELD(LanceScanOptions, batch_readahead);
  FIELD(LanceScanOptions, io_buffer_bytes);

  STRUCT(LanceCommitResult, LANCE_COMMIT_RESULT_INIT);
  FIELD(LanceCommitResult, struct_size);
  FIELD(LanceCommitResult, version);

  STRUCT(LanceWriteStats, LANCE_WRITE_STATS_INIT);
  FIELD(LanceWriteStats, struct_size);
  FIELD(LanceWriteStats, batches);
  FIELD(LanceWriteStats, rows);
  FIELD(LanceWriteStats, bytes);
  FIELD(LanceWriteStats, bytes_in_flight);
  FIELD(LanceWriteStats, peak_bytes_in_flight);
  FIELD(LanceWriteStats, rows_written);
  FIELD(LanceWriteStats, bytes_written);
  FIELD(LanceWriteStats, files_written);

  STRUCT(LanceColumnHint, {0});
  FIELD(LanceColumnHint, column);
  FIELD(LanceColumnHint, key);
  FIELD(LanceColumnHint, value);

  STRUCT(LanceWriteOptions, LANCE_WRITE_OPTIONS_INIT);
  FIELD(LanceWriteOptions, struct_size);
  FIELD(LanceWriteOptions, mode);
  FIELD(LanceWriteOptions, lanes);
  FIELD(LanceWriteOptions, preserve_order);
  FIELD(LanceWriteOptions, stable_row_ids);
  FIELD(LanceWriteOptions, max_bytes_in_flight);
  FIELD(LanceWriteOptions, max_rows_per_file);
  FIELD(LanceWriteOptions, max_bytes_per_file);
  FIELD(LanceWriteOptions, data_storage_version);
  FIELD(LanceWriteOptions, encoder_cache_bytes);
  FIELD(LanceWriteOptions, max_page_bytes);
  FIELD(LanceWriteOptions, transaction_properties);
  FIELD(LanceWriteOptions, transaction_properties_count);
  FIELD(LanceWriteOptions, storage_options);
  FIELD(LanceWriteOptions, storage_options_count);
  FIELD(LanceWriteOptions, column_hints);
  FIELD(LanceWriteOptions, column_hints_count);
  FIELD(LanceWriteOptions, progress);
  FIELD(LanceWriteOptions, progress_context);
  FIELD(LanceWriteOptions, durable);
  FIELD(LanceWriteOptions, tuned_encodings);

  STRUCT(LanceCheckProgress, {.struct_size = sizeof(LanceCheckProgress)});
  FIELD(LanceCheckProgress, struct_size);
  FIELD(LanceCheckProgress, manifests);
  FIELD(LanceCheckProgress, files);
  FIELD(LanceCheckProgress, rows_decoded);
  FIELD(LanceCheckProgress, bytes_decoded);

  STRUCT(LanceCheckOptions, LANCE_CHECK_OPTIONS_INIT);
  FIELD(LanceCheckOptions, struct_size);
  FIELD(LanceCheckOptions, version);
  FIELD(LanceCheckOptions, storage_options);
  FIELD(LanceCheckOptions, storage_options_count);
  FIELD(LanceCheckOptions, progress);
  FIELD(LanceCheckOptions, progress_context);
  FIELD(LanceCheckOptions, deep);
  FIELD(LanceCheckOptions, reserved);

  STRUCT(LanceCheckSummary, LANCE_CHECK_SUMMARY_INIT);
  FIELD(LanceCheckSummary, struct_size);
  FIELD(LanceCheckSummary, problems);
  FIELD(LanceCheckSummary, manifests);
  FIELD(LanceCheckSummary, versions);
  FIELD(LanceCheckSummary, data_files);
  FIELD(LanceCheckSummary, deletion_files);
  FIELD(LanceCheckSummary, index_files);
  FIELD(LanceCheckSummary, rows);
  FIELD(LanceCheckSummary, bytes);
  FIELD(LanceCheckSummary, missing_transactions);
  FIELD(LanceCheckSummary, orphans);
  FIELD(LanceCheckSummary, orphan_bytes);
  FIELD(LanceCheckSummary, temporary_files);
  FIELD(LanceCheckSummary, temporary_bytes);

  STRUCT(LanceCheckProblem, LANCE_CHECK_PROBLEM_INIT);
  FIELD(LanceCheckProblem, struct_size);
  FIELD(LanceCheckProblem, version);
  FIELD(LanceCheckProblem, path);
  FIELD(LanceCheckProblem, message);
  FIELD(LanceCheckProblem, kind);
  FIELD(LanceCheckProblem, reserved);

  STRUCT(LanceCleanupOptions, LANCE_CLEANUP_OPTIONS_INIT);
  FIELD(LanceCleanupOptions, struct_size);
  FIELD(LanceCleanupOptions, older_than_seconds);
  FIELD(LanceCleanupOptions, keep_versions);
  FIELD(LanceCleanupOptions, orphan_min_age_seconds);
  FIELD(LanceCleanupOptions, storage_options);
  FIELD(LanceCleanupOptions, storage_options_count);
  FIELD(LanceCleanupOptions, dry_run);
  FIELD(LanceCleanupOptions, reserved);

  STRUCT(LanceCleanupResult, LANCE_CLEANUP_RESULT_INIT);
  FIELD(LanceCleanupResult, struct_size);
  FIELD(LanceCleanupResult, versions);
  FIELD(LanceCleanupResult, data_files);
  FIELD(LanceCleanupResult, other_files);
  FIELD(LanceCleanupResult, temporary_files);
  FIELD(LanceCleanupResult, bytes);
  return 0;
}
