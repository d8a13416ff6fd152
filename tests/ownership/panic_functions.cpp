// The functions of the C ABI that configure, read, search and write.

#include <iterator>

#include "ownership/panic_world.h"
#include "support/pushed_scan.h"

namespace lance_test {

std::vector<Function> CommonFunctions() {
  return {
      // The runtime runs by then.
      {"lance_runtime_configure",
       [](World&) {
         const LanceRuntimeOptions options = LANCE_RUNTIME_OPTIONS_INIT;
         return CallC(lance_runtime_configure, &options);
       },
       Second::kHarmless, LANCE_INVALID_STATE},
      {"lance_session_create",
       [](World&) {
         SessionPtr out;
         return Make(&out, lance_session_create, kSessionDefaults);
       },
       Second::kHarmless},
      {"lance_session_stats",
       [](World& world) {
         LanceSessionStats out = LANCE_SESSION_STATS_INIT;
         const LanceSession* session = world.session.get();
         return CALL(lance_session_stats, session, &out);
       },
       Second::kHarmless},
      {"lance_log_set",
       [](World&) {
         return CallC(lance_log_set, LanceLogFn{nullptr}, kNoContext, LanceReleaseFn{nullptr}, LANCE_LOG_OFF);
       },
       Second::kHarmless},
      {"lance_metrics_snapshot",
       [](World& world) {
         LanceMetrics out = LANCE_METRICS_INIT;
         Filled<ArrowArrayStream> stores;
         return CALL(lance_metrics_snapshot, &out, stores.out());
       },
       Second::kHarmless},
      {"lance_dataset_open",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_open, world.uri.c_str(), kOpenDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_info",
       [](World& world) {
         LanceDatasetInfo out = LANCE_DATASET_INFO_INIT;
         return CALL(lance_dataset_info, world.Dataset(), &out);
       },
       Second::kHarmless},
      {"lance_dataset_schema",
       [](World& world) {
         Filled<ArrowSchema> out;
         return CallC(lance_dataset_schema, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_count_rows",
       [](World& world) {
         uint64_t out = 0;
         return CALL(lance_dataset_count_rows, world.Dataset(), LANCE_TEXT("id < 50"), &out);
       },
       Second::kHarmless},
      {"lance_dataset_latest_version",
       [](World& world) {
         uint64_t out = 0;
         return CALL(lance_dataset_latest_version, world.Dataset(), &out);
       },
       Second::kHarmless},
      {"lance_dataset_latest",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_latest, world.Dataset());
       },
       Second::kHarmless},
      {"lance_dataset_create_index",
       [](World& world) {
         DatasetPtr out;
         LanceIndexOptions options = LANCE_INDEX_OPTIONS_INIT;
         options.replace = 1;
         return MAKE(&out, lance_dataset_create_index, world.Dataset(), kIdColumn, size_t{1}, kBtree,
                     &options);
       },
       Second::kHarmless},
      {"lance_dataset_indices",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_indices, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_index_segments",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_index_segments, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_index_statistics",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_index_statistics, world.Dataset(), "none");
       },
       Second::kHarmless, LANCE_INDEX_NOT_FOUND},
      {"lance_dataset_drop_index",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_drop_index, world.Dataset(), "none");
       },
       Second::kHarmless, LANCE_INDEX_NOT_FOUND},
      {"lance_dataset_prewarm_index",
       [](World& world) { return CALL(lance_dataset_prewarm_index, world.Dataset(), "none"); },
       Second::kHarmless, LANCE_INDEX_NOT_FOUND},
      {"lance_dataset_optimize_indices",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_optimize_indices, world.Dataset(), kOptimizeDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_train_index",
       [](World& world) {
         uint8_t* out = nullptr;
         size_t length = 0;
         return CALL(lance_dataset_train_index, world.Dataset(), kIdColumn, size_t{1}, kBtree, kIndexDefaults,
                     &out, &length);
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_build_index_segment",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_build_index_segment, world.Dataset(), kIdColumn, size_t{1}, kBtree,
                     kIndexDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_merge_index_segments",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_dataset_merge_index_segments, world.Dataset(), kIdColumn, size_t{1});
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_commit_index_segments",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_commit_index_segments, world.Dataset(), "name", kIdColumn,
                     size_t{1});
       },
       Second::kHarmless, LANCE_INVALID_ARGUMENT},
      {"lance_dataset_take",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_take, world.Dataset(), kRows, std::size(kRows), kAllColumns, size_t{0},
                     array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_take_rows",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_take_rows, world.Dataset(), kRows, std::size(kRows), kAllColumns,
                     size_t{0}, array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_take_positions",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_take_positions, world.Dataset(), kRows, std::size(kRows), kTakeDefaults,
                     array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_take_row_ids",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_take_row_ids, world.Dataset(), kRows, std::size(kRows), kTakeDefaults,
                     array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_take_addresses",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_take_addresses, world.Dataset(), kRows, std::size(kRows), kTakeDefaults,
                     array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_take_ranges",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_take_ranges, world.Dataset(), kRanges, std::size(kRanges), kTakeDefaults,
                     out.out());
       },
       Second::kHarmless},
      {"lance_dataset_sample",
       [](World& world) {
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         return CALL(lance_dataset_sample, world.Dataset(), uint64_t{5}, uint64_t{1}, kTakeDefaults,
                     array.out(), schema.out());
       },
       Second::kHarmless},
      {"lance_dataset_statistics",
       [](World& world) {
         LanceDatasetStatistics out = LANCE_DATASET_STATISTICS_INIT;
         return CALL(lance_dataset_statistics, world.Dataset(), &out);
       },
       Second::kHarmless},
      {"lance_dataset_uri",
       [](World& world) {
         StringPtr out;
         return Make(&out, lance_dataset_uri, world.Dataset());
       },
       Second::kHarmless},
      {"lance_dataset_serialize",
       [](World& world) {
         uint8_t* bytes = nullptr;
         size_t length = 0;
         const Outcome outcome = CallC(lance_dataset_serialize, world.Dataset(), &bytes, &length);
         lance_bytes_free(bytes, length);
         return outcome;
       },
       Second::kHarmless},
      {"lance_dataset_deserialize",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_dataset_deserialize, world.bytes, world.length, kAccessDefaults);
       },
       Second::kHarmless},
      {"lance_dataset_fragments",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_fragments, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_dataset_versions",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_dataset_versions, world.Dataset(), out.out());
       },
       Second::kHarmless},
      {"lance_scanner_open",
       [](World& world) {
         ScannerPtr out;
         return MAKE(&out, lance_scanner_open, world.Dataset(), kScanDefaults);
       },
       Second::kHarmless},
      {"lance_scanner_schema",
       [](World& world) {
         Filled<ArrowSchema> out;
         return CallC(lance_scanner_schema, world.Scanner(), out.out());
       },
       Second::kHarmless},
      {"lance_scanner_to_stream",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_scanner_to_stream, world.Scanner(), out.out());
       },
       Second::kHarmless},
      {"lance_stream_last_error",
       [](World& world) {
         LanceError* out = nullptr;
         const ArrowArrayStream* stream = &world.stream;
         const Outcome outcome = CallC(lance_stream_last_error, stream, &out);
         EXPECT_EQ(out, nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_scanner_count_rows",
       [](World& world) {
         uint64_t out = 0;
         return CALL(lance_scanner_count_rows, world.Scanner(), &out);
       },
       Second::kHarmless},
      {"lance_scanner_explain",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_scanner_explain, world.Scanner());
       },
       Second::kHarmless},
      {"lance_scanner_analyze",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_scanner_analyze, world.Scanner());
       },
       Second::kHarmless},
      {"lance_scanner_splits",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_scanner_splits, world.Scanner(), uint64_t{3}, out.out());
       },
       Second::kHarmless},
      {"lance_scanner_open_split",
       [](World& world) {
         ScannerPtr out;
         return MAKE(&out, lance_scanner_open_split, LANCE_TEXT(world.split.c_str()), kAccessDefaults);
       },
       Second::kHarmless},
      {"lance_batches_open",
       [](World& world) {
         BatchesPtr out;
         return MAKE(&out, lance_batches_open, world.Scanner());
       },
       Second::kHarmless},
      {"lance_batches_schema",
       [](World& world) {
         Filled<ArrowSchema> out;
         return CallC(lance_batches_schema, world.Batches(), out.out());
       },
       Second::kHarmless},
      {"lance_batches_poll",
       [](World& world) {
         LancePollState state = LANCE_POLL_END;
         Filled<ArrowArray> out;
         return CallC(lance_batches_poll, world.Batches(), LanceWakeFn{nullptr}, kNoContext, &state,
                      out.out());
       },
       Second::kHarmless},
      {"lance_batches_next",
       [](World& world) {
         Filled<ArrowArray> out;
         return CALL(lance_batches_next, world.Batches(), out.out());
       },
       Second::kHarmless},
      {"lance_batches_cancel", [](World& world) { return CallC(lance_batches_cancel, world.batches.get()); },
       Second::kHarmless},
      {"lance_vector_query_new",
       [](World& world) {
         VectorQueryPtr out;
         ArrowArray vector{};
         ArrowSchema type{};
         EXPECT_TRUE(arrow::ExportArray(*SimpleBatch(0, 8)->column(0), &vector, &type).ok());
         world.probe.Watch(&vector);
         world.probe.Watch(&type);
         const Outcome outcome = Make(&out, lance_vector_query_new, "id", &vector, &type, kQueryDefaults);
         EXPECT_TRUE(vector.release == nullptr && type.release == nullptr);
         return outcome;
       },
       Second::kHarmless},
      {"lance_text_query_from_json",
       [](World&) {
         TextQueryPtr out;
         return Make(&out, lance_text_query_from_json, LANCE_TEXT(R"({"match": {"terms": "word"}})"));
       },
       Second::kHarmless},
      {"lance_text_query_match",
       [](World&) {
         TextQueryPtr out;
         return Make(&out, lance_text_query_match, LANCE_TEXT("word"), kMatchDefaults);
       },
       Second::kHarmless},
      {"lance_text_query_phrase",
       [](World&) {
         TextQueryPtr out;
         return Make(&out, lance_text_query_phrase, LANCE_TEXT("word"), kPhraseDefaults);
       },
       Second::kHarmless},
      {"lance_text_query_boost",
       [](World& world) {
         TextQueryPtr out;
         return Make(&out, lance_text_query_boost, world.text_query.get(), world.text_query.get(), 0.5);
       },
       Second::kHarmless},
      {"lance_text_query_multi_match",
       [](World& world) {
         LanceTextQuery* const queries[] = {world.text_query.get()};
         TextQueryPtr out;
         return Make(&out, lance_text_query_multi_match, queries, size_t{1});
       },
       Second::kHarmless},
      {"lance_text_query_combined_fields",
       [](World&) {
         const LanceTextField fields[] = {{"text", 1}};
         TextQueryPtr out;
         return Make(&out, lance_text_query_combined_fields, LANCE_TEXT("word"), fields, size_t{1}, kOr);
       },
       Second::kHarmless},
      {"lance_text_query_boolean",
       [](World& world) {
         const LanceTextClause clauses[] = {{world.text_query.get(), LANCE_TEXT_MUST, 0}};
         TextQueryPtr out;
         return Make(&out, lance_text_query_boolean, clauses, size_t{1});
       },
       Second::kHarmless},
      {"lance_text_query_to_json",
       [](World& world) {
         StringPtr out;
         return Make(&out, lance_text_query_to_json, world.text_query.get());
       },
       Second::kHarmless},
      {"lance_text_query_with",
       [](World& world) {
         TextQueryPtr out;
         return Make(&out, lance_text_query_with, world.text_query.get(), kTextDefaults);
       },
       Second::kHarmless},
      {"lance_text_tokenize",
       [](World&) {
         Filled<ArrowArrayStream> out;
         return CallC(lance_text_tokenize, LANCE_TEXT("word"), kNoProperties, size_t{0}, out.out());
       },
       Second::kHarmless},
      {"lance_sql_context_create",
       [](World&) {
         SqlContextPtr out;
         return Make(&out, lance_sql_context_create, kSqlDefaults);
       },
       Second::kHarmless},
      {"lance_sql_context_register",
       [](World& world) {
         const std::string name = "table" + std::to_string(++world.tables);
         return CALL(lance_sql_context_register, world.SqlContext(), name.c_str(), world.Dataset());
       },
       Second::kHarmless},
      {"lance_sql_context_deregister",
       [](World& world) { return CallC(lance_sql_context_deregister, world.SqlContext(), "nothing"); },
       Second::kHarmless, LANCE_NOT_FOUND},
      {"lance_sql_context_tables",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CallC(lance_sql_context_tables, world.SqlContext(), out.out());
       },
       Second::kHarmless},
      {"lance_sql_prepare",
       [](World& world) {
         SqlQueryPtr out;
         ProbedBatch row(*SimpleBatch(7, 1), world.probe);
         const Outcome outcome = MAKE(&out, lance_sql_prepare, world.SqlContext(),
                                      LANCE_TEXT("select * from simple where id = $id and name = $name"),
                                      &row.array, &row.schema);
         EXPECT_TRUE(row.consumed());
         return outcome;
       },
       Second::kHarmless},
      {"lance_sql_query_schema",
       [](World& world) {
         Filled<ArrowSchema> out;
         return CallC(lance_sql_query_schema, world.SqlQuery(), out.out());
       },
       Second::kHarmless},
      {"lance_sql_query_to_stream",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_sql_query_to_stream, world.SqlQuery(), out.out());
       },
       Second::kHarmless},
      {"lance_sql_query_to_batches",
       [](World& world) {
         BatchesPtr out;
         return MAKE(&out, lance_sql_query_to_batches, world.SqlQuery());
       },
       Second::kHarmless},
      {"lance_sql_query_explain",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_sql_query_explain, world.SqlQuery(), 1);
       },
       Second::kHarmless},
      {"lance_sql_query_analyze",
       [](World& world) {
         StringPtr out;
         return MAKE(&out, lance_sql_query_analyze, world.SqlQuery());
       },
       Second::kHarmless},
      {"lance_searcher_open",
       [](World& world) {
         SearcherPtr out;
         return MAKE(&out, lance_searcher_open, world.Vectors(), world.Nearest(), kSearcherDefaults);
       },
       Second::kHarmless},
      {"lance_searcher_is_prepared",
       [](World& world) {
         int32_t out = 0;
         return CallC(lance_searcher_is_prepared, world.Searcher(), &out);
       },
       Second::kHarmless},
      {"lance_searcher_run",
       [](World& world) {
         World::Values vector(world, 2);
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         const Outcome outcome = CALL(lance_searcher_run, world.Searcher(), &vector.array, &vector.type,
                                      array.out(), schema.out());
         EXPECT_TRUE(vector.consumed());
         return outcome;
       },
       Second::kHarmless},
      {"lance_lookup_open",
       [](World& world) {
         LookupPtr out;
         return MAKE(&out, lance_lookup_open, world.Dataset(), "id", kLookupDefaults);
       },
       Second::kHarmless},
      {"lance_lookup_is_prepared",
       [](World& world) {
         int32_t out = 0;
         return CallC(lance_lookup_is_prepared, world.Lookup(), &out);
       },
       Second::kHarmless},
      {"lance_lookup_take",
       [](World& world) {
         World::Values values(world, 3);
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         const Outcome outcome =
             CALL(lance_lookup_take, world.Lookup(), &values.array, &values.type, array.out(), schema.out());
         EXPECT_TRUE(values.consumed());
         return outcome;
       },
       Second::kHarmless},
      {"lance_lookup_take_between",
       [](World& world) {
         World::Values values(world, 2);
         Filled<ArrowArray> array;
         Filled<ArrowSchema> schema;
         const Outcome outcome = CALL(lance_lookup_take_between, world.Lookup(), &values.array, &values.type,
                                      array.out(), schema.out());
         EXPECT_TRUE(values.consumed());
         return outcome;
       },
       Second::kHarmless},
      {"lance_lookup_count",
       [](World& world) {
         World::Values values(world, 3);
         uint64_t out = 0;
         const Outcome outcome = CALL(lance_lookup_count, world.Lookup(), &values.array, &values.type, &out);
         EXPECT_TRUE(values.consumed());
         return outcome;
       },
       Second::kHarmless},
      {"lance_lookup_count_between",
       [](World& world) {
         World::Values values(world, 2);
         uint64_t out = 0;
         const Outcome outcome =
             CALL(lance_lookup_count_between, world.Lookup(), &values.array, &values.type, &out);
         EXPECT_TRUE(values.consumed());
         return outcome;
       },
       Second::kHarmless},
      {"lance_shuffler_open",
       [](World& world) {
         ShufflerPtr out;
         return MAKE(&out, lance_shuffler_open, world.Dataset(), kShuffleDefaults);
       },
       Second::kHarmless},
      {"lance_shuffler_schema",
       [](World& world) {
         Filled<ArrowSchema> out;
         return CallC(lance_shuffler_schema, world.Shuffler(), out.out());
       },
       Second::kHarmless},
      {"lance_shuffler_info",
       [](World& world) {
         LanceShuffleInfo out = LANCE_SHUFFLE_INFO_INIT;
         return CallC(lance_shuffler_info, world.Shuffler(), &out);
       },
       Second::kHarmless},
      {"lance_shuffler_to_stream",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_shuffler_to_stream, world.Shuffler(), uint64_t{1}, uint64_t{0}, out.out());
       },
       Second::kHarmless},
      {"lance_shuffler_to_batches",
       [](World& world) {
         BatchesPtr out;
         return MAKE(&out, lance_shuffler_to_batches, world.Shuffler(), uint64_t{1}, uint64_t{0});
       },
       Second::kHarmless},
      {"lance_shuffler_state",
       [](World& world) {
         StringPtr out;
         return Make(&out, lance_shuffler_state, world.Shuffler(), uint64_t{1}, uint64_t{0});
       },
       Second::kHarmless},
      {"lance_shuffler_resume",
       [](World& world) {
         ShufflerPtr out;
         LanceShufflePosition position = LANCE_SHUFFLE_POSITION_INIT;
         return Made(&out, [&](auto* handle) {
           return CALL(lance_shuffler_resume, LANCE_TEXT(world.state.get()), kAccessDefaults, handle,
                       &position);
         });
       },
       Second::kHarmless},
      {"lance_scanner_to_async_device_stream",
       [](World& world) {
         PushedScan pushed(world.probe);
         return pushed.Run(world.Scanner());
       },
       Second::kHarmless},
      {"lance_transaction_commit",
       [](World& world) {
         LanceTransaction* const transactions[] = {world.transaction.get()};
         LanceTransaction* const* first = transactions;
         return CALL(lance_transaction_commit, first, size_t{1}, static_cast<LanceCommitResult*>(nullptr));
       },
       Second::kHarmless},
      {"lance_transaction_discard",
       [](World& world) { return CALL(lance_transaction_discard, world.transaction.get()); }},
      {"lance_transaction_to_json",
       [](World& world) {
         StringPtr out;
         return Make(&out, lance_transaction_to_json, world.Transaction());
       }},
      {"lance_transaction_from_json",
       [](World& world) {
         TransactionPtr out;
         return Make(&out, lance_transaction_from_json, LANCE_TEXT(world.json.get()), kNoStorageOptions,
                     size_t{0});
       },
       Second::kHarmless},
      {"lance_writer_open",
       [](World& world) {
         WriterPtr out;
         return world.Open("new", &out);
       },
       Second::kHarmless},
      {"lance_writer_write_batch",
       [](World& world) {
         return world.WriteBatch([&](ArrowArray* array, ArrowSchema* schema) {
           return CALL(lance_writer_write_batch, world.writer.get(), array, schema);
         });
       }},
      {"lance_writer_write_batch_to_lane",
       [](World& world) {
         return world.WriteBatch([&](ArrowArray* array, ArrowSchema* schema) {
           return CALL(lance_writer_write_batch_to_lane, world.writer.get(), 0U, array, schema);
         });
       }},
      {"lance_writer_write_stream", [](World& world) { return world.WriteStream(); }},
      {"lance_writer_stats",
       [](World& world) {
         LanceWriteStats out = LANCE_WRITE_STATS_INIT;
         const ::LanceWriter* writer = world.writer.get();
         return CallC(lance_writer_stats, writer, &out);
       }},
      {"lance_writer_finish",
       [](World& world) {
         return CALL(lance_writer_finish, world.writer.get(), static_cast<LanceCommitResult*>(nullptr));
       }},
      {"lance_writer_finish_uncommitted",
       [](World& world) {
         TransactionPtr out;
         return MAKE(&out, lance_writer_finish_uncommitted, world.writer.get());
       }},
      {"lance_dataset_check",
       [](World& world) {
         LanceCheckSummary out = LANCE_CHECK_SUMMARY_INIT;
         Filled<ArrowArrayStream> problems;
         return CALL(lance_dataset_check, world.uri.c_str(), kCheckDefaults, &out, problems.out());
       },
       Second::kHarmless},
      {"lance_dataset_cleanup",
       [](World& world) {
         LanceCleanupResult out = LANCE_CLEANUP_RESULT_INIT;
         return CALL(lance_dataset_cleanup, world.uri.c_str(), kCleanupDefaults, &out);
       },
       Second::kHarmless},
      {"lance_credentials_provider_create",
       [](World&) {
         CredentialsProviderPtr out;
         constexpr LanceCredentialsFn fetch = [](void*, LanceCredentials*) -> LanceStatusCode {
           return LANCE_OK;
         };
         return Make(&out, lance_credentials_provider_create, fetch, kNoContext, LanceReleaseFn{nullptr});
       },
       Second::kHarmless},
      {"lance_namespace_connect",
       [](World& world) {
         NamespacePtr out;
         return world.Connect(&out);
       },
       Second::kHarmless},
      {"lance_namespace_list_namespaces",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_namespace_list_namespaces, world.Names(), kOutermost, size_t{0}, out.out());
       },
       Second::kHarmless},
      {"lance_namespace_create_namespace",
       [](World& world) {
         return CALL(lance_namespace_create_namespace, world.Names(), kNew, size_t{1}, kNoProperties,
                     size_t{0});
       },
       Second::kHarmless},
      {"lance_namespace_describe_namespace",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_namespace_describe_namespace, world.Names(), kOutermost, size_t{0}, out.out());
       },
       Second::kHarmless},
      {"lance_namespace_drop_namespace",
       [](World& world) { return CALL(lance_namespace_drop_namespace, world.Names(), kNew, size_t{1}); },
       Second::kHarmless, LANCE_NOT_FOUND},
      {"lance_namespace_list_tables",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_namespace_list_tables, world.Names(), kOutermost, size_t{0}, out.out());
       },
       Second::kHarmless},
      {"lance_namespace_describe_table",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_namespace_describe_table, world.Names(), kTable, size_t{1}, out.out());
       },
       Second::kHarmless},
      {"lance_namespace_table_exists",
       [](World& world) {
         int32_t out = 0;
         return CALL(lance_namespace_table_exists, world.Names(), kTable, size_t{1}, &out);
       },
       Second::kHarmless},
      {"lance_namespace_declare_table",
       [](World& world) {
         Filled<ArrowArrayStream> out;
         return CALL(lance_namespace_declare_table, world.Names(), kNew, size_t{1}, kNoProperties, size_t{0},
                     out.out());
       },
       Second::kHarmless},
      {"lance_namespace_register_table",
       [](World& world) {
         return CALL(lance_namespace_register_table, world.Names(), kNew, size_t{1},
                     LANCE_TEXT("dataset.lance"));
       },
       Second::kHarmless},
      {"lance_namespace_deregister_table",
       [](World& world) { return CALL(lance_namespace_deregister_table, world.Names(), kNew, size_t{1}); },
       Second::kHarmless, LANCE_DATASET_NOT_FOUND},
      {"lance_namespace_drop_table",
       [](World& world) { return CALL(lance_namespace_drop_table, world.Names(), kNew, size_t{1}); },
       Second::kHarmless, LANCE_DATASET_NOT_FOUND},
      {"lance_namespace_open_table",
       [](World& world) {
         DatasetPtr out;
         return MAKE(&out, lance_namespace_open_table, world.Names(), kTable, size_t{1}, kOpenDefaults);
       },
       Second::kHarmless},
      {"lance_namespace_open_writer",
       [](World& world) {
         WriterPtr out;
         return world.OpenByName(&out);
       },
       Second::kHarmless},
      {"lance_operation_cancel",
       [](World& world) {
         const LanceOperation* operation = world.operation.get();
         return CallC(lance_operation_cancel, operation);
       },
       Second::kHarmless},
      {"lance_operation_wait",
       [](World& world) {
         const LanceOperation* operation = world.operation.get();
         return CallC(lance_operation_wait, operation);
       },
       Second::kHarmless},
      {"lance_may_wait", [](World&) { return CallC(lance_may_wait); }, Second::kHarmless},
      {"lance_writer_abort", [](World& world) { return CALL(lance_writer_abort, world.writer.get()); },
       Second::kUnnoticed},
  };
}

}  // namespace lance_test
