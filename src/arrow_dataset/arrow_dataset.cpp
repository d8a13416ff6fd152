#include "lance/arrow_dataset.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrow/compute/expression.h"
#include "arrow/dataset/dataset.h"
#include "arrow/dataset/projector.h"
#include "arrow/dataset/scanner.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/async_generator.h"
#include "arrow/util/future.h"
#include "arrow/util/iterator.h"
#include "arrow/util/thread_pool.h"
#include "arrow_dataset/filter_internal.h"
#include "lance/dataset.h"
#include "lance/scanner.h"
#include "lance/status.h"

namespace lance::inline v0 {
namespace {

namespace ds = arrow::dataset;

using arrow::Future;
using arrow::Result;
using arrow::Status;
using arrow::StopToken;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using DatasetPtr = std::shared_ptr<ds::Dataset>;
using ScannerPtr = std::shared_ptr<Scanner>;

/// The names of columns in the form that leaves nothing to be parsed.
std::vector<std::string> Quoted(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const auto& name : names) {
    std::string& out = quoted.emplace_back("`");
    for (const char c : name) out.append(c == '`' ? 2 : 1, c);
    out.push_back('`');
  }
  return quoted;
}

/// Columns of the dataset that the projection and the filter of a scan need, in the dataset's order.
std::vector<std::string> NamesToRead(const ds::ScanOptions& options, const arrow::Schema& dataset) {
  std::vector<bool> is_read(static_cast<size_t>(dataset.num_fields()));
  for (const auto& column : options.MaterializedFields()) {
    const auto path = column.FindOne(*options.dataset_schema);
    // The columns of the scan itself, such as the name of the file, are not in the schema.
    if (!path.ok()) continue;
    const int index = dataset.GetFieldIndex(options.dataset_schema->field(path->indices()[0])->name());
    if (index >= 0) is_read[static_cast<size_t>(index)] = true;
  }
  std::vector<std::string> names;
  for (int i = 0; i < dataset.num_fields(); ++i) {
    if (is_read[static_cast<size_t>(i)]) names.push_back(dataset.field(i)->name());
  }
  return names;
}

/// Prepare a scan; without its filter where the engine does not take it.
Future<ScannerPtr> Prepare(std::shared_ptr<Dataset> dataset, ScanOptions options, const StopToken& stop) {
  auto scanner = dataset->ScanAsync(options, stop);
  if (options.filter_substrait == nullptr) return scanner;
  options.filter_substrait = nullptr;
  return scanner.Then([](const ScannerPtr& scanner) { return Future<ScannerPtr>::MakeFinished(scanner); },
                      [dataset = std::move(dataset), options = std::move(options), stop](const Status&) {
                        return dataset->ScanAsync(options, stop);
                      });
}

/// Where Arrow goes on: the engine's threads must not wait, and do none of the host's work.
arrow::internal::Executor* HostExecutor() { return arrow::internal::GetCpuThreadPool(); }

class LanceFragment : public ds::Fragment {
 public:
  LanceFragment(std::shared_ptr<Dataset> dataset, const FragmentInfo& info)
      : Fragment(arrow::compute::literal(true), dataset->schema()),
        dataset_(std::move(dataset)),
        id_(info.id),
        rows_(static_cast<int64_t>(info.rows)) {}

  Result<ds::RecordBatchGenerator> ScanBatchesAsync(
      const std::shared_ptr<ds::ScanOptions>& options) override {
    const auto names = NamesToRead(*options, *dataset_->schema());
    ScanOptions scan = Wanted(options->filter, *options).scan;
    scan.columns = Quoted(names);
    scan.batch_size = std::clamp<int64_t>(options->batch_size, 1, std::numeric_limits<uint32_t>::max());
    scan.batch_readahead = options->use_threads ? std::max(1, options->batch_readahead) : 1;

    const StopToken stop = options->io_context.stop_token();
    auto batches = Prepare(dataset_, std::move(scan), stop).Then([stop](const ScannerPtr& scanner) {
      return scanner->ToGenerator(stop);
    });
    return arrow::MakeTransferredGenerator(
        arrow::MakeMappedGenerator(arrow::MakeFromFuture(std::move(batches)),
                                   [names](const BatchPtr& batch) { return batch->RenameColumns(names); }),
        HostExecutor());
  }

  Future<std::optional<int64_t>> CountRows(arrow::compute::Expression predicate,
                                           const std::shared_ptr<ds::ScanOptions>& options) override {
    using Count = std::optional<int64_t>;
    Request request = Wanted(predicate, *options);
    if (!request.is_exact) return Future<Count>::MakeFinished(Count());
    if (request.scan.filter_substrait == nullptr) return Future<Count>::MakeFinished(Count(rows_));
    request.scan.columns.emplace();
    const StopToken stop = options->io_context.stop_token();
    auto count = dataset_->ScanAsync(request.scan, stop)
                     .Then([stop](const ScannerPtr& scanner) { return scanner->CountRowsAsync(stop); })
                     .Then([](uint64_t rows) { return Count(static_cast<int64_t>(rows)); },
                           // The scan that follows tells what is wrong.
                           [](const Status&) { return Count(); });
    return HostExecutor()->Transfer(std::move(count));
  }

  std::string type_name() const override { return "lance"; }

  std::string ToString() const override {
    return "fragment " + std::to_string(id_) + " of " + dataset_->uri();
  }

 protected:
  Result<std::shared_ptr<arrow::Schema>> ReadPhysicalSchemaImpl() override { return dataset_->schema(); }

 private:
  struct Request {
    ScanOptions scan;
    /// Whether what comes is filtered.
    bool is_exact;
  };

  /// Rows of this fragment that may pass a filter.
  Request Wanted(const arrow::compute::Expression& filter, const ds::ScanOptions& options) const {
    auto pushdown = internal::PushDown(filter, *options.dataset_schema, *dataset_->schema());
    Request request;
    request.scan.filter_substrait = std::move(pushdown.filter);
    request.scan.fragments = std::vector<uint64_t>{id_};
    request.is_exact = pushdown.is_exact;
    return request;
  }

  const std::shared_ptr<Dataset> dataset_;
  const uint64_t id_;
  const int64_t rows_;
};

class LanceDataset : public ds::Dataset {
 public:
  LanceDataset(std::shared_ptr<arrow::Schema> schema, ds::FragmentVector fragments)
      : Dataset(std::move(schema)), fragments_(std::move(fragments)) {}

  std::string type_name() const override { return "lance"; }

  Result<DatasetPtr> ReplaceSchema(std::shared_ptr<arrow::Schema> schema) const override {
    ARROW_RETURN_NOT_OK(ds::CheckProjectable(*schema_, *schema));
    return std::make_shared<LanceDataset>(std::move(schema), fragments_);
  }

 protected:
  Result<ds::FragmentIterator> GetFragmentsImpl(arrow::compute::Expression) override {
    return arrow::MakeVectorIterator(fragments_);
  }

 private:
  const ds::FragmentVector fragments_;
};

Status CheckUsable(const std::shared_ptr<Dataset>& dataset) {
  if (dataset != nullptr) return internal::InitializeCompute();
  constexpr ErrorCode kCode = ErrorCode::kInvalidArgument;
  return Status(ArrowStatusCode(kCode), "dataset is NULL", std::make_shared<LanceStatusDetail>(kCode, ""));
}

DatasetPtr Make(const std::shared_ptr<Dataset>& dataset, const std::vector<FragmentInfo>& infos) {
  ds::FragmentVector fragments;
  for (const auto& info : infos) fragments.push_back(std::make_shared<LanceFragment>(dataset, info));
  return std::make_shared<LanceDataset>(dataset->schema(), std::move(fragments));
}

}  // namespace

Result<DatasetPtr> MakeArrowDataset(std::shared_ptr<Dataset> dataset, const StopToken& stop) {
  ARROW_RETURN_NOT_OK(CheckUsable(dataset));
  ARROW_ASSIGN_OR_RAISE(const auto infos, dataset->Fragments(stop));
  return Make(dataset, infos);
}

Future<DatasetPtr> MakeArrowDatasetAsync(std::shared_ptr<Dataset> dataset, const StopToken& stop) {
  ARROW_RETURN_NOT_OK(CheckUsable(dataset));
  return dataset->FragmentsAsync(stop).Then(
      [dataset](const std::vector<FragmentInfo>& infos) { return Make(dataset, infos); });
}

}  // namespace lance::inline v0
