/** \file lance.h
 *  \brief The C ABI of lance-cpp: write, read and manage Lance datasets with nothing but C11.
 *
 *  ## Ownership
 *  Every pointer argument is described by one of three words:
 *  - *borrowed*: read during the call, never kept and never freed. All `const` pointers are borrowed.
 *  - *consumed*: the contents now belong to the library, on **every** return path, errors included.
 *    Every non-const `struct ArrowArray*`, `struct ArrowSchema*` and `struct ArrowArrayStream*` input
 *    is consumed: when the call returns its `release` is NULL, whatever the status. The struct's own
 *    bytes stay the caller's, so put it on the stack and never release or free its contents afterwards.
 *  - *the caller's*: an output. It is written only on success and is then freed by the caller, with the
 *    function named in its description.
 *
 *  ## Errors
 *  A fallible function returns ::LanceStatusCode and takes a last argument `LanceError** error`. It may
 *  be NULL. On failure it receives an error object that is the caller's (lance_error_free()); on
 *  success it is left untouched. Nothing is stored per thread. No panic and no exception leaves this
 *  library, and it never aborts the host or prints.
 *
 *  ## Threads
 *  A `const` handle may be used from several threads at once. A non-const handle may not, unless its
 *  function says otherwise. A `_free` function must be the last use of its handle; NULL is accepted.
 *  Release callbacks of consumed structs may run later and on other threads.
 *  After `fork()` the child must not use the library: its calls return #LANCE_FORKED.
 *
 *  ## Strings
 *  Strings are NUL-terminated UTF-8; anything else is #LANCE_INVALID_ARGUMENT.
 *
 *  ## Options
 *  Option structs begin with `struct_size`; initialise them with their `LANCE_..._INIT` macro. Fields
 *  beyond the caller's `struct_size` take their defaults, so old programs run with newer libraries. A
 *  `struct_size` that ends within a field is refused.
 *  A NULL options pointer means all defaults.
 */
#ifndef LANCE_C_LANCE_H_
#define LANCE_C_LANCE_H_

#include <stddef.h>
#include <stdint.h>

#include "arrow_abi.h"

#if defined(__GNUC__)
#define LANCE_API __attribute__((visibility("default")))
#else
#define LANCE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** \defgroup version Library version
 *  @{ */

/** Changes whenever a program compiled against an older header could break. */
#define LANCE_ABI_VERSION 1

/** \brief The ::LANCE_ABI_VERSION the library was built with. Never fails, may be called at any time. */
LANCE_API uint32_t lance_abi_version(void);

/** \brief The version of this library, for example "0.1.0". Static storage, borrowed by the caller. */
LANCE_API const char* lance_version(void);

/** \brief The version of the `lance` storage engine inside, for example "14.0.2". Static storage. */
LANCE_API const char* lance_engine_version(void);

/** @} */

/** \defgroup error Errors
 *  @{ */

/** The outcome of a call. Values are frozen: they never change and are never reused. */
typedef int32_t LanceStatusCode;

enum {
  LANCE_OK = 0,
  /** A bad argument, option, URI, SQL expression or Arrow struct. */
  LANCE_INVALID_ARGUMENT = 1,
  /** The handle was finished, aborted or poisoned by a panic, or the call was made where it must not be. */
  LANCE_INVALID_STATE = 2,
  /** An object or file does not exist, and none of the more exact codes applies. */
  LANCE_NOT_FOUND = 3,
  LANCE_DATASET_NOT_FOUND = 4,
  LANCE_VERSION_NOT_FOUND = 5,
  /** A tag or a branch does not exist. */
  LANCE_REF_NOT_FOUND = 6,
  LANCE_FIELD_NOT_FOUND = 7,
  LANCE_INDEX_NOT_FOUND = 8,
  LANCE_ALREADY_EXISTS = 9,
  /** The data's schema does not fit the dataset's, or a type cannot be stored. */
  LANCE_SCHEMA_MISMATCH = 10,
  /** Another writer won and the retries are used up: commit again. */
  LANCE_COMMIT_CONFLICT = 11,
  /** Another writer changed what this operation read: redo the operation on the new version. */
  LANCE_COMMIT_CONFLICT_RETRYABLE = 12,
  /** Another writer did something this operation can never follow: do not retry. */
  LANCE_INCOMPATIBLE_TRANSACTION = 13,
  /** Too many writers at once; the time for retries is used up. */
  LANCE_CONTENTION = 14,
  /** The commit may or may not have landed. Look at the dataset before trying again. */
  LANCE_COMMIT_STATUS_UNKNOWN = 15,
  LANCE_TIMEOUT = 16,
  /** A tag or branch conflicts, versions cannot be mixed, or a prerequisite is missing. */
  LANCE_FAILED_PRECONDITION = 17,
  LANCE_NOT_SUPPORTED = 18,
  LANCE_IO = 19,
  /** A file is damaged, or shorter than its manifest says. */
  LANCE_CORRUPT = 20,
  LANCE_ARROW = 21,
  LANCE_EXECUTION = 22,
  LANCE_INDEX = 23,
  LANCE_NAMESPACE = 24,
  LANCE_RESOURCE_EXHAUSTED = 25,
  LANCE_FENCED = 26,
  LANCE_CANCELLED = 27,
  /** A reader or callback supplied by the caller failed. */
  LANCE_CALLBACK = 28,
  /** The process was forked after the library was first used; the child must not use it. */
  LANCE_FORKED = 29,
  /** A bug in this library or the engine was contained. The handle it happened on is unusable. */
  LANCE_PANIC = 30,
  LANCE_INTERNAL = 31
};

/** An error. Immutable, owned by whoever received it. */
typedef struct LanceError LanceError;

/** \brief The status code. `error` is borrowed; NULL gives #LANCE_OK. */
LANCE_API LanceStatusCode lance_error_code(const LanceError* error);

/** \brief One line saying what happened and, where it helps, what to do. Borrowed from `error`. */
LANCE_API const char* lance_error_message(const LanceError* error);

/** \brief Where it happened inside the engine, or "". For bug reports. Borrowed from `error`. */
LANCE_API const char* lance_error_detail(const LanceError* error);

/** \brief Free an error. NULL is accepted. */
LANCE_API void lance_error_free(LanceError* error);

/** \brief The name of a status code, for example "COMMIT_CONFLICT". Static storage; never NULL. */
LANCE_API const char* lance_status_name(LanceStatusCode code);

/** @} */

/** \brief Free a string that a function of this library returned as the caller's. NULL is accepted. */
LANCE_API void lance_string_free(char* string);

/** A borrowed pair of strings. */
typedef struct LanceKeyValue {
  const char* key;
  const char* value;
} LanceKeyValue;

/** \defgroup runtime Runtime
 *  The library runs one process-wide thread pool and one shared cache, both created at first use
 *  and never torn down.
 *  @{ */

typedef struct LanceRuntimeOptions {
  size_t struct_size;
  /** Threads that drive I/O and encoding. 0: the number of cores. */
  uint32_t io_threads;
  /** Threads that decode and compute. 0: the number of cores. */
  uint32_t cpu_threads;
  /** Budget of the shared index cache in bytes. 0: 256 MiB. */
  uint64_t index_cache_bytes;
  /** Budget of the shared metadata cache in bytes. 0: 128 MiB. */
  uint64_t metadata_cache_bytes;
} LanceRuntimeOptions;

#define LANCE_RUNTIME_OPTIONS_INIT {sizeof(LanceRuntimeOptions), 0, 0, 0, 0}

/** \brief Set the size of the runtime, before anything else uses it.
 *
 *  \param options borrowed.
 *  \return #LANCE_INVALID_STATE when the runtime already runs. */
LANCE_API LanceStatusCode lance_runtime_configure(const LanceRuntimeOptions* options, LanceError** error);

/** @} */

/** \defgroup dataset Dataset
 *  @{ */

/** One version of a dataset, open for reading. Immutable. */
typedef struct LanceDataset LanceDataset;

typedef struct LanceOpenOptions {
  size_t struct_size;
  /** The version to open; 0: the latest. With `branch`, a version of that branch. */
  uint64_t version;
  /** Open the version this tag points to. Excludes `version` and `branch`. NULL: none. */
  const char* tag;
  /** Open this branch. NULL: main. */
  const char* branch;
  /** Credentials and settings of the object store. */
  const LanceKeyValue* storage_options;
  size_t storage_options_count;
} LanceOpenOptions;

#define LANCE_OPEN_OPTIONS_INIT {sizeof(LanceOpenOptions), 0, NULL, NULL, NULL, 0}

/** \brief Open a dataset.
 *
 *  \param uri borrowed: a path, `file://`, `memory://`, `s3://`, `az://`, `abfss://` or `gs://` URI.
 *  \param options borrowed, may be NULL.
 *  \param out the caller's; lance_dataset_free(). */
LANCE_API LanceStatusCode lance_dataset_open(const char* uri, const LanceOpenOptions* options,
                                             LanceDataset** out, LanceError** error);

/** \brief Close a dataset. Streams made from it stay valid. NULL is accepted. */
LANCE_API void lance_dataset_free(LanceDataset* dataset);

typedef struct LanceDatasetInfo {
  size_t struct_size;
  uint64_t version;
  uint64_t fragments;
  /** Rows that a scan sees. */
  uint64_t rows;
  uint64_t deleted_rows;
  /** Bytes of the data files of this version. */
  uint64_t data_bytes;
  uint64_t data_files;
  /** The file format, major and minor, for example 2 and 2. */
  uint32_t storage_version_major;
  uint32_t storage_version_minor;
  /** 0 or 1. */
  int32_t stable_row_ids;
  /** Padding. Never read. */
  int32_t reserved;
} LanceDatasetInfo;

#define LANCE_DATASET_INFO_INIT {sizeof(LanceDatasetInfo), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/** \brief Describe the open version.
 *  \param out the caller's memory, with `struct_size` set; filled up to that size. */
LANCE_API LanceStatusCode lance_dataset_info(const LanceDataset* dataset, LanceDatasetInfo* out,
                                             LanceError** error);

/** \brief The schema. \param out the caller's; released through its `release`. */
LANCE_API LanceStatusCode lance_dataset_schema(const LanceDataset* dataset, struct ArrowSchema* out,
                                               LanceError** error);

/** \brief Count the rows, all of them or those that match.
 *  \param filter borrowed: a SQL expression; NULL counts all rows. */
LANCE_API LanceStatusCode lance_dataset_count_rows(const LanceDataset* dataset, const char* filter,
                                                   uint64_t* out, LanceError** error);

/** \brief Ask the store for the newest version's number, which other writers may have moved on. */
LANCE_API LanceStatusCode lance_dataset_latest_version(const LanceDataset* dataset, uint64_t* out,
                                                       LanceError** error);

/** \brief Read rows by their positions, in the order asked for.
 *
 *  \param indices borrowed: positions among the live rows, 0 being the first.
 *  \param columns borrowed: `column_count` names; NULL reads all columns.
 *  \param out_array, out_schema the caller's: one record batch as a struct array. */
LANCE_API LanceStatusCode lance_dataset_take(const LanceDataset* dataset, const uint64_t* indices,
                                             size_t index_count, const char* const* columns,
                                             size_t column_count, struct ArrowArray* out_array,
                                             struct ArrowSchema* out_schema, LanceError** error);

/** \brief Read rows by their row ids (column `_rowid` of a scan), in the order asked for.
 *  Ids of deleted rows are left out. Parameters as for lance_dataset_take(). */
LANCE_API LanceStatusCode lance_dataset_take_rows(const LanceDataset* dataset, const uint64_t* row_ids,
                                                  size_t row_id_count, const char* const* columns,
                                                  size_t column_count, struct ArrowArray* out_array,
                                                  struct ArrowSchema* out_schema, LanceError** error);

/** The fragments of one version. */
typedef struct LanceFragmentList LanceFragmentList;

typedef struct LanceFragmentInfo {
  size_t struct_size;
  uint64_t id;
  /** Live rows. */
  uint64_t rows;
  uint64_t deleted_rows;
  uint64_t data_files;
  /** Bytes of the data files; files of unknown size count 0. */
  uint64_t data_bytes;
} LanceFragmentInfo;

#define LANCE_FRAGMENT_INFO_INIT {sizeof(LanceFragmentInfo), 0, 0, 0, 0, 0}

/** \brief List the fragments. \param out the caller's; lance_fragment_list_free(). */
LANCE_API LanceStatusCode lance_dataset_fragments(const LanceDataset* dataset, LanceFragmentList** out,
                                                  LanceError** error);
/** \brief How many fragments. NULL gives 0. */
LANCE_API size_t lance_fragment_list_length(const LanceFragmentList* list);
/** \brief Describe one fragment. \param out the caller's memory, with `struct_size` set. */
LANCE_API LanceStatusCode lance_fragment_list_get(const LanceFragmentList* list, size_t index,
                                                  LanceFragmentInfo* out, LanceError** error);
LANCE_API void lance_fragment_list_free(LanceFragmentList* list);

/** The versions of a dataset that still exist, oldest first. */
typedef struct LanceVersionList LanceVersionList;

typedef struct LanceVersionInfo {
  size_t struct_size;
  uint64_t version;
  /** Microseconds since 1970-01-01 UTC. */
  int64_t timestamp_micros;
  /** What the engine recorded of this version; borrowed from the list. */
  const LanceKeyValue* metadata;
  size_t metadata_count;
} LanceVersionInfo;

#define LANCE_VERSION_INFO_INIT {sizeof(LanceVersionInfo), 0, 0, NULL, 0}

/** \brief List the versions. \param out the caller's; lance_version_list_free(). */
LANCE_API LanceStatusCode lance_dataset_versions(const LanceDataset* dataset, LanceVersionList** out,
                                                 LanceError** error);
/** \brief How many versions. NULL gives 0. */
LANCE_API size_t lance_version_list_length(const LanceVersionList* list);
/** \brief Describe one version. \param out the caller's memory, with `struct_size` set. */
LANCE_API LanceStatusCode lance_version_list_get(const LanceVersionList* list, size_t index,
                                                 LanceVersionInfo* out, LanceError** error);
LANCE_API void lance_version_list_free(LanceVersionList* list);

/** @} */

/** \defgroup scanner Scanner
 *  @{ */

/** A prepared query over one dataset version. Immutable: it may be run any number of times. */
typedef struct LanceScanner LanceScanner;

typedef struct LanceScanOptions {
  size_t struct_size;
  /** Columns to read; NULL reads all. A count of 0 with a non-NULL array reads none. Upper and lower case
   * differ. "a.b" is the field b of the struct a, and comes as a column "a.b"; odd names stand in backticks.
   * The system columns
   * `_rowid`, `_rowaddr` and `_rowoffset` may be named too. A name that does not exist is
   * #LANCE_FIELD_NOT_FOUND, one given twice #LANCE_INVALID_ARGUMENT. */
  const char* const* columns;
  size_t column_count;
  /** One SQL expression; NULL keeps all rows. What is wrong with it is #LANCE_INVALID_ARGUMENT, what it would
   * need too much memory for #LANCE_RESOURCE_EXHAUSTED. */
  const char* filter;
  /** The most rows to return; -1: no limit. */
  int64_t limit;
  /** Rows to skip first. */
  int64_t offset;
  /** The most rows per batch; 0: 8192, or 16384 where a filter takes out most of short rows. Of wide rows a
   * batch has fewer, about as many as take 32 MiB. */
  int64_t batch_size;
  /** 1 adds the column `_rowid`. */
  int32_t with_row_id;
  /** 1 adds the column `_rowaddr`. */
  int32_t with_row_address;
  /** 1 returns rows in dataset order, 0 in the order they become ready. */
  int32_t ordered;
  /** Batches decoded ahead of the reader; 0: the number of cores. */
  int32_t batch_readahead;
  /** Bytes read ahead of the decoder, exceeded only where it could not go on otherwise; 0: see the C++
   * ScanOptions::io_buffer_bytes. */
  uint64_t io_buffer_bytes;
} LanceScanOptions;

#define LANCE_SCAN_OPTIONS_INIT {sizeof(LanceScanOptions), NULL, 0, NULL, -1, 0, 0, 0, 0, 1, 0, 0}

/** \brief Prepare a scan. The filter is parsed and the columns are looked up now.
 *
 *  \param dataset borrowed; it may be freed before the scanner.
 *  \param options borrowed, may be NULL.
 *  \param out the caller's; lance_scanner_free(). */
LANCE_API LanceStatusCode lance_scanner_open(const LanceDataset* dataset, const LanceScanOptions* options,
                                             LanceScanner** out, LanceError** error);

/** \brief The schema of the batches. \param out the caller's; released through its `release`. */
LANCE_API LanceStatusCode lance_scanner_schema(const LanceScanner* scanner, struct ArrowSchema* out,
                                               LanceError** error);

/** \brief Run the scan.
 *
 *  \param out the caller's: a stream that reads lazily, released through its `release`. It is not
 *  thread-safe, keeps what it needs alive, and may outlive the scanner and the dataset. */
LANCE_API LanceStatusCode lance_scanner_to_stream(const LanceScanner* scanner, struct ArrowArrayStream* out,
                                                  LanceError** error);

/** \brief Why a stream of lance_scanner_to_stream() failed.
 *
 *  A stream's own `get_last_error` has the message alone; this is the error with its code and detail. It must
 * not be called while a callback of the stream runs.
 *
 *  \param stream borrowed; not one of this library, or released: #LANCE_INVALID_ARGUMENT.
 *  \param out the caller's: a copy, for lance_error_free(), or NULL when nothing failed. */
LANCE_API LanceStatusCode lance_stream_last_error(const struct ArrowArrayStream* stream, LanceError** out,
                                                  LanceError** error);

/** \brief Count the rows that the scan returns, without reading more than it takes. */
LANCE_API LanceStatusCode lance_scanner_count_rows(const LanceScanner* scanner, uint64_t* out,
                                                   LanceError** error);

/** \brief The query plan as text. \param out the caller's; lance_string_free(). */
LANCE_API LanceStatusCode lance_scanner_explain(const LanceScanner* scanner, char** out, LanceError** error);

LANCE_API void lance_scanner_free(LanceScanner* scanner);

/** @} */

/** \defgroup transaction Transaction
 *  @{ */

/** Data files that are written but belong to no version yet. */
typedef struct LanceTransaction LanceTransaction;

typedef struct LanceCommitResult {
  size_t struct_size;
  /** The version the commit made. */
  uint64_t version;
} LanceCommitResult;

#define LANCE_COMMIT_RESULT_INIT {sizeof(LanceCommitResult), 0}

/** \brief Commit one or more uncommitted writes to the same dataset as one new version.
 *
 *  The rows of the first transaction come first, and so on. All must have the same target, mode and
 *  schema; spellings of one place are one target. They conflict with what has been committed since the
 *  first of them was begun. The properties of all are kept: messages below one another; two values of any
 *  other key are refused. Before the commit the size of every new file is checked against what the encoder
 *  wrote.
 *
 *  A transaction that has a JSON form is committed once, whoever does it and however often: another commit
 *  returns the version that was made, also at the same time in another process. So a commit that returned
 *  #LANCE_COMMIT_STATUS_UNKNOWN is repeated to learn its outcome.
 *
 *  When the commit fails, the files are kept and the transactions can be committed again or discarded;
 *  after #LANCE_COMMIT_STATUS_UNKNOWN lance_transaction_discard() refuses. What has begun before the dataset
 *  or one of its columns was replaced fails with #LANCE_INCOMPATIBLE_TRANSACTION.
 *
 *  \param transactions borrowed: `count` handles. A committed transaction can only be freed.
 *  \param out the caller's memory, with `struct_size` set; may be NULL. */
LANCE_API LanceStatusCode lance_transaction_commit(LanceTransaction* const* transactions, size_t count,
                                                   LanceCommitResult* out, LanceError** error);

/** \brief Delete the files of an uncommitted write. Discarding twice is allowed.
 *
 *  #LANCE_INVALID_STATE, and nothing is deleted: a version has the files, or another process commits them.
 *  Of a commit and a discard at the same time one succeeds, or both fail and can be repeated. */
LANCE_API LanceStatusCode lance_transaction_discard(LanceTransaction* transaction, LanceError** error);

/** \brief Describe an uncommitted write so that another process can commit it. Storage options are not part
 *  of it; the place is absolute. \param out the caller's; lance_string_free(). */
LANCE_API LanceStatusCode lance_transaction_to_json(const LanceTransaction* transaction, char** out,
                                                    LanceError** error);

/** \brief Read what lance_transaction_to_json() wrote.
 *
 *  \param json borrowed.
 *  \param storage_options borrowed: the committing process's own.
 *  \param out the caller's; lance_transaction_free(). */
LANCE_API LanceStatusCode lance_transaction_from_json(const char* json, const LanceKeyValue* storage_options,
                                                      size_t storage_options_count, LanceTransaction** out,
                                                      LanceError** error);

/** \brief Free the handle. The files stay: another process may hold the JSON of this transaction. */
LANCE_API void lance_transaction_free(LanceTransaction* transaction);

/** @} */

/** \defgroup writer Writer
 *  A push-based writer: any number of batches, one atomic commit.
 *
 *  A writer has one or more *lanes*. A lane is an ordered sub-stream with an encoder of its own; the
 *  commit lists lane 0, then lane 1, and so on, and that is the dataset's row order. Memory is bounded
 *  by the bytes in flight of all lanes together.
 *
 *  All functions of a writer but lance_writer_free() may be called from several threads at once. Batches
 *  pushed to one lane by several threads are taken in the order of arrival.
 *  @{ */

typedef struct LanceWriter LanceWriter;

/** Instead of a lane: lane 0, or with `preserve_order` 0 whichever lane is free. */
#define LANCE_ANY_LANE UINT32_MAX

enum {
  /** Make a new dataset; an existing one is #LANCE_ALREADY_EXISTS. */
  LANCE_WRITE_CREATE = 0,
  /** Add rows to a dataset, which must exist. */
  LANCE_WRITE_APPEND = 1,
  /** Replace the rows and the schema in a new version; make the dataset if it does not exist. */
  LANCE_WRITE_OVERWRITE = 2
};

/** How much has been written so far. */
typedef struct LanceWriteStats {
  size_t struct_size;
  /** Batches and rows accepted by the writer, and their bytes in memory. */
  uint64_t batches;
  uint64_t rows;
  uint64_t bytes;
  /** Accepted but not encoded yet. */
  uint64_t bytes_in_flight;
  /** The most that was in flight at any time. */
  uint64_t peak_bytes_in_flight;
  /** Rows encoded, and bytes handed to the store. */
  uint64_t rows_written;
  uint64_t bytes_written;
  /** Completed data files. */
  uint64_t files_written;
} LanceWriteStats;

#define LANCE_WRITE_STATS_INIT {sizeof(LanceWriteStats), 0, 0, 0, 0, 0, 0, 0, 0}

/** Called now and then on a thread of the library while data is encoded. It must be quick, must not
 *  unwind and must not call this library, except that it may abort or free the writer. `stats` is borrowed.
 */
typedef void (*LanceWriteProgressFn)(void* context, const LanceWriteStats* stats);

/** An encoding hint for one column: `key` is the part after "lance-encoding:" of the format's field
 *  metadata, for example "compression" with the value "zstd". All strings are borrowed. */
typedef struct LanceColumnHint {
  /** A column, nested ones as "a.b". */
  const char* column;
  const char* key;
  const char* value;
} LanceColumnHint;

typedef struct LanceWriteOptions {
  size_t struct_size;
  /** One of LANCE_WRITE_CREATE, ... */
  int32_t mode;
  /** Ordered sub-streams with an encoder each; 0: 1. */
  uint32_t lanes;
  /** What #LANCE_ANY_LANE means. 1: lane 0. 0: whichever lane is free, so that row order is lost. */
  int32_t preserve_order;
  /** 1: row ids survive compaction. That is decided when a dataset is made: #LANCE_INVALID_ARGUMENT for one
   *  that has none. */
  int32_t stable_row_ids;
  /** The bound on bytes in flight; 0: per lane 48 MiB, and with more than 96 columns 512 KiB for each of
   * them; at least 64 MiB in all. One batch larger than this is still accepted, alone. */
  uint64_t max_bytes_in_flight;
  /** Start a new file after so many rows, at most 4294967295; 0: 1048576. */
  uint64_t max_rows_per_file;
  /** Start a new file after so many bytes (approximately); 0: 90 GiB. */
  uint64_t max_bytes_per_file;
  /** "2.0", "2.1", "2.2", "2.3", "stable" or "next"; NULL: the dataset's, and "2.2" for a new one. */
  const char* data_storage_version;
  /** Bytes of a lane's batches that are encoded together, to a page of each column or more; 0: 24 MiB, and
   * 256 KiB for each column when that is more. At most 1 GiB, and three quarters of a lane's share of
   * `max_bytes_in_flight`. */
  uint64_t encoder_cache_bytes;
  /** The largest page in bytes; 0: the engine's default. */
  uint64_t max_page_bytes;
  /** Kept with the version, for example {"__lance_commit_message", "nightly load"}. */
  const LanceKeyValue* transaction_properties;
  size_t transaction_properties_count;
  const LanceKeyValue* storage_options;
  size_t storage_options_count;
  /** Kept in the schema. Of a dataset that is appended to, they have to be its own. */
  const LanceColumnHint* column_hints;
  size_t column_hints_count;
  /** May be NULL. */
  LanceWriteProgressFn progress;
  void* progress_context;
  /** 1: a successful commit survives a power failure: files are synced before they get their names, and the
   *  directories after. 0 leaves that to the operating system. Object stores always store durably. */
  int32_t durable;
  /** 1: columns without an encoding hint get those that were measured to pay: decimals are stored with LZ4,
   *  short strings in dictionaries, 64-bit integers without one unless few differ, and values
   *  that rarely repeat never as runs. The schema of the dataset does not change. 0: the engine's own choice.
   */
  int32_t tuned_encodings;
} LanceWriteOptions;

#define LANCE_WRITE_OPTIONS_INIT \
  {sizeof(LanceWriteOptions),    \
   LANCE_WRITE_CREATE,           \
   1,                            \
   1,                            \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   NULL,                         \
   0,                            \
   0,                            \
   NULL,                         \
   0,                            \
   NULL,                         \
   0,                            \
   NULL,                         \
   0,                            \
   NULL,                         \
   NULL,                         \
   0,                            \
   1}

/** \brief Open a writer. Nothing is visible to readers before lance_writer_finish().
 *
 *  The mode, the schema and the target are checked now.
 *
 *  \param uri borrowed.
 *  \param schema consumed: a struct schema, one field per column.
 *  \param options borrowed, may be NULL. Its progress context must outlive the writer.
 *  \param out the caller's; lance_writer_free(). */
LANCE_API LanceStatusCode lance_writer_open(const char* uri, struct ArrowSchema* schema,
                                            const LanceWriteOptions* options, LanceWriter** out,
                                            LanceError** error);

/** \brief Hand over one record batch, to #LANCE_ANY_LANE. Blocks while the bytes in flight are at their
 * bound.
 *
 *  The buffers are used in place and released once, at the latest when lance_writer_finish(),
 *  lance_writer_finish_uncommitted(), lance_writer_abort() or lance_writer_free() returns. An
 *  earlier batch's failure is reported here, with its own code; nothing more is accepted then.
 *
 *  \param array consumed: a struct array with one child per column.
 *  \param schema consumed; may be NULL: the schema given at open stands. Otherwise it must equal that. */
LANCE_API LanceStatusCode lance_writer_write_batch(LanceWriter* writer, struct ArrowArray* array,
                                                   struct ArrowSchema* schema, LanceError** error);

/** \brief As lance_writer_write_batch(), to a lane of the caller's choice. */
LANCE_API LanceStatusCode lance_writer_write_batch_to_lane(LanceWriter* writer, uint32_t lane,
                                                           struct ArrowArray* array,
                                                           struct ArrowSchema* schema, LanceError** error);

/** \brief Drain a stream into a lane or #LANCE_ANY_LANE, on the calling thread.
 *  \param stream consumed. When it fails, the writer fails with #LANCE_CALLBACK and its message. */
LANCE_API LanceStatusCode lance_writer_write_stream(LanceWriter* writer, uint32_t lane,
                                                    struct ArrowArrayStream* stream, LanceError** error);

/** \brief How much has been written. \param out the caller's memory, with `struct_size` set. */
LANCE_API LanceStatusCode lance_writer_stats(const LanceWriter* writer, LanceWriteStats* out,
                                             LanceError** error);

/** \brief Write what is left, check every file, and commit once.
 *
 *  On failure nothing is committed and the files of this write are deleted (kept only after
 *  #LANCE_COMMIT_STATUS_UNKNOWN). Either way the writer is then closed.
 *
 *  \param out the caller's memory, with `struct_size` set; may be NULL. */
LANCE_API LanceStatusCode lance_writer_finish(LanceWriter* writer, LanceCommitResult* out,
                                              LanceError** error);

/** \brief Write what is left and check every file, but leave the commit to lance_transaction_commit().
 *  \param out the caller's; lance_transaction_free(). */
LANCE_API LanceStatusCode lance_writer_finish_uncommitted(LanceWriter* writer, LanceTransaction** out,
                                                          LanceError** error);

/** \brief Give up: commit nothing and delete every file of this write. May be called from another thread
 *  than the one that writes. Writing and finishing return #LANCE_CANCELLED from then on. Aborting twice is
 *  allowed. Inside a callback this only stops the write; the next abort or lance_writer_free() does the rest.
 */
LANCE_API LanceStatusCode lance_writer_abort(LanceWriter* writer, LanceError** error);

/** \brief Free a writer; one that is not finished is aborted. NULL is accepted. No progress is reported
 *  after it returns. Inside a callback it does not wait: a thread of the library releases the batches and
 *  deletes the files. */
LANCE_API void lance_writer_free(LanceWriter* writer);

/** @} */

/** \defgroup maintenance Maintenance
 *  Find damage, and remove what is no longer needed. These functions take a URI, because a damaged dataset
 * may not open.
 *  @{ */

/** What is wrong with a file. Values are frozen. */
typedef int32_t LanceProblemKind;

enum {
  /** A version needs a file that does not exist. */
  LANCE_PROBLEM_MISSING_FILE = 1,
  /** A file is shorter or longer than its manifest says. */
  LANCE_PROBLEM_WRONG_SIZE = 2,
  /** A manifest cannot be read, and so neither can its version. */
  LANCE_PROBLEM_UNREADABLE_MANIFEST = 3,
  /** The footer of a data file, or a deletion file, cannot be read. */
  LANCE_PROBLEM_UNREADABLE_FILE = 4,
  /** A file has, or deletes, another number of rows than its manifest says. */
  LANCE_PROBLEM_ROW_COUNT = 5,
  /** Values of a data file cannot be decoded. Found by deep checks only. */
  LANCE_PROBLEM_UNDECODABLE_DATA = 6,
  /** A tag or branch cannot be read, a tag points to a version that does not exist, or the files of a version
   *  are in a place that cannot be opened. */
  LANCE_PROBLEM_BROKEN_REFERENCE = 7
};

/** How far a check is. */
typedef struct LanceCheckProgress {
  size_t struct_size;
  uint64_t manifests;
  uint64_t files;
  /** Deep checks only. */
  uint64_t rows_decoded;
  /** In memory. */
  uint64_t bytes_decoded;
} LanceCheckProgress;

/** Called now and then on a thread of the library during a check, and once at its end. It must be quick, must
 *  not unwind and must not call this library. `progress` is borrowed. */
typedef void (*LanceCheckProgressFn)(void* context, const LanceCheckProgress* progress);

typedef struct LanceCheckOptions {
  size_t struct_size;
  /** Check this version of the main branch; 0: all versions of all branches. */
  uint64_t version;
  const LanceKeyValue* storage_options;
  size_t storage_options_count;
  /** May be NULL. */
  LanceCheckProgressFn progress;
  void* progress_context;
  /** 1 decodes every row of every column, too. */
  int32_t deep;
  /** Padding. Never read. */
  int32_t reserved;
} LanceCheckOptions;

#define LANCE_CHECK_OPTIONS_INIT {sizeof(LanceCheckOptions), 0, NULL, 0, NULL, NULL, 0, 0}

/** What a check has found: a list of problems, and totals. */
typedef struct LanceCheckReport LanceCheckReport;

typedef struct LanceCheckSummary {
  size_t struct_size;
  uint64_t problems;
  /** Manifests looked at, and versions whose manifest could be read. */
  uint64_t manifests;
  uint64_t versions;
  /** Files that versions need, each counted once, and the rows in them, deleted ones included. */
  uint64_t data_files;
  uint64_t deletion_files;
  uint64_t index_files;
  uint64_t rows;
  /** Bytes of the manifests, and of the files that are sound. */
  uint64_t bytes;
  /** Versions whose transaction file does not exist. They can be read. */
  uint64_t missing_transactions;
  /** Files that belong to no version, and files that are still being written: left behind by crashed writers,
   *  or of writes in progress. Not counted when one version is checked or a manifest cannot be read. */
  uint64_t orphans;
  uint64_t orphan_bytes;
  uint64_t temporary_files;
  uint64_t temporary_bytes;
} LanceCheckSummary;

#define LANCE_CHECK_SUMMARY_INIT {sizeof(LanceCheckSummary), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

typedef struct LanceCheckProblem {
  size_t struct_size;
  /** The newest version concerned; 0 if that is not known. */
  uint64_t version;
  /** Relative to the dataset, or a URI of a file outside it. Borrowed from the report. */
  const char* path;
  /** One line. Borrowed from the report. */
  const char* message;
  /** One of LANCE_PROBLEM_MISSING_FILE, ... */
  LanceProblemKind kind;
  /** Padding. Never read. */
  int32_t reserved;
} LanceCheckProblem;

#define LANCE_CHECK_PROBLEM_INIT {sizeof(LanceCheckProblem), 0, NULL, NULL, 0, 0}

/** \brief Check that every manifest can be read, and that every data, deletion and index file exists, has the
 *  size its manifest says, and, but for index files, can be opened and has as many rows.
 *
 *  Damage is no failure: the call returns #LANCE_OK and reports problems. It fails when it cannot check, for
 *  example because there is no dataset. What is written meanwhile by others may be left out, and is no
 * problem.
 *
 *  Not found are wrong values that decode, and a version whose manifest was deleted, unless it is the newest
 *  one of a local dataset or a tag points to it: it looks like one that was cleaned up.
 *
 *  \param uri borrowed.
 *  \param options borrowed, may be NULL.
 *  \param out the caller's; lance_check_report_free(). */
LANCE_API LanceStatusCode lance_dataset_check(const char* uri, const LanceCheckOptions* options,
                                              LanceCheckReport** out, LanceError** error);
/** \brief The totals. \param out the caller's memory, with `struct_size` set. */
LANCE_API LanceStatusCode lance_check_report_summary(const LanceCheckReport* report, LanceCheckSummary* out,
                                                     LanceError** error);
/** \brief How many problems. NULL gives 0. */
LANCE_API size_t lance_check_report_length(const LanceCheckReport* report);
/** \brief Describe one problem. \param out the caller's memory, with `struct_size` set. */
LANCE_API LanceStatusCode lance_check_report_get(const LanceCheckReport* report, size_t index,
                                                 LanceCheckProblem* out, LanceError** error);
LANCE_API void lance_check_report_free(LanceCheckReport* report);

typedef struct LanceCleanupOptions {
  size_t struct_size;
  /** Remove versions older than so many seconds; -1: of any age. */
  int64_t older_than_seconds;
  /** Remove versions that are not among so many of the newest; 0: of any number. With neither this nor
   *  `older_than_seconds` no version is removed; with both, those that both allow. */
  uint64_t keep_versions;
  /** Remove files that belong to no version when they are older than this. It must be longer than any write
   *  takes from its first file to its commit, uncommitted transactions included: their files belong to no
   * version yet. 0 states that nobody is writing. The default is 7 days. */
  int64_t orphan_min_age_seconds;
  const LanceKeyValue* storage_options;
  size_t storage_options_count;
  /** 1 removes nothing, and reports what would be removed. */
  int32_t dry_run;
  /** Padding. Never read. */
  int32_t reserved;
} LanceCleanupOptions;

#define LANCE_CLEANUP_OPTIONS_INIT {sizeof(LanceCleanupOptions), -1, 0, 604800, NULL, 0, 0, 0}

/** What was removed. */
typedef struct LanceCleanupResult {
  size_t struct_size;
  uint64_t versions;
  uint64_t data_files;
  /** Files of deletions, indices and transactions. */
  uint64_t other_files;
  /** Files that were still being written. */
  uint64_t temporary_files;
  /** Of all these, manifests included. */
  uint64_t bytes;
} LanceCleanupResult;

#define LANCE_CLEANUP_RESULT_INIT {sizeof(LanceCleanupResult), 0, 0, 0, 0, 0}

/** \brief Remove old versions of the main branch with the files that only they need, and files that belong to
 * no version: of crashed writers, temporary ones, unused transactions.
 *
 *  The latest version stays, and so do tagged ones, those that a branch began from, and detached ones. A file
 * stays when a version that stays names it, on any branch, however that version gives its place. Files of
 * unknown names stay, as do unfinished multipart uploads of object stores, which a lifecycle rule of the
 * bucket removes. When a manifest, a tag or a branch cannot be read, nothing is removed. An interrupted
 * cleanup leaves no version unreadable.
 *
 *  The files that a shallow clone reads stay when the clone is below the dataset's directory or beside it.
 * Clones elsewhere are not found: tag the versions they were made from, and these stay.
 *
 *  \param uri borrowed. That of a branch, `.../tree/NAME`, removes old versions of this branch instead.
 *  \param options borrowed, may be NULL.
 *  \param out the caller's memory, with `struct_size` set. */
LANCE_API LanceStatusCode lance_dataset_cleanup(const char* uri, const LanceCleanupOptions* options,
                                                LanceCleanupResult* out, LanceError** error);

/** @} */

#ifdef __cplusplus
}
#endif

#endif /* LANCE_C_LANCE_H_ */
