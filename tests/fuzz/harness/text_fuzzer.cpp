// Texts that users write: filters, also as Substrait, expressions, columns, URIs, names of branches and tags;
// and what travels between processes: transactions, splits and datasets. Each is taken or refused with an
// error. The first byte of an input says which it is.

#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "input.h"
#include "library_call.h"

namespace lance_test {
namespace {

void Run(LanceScanner* scanner) {
  char* plan = nullptr;
  if (Call(lance_scanner_explain, scanner, &plan) == LANCE_OK) Reached(plan);
  lance_string_free(plan);
  ArrowArrayStream stream{};
  if (Call(lance_scanner_to_stream, scanner, &stream) == LANCE_OK) Drain(&stream);
}

void Scan(const LanceScanOptions& options) {
  static DatasetPtr table;
  if (!table) table = OpenTable();
  LanceScanner* scanner = nullptr;
  const LanceStatusCode status = Call(lance_scanner_open, table.get(), &options, &scanner);
  if (status == LANCE_OK) Run(scanner);
  if (status == LANCE_PANIC) table.reset();
  lance_scanner_free(scanner);
}

void Filter(const std::string& text) {
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.filter = {text.data(), text.size()};
  Scan(options);
}

void Substrait(const std::string& message) {
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.filter_substrait = reinterpret_cast<const uint8_t*>(message.data());
  options.filter_substrait_length = message.size();
  Scan(options);
}

/// Computed, sorted by, and grouped by.
void Expression(const std::string& text) {
  const LanceKeyValue expression = {LANCE_TEXT("x"), {text.data(), text.size()}};
  const LanceSortKey key = {"x", 1, 1};
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.expressions = &expression;
  options.expression_count = 1;
  Scan(options);
  options.order_by = &key;
  options.order_by_count = 1;
  Scan(options);
  const char* const group = "x";
  const LanceAggregate count = {LANCE_AGGREGATE_COUNT, 0, nullptr, nullptr};
  options.group_by = &group;
  options.group_by_count = 1;
  options.aggregates = &count;
  options.aggregate_count = 1;
  Scan(options);
}

/// Columns, one a line.
void Columns(const std::string& text) {
  std::vector<std::string> names;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::vector<const char*> columns;
  for (const std::string& name : names) columns.push_back(name.c_str());
  LanceScanOptions options = LANCE_SCAN_OPTIONS_INIT;
  options.columns = columns.data();
  options.column_count = columns.size();
  Scan(options);
}

void Open(const std::string& uri, const char* branch, const char* tag) {
  LanceOpenOptions options = LANCE_OPEN_OPTIONS_INIT;
  options.branch = branch;
  options.tag = tag;
  LanceDataset* dataset = nullptr;
  if (Call(lance_dataset_open, uri.c_str(), &options, &dataset) == LANCE_OK) Reached("opened " + uri);
  lance_dataset_free(dataset);
}

/// A URI, unless it could name a server: other schemes than these reach for the network.
void Uri(const std::string& text) {
  static constexpr std::string_view kLocal[] = {"memory://", "file://", "file-object-store://",
                                                "no-such-scheme://"};
  bool is_local = text.find(':') == std::string::npos;
  for (const std::string_view scheme : kLocal) is_local |= text.starts_with(scheme);
  if (is_local) Open(text, nullptr, nullptr);
}

void Json(const std::string& text) {
  LanceTransaction* parsed = nullptr;
  if (Call(lance_transaction_from_json, LanceText{text.data(), text.size()},
           static_cast<const LanceKeyValue*>(nullptr), size_t{0}, &parsed) != LANCE_OK) {
    return;
  }
  const TransactionPtr transaction(parsed);
  char* json = nullptr;
  Check(Call(lance_transaction_to_json, transaction.get(), &json) == LANCE_OK,
        "a transaction that was read can be written");
  Reached(json);
  lance_string_free(json);
}

void Split(const std::string& text) {
  LanceScanner* scanner = nullptr;
  if (Call(lance_scanner_open_split, LanceText{text.data(), text.size()},
           static_cast<const LanceAccessOptions*>(nullptr), &scanner) == LANCE_OK) {
    Run(scanner);
  }
  lance_scanner_free(scanner);
}

void Dataset(const std::string& bytes) {
  LanceDataset* dataset = nullptr;
  Call(lance_dataset_deserialize, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
       static_cast<const LanceAccessOptions*>(nullptr), &dataset);
  lance_dataset_free(dataset);
}

}  // namespace
}  // namespace lance_test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lance_test;
  Input input(data, size);
  const char kind = static_cast<char>(input.Byte());
  const std::string text = input.Rest();
  Begin(kind + text);
  switch (kind) {
    case 'f':
      Filter(text);
      break;
    case 's':
      Substrait(text);
      break;
    case 'e':
      Expression(text);
      break;
    case 'c':
      Columns(text);
      break;
    case 'u':
      Uri(text);
      break;
    case 'b':
      Open(TableUri(), text.c_str(), nullptr);
      break;
    case 't':
      Open(TableUri(), nullptr, text.c_str());
      break;
    case 'j':
      Json(text);
      break;
    case 'p':
      Split(text);
      break;
    case 'd':
      Dataset(text);
      break;
    default:
      return -1;
  }
  return 0;
}
