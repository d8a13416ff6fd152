// Option structs and out structs of any size and contents: each call works or is refused with an error, and
// reads and writes no further than `struct_size`.

#include <cstddef>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "guarded_bytes.h"
#include "input.h"
#include "lance/c/lance.h"
#include "library_call.h"

namespace lance_test {
namespace {

/// The structs of one run, and the strings and arrays they point to.
class Arguments {
 public:
  explicit Arguments(Input& input) : input_(input) {}

  Input& input() { return input_; }

  /// A number: the default, or one that somebody might get wrong.
  template <typename T>
  T Number(T good) {
    using Limits = std::numeric_limits<T>;
    switch (input_.Byte() & 0x0f) {
      case 1:
        return Limits::min();
      case 2:
        return Limits::max();
      case 3:
        return static_cast<T>(-1);
      case 4:
        return 0;
      case 5:
        return 1;
      case 6:
        return 2;
      case 7:
        return static_cast<T>(input_.Byte());
      case 8:
        return input_.Raw<T>();
      default:
        return good;
    }
  }

  const char* String() {
    static constexpr const char* kKnown[] = {
        "id",   "name", "2.0",  "2.1",  "2.2",           "2.3",           "next", "stable",
        "main", "zstd", "lz4",  "fsst", "bss",           "auto",          "-1",   "0",
        "1",    "19",   "true", "none", "rle-threshold", "minichunk-size"};
    const uint8_t choice = input_.Byte();
    if (choice == 0xff) return nullptr;
    if (choice < 0xc0) return kKnown[choice % std::size(kKnown)];
    return strings_.emplace_back(input_.Text(20)).c_str();
  }

  const char* OptionalString() { return input_.Byte() < 0xc0 ? nullptr : String(); }

  /// An array and its count; a wrong count is one that cannot be true.
  template <typename T, typename Make>
  void Array(const T** items, size_t* count, Make make) {
    const uint8_t choice = input_.Byte();
    *items = nullptr;
    *count = 0;
    if (choice < 0xa0) return;
    if (choice >= 0xf0) {
      *count = input_.OneOf({size_t{1}, SIZE_MAX, SIZE_MAX / sizeof(T), SIZE_MAX / 2});
      // NULL goes with no count, and a pointer with none that memory cannot hold.
      if (choice % 2 == 1 && *count > 1) *items = New<T>(1);
      return;
    }
    *count = choice % 4;
    T* made = New<T>(*count);
    for (size_t i = 0; i < *count; ++i) made[i] = make();
    *items = made;
  }

  void KeyValues(const LanceKeyValue** items, size_t* count) {
    Array(items, count, [this] { return LanceKeyValue{String(), String()}; });
  }

  /// NULL or a copy of `options` with a `struct_size` of its own, and as much memory.
  template <typename T>
  T* Sized(T value) {
    size_t size = sizeof(T);
    switch (input_.Byte()) {
      case 0xf0:
        return nullptr;
      case 0xf1:
        // An older or newer caller.
        size = input_.Byte();
        break;
      case 0xf2:
        size = sizeof(T) + 8;
        break;
    }
    value.struct_size = size;
    return Guard().Place(value, std::max(size, sizeof(size_t)));
  }

 private:
  template <typename T>
  T* New(size_t count) {
    return Guard().Place(T{}, count * sizeof(T));
  }

  GuardedBytes& Guard() {
    if (used_ == guards_.size()) guards_.emplace_back();
    return guards_[used_++];
  }

  Input& input_;
  std::deque<std::string> strings_;
  size_t used_ = 0;
  static std::deque<GuardedBytes> guards_;
};

std::deque<GuardedBytes> Arguments::guards_;

/// A call whose last parameters are a sized out struct and the error.
template <typename Out, typename... Params, typename... Args>
void Describe(Arguments& arguments, const Out& init, LanceStatusCode (*function)(Params...), Args... args) {
  Out* out = arguments.Sized(init);
  const size_t size = out == nullptr ? 0 : out->struct_size;
  Call(function, args..., out);
  Check(out == nullptr || out->struct_size == size, "the struct_size of an out struct stays");
}

void Open(Arguments& arguments) {
  LanceOpenOptions options = LANCE_OPEN_OPTIONS_INIT;
  options.version = arguments.Number(options.version);
  options.tag = arguments.OptionalString();
  options.branch = arguments.OptionalString();
  arguments.KeyValues(&options.storage_options, &options.storage_options_count);
  LanceDataset* opened = nullptr;
  Call(lance_dataset_open, TableUri().c_str(), arguments.Sized(options), &opened);
  const DatasetPtr dataset(opened);
  Describe(arguments, LanceDatasetInfo LANCE_DATASET_INFO_INIT, lance_dataset_info, dataset.get());
}

const char* Column(Arguments& arguments) {
  static constexpr const char* kColumns[] = {"int", "string", "struct.a", "_rowid", "list", "no such column"};
  return arguments.input().Byte() >= 0xe0 ? arguments.String() : arguments.input().OneOf(kColumns);
}

void Scan(Arguments& arguments) {
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  arguments.Array(&options.columns, &options.column_count, [&] { return Column(arguments); });
  if (arguments.input().Byte() >= 0xc0) options.filter = "int > 3";
  options.limit = arguments.Number(options.limit);
  options.offset = arguments.Number(options.offset);
  options.batch_size = arguments.Number(options.batch_size);
  options.with_row_id = arguments.Number(options.with_row_id);
  options.with_row_address = arguments.Number(options.with_row_address);
  options.ordered = arguments.Number(options.ordered);
  options.batch_readahead = arguments.Number(options.batch_readahead);
  options.io_buffer_bytes = arguments.Number(options.io_buffer_bytes);
  const DatasetPtr table = OpenTable();
  LanceScanner* opened = nullptr;
  Call(lance_scanner_open, table.get(), arguments.Sized(options), &opened);
  const ScannerPtr scanner(opened);
  uint64_t rows = 0;
  Call(lance_scanner_count_rows, scanner.get(), &rows);
  ArrowArrayStream stream{};
  if (Call(lance_scanner_to_stream, scanner.get(), &stream) == LANCE_OK) Drain(&stream);
}

void Take(Arguments& arguments) {
  const uint64_t* indices;
  size_t index_count;
  const char* const* columns;
  size_t column_count;
  arguments.Array(&indices, &index_count, [&] { return arguments.Number(uint64_t{3}); });
  arguments.Array(&columns, &column_count, [&] { return Column(arguments); });
  const DatasetPtr table = OpenTable();
  const auto take = arguments.input().Byte() % 2 == 0 ? lance_dataset_take : lance_dataset_take_rows;
  ArrowArray array{};
  ArrowSchema schema{};
  if (Call(take, table.get(), indices, index_count, columns, column_count, &array, &schema) != LANCE_OK)
    return;
  array.release(&array);
  schema.release(&schema);
}

void Lists(Arguments& arguments) {
  const DatasetPtr table = OpenTable();
  LanceFragmentList* fragments = nullptr;
  Call(lance_dataset_fragments, table.get(), &fragments);
  Describe(arguments, LanceFragmentInfo LANCE_FRAGMENT_INFO_INIT, lance_fragment_list_get, fragments,
           arguments.Number(size_t{0}));
  lance_fragment_list_free(fragments);
  LanceVersionList* versions = nullptr;
  Call(lance_dataset_versions, table.get(), &versions);
  Describe(arguments, LanceVersionInfo LANCE_VERSION_INFO_INIT, lance_version_list_get, versions,
           arguments.Number(size_t{0}));
  lance_version_list_free(versions);
}

/// Write a few rows, and take them back before they are committed.
void Write(Arguments& arguments) {
  LanceWriteOptions options = LANCE_WRITE_OPTIONS_INIT;
  options.mode = arguments.Number(options.mode);
  options.lanes = arguments.Number(options.lanes);
  options.preserve_order = arguments.Number(options.preserve_order);
  options.stable_row_ids = arguments.Number(options.stable_row_ids);
  options.max_bytes_in_flight = arguments.Number(options.max_bytes_in_flight);
  options.max_rows_per_file = arguments.Number(options.max_rows_per_file);
  options.max_bytes_per_file = arguments.Number(options.max_bytes_per_file);
  options.data_storage_version = arguments.OptionalString();
  options.encoder_cache_bytes = arguments.Number(options.encoder_cache_bytes);
  options.max_page_bytes = arguments.Number(options.max_page_bytes);
  arguments.KeyValues(&options.transaction_properties, &options.transaction_properties_count);
  arguments.KeyValues(&options.storage_options, &options.storage_options_count);
  arguments.Array(&options.column_hints, &options.column_hints_count, [&] {
    return LanceColumnHint{arguments.String(), arguments.String(), arguments.String()};
  });
  if (arguments.input().Byte() % 2 == 1) options.progress = [](void*, const LanceWriteStats*) {};
  options.durable = arguments.Number(options.durable);
  options.tuned_encodings = arguments.Number(options.tuned_encodings);

  LanceWriter* opened = nullptr;
  ArrowSchema schema = SmallSchema();
  Call(lance_writer_open, "memory://fuzz/write", &schema, arguments.Sized(options), &opened);
  Check(schema.release == nullptr, "the schema is consumed");
  const WriterPtr writer(opened);
  for (int i = 0; i < 2; ++i) {
    ArrowArray array = SmallArray();
    Call(lance_writer_write_batch_to_lane, writer.get(), arguments.Number(LANCE_ANY_LANE), &array,
         static_cast<ArrowSchema*>(nullptr));
    Check(array.release == nullptr, "the array is consumed");
  }
  Describe(arguments, LanceWriteStats LANCE_WRITE_STATS_INIT, lance_writer_stats, writer.get());
  LanceTransaction* finished = nullptr;
  Call(lance_writer_finish_uncommitted, writer.get(), &finished);
  const TransactionPtr transaction(finished);
  Call(lance_transaction_discard, transaction.get());
}

/// Only what is no transaction, so that nothing is committed.
void Commit(Arguments& arguments) {
  LanceTransaction* const* transactions;
  size_t count;
  arguments.Array(&transactions, &count, [] { return static_cast<LanceTransaction*>(nullptr); });
  Describe(arguments, LanceCommitResult LANCE_COMMIT_RESULT_INIT, lance_transaction_commit, transactions,
           count);
}

void ConfigureRuntime(Arguments& arguments) {
  TableUri();
  LanceRuntimeOptions options = LANCE_RUNTIME_OPTIONS_INIT;
  options.io_threads = arguments.Number(options.io_threads);
  Check(Call(lance_runtime_configure, arguments.Sized(options)) != LANCE_OK, "the runtime runs already");
}

void CheckDataset(Arguments& arguments) {
  LanceCheckOptions options = LANCE_CHECK_OPTIONS_INIT;
  options.version = arguments.Number(options.version);
  arguments.KeyValues(&options.storage_options, &options.storage_options_count);
  if (arguments.input().Byte() % 2 == 1) options.progress = [](void*, const LanceCheckProgress*) {};
  options.deep = arguments.Number(options.deep);
  LanceCheckReport* report = nullptr;
  Call(lance_dataset_check, TableUri().c_str(), arguments.Sized(options), &report);
  Describe(arguments, LanceCheckSummary LANCE_CHECK_SUMMARY_INIT, lance_check_report_summary, report);
  Describe(arguments, LanceCheckProblem LANCE_CHECK_PROBLEM_INIT, lance_check_report_get, report,
           arguments.Number(size_t{0}));
  lance_check_report_free(report);
}

void Cleanup(Arguments& arguments) {
  LanceCleanupOptions options = LANCE_CLEANUP_OPTIONS_INIT;
  options.older_than_seconds = arguments.Number(options.older_than_seconds);
  options.keep_versions = arguments.Number(options.keep_versions);
  options.orphan_min_age_seconds = arguments.Number(options.orphan_min_age_seconds);
  arguments.KeyValues(&options.storage_options, &options.storage_options_count);
  options.dry_run = arguments.Number(options.dry_run);
  Describe(arguments, LanceCleanupResult LANCE_CLEANUP_RESULT_INIT, lance_dataset_cleanup, TableUri().c_str(),
           arguments.Sized(options));
}

constexpr void (*kCalls[])(Arguments&) = {Open,         Scan,   Take, Lists, Write, Commit, ConfigureRuntime,
                                          CheckDataset, Cleanup};

}  // namespace
}  // namespace lance_test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lance_test;
  Begin({reinterpret_cast<const char*>(data), size});
  Input input(data, size);
  const auto call = input.OneOf(kCalls);
  Arguments arguments(input);
  call(arguments);
  return 0;
}
