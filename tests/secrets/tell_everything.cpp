// Does everything that can be done to a dataset, well or badly, and prints all that the library tells about
// it: tell_everything URI DIRECTORY [OPTION=VALUE]...
//
// The options are storage options. DIRECTORY is for a dataset that can be written for certain, whose
// transactions are then committed to URI.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"

namespace {

using arrow::Status;

void Tell(const std::string& what, const Status& status) {
  std::cout << what << ": " << status.ToString() << '\n';
  if (status.ok()) return;
  std::cout << "  message: " << status.message() << '\n';
  if (status.detail() != nullptr) std::cout << "  detail: " << status.detail()->ToString() << '\n';
  if (const auto detail = lance::LanceStatusDetail::UnwrapStatus(status))
    std::cout << "  origin: " << detail->origin() << '\n';
}

/// Tell of a result; the value, if there is one.
template <typename T>
T* Tell(const std::string& what, arrow::Result<T>& result) {
  Tell(what, result.status());
  return result.ok() ? &*result : nullptr;
}

template <typename T>
T* Tell(const std::string& what, arrow::Result<T>&& result) {
  return Tell(what, result);
}

std::shared_ptr<arrow::RecordBatch> Batch() {
  const auto schema = arrow::schema({arrow::field("id", arrow::int64())});
  const auto ids = arrow::MakeArrayFromScalar(arrow::Int64Scalar(7), 3).ValueOrDie();
  return arrow::RecordBatch::Make(schema, 3, {ids});
}

/// Whether there is something to read.
bool Read(const std::string& uri, const lance::OpenOptions& options) {
  auto opened = lance::Dataset::Open(uri, options);
  if (Tell("open", opened) == nullptr) return false;
  const lance::Dataset& dataset = **opened;
  std::cout << dataset.uri() << '\n' << dataset.schema()->ToString(true) << '\n';
  Tell("info", dataset.Info());
  Tell("latest", dataset.LatestVersion());
  Tell("fragments", dataset.Fragments());
  Tell("bad filter", dataset.CountRows("nosuch = 1"));
  Tell("bad row", dataset.Take({1000}));
  Tell("bad column", dataset.Take({0}, std::vector<std::string>{"nosuch"}));
  auto versions = dataset.Versions();
  if (const auto* list = Tell("versions", versions)) {
    for (const auto& version : *list)
      for (const auto& [key, value] : version.metadata) std::cout << key << '=' << value << '\n';
  }
  auto scanner = dataset.Scan({.filter = "id > 1"});
  if (Tell("scan", scanner) == nullptr) return true;
  auto splits = (*scanner)->Splits(2);
  if (const auto* list = Tell("splits", splits)) {
    for (const auto& split : *list) std::cout << split.text << '\n';
  }
  auto bytes = dataset.Serialize();
  if (const auto* described = Tell("bytes", bytes)) std::cout << (*described)->ToString() << '\n';
  auto plan = (*scanner)->Explain();
  if (const auto* text = Tell("explain", plan)) std::cout << *text << '\n';
  Tell("table", (*scanner)->ToTable());
  return true;
}

/// Write and end in one of the ways that a write ends; whether it began.
template <typename End>
bool Write(const std::string& uri, const lance::WriteOptions& options, const End& end) {
  auto writer = lance::LanceWriter::Open(uri, Batch()->schema(), options);
  if (Tell("writer", writer) == nullptr) return false;
  Tell("write", (*writer)->Write(*Batch()));
  Tell("write of another schema",
       (*writer)->Write(*arrow::RecordBatch::MakeEmpty(arrow::schema({})).ValueOrDie()));
  end(**writer);
  return true;
}

void WriteAndRead(const std::string& uri, const lance::StorageOptions& storage) {
  for (const auto mode :
       {lance::WriteMode::kCreate, lance::WriteMode::kAppend, lance::WriteMode::kOverwrite}) {
    const lance::WriteOptions options{.mode = mode, .commit_message = "a message", .storage = storage};
    if (!Write(uri, options, [](lance::LanceWriter& writer) { Tell("abort", writer.Abort()); })) continue;
    Write(uri, options, [](lance::LanceWriter& writer) {
      Tell("finish", writer.Finish());
      Tell("finish again", writer.Finish());
    });
  }
  // Where there is nothing, another version is not there for the same reason.
  if (!Read(uri, {.storage = storage})) return;
  Read(uri, {.version = 77, .storage = storage});
  Read(uri, {.tag = "nosuch", .storage = storage});
  Read(uri, {.branch = "nosuch", .storage = storage});
}

/// Commit and discard what was written to `local`, as if it had been written to `uri`.
void Transact(const std::string& local, const std::string& uri, const lance::StorageOptions& storage) {
  const lance::WriteOptions options{.mode = lance::WriteMode::kOverwrite, .storage = storage};
  Write(local, options, [&](lance::LanceWriter& writer) {
    auto transaction = writer.FinishUncommitted();
    if (Tell("finish uncommitted", transaction) == nullptr) return;
    auto json = transaction->ToJson();
    if (Tell("json", json) == nullptr) return;
    std::cout << *json << '\n';
    Tell("json cut short", lance::Transaction::FromJson(json->substr(0, json->size() / 2), storage));
    std::string moved = *json;
    if (const size_t at = moved.find(local); at != std::string::npos) moved.replace(at, local.size(), uri);
    auto elsewhere = lance::Transaction::FromJson(moved, storage);
    if (Tell("json of another place", elsewhere) == nullptr) return;
    Tell("commit", elsewhere->Commit());
    Tell("commit again", elsewhere->Commit());
    Tell("discard", elsewhere->Discard());
    auto told = elsewhere->ToJson();
    if (Tell("json after all", told) != nullptr) std::cout << *told << '\n';
  });
}

void Maintain(const std::string& uri, const lance::StorageOptions& storage) {
  auto report = lance::CheckDataset(uri, {.deep = true, .storage = storage});
  if (const auto* found = Tell("check", report)) {
    for (const auto& problem : found->problems) std::cout << problem.path << ": " << problem.message << '\n';
  }
  Tell("cleanup", lance::CleanupDataset(uri, {.keep_versions = 1, .storage = storage}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  lance::StorageOptions storage;
  for (int i = 3; i < argc; ++i) {
    const std::string option = argv[i];
    const size_t equals = option.find('=');
    storage.Set(option.substr(0, equals), option.substr(equals + 1));
  }
  std::cout << storage.ToString() << '\n';
  const std::string uri = argv[1];
  WriteAndRead(uri, storage);
  Transact(std::string(argv[2]) + "/local.lance", uri, storage);
  Maintain(uri, storage);
  return 0;
}
