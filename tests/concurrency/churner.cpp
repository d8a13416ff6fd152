// Appends, deletes, updates and upserts rows whose keys are its own, and compacts and indexes all, until its
// time is over. It prints what its rows have to be, a line for each: the key and the value; then, after the
// word "did", how often each operation was acknowledged and how often another process was in its way.
//
// usage: churner URI NUMBER PROCESSES MILLISECONDS

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "model/random.h"
#include "support/datasets.h"

namespace lance_test {
namespace {

using arrow::Result;
using arrow::Status;
using lance::Dataset;
using lance::ErrorCode;

using DatasetPtr = std::shared_ptr<Dataset>;
using Rows = std::map<int64_t, int64_t>;

/// Where a process has more rows, it deletes some.
constexpr size_t kManyRows = 300;

/// Somebody else was faster, and nothing has happened.
bool IsConflict(const Status& status) {
  switch (lance::GetErrorCode(status)) {
    case ErrorCode::kCommitConflict:
    case ErrorCode::kCommitConflictRetryable:
    case ErrorCode::kContention:
      return true;
    default:
      return false;
  }
}

Result<std::shared_ptr<arrow::RecordBatch>> BatchOf(const Rows& rows) {
  arrow::Int64Builder keys;
  arrow::Int64Builder values;
  for (const auto& [key, value] : rows) {
    ARROW_RETURN_NOT_OK(keys.Append(key));
    ARROW_RETURN_NOT_OK(values.Append(value));
  }
  ARROW_ASSIGN_OR_RAISE(const auto key_array, keys.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto value_array, values.Finish());
  const auto schema =
      arrow::schema({arrow::field("key", arrow::int64(), false), arrow::field("value", arrow::int64())});
  return arrow::RecordBatch::Make(schema, key_array->length(), {key_array, value_array});
}

class Churner {
 public:
  Churner(std::string uri, int64_t number, int64_t processes)
      : uri_(std::move(uri)),
        processes_(processes),
        next_key_(number),
        random_(static_cast<uint64_t>(number)) {}

  Status Run(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    ARROW_ASSIGN_OR_RAISE(dataset_, Dataset::Open(uri_));
    while (std::chrono::steady_clock::now() < end) {
      const auto& [name, operation] = random_.Of(operations_);
      ARROW_ASSIGN_OR_RAISE(dataset_, dataset_->Latest());
      const Status status = operation();
      if (status.ok()) {
        ++acknowledged_[name];
      } else if (IsConflict(status)) {
        ++conflicts_[name];
      } else {
        return status.WithMessage(name, ": ", status.message());
      }
    }
    return Status::OK();
  }

  void Print() const {
    for (const auto& [key, value] : rows_) std::cout << key << ' ' << value << '\n';
    std::cout << "did\n";
    for (const auto& [name, operation] : operations_) {
      std::cout << name << ' ' << Count(acknowledged_, name) << ' ' << Count(conflicts_, name) << '\n';
    }
  }

 private:
  static int64_t Count(const std::map<std::string, int64_t>& counts, const std::string& name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  }

  Rows NewRows(int64_t count) {
    Rows rows;
    for (; count > 0; --count, next_key_ += processes_) rows.emplace(next_key_, random_.Below(1000));
    return rows;
  }

  /// Some rows, which follow each other; as SQL, too.
  std::pair<int64_t, int64_t> SomeKeys() {
    const auto first = std::next(rows_.begin(), random_.Below(static_cast<int64_t>(rows_.size())));
    return {first->first, first->first + processes_ * random_.Below(rows_.size() > kManyRows ? 200 : 20)};
  }

  std::string Where(std::pair<int64_t, int64_t> keys) const {
    return "key BETWEEN " + std::to_string(keys.first) + " AND " + std::to_string(keys.second) +
           " AND key % " + std::to_string(processes_) + " = " + std::to_string(keys.first % processes_);
  }

  Status Append() {
    const Rows rows = NewRows(random_.Between(1, 20));
    ARROW_ASSIGN_OR_RAISE(const auto batch, BatchOf(rows));
    lance::WriteOptions options;
    options.mode = lance::WriteMode::kAppend;
    ARROW_RETURN_NOT_OK(WriteBatches(uri_, {batch}, options));
    rows_.insert(rows.begin(), rows.end());
    return Status::OK();
  }

  Status Delete() {
    if (rows_.empty()) return Status::OK();
    const auto keys = SomeKeys();
    ARROW_RETURN_NOT_OK(dataset_->Delete(Where(keys)));
    rows_.erase(rows_.lower_bound(keys.first), rows_.upper_bound(keys.second));
    return Status::OK();
  }

  Status Update() {
    if (rows_.empty()) return Status::OK();
    const auto keys = SomeKeys();
    lance::UpdateOptions options;
    options.filter = Where(keys);
    ARROW_RETURN_NOT_OK(dataset_->Update({{"value", "value + 1"}}, options));
    for (auto row = rows_.lower_bound(keys.first); row != rows_.upper_bound(keys.second); ++row)
      ++row->second;
    return Status::OK();
  }

  Status Upsert() {
    Rows rows = NewRows(random_.Between(0, 10));
    if (!rows_.empty()) {
      const auto [first, last] = SomeKeys();
      for (auto row = rows_.lower_bound(first); row != rows_.upper_bound(last); ++row) {
        rows.emplace(row->first, random_.Below(1000));
      }
    }
    ARROW_ASSIGN_OR_RAISE(const auto batch, BatchOf(rows));
    ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({batch}));
    lance::MergeInsertOptions options;
    options.on = {{"key"}};
    ARROW_RETURN_NOT_OK(dataset_->MergeInsert(reader, options));
    for (const auto& [key, value] : rows) rows_.insert_or_assign(key, value);
    return Status::OK();
  }

  Status Compact() {
    lance::CompactOptions options;
    options.target_rows_per_fragment = 200;
    return dataset_->Compact(options).status();
  }

  Status OptimizeIndices() { return dataset_->OptimizeIndices().status(); }

  const std::string uri_;
  const int64_t processes_;
  int64_t next_key_;
  Random random_;
  DatasetPtr dataset_;
  Rows rows_;
  std::map<std::string, int64_t> acknowledged_;
  std::map<std::string, int64_t> conflicts_;
  const std::vector<std::pair<std::string, std::function<Status()>>> operations_ = {
      {"append", [this] { return Append(); }},   {"delete", [this] { return Delete(); }},
      {"update", [this] { return Update(); }},   {"upsert", [this] { return Upsert(); }},
      {"compact", [this] { return Compact(); }}, {"optimize", [this] { return OptimizeIndices(); }},
  };
};

}  // namespace
}  // namespace lance_test

int main(int argc, char** argv) {
  if (argc != 5) return EXIT_FAILURE;
  lance_test::Churner churner(argv[1], std::atoll(argv[2]), std::atoll(argv[3]));
  const arrow::Status status = churner.Run(std::chrono::milliseconds(std::atoll(argv[4])));
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  churner.Print();
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
