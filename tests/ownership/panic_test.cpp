// Every function of the C ABI that can fail, with a panic at its first step and at its second: LANCE_PANIC
// with a message, what was handed over is released once, the process lives, other handles work. The first
// step comes before a handle is used and leaves it as it was; the second may come while it is used, which
// poisons it unless it never changes, as a dataset and a scanner do not.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "ownership/panic_world.h"
#include "support/faults.h"
#include "support/figures.h"

namespace lance_test {
namespace {

using ::testing::HasSubstr;

constexpr const LanceSessionOptions* kSessionDefaults = nullptr;
constexpr const LanceOpenOptions* kOpenDefaults = nullptr;
constexpr const LanceScanOptions* kScanDefaults = nullptr;
constexpr const LanceTakeOptions* kTakeDefaults = nullptr;
constexpr const LanceIndexOptions* kIndexDefaults = nullptr;
constexpr const LanceOptimizeIndicesOptions* kOptimizeDefaults = nullptr;
constexpr const LanceCompactOptions* kCompactDefaults = nullptr;
constexpr const LanceExecuteCompactionOptions* kTaskDefaults = nullptr;
constexpr const LanceCommitCompactionOptions* kResultDefaults = nullptr;
constexpr const LanceDiskUsageOptions* kUsageDefaults = nullptr;
constexpr LanceIndexType kBtree = LANCE_INDEX_BTREE;
constexpr const LanceAddColumnsOptions* kAddDefaults = nullptr;
constexpr LanceColumnFn kCompute = [](void*, ArrowArray*, ArrowSchema*, ArrowArray*, char*,
                                      size_t) -> LanceStatusCode { return LANCE_CALLBACK; };
constexpr LanceMetadataKind kConfig = LANCE_METADATA_CONFIG;
constexpr LanceMigration kToManifestPaths = LANCE_MIGRATE_MANIFEST_PATHS;
constexpr const LanceAccessOptions* kAccessDefaults = nullptr;
constexpr const LanceCheckoutOptions* kCheckoutDefaults = nullptr;
constexpr const LanceRestoreOptions* kRestoreDefaults = nullptr;
constexpr const LanceTagOptions* kTagDefaults = nullptr;
constexpr const LanceBranchOptions* kBranchDefaults = nullptr;
constexpr const LanceCloneOptions* kCloneDefaults = nullptr;
constexpr const LanceDeltaOptions* kDeltaDefaults = nullptr;
constexpr const LanceSqlOptions* kSqlDefaults = nullptr;
constexpr const LanceVectorQueryOptions* kQueryDefaults = nullptr;
constexpr const LanceTextMatchOptions* kMatchDefaults = nullptr;
constexpr const LanceTextPhraseOptions* kPhraseDefaults = nullptr;
constexpr const LanceTextQueryOptions* kTextDefaults = nullptr;
constexpr LanceTextOperator kOr = LANCE_TEXT_OR;
constexpr const LanceSearcherOptions* kSearcherDefaults = nullptr;
constexpr const LanceLookupOptions* kLookupDefaults = nullptr;
constexpr const LanceShuffleOptions* kShuffleDefaults = nullptr;
constexpr const LanceWriteOptions* kWriteDefaults = nullptr;
constexpr const LanceCheckOptions* kCheckDefaults = nullptr;
constexpr const LanceCleanupOptions* kCleanupDefaults = nullptr;
constexpr const LanceNamespaceOptions* kNamespaceDefaults = nullptr;
constexpr const LanceKeyValue* kNoStorageOptions = nullptr;
constexpr const LanceCommitOptions* kCommitDefaults = nullptr;
constexpr const LanceReadFileOptions* kReadFileDefaults = nullptr;
constexpr const LanceWriteFileOptions* kWriteFileDefaults = nullptr;
constexpr const LanceKeyValue* kNoProperties = nullptr;
constexpr const char* const* kOutermost = nullptr;
/// Ids of one name: of a table, and of what there is not.
constexpr const char* kTable[] = {"dataset"};
constexpr const char* kNew[] = {"new"};
constexpr const char* const* kAllColumns = nullptr;
constexpr const char* kIdColumn[] = {"id"};
constexpr void* kNoContext = nullptr;
constexpr LanceDoneFn kIgnore = [](void*, LanceStatusCode, LanceError* error) { lance_error_free(error); };
constexpr uint64_t kRows[] = {99, 0};
constexpr LanceRowRange kRanges[] = {{10, 20}, {0, 5}};

/// An Arrow struct that a call fills.
template <typename CStruct>
struct Filled : CStruct {
  Filled() : CStruct{} {}
  ~Filled() {
    if (this->release != nullptr) this->release(this);
  }
  CStruct* out() { return this; }
};

/// The blocking form of a function, or the asynchronous one.
#define CALL(function, ...) \
  (world.asynchronous ? world.calls.Call(function##_async, __VA_ARGS__) : CallC(function, __VA_ARGS__))

#define MAKE(owned, function, ...) \
  Made(owned, [&](auto* handle) { return CALL(function, __VA_ARGS__, handle); })

template <typename Ptr, typename... Params, typename... Args>
Outcome Make(Ptr* owned, LanceStatusCode (*function)(Params...), Args... args) {
  return Made(owned, [&](auto* handle) { return CallC(function, args..., handle); });
}

/// A handle of each kind, and how functions are called.
struct World {
  explicit World(bool asynchronous = false) : asynchronous(asynchronous) {
    EXPECT_OK(WriteSimple(uri, 0, 100));
    EXPECT_EQ(Make(&dataset, lance_dataset_open, uri.c_str(), kOpenDefaults), LANCE_OK);
    EXPECT_EQ(Make(&scanner, lance_scanner_open, Dataset(), kScanDefaults), LANCE_OK);
    LanceTextMatchOptions in_column = LANCE_TEXT_MATCH_OPTIONS_INIT;
    in_column.column = "text";
    const LanceTextMatchOptions* match = &in_column;
    EXPECT_EQ(Make(&text_query, lance_text_query_match, LANCE_TEXT("word"), match), LANCE_OK);
    EXPECT_EQ(CallC(lance_scanner_to_stream, Scanner(), stream.out()), LANCE_OK);
    EXPECT_EQ(CallC(lance_dataset_serialize, Dataset(), &bytes, &length), LANCE_OK);
    split = FirstSplit();
    EXPECT_EQ(Make(&batches, lance_batches_open, Scanner()), LANCE_OK);
    EXPECT_EQ(Make(&session, lance_session_create, kSessionDefaults), LANCE_OK);
    EXPECT_EQ(Make(&sql_context, lance_sql_context_create, kSqlDefaults), LANCE_OK);
    EXPECT_EQ(CallC(lance_sql_context_register, SqlContext(), "simple", Dataset()), LANCE_OK);
    EXPECT_EQ(Make(&sql_query, lance_sql_prepare, SqlContext(), LANCE_TEXT("select id from simple"),
                   static_cast<ArrowArray*>(nullptr), static_cast<ArrowSchema*>(nullptr)),
              LANCE_OK);
    EXPECT_OK(OpenVectors());
    EXPECT_EQ(Make(&lookup, lance_lookup_open, Dataset(), "id", kLookupDefaults), LANCE_OK);
    EXPECT_EQ(Make(&shuffler, lance_shuffler_open, Dataset(), kShuffleDefaults), LANCE_OK);
    EXPECT_EQ(Make(&state, lance_shuffler_state, Shuffler(), uint64_t{1}, uint64_t{10}), LANCE_OK);
    EXPECT_EQ(
        Make(&column_function, lance_column_function_create, kCompute, kNoContext, LanceReleaseFn{nullptr}),
        LANCE_OK);
    EXPECT_EQ(Connect(&ns), LANCE_OK);
    EXPECT_EQ(Open("written", &writer), LANCE_OK);
    EXPECT_EQ(OpenFile("written.lance", &file_writer), LANCE_OK);
    EXPECT_OK(WriteFile());
    merge_options.on = kIdColumn;
    merge_options.on_count = 1;
    EXPECT_EQ(OpenInserter(&inserter), LANCE_OK);
    WriterPtr uncommitted;
    EXPECT_EQ(Open("uncommitted", &uncommitted), LANCE_OK);
    EXPECT_EQ(Make(&transaction, lance_writer_finish_uncommitted, uncommitted.get()), LANCE_OK);
    EXPECT_EQ(Make(&json, lance_transaction_to_json, Transaction()), LANCE_OK);
    EXPECT_EQ(Make(&operation, lance_dataset_latest_version_async, Dataset(), &latest, kIgnore, kNoContext),
              LANCE_OK);
    EXPECT_EQ(CallC(lance_operation_wait, static_cast<const LanceOperation*>(operation.get())), LANCE_OK);
  }

  ~World() { lance_bytes_free(bytes, length); }

  /// Ids, exported and watched.
  struct Values {
    Values(World& world, int64_t count) {
      EXPECT_TRUE(arrow::ExportArray(*SimpleBatch(0, count)->column(0), &array, &type).ok());
      world.probe.Watch(&array);
      world.probe.Watch(&type);
    }

    bool consumed() const { return array.release == nullptr && type.release == nullptr; }

    ArrowArray array{};
    ArrowSchema type{};
  };

  std::string FirstSplit() const {
    Filled<ArrowArrayStream> splits;
    EXPECT_EQ(CallC(lance_scanner_splits, Scanner(), uint64_t{2}, splits.out()), LANCE_OK);
    const auto reader = arrow::ImportRecordBatchReader(splits.out()).ValueOrDie();
    const auto texts = reader->Next().ValueOrDie()->GetColumnByName("text");
    return static_cast<const arrow::StringArray&>(*texts).GetString(0);
  }

  /// A searcher of a dataset with vectors.
  arrow::Status OpenVectors() {
    const std::string place = dir / "vectors";
    ARROW_ASSIGN_OR_RAISE(const auto vectors,
                          arrow::FixedSizeListArray::FromArrays(SimpleBatch(0, 200)->column(0), 2));
    ARROW_ASSIGN_OR_RAISE(const auto floats,
                          arrow::compute::Cast(vectors, arrow::fixed_size_list(arrow::float32(), 2)));
    const auto schema = arrow::schema({arrow::field("v", floats.type())});
    const auto batch = arrow::RecordBatch::Make(schema, 100, {floats.make_array()});
    ARROW_RETURN_NOT_OK(WriteBatches(place, {batch}).status());
    EXPECT_EQ(Make(&vector_dataset, lance_dataset_open, place.c_str(), kOpenDefaults), LANCE_OK);
    Values vector(*this, 2);
    EXPECT_EQ(Make(&nearest, lance_vector_query_new, "v", &vector.array, &vector.type, kQueryDefaults),
              LANCE_OK);
    scan_options.nearest = nearest.get();
    EXPECT_EQ(Make(&searcher, lance_searcher_open, Vectors(), Nearest(), kSearcherDefaults), LANCE_OK);
    return arrow::Status::OK();
  }

  Outcome Open(const std::string& name, WriterPtr* out) {
    World& world = *this;
    ProbedSchema schema(*SimpleSchema(), probe);
    const std::string place = dir / name;
    const Outcome outcome = MAKE(out, lance_writer_open, place.c_str(), &schema.schema, kWriteDefaults);
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  Outcome OpenFile(const std::string& name, FileWriterPtr* out) {
    World& world = *this;
    ProbedSchema schema(*SimpleSchema(), probe);
    const std::string place = dir / name;
    const Outcome outcome =
        MAKE(out, lance_file_writer_open, place.c_str(), &schema.schema, kWriteFileDefaults);
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  /// A file with a buffer, and a reader of it.
  arrow::Status WriteFile() {
    const std::string place = dir / "read.lance";
    FileWriterPtr made;
    EXPECT_EQ(OpenFile("read.lance", &made), LANCE_OK);
    uint64_t index = 0;
    const uint8_t byte = 7;
    EXPECT_EQ(CallC(lance_file_writer_add_global_buffer, made.get(), &byte, size_t{1}, &index), LANCE_OK);
    EXPECT_EQ(CallC(lance_file_writer_finish, made.get(), static_cast<LanceFileWriteResult*>(nullptr)),
              LANCE_OK);
    EXPECT_EQ(Make(&file_reader, lance_file_reader_open, place.c_str(), kAccessDefaults), LANCE_OK);
    return arrow::Status::OK();
  }

  /// Hand a stream with these columns to a call.
  template <typename Call>
  Outcome WithStream(const std::vector<std::string>& names, Call call) {
    const auto ids = SimpleBatch(0, 100)->column(0);
    arrow::FieldVector fields;
    for (const std::string& name : names) fields.push_back(arrow::field(name, arrow::int64()));
    const auto batch =
        arrow::RecordBatch::Make(arrow::schema(fields), 100, arrow::ArrayVector(names.size(), ids));
    const auto reader = arrow::RecordBatchReader::Make({batch}).ValueOrDie();
    ArrowArrayStream handed{};
    EXPECT_OK(arrow::ExportRecordBatchReader(reader, &handed));
    probe.Watch(&handed);
    const Outcome outcome = call(&handed);
    EXPECT_EQ(handed.release, nullptr);
    return outcome;
  }

  Outcome Connect(NamespacePtr* out) {
    World& world = *this;
    const std::string place = dir / "";
    const LanceKeyValue root = {LANCE_TEXT("root"), LANCE_TEXT(place.c_str())};
    return MAKE(out, lance_namespace_connect, "dir", &root, size_t{1}, kNamespaceDefaults);
  }

  Outcome OpenByName(WriterPtr* out) {
    World& world = *this;
    ProbedSchema schema(*SimpleSchema(), probe);
    const Outcome outcome =
        MAKE(out, lance_namespace_open_writer, Names(), kNew, size_t{1}, &schema.schema, kWriteDefaults);
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  Outcome OpenInserter(MergeInserterPtr* out) {
    World& world = *this;
    ProbedSchema schema(*SimpleSchema(), probe);
    const Outcome outcome = MAKE(out, lance_dataset_open_merge_inserter, Dataset(), &schema.schema, OnId());
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  Outcome MergeStream() {
    World& world = *this;
    const auto reader = arrow::RecordBatchReader::Make({SimpleBatch(95, 7)}).ValueOrDie();
    ArrowArrayStream source{};
    EXPECT_OK(arrow::ExportRecordBatchReader(reader, &source));
    probe.Watch(&source);
    DatasetPtr out;
    const Outcome outcome = Made(&out, [&](auto* handle) {
      return CALL(lance_dataset_merge_insert, Dataset(), &source, OnId(), handle,
                  static_cast<LanceMergeInsertResult*>(nullptr));
    });
    EXPECT_EQ(source.release, nullptr);
    return outcome;
  }

  template <typename Call>
  Outcome WriteBatch(Call call) {
    ProbedBatch batch(*SimpleBatch(0, 7), probe);
    const Outcome outcome = call(&batch.array, &batch.schema);
    EXPECT_TRUE(batch.consumed());
    return outcome;
  }

  Outcome WriteStream() {
    World& world = *this;
    ArrowArrayStream stream{};
    ExportRows(&stream);
    const Outcome outcome = CALL(lance_writer_write_stream, writer.get(), 0U, &stream);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  /// The schema of the dataset, exported and watched.
  void ExportSchema(ArrowSchema* out) {
    EXPECT_OK(arrow::ExportSchema(*SimpleSchema(), out));
    probe.Watch(out);
  }

  /// Its rows.
  void ExportRows(ArrowArrayStream* out) {
    const auto reader = arrow::RecordBatchReader::Make({SimpleBatch(0, 7)}).ValueOrDie();
    EXPECT_OK(arrow::ExportRecordBatchReader(reader, out));
    probe.Watch(out);
  }

  const LanceColumnFunction* ColumnFunction() const { return column_function.get(); }
  const LanceDataset* Dataset() const { return dataset.get(); }
  const LanceScanner* Scanner() const { return scanner.get(); }
  const LanceBatches* Batches() const { return batches.get(); }
  const LanceSqlContext* SqlContext() const { return sql_context.get(); }
  const LanceSqlQuery* SqlQuery() const { return sql_query.get(); }
  const LanceDataset* Vectors() const { return vector_dataset.get(); }
  const LanceScanOptions* Nearest() const { return &scan_options; }
  const LanceSearcher* Searcher() const { return searcher.get(); }
  const LanceLookup* Lookup() const { return lookup.get(); }
  const LanceShuffler* Shuffler() const { return shuffler.get(); }
  const LanceTransaction* Transaction() const { return transaction.get(); }
  const LanceNamespace* Names() const { return ns.get(); }
  const LanceFileReader* File() const { return file_reader.get(); }
  const LanceMergeInsertOptions* OnId() const { return &merge_options; }

  const bool asynchronous;
  AsyncCalls calls;
  const TempDir dir;
  /// A table of the namespace, too.
  const std::string uri = dir / "dataset.lance";
  ReleaseProbe probe;
  DatasetPtr dataset;
  ScannerPtr scanner;
  Filled<ArrowArrayStream> stream;
  BatchesPtr batches;
  SessionPtr session;
  SqlContextPtr sql_context;
  SqlQueryPtr sql_query;
  DatasetPtr vector_dataset;
  VectorQueryPtr nearest;
  LanceScanOptions scan_options = LANCE_SCAN_OPTIONS_INIT;
  ColumnFunctionPtr column_function;
  SearcherPtr searcher;
  LookupPtr lookup;
  TextQueryPtr text_query;
  ShufflerPtr shuffler;
  StringPtr state;
  /// Names of tables are taken once.
  int tables = 0;
  NamespacePtr ns;
  WriterPtr writer;
  FileWriterPtr file_writer;
  FileReaderPtr file_reader;
  /// Names of new files are taken once.
  int files = 0;
  LanceMergeInsertOptions merge_options = LANCE_MERGE_INSERT_OPTIONS_INIT;
  MergeInserterPtr inserter;
  TransactionPtr transaction;
  StringPtr json;
  uint64_t latest = 0;
  OperationPtr operation;
  uint8_t* bytes = nullptr;
  size_t length = 0;
  std::string split;
};

/// What a panic at the second step of a function means.
enum class Second {
  kPoisons,
  /// Nothing is changed by then, or there is no handle.
  kHarmless,
  /// It hits the clean-up, which is done as far as it goes.
  kUnnoticed,
};

/// One function of the C ABI.
struct Function {
  const char* name;
  Outcome (*call)(World&);
  Second second = Second::kPoisons;
  /// What it returns if nothing panics.
  LanceStatusCode usual = LANCE_OK;
};

const Function kFunctions[] = {
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
     [](World& world) { return CALL(lance_dataset_create_tag, world.Dataset(), "no name", kTagDefaults); },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_update_tag",
     [](World& world) { return CALL(lance_dataset_update_tag, world.Dataset(), "none"); }, Second::kHarmless,
     LANCE_REF_NOT_FOUND},
    {"lance_dataset_replace_tag_metadata",
     [](World& world) {
       return CALL(lance_dataset_replace_tag_metadata, world.Dataset(), "none", kNoProperties, size_t{0});
     },
     Second::kHarmless, LANCE_REF_NOT_FOUND},
    {"lance_dataset_delete_tag",
     [](World& world) { return CALL(lance_dataset_delete_tag, world.Dataset(), "none"); }, Second::kHarmless,
     LANCE_REF_NOT_FOUND},
    {"lance_dataset_branches",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CALL(lance_dataset_branches, world.Dataset(), out.out());
     },
     Second::kHarmless},
    {"lance_dataset_create_branch",
     [](World& world) {
       DatasetPtr out;
       return MAKE(&out, lance_dataset_create_branch, world.Dataset(), "no name", kBranchDefaults);
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_replace_branch_metadata",
     [](World& world) {
       return CALL(lance_dataset_replace_branch_metadata, world.Dataset(), "none", kNoProperties, size_t{0});
     },
     Second::kHarmless, LANCE_REF_NOT_FOUND},
    {"lance_dataset_delete_branch",
     [](World& world) { return CALL(lance_dataset_delete_branch, world.Dataset(), "none", int32_t{0}); },
     Second::kHarmless, LANCE_REF_NOT_FOUND},
    {"lance_dataset_shallow_clone",
     [](World& world) {
       DatasetPtr out;
       return MAKE(&out, lance_dataset_shallow_clone, world.Dataset(), world.uri.c_str(), kCloneDefaults);
     },
     Second::kHarmless, LANCE_ALREADY_EXISTS},
    {"lance_dataset_deep_clone",
     [](World& world) {
       DatasetPtr out;
       return MAKE(&out, lance_dataset_deep_clone, world.Dataset(), world.uri.c_str(), kCloneDefaults);
     },
     Second::kHarmless, LANCE_ALREADY_EXISTS},
    {"lance_dataset_delta",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CALL(lance_dataset_delta, world.Dataset(), kDeltaDefaults, out.out());
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_transactions",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CALL(lance_dataset_transactions, world.Dataset(), uint64_t{1}, out.out());
     },
     Second::kHarmless},
    {"lance_dataset_create_index",
     [](World& world) {
       DatasetPtr out;
       LanceIndexOptions options = LANCE_INDEX_OPTIONS_INIT;
       options.replace = 1;
       return MAKE(&out, lance_dataset_create_index, world.Dataset(), kIdColumn, size_t{1}, kBtree, &options);
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
    {"lance_column_function_create",
     [](World&) {
       ColumnFunctionPtr out;
       return Make(&out, lance_column_function_create, kCompute, kNoContext, LanceReleaseFn{nullptr});
     },
     Second::kHarmless},
    {"lance_dataset_add_columns",
     [](World& world) {
       DatasetPtr out;
       const LanceKeyValue expression = {LANCE_TEXT("next"), LANCE_TEXT("id + 1")};
       return MAKE(&out, lance_dataset_add_columns, world.Dataset(), &expression, size_t{1}, kAddDefaults);
     },
     Second::kHarmless},
    {"lance_dataset_add_null_columns",
     [](World& world) {
       DatasetPtr out;
       ArrowSchema schema{};
       world.ExportSchema(&schema);
       const Outcome outcome = MAKE(&out, lance_dataset_add_null_columns, world.Dataset(), &schema);
       EXPECT_EQ(schema.release, nullptr);
       return outcome;
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_add_columns_from_stream",
     [](World& world) {
       DatasetPtr out;
       ArrowArrayStream stream{};
       world.ExportRows(&stream);
       const Outcome outcome = MAKE(&out, lance_dataset_add_columns_from_stream, world.Dataset(), &stream);
       EXPECT_EQ(stream.release, nullptr);
       return outcome;
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_add_columns_by_function",
     [](World& world) {
       DatasetPtr out;
       ArrowSchema schema{};
       world.ExportSchema(&schema);
       const Outcome outcome = MAKE(&out, lance_dataset_add_columns_by_function, world.Dataset(),
                                    world.ColumnFunction(), &schema, kAddDefaults);
       EXPECT_EQ(schema.release, nullptr);
       return outcome;
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_merge_columns",
     [](World& world) {
       DatasetPtr out;
       ArrowArrayStream stream{};
       world.ExportRows(&stream);
       const Outcome outcome = MAKE(&out, lance_dataset_merge_columns, world.Dataset(), &stream, "id", "id");
       EXPECT_EQ(stream.release, nullptr);
       return outcome;
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_alter_columns",
     [](World& world) {
       DatasetPtr out;
       ArrowSchema types{};
       world.ExportSchema(&types);
       const LanceColumnAlteration rename = {"name", "text", LANCE_NULLABILITY_KEEP, 0};
       const Outcome outcome =
           MAKE(&out, lance_dataset_alter_columns, world.Dataset(), &rename, size_t{1}, &types);
       EXPECT_EQ(types.release, nullptr);
       return outcome;
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_drop_columns",
     [](World& world) {
       DatasetPtr out;
       return MAKE(&out, lance_dataset_drop_columns, world.Dataset(), kIdColumn, size_t{1});
     },
     Second::kHarmless},
    {"lance_dataset_plan_drop_columns",
     [](World& world) {
       Filled<ArrowSchema> out;
       return CallC(lance_dataset_plan_drop_columns, world.Dataset(), kIdColumn, size_t{1}, out.out());
     },
     Second::kHarmless},
    {"lance_dataset_metadata",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CallC(lance_dataset_metadata, world.Dataset(), kConfig, out.out());
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
       const LanceMetadataUpdate update = {LANCE_TEXT("key"), LANCE_TEXT("value")};
       return MAKE(&out, lance_dataset_update_metadata, world.Dataset(), kConfig, &update, size_t{1}, 0);
     },
     Second::kHarmless},
    {"lance_dataset_update_field_metadata",
     [](World& world) {
       DatasetPtr out;
       const LanceMetadataUpdate update = {LANCE_TEXT("key"), LANCE_TEXT("value")};
       return MAKE(&out, lance_dataset_update_field_metadata, world.Dataset(), "id", &update, size_t{1}, 0);
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
     Second::kHarmless},
    {"lance_dataset_validate", [](World& world) { return CALL(lance_dataset_validate, world.Dataset()); },
     Second::kHarmless},
    {"lance_dataset_migrate",
     [](World& world) {
       DatasetPtr out;
       return MAKE(&out, lance_dataset_migrate, world.Dataset(), kToManifestPaths);
     },
     Second::kHarmless},
    {"lance_dataset_upgrade_storage",
     [](World& world) {
       DatasetPtr out;
       return MAKE(&out, lance_dataset_upgrade_storage, world.Dataset(), "2.1");
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
       return MAKE(&out, lance_dataset_commit_index_segments, world.Dataset(), "name", kIdColumn, size_t{1});
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
       return MAKE(&out, lance_dataset_execute_optimize_indices, world.Dataset(), LANCE_TEXT("{}"), kIdColumn,
                   size_t{1});
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_commit_optimize_indices",
     [](World& world) {
       DatasetPtr out;
       return MAKE(&out, lance_dataset_commit_optimize_indices, world.Dataset(), kIdColumn, size_t{1});
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_compact",
     [](World& world) {
       LanceDataset* out = nullptr;
       LanceCompactResult result = LANCE_COMPACT_RESULT_INIT;
       const LanceStatusCode code =
           CALL(lance_dataset_compact, world.Dataset(), kCompactDefaults, &out, &result);
       lance_dataset_free(out);
       return outcome;
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
       return MAKE(&out, lance_dataset_execute_compaction, world.Dataset(), LANCE_TEXT("{}"), kTaskDefaults);
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_commit_compaction",
     [](World& world) {
       LanceDataset* out = nullptr;
       LanceCompactResult result = LANCE_COMPACT_RESULT_INIT;
       const Outcome outcome = CALL(lance_dataset_commit_compaction, world.Dataset(), kIdColumn, size_t{1},
                                    kResultDefaults, &out, &result);
       lance_dataset_free(out);
       return outcome;
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
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
    {"lance_dataset_disk_usage",
     [](World& world) {
       LanceDiskUsage usage = LANCE_DISK_USAGE_INIT;
       Filled<ArrowArrayStream> versions;
       Filled<ArrowArrayStream> orphans;
       return CALL(lance_dataset_disk_usage, world.uri.c_str(), kUsageDefaults, &usage, versions.out(),
                   orphans.out());
     },
     Second::kHarmless},
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
       return CALL(lance_dataset_take_rows, world.Dataset(), kRows, std::size(kRows), kAllColumns, size_t{0},
                   array.out(), schema.out());
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
       return CallC(lance_batches_poll, world.Batches(), LanceWakeFn{nullptr}, kNoContext, &state, out.out());
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
       const Outcome outcome =
           MAKE(&out, lance_sql_prepare, world.SqlContext(),
                LANCE_TEXT("select * from simple where id = $id and name = $name"), &row.array, &row.schema);
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
       const Outcome outcome =
           CALL(lance_searcher_run, world.Searcher(), &vector.array, &vector.type, array.out(), schema.out());
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
    {"lance_transaction_commit_with",
     [](World& world) {
       LanceTransaction* const transactions[] = {world.transaction.get()};
       LanceTransaction* const* first = transactions;
       return CALL(lance_transaction_commit_with, first, size_t{1}, kCommitDefaults,
                   static_cast<LanceCommitResult*>(nullptr));
     },
     Second::kHarmless},
    // It is of another dataset.
    {"lance_dataset_commit",
     [](World& world) {
       LanceTransaction* const transactions[] = {world.transaction.get()};
       LanceTransaction* const* first = transactions;
       LanceDataset* out = nullptr;
       return CALL(lance_dataset_commit, world.Dataset(), first, size_t{1}, kCommitDefaults, &out,
                   static_cast<LanceCommitResult*>(nullptr));
     },
     Second::kHarmless, LANCE_INVALID_ARGUMENT},
    {"lance_dataset_stage",
     [](World& world) {
       TransactionPtr out;
       return MAKE(&out, lance_dataset_stage, world.Dataset(),
                   LANCE_TEXT(R"({"type": "Restore", "version": 1})"));
     },
     Second::kHarmless},
    {"lance_dataset_fragment_metadata",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CallC(lance_dataset_fragment_metadata, world.Dataset(), kRows + 1, size_t{1}, out.out());
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
    {"lance_dataset_delete_in_fragment",
     [](World& world) {
       TransactionPtr out;
       return MAKE(&out, lance_dataset_delete_in_fragment, world.Dataset(), uint64_t{0},
                   LANCE_TEXT("id < 7"));
     },
     Second::kHarmless},
    {"lance_dataset_delete_offsets",
     [](World& world) {
       TransactionPtr out;
       return MAKE(&out, lance_dataset_delete_offsets, world.Dataset(), uint64_t{0}, kRows, std::size(kRows));
     },
     Second::kHarmless},
    {"lance_dataset_write_fragment_columns",
     [](World& world) {
       return world.WithStream({"id"}, [&](ArrowArrayStream* stream) {
         TransactionPtr out;
         return MAKE(&out, lance_dataset_write_fragment_columns, world.Dataset(), uint64_t{0}, stream);
       });
     },
     Second::kHarmless},
    {"lance_dataset_merge_fragment_columns",
     [](World& world) {
       return world.WithStream({"key", "more"}, [&](ArrowArrayStream* stream) {
         TransactionPtr out;
         return MAKE(&out, lance_dataset_merge_fragment_columns, world.Dataset(), uint64_t{0}, stream, "id",
                     "key");
       });
     },
     Second::kHarmless},
    {"lance_dataset_update_fragment_columns",
     [](World& world) {
       return world.WithStream({"key", "id"}, [&](ArrowArrayStream* stream) {
         TransactionPtr out;
         return MAKE(&out, lance_dataset_update_fragment_columns, world.Dataset(), uint64_t{0}, stream, "id",
                     "key");
       });
     },
     Second::kHarmless},
    {"lance_dataset_add_fragment_columns",
     [](World& world) {
       const LanceKeyValue twice = {LANCE_TEXT("twice"), LANCE_TEXT("id * 2")};
       const LanceKeyValue* expressions = &twice;
       TransactionPtr out;
       return MAKE(&out, lance_dataset_add_fragment_columns, world.Dataset(), uint64_t{0}, expressions,
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
    {"lance_dataset_register_file",
     [](World& world) {
       StringPtr out;
       return MAKE(&out, lance_dataset_register_file, world.Dataset(), "none.lance");
     },
     Second::kHarmless, LANCE_NOT_FOUND},
    {"lance_dataset_describe_data_file",
     [](World& world) {
       StringPtr out;
       return MAKE(&out, lance_dataset_describe_data_file, world.Dataset(), "none.lance");
     },
     Second::kHarmless, LANCE_NOT_FOUND},
    {"lance_file_reader_open",
     [](World& world) {
       FileReaderPtr out;
       const std::string place = world.dir / "read.lance";
       return MAKE(&out, lance_file_reader_open, place.c_str(), kAccessDefaults);
     },
     Second::kHarmless},
    {"lance_file_reader_schema",
     [](World& world) {
       Filled<ArrowSchema> out;
       return CallC(lance_file_reader_schema, world.File(), out.out());
     },
     Second::kHarmless},
    {"lance_file_reader_info",
     [](World& world) {
       LanceFileInfo out = LANCE_FILE_INFO_INIT;
       return CallC(lance_file_reader_info, world.File(), &out);
     },
     Second::kHarmless},
    {"lance_file_reader_columns",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CallC(lance_file_reader_columns, world.File(), out.out());
     },
     Second::kHarmless},
    {"lance_file_reader_pages",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CallC(lance_file_reader_pages, world.File(), out.out());
     },
     Second::kHarmless},
    {"lance_file_reader_read",
     [](World& world) {
       Filled<ArrowArrayStream> out;
       return CALL(lance_file_reader_read, world.File(), kReadFileDefaults, out.out());
     },
     Second::kHarmless},
    {"lance_file_reader_global_buffer",
     [](World& world) {
       uint8_t* bytes = nullptr;
       size_t length = 0;
       const Outcome outcome =
           CALL(lance_file_reader_global_buffer, world.File(), uint64_t{1}, &bytes, &length);
       lance_bytes_free(bytes, length);
       return outcome;
     },
     Second::kHarmless},
    {"lance_file_writer_open",
     [](World& world) {
       FileWriterPtr out;
       return world.OpenFile("new" + std::to_string(++world.files) + ".lance", &out);
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
       const uint8_t byte = 7;
       const uint8_t* bytes = &byte;
       uint64_t index = 0;
       return CALL(lance_file_writer_add_global_buffer, world.file_writer.get(), bytes, size_t{1}, &index);
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
     [](World& world) { return CALL(lance_file_writer_abort, world.file_writer.get()); }, Second::kUnnoticed},
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
    {"lance_dataset_explain_cleanup",
     [](World& world) {
       LanceCleanupResult out = LANCE_CLEANUP_RESULT_INIT;
       Filled<ArrowArrayStream> items;
       return CALL(lance_dataset_explain_cleanup, world.uri.c_str(), kCleanupDefaults, &out, items.out());
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
    {"lance_dataset_merge_insert", [](World& world) { return world.MergeStream(); }, Second::kHarmless},
    {"lance_dataset_explain_merge_insert",
     [](World& world) {
       StringPtr out;
       ArrowSchema* const same = nullptr;
       return MAKE(&out, lance_dataset_explain_merge_insert, world.Dataset(), same, world.OnId(), 0);
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
     [](World& world) { return CALL(lance_merge_inserter_abort, world.inserter.get()); }, Second::kHarmless},
    {"lance_writer_abort", [](World& world) { return CALL(lance_writer_abort, world.writer.get()); },
     Second::kUnnoticed},
};

const std::vector<Function>& AllFunctions() {
  static const std::vector<Function> functions = [] {
    std::vector<Function> all = CommonFunctions();
    for (const Function& each : ChangeFunctions()) all.push_back(each);
    return all;
  }();
  return functions;
}

/// The functions that can fail, by the headers.
std::set<std::string> Declared() {
  const std::regex prototype(R"(LANCE_API LanceStatusCode (\w+)\([^;]*LanceError\*\* error\);)");
  std::set<std::string> declared;
  for (const auto& entry : std::filesystem::directory_iterator(LANCE_C_HEADERS)) {
    std::ifstream file(entry.path());
    const std::string header{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (std::sregex_iterator match(header.begin(), header.end(), prototype), end; match != end; ++match)
      declared.insert((*match)[1]);
  }
  return declared;
}

/// A function in one of its forms.
struct Form {
  std::string name() const { return asynchronous ? std::string(function.name) + "_async" : function.name; }

  const Function& function;
  bool asynchronous;
};

std::ostream& operator<<(std::ostream& out, const Form& form) { return out << form.name(); }

std::vector<Form> Forms() {
  const std::set<std::string> declared = Declared();
  std::vector<Form> forms;
  for (const Function& function : AllFunctions()) {
    forms.push_back({function, false});
    if (const Form asynchronous{function, true}; declared.contains(asynchronous.name()))
      forms.push_back(asynchronous);
  }
  return forms;
}

std::vector<Form> AsynchronousForms() {
  std::vector<Form> asynchronous;
  for (const Form& form : Forms()) {
    if (form.asynchronous) asynchronous.push_back(form);
  }
  return asynchronous;
}

TEST(PanicTable, HasEveryFunctionThatCanFail) {
  std::set<std::string> tested;
  for (const Form& form : Forms()) tested.insert(form.name());
  const std::set<std::string> declared = Declared();
  EXPECT_EQ(tested, declared);
  Figure("R1", {{"functions", std::to_string(declared.size())}, {"tested", std::to_string(tested.size())}});
}

class PanicTest : public ::testing::TestWithParam<Form> {
 protected:
  void SetUp() override {
    ASSERT_NE(faults_.fail_at, nullptr) << "the library was built without fault points";
  }

  /// Call the function with a panic at its `k`-th step.
  Outcome CallWithPanicAt(int64_t k, World& world) {
    faults_.fail_at(k, kPanic);
    const Outcome outcome = function_.call(world);
    fired_ = faults_.points_hit() >= k;
    faults_.fail_at(0, kOff);
    if (outcome == LANCE_PANIC) {
      EXPECT_THAT(outcome.message, HasSubstr("injected panic"));
      EXPECT_THAT(outcome.detail, HasSubstr(".rs:"));
    }
    return outcome;
  }

  /// Without a panic.
  void ExpectUsual(World& world) { EXPECT_EQ(function_.call(world), function_.usual); }

  /// The call has panicked while the handle was used.
  void ExpectAfterPanic(World& world, Second second) {
    if (second != Second::kPoisons) return ExpectUsual(world);
    const Outcome again = function_.call(world);
    EXPECT_EQ(again, LANCE_PANIC);
    EXPECT_THAT(again.message, HasSubstr("earlier call on this handle panicked"));
  }

  Faults faults_;
  const Function& function_ = GetParam().function;
  World other_{GetParam().asynchronous};
  bool fired_ = false;
};

TEST_P(PanicTest, BeforeTheHandleIsUsedLeavesItUsable) {
  World world(GetParam().asynchronous);
  EXPECT_EQ(CallWithPanicAt(1, world), LANCE_PANIC);
  EXPECT_TRUE(fired_);
  ExpectUsual(world);
  ExpectUsual(other_);
}

TEST_P(PanicTest, WhileTheHandleIsUsedPoisonsIt) {
  World world(GetParam().asynchronous);
  const Outcome outcome = CallWithPanicAt(2, world);
  // The second step of an asynchronous form is to start the work.
  const Second second = GetParam().asynchronous ? Second::kHarmless : function_.second;
  const bool panics = fired_ && second != Second::kUnnoticed;
  EXPECT_EQ(outcome, panics ? LANCE_PANIC : function_.usual);
  if (panics) ExpectAfterPanic(world, second);
  ExpectUsual(other_);
}

class AsynchronousPanicTest : public PanicTest {};

// The end is told once, as AsyncCalls asks, and the handle is as after a panic of the blocking form.
TEST_P(AsynchronousPanicTest, WhileTheWorkIsDoneIsTold) {
  for (int64_t k = 3; k <= 6; ++k) {
    World world(GetParam().asynchronous);
    const Outcome outcome = CallWithPanicAt(k, world);
    if (!fired_) break;
    if (outcome == LANCE_PANIC) ExpectAfterPanic(world, function_.second);
  }
  ExpectUsual(other_);
}

constexpr auto kName = [](const auto& info) { return info.param.name(); };
INSTANTIATE_TEST_SUITE_P(Functions, PanicTest, ::testing::ValuesIn(Forms()), kName);
INSTANTIATE_TEST_SUITE_P(Functions, AsynchronousPanicTest, ::testing::ValuesIn(AsynchronousForms()), kName);

}  // namespace
}  // namespace lance_test