#include "library_call.h"

#include <cctype>
#include <functional>
#include <set>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "arrow/util/logging.h"
#include "check.h"
#include "support/generators.h"

namespace lance_test {
namespace {

/// What libFuzzer looks at beside its own counters.
constexpr size_t kCounters = 1 << 14;
__attribute__((used, section("__libfuzzer_extra_counters"))) uint8_t counters[kCounters];

std::shared_ptr<arrow::Schema> TableSchema() {
  using arrow::field;
  return arrow::schema(
      {field("int", arrow::int64()), field("small", arrow::uint8()), field("float", arrow::float64()),
       field("decimal", arrow::decimal128(10, 2)), field("bool", arrow::boolean()),
       field("string", arrow::utf8()), field("binary", arrow::binary()), field("date", arrow::date32()),
       field("time", arrow::timestamp(arrow::TimeUnit::MICRO)), field("list", arrow::list(arrow::int32())),
       field("struct", arrow::struct_({field("a", arrow::int32()), field("b", arrow::utf8())})),
       field("dictionary", arrow::dictionary(arrow::int32(), arrow::utf8()))});
}

std::string current_input;

/// Each is told once, so that it can be reported to the engine.
void ReportPanic(const std::string& text) {
  static std::set<std::string> known;
  if (known.insert(text).second) {
    std::fprintf(stderr, "\ncontained panic: %s\n  input: ", text.c_str());
    for (const char c : current_input) std::fprintf(stderr, std::isprint(c) ? "%c" : "\\x%02x", c & 0xff);
    std::fputc('\n', stderr);
  }
  Check(text.find("(rust/") == std::string::npos, "the library itself does not panic");
}

}  // namespace

void Begin(std::string_view input) { current_input = input; }

void Reached(std::string_view text) {
  constexpr std::string_view kQuotes = "'\"`";
  constexpr size_t kMost = 160;
  std::string kind;
  bool is_quoted = false;
  for (const char c : text) {
    if (kind.size() == kMost) break;
    const bool is_quote = kQuotes.find(c) != std::string_view::npos;
    if (is_quote) is_quoted = !is_quoted;
    if (!is_quoted && !is_quote && !std::isdigit(static_cast<unsigned char>(c))) kind += c;
  }
  counters[std::hash<std::string>()(kind) % kCounters] = 1;
}

LanceStatusCode Judge(LanceStatusCode status, LanceError* error) {
  Check((status == LANCE_OK) == (error == nullptr), "a failure and only a failure comes with an error");
  if (error == nullptr) return status;
  Check(lance_error_code(error) == status, "the error has the code that was returned");
  const std::string message = lance_error_message(error);
  Check(!message.empty(), "an error has a text");
  Check(message.find('\n') == std::string::npos, "an error has one line");
  if (status == LANCE_PANIC) ReportPanic(message + " (" + lance_error_detail(error) + ")");
  Reached(lance_status_name(status) + message);
  lance_error_free(error);
  return status;
}

void Tell(void* end, LanceStatusCode status, LanceError* error) {
  auto& told = *static_cast<End*>(end);
  told = {.times = told.times + 1, .status = status, .error = error};
}

LanceStatusCode Judge(const End& end) {
  Check(end.times == 1, "the end of a call is told once");
  return Judge(end.status, end.error);
}

LanceStatusCode CheckNotBegun(const End& end, const LanceOperation* operation, LanceStatusCode started) {
  Check(end.times == 0 && operation == nullptr, "a call that cannot begin has no end");
  return started;
}

const std::string& TableUri() {
  static const std::string uri = [] {
    const std::string uri = "memory://fuzz/table";
    ArrowSchema schema{};
    ARROW_CHECK_OK(arrow::ExportSchema(*TableSchema(), &schema));
    LanceWriter* writer = nullptr;
    Check(Call(lance_writer_open, uri.c_str(), &schema, static_cast<const LanceWriteOptions*>(nullptr),
               &writer) == LANCE_OK,
          "the table is made");
    for (uint64_t i = 0; i < 2; ++i) {
      ArrowArray array{};
      ARROW_CHECK_OK(arrow::ExportRecordBatch(*MakeBatch(TableSchema(), 20, i), &array));
      Check(Call(lance_writer_write_batch, writer, &array, static_cast<ArrowSchema*>(nullptr)) == LANCE_OK,
            "the table is written");
    }
    Check(Call(lance_writer_finish, writer, static_cast<LanceCommitResult*>(nullptr)) == LANCE_OK,
          "the table is committed");
    lance_writer_free(writer);
    return uri;
  }();
  return uri;
}

DatasetPtr OpenTable() {
  LanceDataset* dataset = nullptr;
  Check(Call(lance_dataset_open, TableUri().c_str(), static_cast<const LanceOpenOptions*>(nullptr),
             &dataset) == LANCE_OK,
        "the table opens");
  return DatasetPtr(dataset);
}

ArrowSchema SmallSchema() {
  ArrowSchema schema{};
  ARROW_CHECK_OK(arrow::ExportSchema(*SimpleSchema(), &schema));
  return schema;
}

ArrowArray SmallArray() {
  static const std::shared_ptr<arrow::RecordBatch> batch = SimpleBatch(0, 20);
  ArrowArray array{};
  ARROW_CHECK_OK(arrow::ExportRecordBatch(*batch, &array));
  return array;
}

void Drain(ArrowArrayStream* stream) {
  for (;;) {
    ArrowArray array{};
    if (stream->get_next(stream, &array) != 0) {
      const char* text = stream->get_last_error(stream);
      Check(text != nullptr && *text != '\0', "a failed stream has a text");
      if (std::string_view(text).find("the engine panicked") != std::string_view::npos) ReportPanic(text);
      Reached(text);
      break;
    }
    if (array.release == nullptr) break;
    array.release(&array);
  }
  stream->release(stream);
}

}  // namespace lance_test
