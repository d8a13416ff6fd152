/// \file panic_world.h
/// What the functions of the C ABI are called with, to see what a panic in each of them does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arrow/array.h"
#include "arrow/c/bridge.h"
#include "arrow/compute/cast.h"
#include "arrow/record_batch.h"
#include "gtest/gtest.h"
#include "support/async_calls.h"
#include "support/c_call.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/release_probe.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {

inline constexpr const LanceSessionOptions* kSessionDefaults = nullptr;
inline constexpr const LanceOpenOptions* kOpenDefaults = nullptr;
inline constexpr const LanceScanOptions* kScanDefaults = nullptr;
inline constexpr const LanceTakeOptions* kTakeDefaults = nullptr;
inline constexpr const LanceIndexOptions* kIndexDefaults = nullptr;
inline constexpr const LanceOptimizeIndicesOptions* kOptimizeDefaults = nullptr;
inline constexpr LanceIndexType kBtree = LANCE_INDEX_BTREE;
inline constexpr const LanceAccessOptions* kAccessDefaults = nullptr;
inline constexpr const LanceSqlOptions* kSqlDefaults = nullptr;
inline constexpr const LanceVectorQueryOptions* kQueryDefaults = nullptr;
inline constexpr const LanceTextMatchOptions* kMatchDefaults = nullptr;
inline constexpr const LanceTextPhraseOptions* kPhraseDefaults = nullptr;
inline constexpr const LanceTextQueryOptions* kTextDefaults = nullptr;
inline constexpr LanceTextOperator kOr = LANCE_TEXT_OR;
inline constexpr const LanceSearcherOptions* kSearcherDefaults = nullptr;
inline constexpr const LanceLookupOptions* kLookupDefaults = nullptr;
inline constexpr const LanceShuffleOptions* kShuffleDefaults = nullptr;
inline constexpr const LanceWriteOptions* kWriteDefaults = nullptr;
inline constexpr const LanceWriteFileOptions* kWriteFileDefaults = nullptr;
inline constexpr const LanceCheckOptions* kCheckDefaults = nullptr;
inline constexpr const LanceCleanupOptions* kCleanupDefaults = nullptr;
inline constexpr const LanceNamespaceOptions* kNamespaceDefaults = nullptr;
inline constexpr const LanceKeyValue* kNoStorageOptions = nullptr;
inline constexpr const LanceKeyValue* kNoProperties = nullptr;
inline constexpr const char* const* kOutermost = nullptr;
/// Ids of one name: of a table, and of what there is not.
inline constexpr const char* kTable[] = {"dataset"};
inline constexpr const char* kNew[] = {"new"};
inline constexpr const char* const* kAllColumns = nullptr;
inline constexpr const char* kIdColumn[] = {"id"};
inline constexpr void* kNoContext = nullptr;
inline constexpr LanceDoneFn kIgnore = [](void*, LanceStatusCode, LanceError* error) {
  lance_error_free(error);
};
inline constexpr uint64_t kRows[] = {99, 0};
inline constexpr LanceRowRange kRanges[] = {{10, 20}, {0, 5}};

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

/// A function for a new column, which is the first one once more.
inline constexpr LanceColumnFn kCopyIds = [](void*, ArrowArray* batch, ArrowSchema* schema, ArrowArray* out,
                                             char*, size_t) -> LanceStatusCode {
  const auto read = arrow::ImportRecordBatch(batch, schema);
  if (!read.ok()) return LANCE_CALLBACK;
  const auto type = arrow::schema({arrow::field("new", (*read)->column(0)->type())});
  const auto made = arrow::RecordBatch::Make(type, (*read)->num_rows(), {(*read)->column(0)});
  return arrow::ExportRecordBatch(*made, out).ok() ? LANCE_OK : LANCE_CALLBACK;
};

/// A batch exported as a stream on the stack, watched.
struct ProbedStream {
  ProbedStream(const arrow::RecordBatch& batch, ReleaseProbe& probe) {
    const auto whole = batch.Slice(0);
    const auto reader = arrow::RecordBatchReader::Make({whole}, whole->schema()).ValueOrDie();
    EXPECT_OK(arrow::ExportRecordBatchReader(reader, &stream));
    probe.Watch(&stream);
  }

  ArrowArrayStream stream{};
};

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
    EXPECT_EQ(Connect(&ns), LANCE_OK);
    EXPECT_EQ(Open("written", &writer), LANCE_OK);
    WriterPtr uncommitted;
    EXPECT_EQ(Open("uncommitted", &uncommitted), LANCE_OK);
    EXPECT_EQ(Make(&transaction, lance_writer_finish_uncommitted, uncommitted.get()), LANCE_OK);
    EXPECT_EQ(Make(&json, lance_transaction_to_json, Transaction()), LANCE_OK);
    upsert.on = kIdColumn;
    upsert.on_count = 1;
    EXPECT_EQ(OpenInserter(&inserter), LANCE_OK);
    EXPECT_EQ(Make(&function, lance_column_function_create, kCopyIds, kNoContext, LanceReleaseFn{nullptr}),
              LANCE_OK);
    data_file = ListFiles(uri + "/data").front();
    EXPECT_EQ(OpenFile(&file_reader), LANCE_OK);
    EXPECT_EQ(MakeFile(&file_writer), LANCE_OK);
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

  template <typename Call>
  Outcome WriteBatch(Call call) {
    ProbedBatch batch(*SimpleBatch(0, 7), probe);
    const Outcome outcome = call(&batch.array, &batch.schema);
    EXPECT_TRUE(batch.consumed());
    return outcome;
  }

  Outcome WriteStream() {
    World& world = *this;
    const auto reader = arrow::RecordBatchReader::Make({SimpleBatch(0, 7)}).ValueOrDie();
    ArrowArrayStream stream{};
    EXPECT_OK(arrow::ExportRecordBatchReader(reader, &stream));
    probe.Watch(&stream);
    const Outcome outcome = CALL(lance_writer_write_stream, writer.get(), 0U, &stream);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  Outcome OpenInserter(MergeInserterPtr* out) {
    World& world = *this;
    ProbedSchema schema(*SimpleSchema(), probe);
    const Outcome outcome = MAKE(out, lance_dataset_open_merge_inserter, Dataset(), &schema.schema, Upsert());
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  Outcome OpenFile(FileReaderPtr* out) {
    World& world = *this;
    const std::string place = uri + "/data/" + data_file;
    return MAKE(out, lance_file_reader_open, place.c_str(), kAccessDefaults);
  }

  Outcome MakeFile(FileWriterPtr* out) {
    World& world = *this;
    ProbedSchema schema(*SimpleSchema(), probe);
    const Outcome outcome = MAKE(out, lance_file_writer_open, NewPlace(), &schema.schema, kWriteFileDefaults);
    EXPECT_EQ(schema.schema.release, nullptr);
    return outcome;
  }

  /// A name that no tag or branch has; valid until the next one.
  const char* NewName() {
    new_name = "name" + std::to_string(++tables);
    return new_name.c_str();
  }

  /// Where no dataset is; valid until the next one.
  const char* NewPlace() {
    new_place = dir / (std::string(NewName()) + ".lance");
    return new_place.c_str();
  }

  const LanceDataset* Dataset() const { return dataset.get(); }
  const LanceMergeInsertOptions* Upsert() const { return &upsert; }
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
  SearcherPtr searcher;
  LookupPtr lookup;
  TextQueryPtr text_query;
  ShufflerPtr shuffler;
  StringPtr state;
  /// Names of tables are taken once.
  int tables = 0;
  NamespacePtr ns;
  WriterPtr writer;
  TransactionPtr transaction;
  StringPtr json;
  LanceMergeInsertOptions upsert = LANCE_MERGE_INSERT_OPTIONS_INIT;
  MergeInserterPtr inserter;
  ColumnFunctionPtr function;
  /// The name of a data file of the dataset.
  std::string data_file;
  FileReaderPtr file_reader;
  FileWriterPtr file_writer;
  std::string new_name;
  std::string new_place;
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

/// Those that configure, read, search and write.
std::vector<Function> CommonFunctions();

/// Those that change datasets and files.
std::vector<Function> ChangeFunctions();

}  // namespace lance_test
