// Option structs and out structs of any size and contents: each call, in either form, works or is refused
// with an error, and reads and writes no further than `struct_size`.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "generated_fields.h"
#include "guarded_bytes.h"
#include "input.h"
#include "lance/c/lance.h"
#include "library_call.h"

namespace lance_test {
namespace {

/// The structs of one run, and the strings and arrays they point to.
class Arguments {
 public:
  explicit Arguments(Input& input) : input_(input), form_(input.Byte()) {}

  /// Make a call in the form that the input has chosen.
  template <typename... Blocking, typename... Async, typename... Args>
  LanceStatusCode Call(LanceStatusCode (*blocking)(Blocking...), LanceStatusCode (*async)(Async...),
                       Args... args) const {
    if (form_ < 0x80) return lance_test::Call(blocking, args...);
    return CallAsync(/*cancels=*/form_ % 2 == 1, async, args...);
  }

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

  /// Text with the end of a string, or with a length and no byte behind it.
  LanceText Text() {
    if (input_.Byte() < 0xc0) return LANCE_TEXT(String());
    const std::string text = input_.Text(20);
    char* bytes = New<char>(text.size());
    std::copy(text.begin(), text.end(), bytes);
    return {bytes, text.size()};
  }

  /// An expression, mostly.
  LanceText OptionalText() {
    const uint8_t choice = input_.Byte();
    if (choice < 0xc0) return LANCE_NO_TEXT;
    return choice < 0xf0 ? LANCE_TEXT("int > 3") : Text();
  }

  const char* Column() {
    static constexpr const char* kColumns[] = {"int",    "string", "struct.a",
                                               "_rowid", "list",   "no such column"};
    return input_.Byte() >= 0xe0 ? String() : input_.OneOf(kColumns);
  }

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
    Array(items, count, [this] { return LanceKeyValue{Text(), Text()}; });
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
  const uint8_t form_;
  std::deque<std::string> strings_;
  size_t used_ = 0;
  static std::deque<GuardedBytes> guards_;
};

std::deque<GuardedBytes> Arguments::guards_;

/// A function in both its forms.
#define BOTH(function) function, function##_async

/// A call that fills a sized out struct.
template <typename Out, typename MakeCall>
void Describe(Arguments& arguments, const Out& init, MakeCall call) {
  Out* out = arguments.Sized(init);
  const size_t size = out == nullptr ? 0 : out->struct_size;
  call(out);
  Check(out == nullptr || out->struct_size == size, "the struct_size of an out struct stays");
}

void Open(Arguments& arguments) {
  const LanceOpenOptions options = Fill(arguments, LanceOpenOptions LANCE_OPEN_OPTIONS_INIT);
  LanceDataset* opened = nullptr;
  arguments.Call(BOTH(lance_dataset_open), TableUri().c_str(), arguments.Sized(options), &opened);
  const DatasetPtr dataset(opened);
  Describe(arguments, LanceDatasetInfo LANCE_DATASET_INFO_INIT,
           [&](auto* out) { arguments.Call(BOTH(lance_dataset_info), dataset.get(), out); });
}

void Scan(Arguments& arguments) {
  const LanceScanOptions options = Fill(arguments, LanceScanOptions LANCE_SCAN_OPTIONS_INIT);
  const DatasetPtr table = OpenTable();
  LanceScanner* opened = nullptr;
  arguments.Call(BOTH(lance_scanner_open), table.get(), arguments.Sized(options), &opened);
  const ScannerPtr scanner(opened);
  uint64_t rows = 0;
  arguments.Call(BOTH(lance_scanner_count_rows), scanner.get(), &rows);
  ArrowArrayStream stream{};
  if (arguments.Call(BOTH(lance_scanner_to_stream), scanner.get(), &stream) == LANCE_OK) Drain(&stream);
}

void Take(Arguments& arguments) {
  const uint64_t* indices;
  size_t index_count;
  const char* const* columns;
  size_t column_count;
  arguments.Array(&indices, &index_count, [&] { return arguments.Number(uint64_t{3}); });
  arguments.Array(&columns, &column_count, [&] { return arguments.Column(); });
  const DatasetPtr table = OpenTable();
  ArrowArray array{};
  ArrowSchema schema{};
  const uint8_t way = arguments.input().Byte();
  if (way < 128) {
    const bool by_id = way % 2 == 1;
    const auto take = by_id ? lance_dataset_take_rows : lance_dataset_take;
    const auto take_async = by_id ? lance_dataset_take_rows_async : lance_dataset_take_async;
    arguments.Call(take, take_async, table.get(), indices, index_count, columns, column_count, &array,
                   &schema);
  } else {
    const LanceTakeOptions options = Fill(arguments, LanceTakeOptions LANCE_TAKE_OPTIONS_INIT);
    const bool by_address = way % 2 == 1;
    const auto take = by_address ? lance_dataset_take_addresses : lance_dataset_take_positions;
    const auto take_async =
        by_address ? lance_dataset_take_addresses_async : lance_dataset_take_positions_async;
    arguments.Call(take, take_async, table.get(), indices, index_count, arguments.Sized(options), &array,
                   &schema);
  }
  if (array.release == nullptr) return;
  array.release(&array);
  schema.release(&schema);
}

void Lists(Arguments& arguments) {
  const DatasetPtr table = OpenTable();
  const auto list = [&](auto* blocking, auto* async) {
    ArrowArrayStream* none = nullptr;
    ArrowArrayStream stream{};
    const bool asks = arguments.input().Byte() < 0xc0;
    if (arguments.Call(blocking, async, table.get(), asks ? &stream : none) == LANCE_OK) Drain(&stream);
  };
  list(BOTH(lance_dataset_fragments));
  list(BOTH(lance_dataset_versions));
}

/// Write a few rows, and take them back before they are committed.
void Write(Arguments& arguments) {
  const LanceWriteOptions options = Fill(arguments, LanceWriteOptions LANCE_WRITE_OPTIONS_INIT);
  LanceWriter* opened = nullptr;
  ArrowSchema schema = SmallSchema();
  arguments.Call(BOTH(lance_writer_open), "memory://fuzz/write", &schema, arguments.Sized(options), &opened);
  Check(schema.release == nullptr, "the schema is consumed");
  const WriterPtr writer(opened);
  for (int i = 0; i < 2; ++i) {
    ArrowArray array = SmallArray();
    arguments.Call(BOTH(lance_writer_write_batch_to_lane), writer.get(), arguments.Number(LANCE_ANY_LANE),
                   &array, static_cast<ArrowSchema*>(nullptr));
    Check(array.release == nullptr, "the array is consumed");
  }
  Describe(arguments, LanceWriteStats LANCE_WRITE_STATS_INIT,
           [&](auto* out) { Call(lance_writer_stats, writer.get(), out); });
  LanceTransaction* finished = nullptr;
  arguments.Call(BOTH(lance_writer_finish_uncommitted), writer.get(), &finished);
  const TransactionPtr transaction(finished);
  arguments.Call(BOTH(lance_transaction_discard), transaction.get());
}

/// Only what is no transaction, so that nothing is committed.
void Commit(Arguments& arguments) {
  LanceTransaction* const* transactions;
  size_t count;
  arguments.Array(&transactions, &count, [] { return static_cast<LanceTransaction*>(nullptr); });
  Describe(arguments, LanceCommitResult LANCE_COMMIT_RESULT_INIT,
           [&](auto* out) { arguments.Call(BOTH(lance_transaction_commit), transactions, count, out); });
}

void ConfigureRuntime(Arguments& arguments) {
  TableUri();
  const LanceRuntimeOptions options = Fill(arguments, LanceRuntimeOptions LANCE_RUNTIME_OPTIONS_INIT);
  Check(Call(lance_runtime_configure, arguments.Sized(options)) != LANCE_OK, "the runtime runs already");
}

void CheckDataset(Arguments& arguments) {
  const LanceCheckOptions options = Fill(arguments, LanceCheckOptions LANCE_CHECK_OPTIONS_INIT);
  const auto* given = arguments.Sized(options);
  ArrowArrayStream problems{};
  Describe(arguments, LanceCheckSummary LANCE_CHECK_SUMMARY_INIT, [&](auto* out) {
    const char* uri = TableUri().c_str();
    if (arguments.Call(BOTH(lance_dataset_check), uri, given, out, &problems) == LANCE_OK) Drain(&problems);
  });
}

void Cleanup(Arguments& arguments) {
  const LanceCleanupOptions options = Fill(arguments, LanceCleanupOptions LANCE_CLEANUP_OPTIONS_INIT);
  const auto* given = arguments.Sized(options);
  Describe(arguments, LanceCleanupResult LANCE_CLEANUP_RESULT_INIT,
           [&](auto* out) { arguments.Call(BOTH(lance_dataset_cleanup), TableUri().c_str(), given, out); });
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
