// The functions of the C ABI that change datasets and files, and those that tell of changes.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>

#include "arrow/api.h"
#include "ownership/panic_world.h"

namespace lance_test {
namespace {

constexpr const LanceDeleteOptions* kDeleteDefaults = nullptr;
constexpr const LanceUpdateOptions* kUpdateDefaults = nullptr;
constexpr const LanceAddColumnsOptions* kAddDefaults = nullptr;
constexpr const LanceCheckoutOptions* kCheckoutDefaults = nullptr;
constexpr const LanceRestoreOptions* kRestoreDefaults = nullptr;
constexpr const LanceTagOptions* kTagDefaults = nullptr;
constexpr const LanceBranchOptions* kBranchDefaults = nullptr;
constexpr const LanceCloneOptions* kCloneDefaults = nullptr;
constexpr const LanceDeltaOptions* kDeltaDefaults = nullptr;
constexpr const LanceCompactOptions* kCompactDefaults = nullptr;
constexpr const LanceExecuteCompactionOptions* kExecuteDefaults = nullptr;
constexpr const LanceCommitCompactionOptions* kCommitDefaults = nullptr;
constexpr const LanceDiskUsageOptions* kUsageDefaults = nullptr;
constexpr LanceMetadataKind kTableMetadata = LANCE_METADATA_TABLE;
constexpr LanceMigration kManifestPaths = LANCE_MIGRATE_MANIFEST_PATHS;
constexpr const LanceCommitOptions* kCommitTransactionDefaults = nullptr;
constexpr const LanceReadFileOptions* kReadFileDefaults = nullptr;
constexpr uint64_t kFirstFragment[] = {0};
constexpr const char* kNameColumn[] = {"name"};
constexpr LanceKeyValue kAssignment[] = {{LANCE_TEXT("name"), LANCE_TEXT("'new'")}};
constexpr LanceKeyValue kNewColumn[] = {{LANCE_TEXT("new"), LANCE_TEXT("id + 1")}};
constexpr LanceMetadataUpdate kMetadata = {LANCE_TEXT("key"), LANCE_TEXT("value")};
constexpr LanceColumnAlteration kAlteration = {
    .column = "id", .rename = nullptr, .nullability = LANCE_NULLABILITY_KEEP, .reserved = 0};

std::shared_ptr<arrow::Schema> NewSchema() { return arrow::schema({arrow::field("new", arrow::int64())}); }

std::shared_ptr<arrow::Schema> TypeOfId() { return arrow::schema({arrow::field("id", arrow::int32())}); }

std::shared_ptr<arrow::RecordBatch> NewBatch(int64_t rows) {
  return arrow::RecordBatch::Make(NewSchema(), rows, {SimpleBatch(0, rows)->column(0)});
}

std::shared_ptr<arrow::RecordBatch> KeyedBatch(const std::string& column) {
  return SimpleBatch(0, 50)->RenameColumns({"key", column}).ValueOrDie();
}

}  // namespace

std::vector<Function> ChangeFunctions() {
  return {
      {"lance_dataset_delete",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_delete, world.Dataset(), LANCE_TEXT("id = 7"), kDeleteDefaults, handle,
                       static_cast<LanceDeleteResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_delete_row_ids",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_delete_row_ids, world.Dataset(), kRows, std::size(kRows),
                       kDeleteDefaults, handle, static_cast<LanceDeleteResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_delete_addresses",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_delete_addresses, world.Dataset(), kRows, std::size(kRows),
                       kDeleteDefaults, handle, static_cast<LanceDeleteResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_truncate",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_truncate, world.Dataset(), kDeleteDefaults, handle,
                       static_cast<LanceDeleteResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_update",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_update, world.Dataset(), kAssignment, size_t{1}, kUpdateDefaults, handle,
                       static_cast<LanceUpdateResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_merge_insert",
       [](World& world) {
         DatasetPtr out;
         ProbedStream stream(*SimpleBatch(95, 10), world.probe);
         const Outcome outcome = Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_merge_insert, world.Dataset(), &stream.stream, world.Upsert(), handle,
                       static_cast<LanceMergeInsertResult*>(nullptr));
         });
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_explain_merge_insert",
       [](World& world) {
         StringPtr out;
         ArrowSchema* const no_schema = nullptr;
         return MAKE(&out, lance_dataset_explain_merge_insert, world.Dataset(), no_schema, world.Upsert(), 0);
       },
       Second::kHarmless},
      {"lance_dataset_open_merge_inserter",
       [](World& world) {
         MergeInserterPtr out;
         return world.OpenInserter(&out);
       },
       Second::kHarmless},
      {"lance_merge_inserter_write_batch",
       [](World& world) {
         return world.WriteBatch([&](ArrowArray* array, ArrowSchema* schema) {
           return CALL(lance_merge_inserter_write_batch, world.inserter.get(), array, schema);
         });
       }},
      {"lance_merge_inserter_finish",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_merge_inserter_finish, world.inserter.get(), handle,
                       static_cast<LanceMergeInsertResult*>(nullptr));
         });
       }},
      {"lance_merge_inserter_abort",
       [](World& world) { return CALL(lance_merge_inserter_abort, world.inserter.get()); },
       Second::kUnnoticed},
      {"lance_column_function_create",
       [](World&) {
         ColumnFunctionPtr out;
         return Make(&out, lance_column_function_create, kCopyIds, kNoContext, LanceReleaseFn{nullptr});
       },
       Second::kHarmless},
      {"lance_dataset_add_columns",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_add_columns, world.Dataset(), kNewColumn, size_t{1}, kAddDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_add_null_columns",
       [](World& world) {
         DatasetPtr out;
         ProbedSchema schema(*NewSchema(), world.probe);
         const Outcome outcome = MAKE(&out, lance_dataset_add_null_columns, world.Dataset(), &schema.schema);
         EXPECT_EQ(schema.schema.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_add_columns_from_stream",
       [](World& world) {
         DatasetPtr out;
         ProbedStream stream(*NewBatch(100), world.probe);
         const Outcome outcome =
             MAKE(&out, lance_dataset_add_columns_from_stream, world.Dataset(), &stream.stream);
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_add_columns_by_function",
       [](World& world) {
         DatasetPtr out;
         ProbedSchema schema(*NewSchema(), world.probe);
         const LanceColumnFunction* function = world.function.get();
         const Outcome outcome = MAKE(&out, lance_dataset_add_columns_by_function, world.Dataset(), function,
                                      &schema.schema, kAddDefaults);
         EXPECT_EQ(schema.schema.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_merge_columns",
       [](World& world) {
         DatasetPtr out;
         ProbedStream stream(*KeyedBatch("new"), world.probe);
         const Outcome outcome =
             MAKE(&out, lance_dataset_merge_columns, world.Dataset(), &stream.stream, "id", "key");
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_alter_columns",
       [](World& world) {
         DatasetPtr out;
         ProbedSchema types(*TypeOfId(), world.probe);
         const Outcome outcome =
             MAKE(&out, lance_dataset_alter_columns, world.Dataset(), &kAlteration, size_t{1}, &types.schema);
         EXPECT_EQ(types.schema.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_drop_columns",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_drop_columns, world.Dataset(), kNameColumn, size_t{1});
       },
       Second::kHarmless},
      {"lance_dataset_plan_drop_columns",
       [](World& world) {
         Filled<ArrowSchema> out;
         return CallC(lance_dataset_plan_drop_columns, world.Dataset(), kNameColumn, size_t{1}, out.out());
       },
       Second::kHarmless},
      {"lance_dataset_metadata",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CallC(lance_dataset_metadata, world.Dataset(), kTableMetadata, out.out());
       },
       Second::kHarmless},
      {"lance_dataset_field_metadata",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CallC(lance_dataset_field_metadata, world.Dataset(), "id", out.out());
       },
       Second::kHarmless},
      {"lance_dataset_update_metadata",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_update_metadata, world.Dataset(), kTableMetadata, &kMetadata,
                     size_t{1}, 0);
       },
       Second::kHarmless},
      {"lance_dataset_update_field_metadata",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_update_field_metadata, world.Dataset(), "id", &kMetadata, size_t{1},
                     0);
       },
       Second::kHarmless},
      {"lance_dataset_primary_key",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CallC(lance_dataset_primary_key, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_set_primary_key",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_set_primary_key, world.Dataset(), kIdColumn, size_t{1});
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_validate", [](World& world) { return CALL(lance_dataset_validate, world.Dataset()); },
       Second::kHarmless},
      {"lance_dataset_migrate",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_migrate, world.Dataset(), kManifestPaths);
       },
       Second::kHarmless},
      {"lance_dataset_upgrade_storage",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_upgrade_storage, world.Dataset(), "2.2");
       },
       Second::kHarmless},
      {"lance_dataset_checkout",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_checkout, world.Dataset(), kCheckoutDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_restore",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_restore, world.Dataset(), kRestoreDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_tags",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_tags, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_create_tag",
       [](World& world) {
         return CALL(lance_dataset_create_tag, world.Dataset(), world.NewName(), kTagDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_update_tag",
       [](World& world) { return CALL(lance_dataset_update_tag, world.Dataset(), "none"); },
       Second::kHarmless, LANCE_REF_NOT_FOUND},
      {"lance_dataset_replace_tag_metadata",
       [](World& world) {
         return CALL(lance_dataset_replace_tag_metadata, world.Dataset(), "none", kNoProperties, size_t{0});
       },
       Second::kHarmless, LANCE_REF_NOT_FOUND},
      {"lance_dataset_delete_tag",
       [](World& world) { return CALL(lance_dataset_delete_tag, world.Dataset(), "none"); },
       Second::kHarmless, LANCE_REF_NOT_FOUND},
      {"lance_dataset_branches",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_branches, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_create_branch",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_create_branch, world.Dataset(), world.NewName(), kBranchDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_replace_branch_metadata",
       [](World& world) {
         return CALL(lance_dataset_replace_branch_metadata, world.Dataset(), "none", kNoProperties,
                     size_t{0});
       },
       Second::kHarmless, LANCE_REF_NOT_FOUND},
      {"lance_dataset_delete_branch",
       [](World& world) { return CALL(lance_dataset_delete_branch, world.Dataset(), "none", 0); },
       Second::kHarmless, LANCE_REF_NOT_FOUND},
      {"lance_dataset_shallow_clone",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_shallow_clone, world.Dataset(), world.NewPlace(), kCloneDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_deep_clone",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_deep_clone, world.Dataset(), world.NewPlace(), kCloneDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_delta",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_delta, world.Dataset(), kDeltaDefaults, out.out());
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_transactions",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_transactions, world.Dataset(), uint64_t{10}, out.out());
       },
       Second::kHarmless},
      {"lance_dataset_explain_cleanup",
       [](World& world) {
         LanceCleanupResult out = LANCE_CLEANUP_RESULT_INIT;
         Filled<ArrowArrayStream> items;
         return CALL(lance_dataset_explain_cleanup, world.uri.c_str(), kCleanupDefaults, &out, items.out());
       },
       Second::kHarmless},
      {"lance_dataset_compact",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_compact, world.Dataset(), kCompactDefaults, handle,
                       static_cast<LanceCompactResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_plan_compaction",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_plan_compaction, world.Dataset(), kCompactDefaults, out.out());
       },
       Second::kHarmless},
      {"lance_dataset_execute_compaction",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_execute_compaction, world.Dataset(), LANCE_TEXT("no task"),
                     kExecuteDefaults);
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_commit_compaction",
       [](World& world) {
         DatasetPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_commit_compaction, world.Dataset(), kNameColumn, size_t{1},
                       kCommitDefaults, handle, static_cast<LanceCompactResult*>(nullptr));
         });
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_plan_optimize_indices",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_plan_optimize_indices, world.Dataset(), kOptimizeDefaults, out.out());
       },
       Second::kHarmless},
      {"lance_dataset_execute_optimize_indices",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_execute_optimize_indices, world.Dataset(), LANCE_TEXT("no part"),
                     kOutermost, size_t{0});
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_commit_optimize_indices",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_commit_optimize_indices, world.Dataset(), kNameColumn, size_t{1});
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_disk_usage",
       [](World& world) {
         LanceDiskUsage out = LANCE_DISK_USAGE_INIT;
         Filled<ArrowArrayStream> versions;
         Filled<ArrowArrayStream> orphans;
         return CALL(lance_dataset_disk_usage, world.uri.c_str(), kUsageDefaults, &out, versions.out(),
                     orphans.out());
       },
       Second::kHarmless},
      {"lance_dataset_column_sizes",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_column_sizes, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_column_range",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_column_range, world.Dataset(), "id", array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_fragment_metadata",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CallC(lance_dataset_fragment_metadata, world.Dataset(), kFirstFragment, size_t{1}, out.out());
       },
       Second::kHarmless},
      {"lance_dataset_commit",
       [](World& world) {
         DatasetPtr out;
         LanceTransaction* const transactions[] = {world.transaction.get()};
         LanceTransaction* const* first = transactions;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_commit, world.Dataset(), first, size_t{1}, kCommitTransactionDefaults,
                       handle, static_cast<LanceCommitResult*>(nullptr));
         });
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_transaction_commit_with",
       [](World& world) {
         LanceTransaction* const transactions[] = {world.transaction.get()};
         LanceTransaction* const* first = transactions;
         return CALL(lance_transaction_commit_with, first, size_t{1}, kCommitTransactionDefaults,
                     static_cast<LanceCommitResult*>(nullptr));
       },
       Second::kHarmless},
      {"lance_dataset_delete_uncommitted",
       [](World& world) {
         TransactionPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_delete_uncommitted, world.Dataset(), LANCE_TEXT("id = 7"),
                       kDeleteDefaults, handle, static_cast<LanceDeleteResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_delete_row_ids_uncommitted",
       [](World& world) {
         TransactionPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_delete_row_ids_uncommitted, world.Dataset(), kRows, std::size(kRows),
                       kDeleteDefaults, handle, static_cast<LanceDeleteResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_update_uncommitted",
       [](World& world) {
         TransactionPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_update_uncommitted, world.Dataset(), kAssignment, size_t{1},
                       kUpdateDefaults, handle, static_cast<LanceUpdateResult*>(nullptr));
         });
       },
       Second::kHarmless},
      {"lance_dataset_delete_in_fragment",
       [](World& world) {
         TransactionPtr out;
         return MAKE(&out, lance_dataset_delete_in_fragment, world.Dataset(), uint64_t{0},
                     LANCE_TEXT("id = 7"));
       },
       Second::kHarmless},
      {"lance_dataset_delete_offsets",
       [](World& world) {
         TransactionPtr out;
         return MAKE(&out, lance_dataset_delete_offsets, world.Dataset(), uint64_t{0}, kRows,
                     std::size(kRows));
       },
       Second::kHarmless},
      {"lance_dataset_stage",
       [](World& world) {
         TransactionPtr out;
         return MAKE(&out, lance_dataset_stage, world.Dataset(), LANCE_TEXT("no json"));
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_write_fragment_columns",
       [](World& world) {
         TransactionPtr out;
         ProbedStream stream(*NewBatch(100), world.probe);
         const Outcome outcome =
             MAKE(&out, lance_dataset_write_fragment_columns, world.Dataset(), uint64_t{0}, &stream.stream);
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless, LANCE_FIELD_NOT_FOUND},
      {"lance_dataset_merge_fragment_columns",
       [](World& world) {
         TransactionPtr out;
         ProbedStream stream(*KeyedBatch("new"), world.probe);
         const Outcome outcome = MAKE(&out, lance_dataset_merge_fragment_columns, world.Dataset(),
                                      uint64_t{0}, &stream.stream, "id", "key");
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_update_fragment_columns",
       [](World& world) {
         TransactionPtr out;
         ProbedStream stream(*KeyedBatch("name"), world.probe);
         const Outcome outcome = MAKE(&out, lance_dataset_update_fragment_columns, world.Dataset(),
                                      uint64_t{0}, &stream.stream, "id", "key");
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_take_in_fragment",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_take_in_fragment, world.Dataset(), uint64_t{0}, kRows, std::size(kRows),
                     kTakeDefaults, array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_describe_data_file",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_describe_data_file, world.Dataset(), world.data_file.c_str());
       },
       Second::kHarmless},
      {"lance_dataset_register_file",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_register_file, world.Dataset(), world.data_file.c_str());
       },
       Second::kHarmless},
      {"lance_file_reader_open",
       [](World& world) {
         FileReaderPtr out;
         return world.OpenFile(&out);
       },
       Second::kHarmless},
      {"lance_file_reader_info",
       [](World& world) {
         LanceFileInfo out = LANCE_FILE_INFO_INIT;
         const LanceFileReader* reader = world.file_reader.get();
         return CallC(lance_file_reader_info, reader, &out);
       },
       Second::kHarmless},
      {"lance_file_reader_schema",
       [](World& world) {
         Filled<ArrowSchema> out;
         const LanceFileReader* reader = world.file_reader.get();
         return CallC(lance_file_reader_schema, reader, out.out());
       },
       Second::kHarmless},
      {"lance_file_reader_columns",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         const LanceFileReader* reader = world.file_reader.get();
         return CallC(lance_file_reader_columns, reader, out.out());
       },
       Second::kHarmless},
      {"lance_file_reader_pages",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         const LanceFileReader* reader = world.file_reader.get();
         return CallC(lance_file_reader_pages, reader, out.out());
       },
       Second::kHarmless},
      {"lance_file_reader_global_buffer",
       [](World& world) {
         uint8_t* bytes = nullptr;
         size_t length = 0;
         const LanceFileReader* reader = world.file_reader.get();
         const Outcome outcome = CALL(lance_file_reader_global_buffer, reader, uint64_t{0}, &bytes, &length);
         lance_bytes_free(bytes, length);
         return outcome;
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_file_reader_read",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         const LanceFileReader* reader = world.file_reader.get();
         return CALL(lance_file_reader_read, reader, kReadFileDefaults, out.out());
       },
       Second::kHarmless},
      {"lance_file_writer_open",
       [](World& world) {
         FileWriterPtr out;
         return world.MakeFile(&out);
       },
       Second::kHarmless},
      {"lance_file_writer_write_batch",
       [](World& world) {
         return world.WriteBatch([&](ArrowArray* array, ArrowSchema* schema) {
           return CALL(lance_file_writer_write_batch, world.file_writer.get(), array, schema);
         });
       }},
      {"lance_file_writer_add_schema_metadata",
       [](World& world) {
         return CALL(lance_file_writer_add_schema_metadata, world.file_writer.get(), LANCE_TEXT("key"),
                     LANCE_TEXT("value"));
       }},
      {"lance_file_writer_add_global_buffer",
       [](World& world) {
         uint64_t out = 0;
         const uint8_t* bytes = world.bytes;
         return CALL(lance_file_writer_add_global_buffer, world.file_writer.get(), bytes, world.length, &out);
       }},
      {"lance_file_writer_tell",
       [](World& world) {
         uint64_t out = 0;
         return CALL(lance_file_writer_tell, world.file_writer.get(), &out);
       }},
      {"lance_file_writer_finish",
       [](World& world) {
         return CALL(lance_file_writer_finish, world.file_writer.get(),
                     static_cast<LanceFileWriteResult*>(nullptr));
       }},
      {"lance_file_writer_abort",
       [](World& world) { return CALL(lance_file_writer_abort, world.file_writer.get()); },
       Second::kUnnoticed},
      {"lance_dataset_analyze_merge_insert",
       [](World& world) {
         StringPtr out;
         ProbedStream stream(*SimpleBatch(95, 10), world.probe);
         const Outcome outcome =
             MAKE(&out, lance_dataset_analyze_merge_insert, world.Dataset(), &stream.stream, world.Upsert());
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_merge_insert_uncommitted",
       [](World& world) {
         TransactionPtr out;
         ProbedStream stream(*SimpleBatch(95, 10), world.probe);
         const Outcome outcome = Made(&out, [&](auto* handle) {
           return CALL(lance_dataset_merge_insert_uncommitted, world.Dataset(), &stream.stream,
                       world.Upsert(), handle, static_cast<LanceMergeInsertResult*>(nullptr));
         });
         EXPECT_EQ(stream.stream.release, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_merge_inserter_finish_uncommitted",
       [](World& world) {
         TransactionPtr out;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_merge_inserter_finish_uncommitted, world.inserter.get(), handle,
                       static_cast<LanceMergeInsertResult*>(nullptr));
         });
       }},
      {"lance_dataset_add_fragment_columns",
       [](World& world) {
         TransactionPtr out;
         return MAKE(&out, lance_dataset_add_fragment_columns, world.Dataset(), uint64_t{0}, kNewColumn,
                     size_t{1});
       },
       Second::kHarmless},
      {"lance_dataset_fields",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CallC(lance_dataset_fields, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_read_transaction",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_read_transaction, world.Dataset(), uint64_t{1});
       },
       Second::kHarmless},
  };
}

}  // namespace lance_test
