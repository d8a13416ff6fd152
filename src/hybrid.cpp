#include "lance/hybrid.h"

#include <algorithm>
#include <exception>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "arrow/array.h"
#include "arrow/builder.h"
#include "arrow/record_batch.h"
#include "arrow/table.h"
#include "arrow/type.h"
#include "arrow/util/future.h"
#include "arrow/util/thread_pool.h"
#include "ffi/error_internal.h"
#include "ffi/operation_internal.h"
#include "lance/dataset.h"
#include "lance/scanner.h"

namespace lance::inline v0 {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using Batches = std::vector<arrow::Result<BatchPtr>>;

constexpr char kRowId[] = "_rowid";
constexpr char kDistance[] = "_distance";
constexpr char kScore[] = "_score";
constexpr char kRelevance[] = "_relevance_score";

arrow::Status Refuse(const std::string& why) {
  return internal::MakeStatus(ErrorCode::kInvalidArgument, why);
}

/// Get a column that the search itself has made.
template <typename ArrayT>
arrow::Result<std::shared_ptr<ArrayT>> Column(const arrow::RecordBatch& batch, const char* name) {
  auto column = std::dynamic_pointer_cast<ArrayT>(batch.GetColumnByName(name));
  if (column != nullptr) return column;
  return internal::MakeStatus(ErrorCode::kInternal, std::string("a search has no column ") + name);
}

arrow::Result<std::vector<uint64_t>> RowIds(const arrow::RecordBatch& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto column, Column<arrow::UInt64Array>(batch, kRowId));
  return std::vector<uint64_t>(column->raw_values(), column->raw_values() + column->length());
}

/// The value of each row; of a row that comes several times the first one, which is the best.
using Values = std::unordered_map<uint64_t, float>;

arrow::Result<Values> ValuesOf(const arrow::RecordBatch& batch, const char* name) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, RowIds(batch));
  ARROW_ASSIGN_OR_RAISE(const auto column, Column<arrow::FloatArray>(batch, name));
  Values values;
  for (int64_t i = 0; i < column->length(); ++i)
    values.emplace(rows[static_cast<size_t>(i)], column->Value(i));
  return values;
}

/// The best first.
void Sort(std::vector<RankedRow>* rows) {
  std::stable_sort(rows->begin(), rows->end(),
                   [](const RankedRow& a, const RankedRow& b) { return a.score > b.score; });
}

/// What was asked for, and how it is answered. The steps between are made by whoever waits.
class Hybrid {
 public:
  Hybrid(std::shared_ptr<Dataset> dataset, const ScanOptions& scan, const HybridOptions& options,
         arrow::StopToken stop)
      : dataset_(std::move(dataset)), scan_(scan), options_(options), stop_(std::move(stop)) {}

  arrow::Status Check() const {
    if (dataset_ == nullptr) return Refuse("the dataset is NULL");
    if (scan_.nearest == nullptr || !scan_.full_text.has_value()) {
      return Refuse("a hybrid search needs both nearest and full_text");
    }
    if (scan_.search_filter != SearchFilter::kNone) {
      return Refuse("search_filter makes one of the searches a filter, and so is not for a hybrid search");
    }
    if (!scan_.order_by.empty() || !scan_.aggregates.empty() || !scan_.group_by.empty()) {
      return Refuse(
          "a hybrid search has an order of its own: order_by, aggregates and group_by are not for it");
    }
    if (scan_.with_row_address || scan_.include_deleted_rows) {
      return Refuse("with_row_address and include_deleted_rows are not for a hybrid search");
    }
    if (scan_.limit.value_or(0) < 0 || scan_.offset < 0 || options_.full_text_rows < 1) {
      return Refuse("limit and offset must be at least 0, and full_text_rows at least 1");
    }
    if (!(options_.rank_constant >= 0)) return Refuse("rank_constant must be at least 0");
    return scan_.full_text->status();
  }

  /// Run both searches at once.
  arrow::Future<Batches> Search() const {
    ScanOptions nearest = OneOf(scan_);
    nearest.full_text.reset();
    ScanOptions full_text = OneOf(scan_);
    full_text.nearest.reset();
    full_text.index_segments.clear();
    full_text.limit = options_.full_text_rows;
    return arrow::All<BatchPtr>({Run(nearest), Run(full_text)});
  }

  /// What was found.
  arrow::Status Keep(const Batches& found) {
    ARROW_ASSIGN_OR_RAISE(nearest_, found[0]);
    ARROW_ASSIGN_OR_RAISE(full_text_, found[1]);
    if (nearest_->GetColumnByName("query_index") != nullptr) {
      return Refuse("a hybrid search takes one vector, and no batch of them");
    }
    ARROW_ASSIGN_OR_RAISE(distances_, ValuesOf(*nearest_, kDistance));
    ARROW_ASSIGN_OR_RAISE(scores_, ValuesOf(*full_text_, kScore));
    return arrow::Status::OK();
  }

  /// Rank it, and choose the rows of the answer.
  arrow::Status Rank() {
    ARROW_RETURN_NOT_OK(internal::CheckStop(stop_));
    if (options_.reranker) {
      ARROW_ASSIGN_OR_RAISE(ranking_, Rerank());
    } else {
      ARROW_ASSIGN_OR_RAISE(auto nearest, RowIds(*nearest_));
      ARROW_ASSIGN_OR_RAISE(auto full_text, RowIds(*full_text_));
      ranking_ = FuseRanks({std::move(nearest), std::move(full_text)}, options_.rank_constant);
    }
    const auto rows = static_cast<int64_t>(ranking_.size());
    const int64_t first = std::min(scan_.offset, rows);
    const int64_t count = std::min(scan_.limit.value_or(rows), rows - first);
    ranking_ = {ranking_.begin() + first, ranking_.begin() + first + count};
    return arrow::Status::OK();
  }

  arrow::Result<BatchPtr> Take() const {
    ARROW_ASSIGN_OR_RAISE(const auto rows, dataset_->TakeRowIds(Rows(), Columns(), stop_));
    return WithScores(*rows);
  }

  arrow::Future<BatchPtr> TakeAsync() const { return dataset_->TakeRowIdsAsync(Rows(), Columns(), stop_); }

  /// Add what the ranking knows of each row.
  arrow::Result<BatchPtr> WithScores(const arrow::RecordBatch& rows) const {
    if (rows.num_rows() != static_cast<int64_t>(ranking_.size())) {
      return internal::MakeStatus(ErrorCode::kInternal, "rows that were found cannot be taken");
    }
    arrow::FloatBuilder distances;
    arrow::FloatBuilder scores;
    arrow::DoubleBuilder relevance;
    const auto add = [](const Values& values, uint64_t row, arrow::FloatBuilder* builder) {
      const auto found = values.find(row);
      return found == values.end() ? builder->AppendNull() : builder->Append(found->second);
    };
    for (const RankedRow& row : ranking_) {
      ARROW_RETURN_NOT_OK(add(distances_, row.row_id, &distances));
      ARROW_RETURN_NOT_OK(add(scores_, row.row_id, &scores));
      ARROW_RETURN_NOT_OK(relevance.Append(row.score));
    }
    auto fields = rows.schema()->fields();
    auto columns = rows.columns();
    const auto append = [&](const char* name, arrow::ArrayBuilder* builder) -> arrow::Status {
      if (rows.schema()->GetFieldIndex(name) >= 0) {
        return Refuse(std::string("a hybrid search makes the column ") + name + ": it cannot be asked for");
      }
      ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
      fields.push_back(arrow::field(name, column->type()));
      columns.push_back(std::move(column));
      return arrow::Status::OK();
    };
    ARROW_RETURN_NOT_OK(append(kDistance, &distances));
    ARROW_RETURN_NOT_OK(append(kScore, &scores));
    ARROW_RETURN_NOT_OK(append(kRelevance, &relevance));
    return arrow::RecordBatch::Make(arrow::schema(std::move(fields), rows.schema()->metadata()),
                                    rows.num_rows(), std::move(columns));
  }

  bool has_reranker() const { return static_cast<bool>(options_.reranker); }

 private:
  /// What both searches have in common.
  ScanOptions OneOf(const ScanOptions& scan) const {
    ScanOptions options = scan;
    options.columns = options_.reranker_columns;
    options.expressions.clear();
    options.with_row_id = true;
    options.limit.reset();
    options.offset = 0;
    return options;
  }

  arrow::Future<BatchPtr> Run(ScanOptions options) const {
    options.columns->push_back(options.nearest != nullptr ? kDistance : kScore);
    const auto run = [stop = stop_](const std::shared_ptr<Scanner>& scanner) {
      return scanner->ToTableAsync(stop);
    };
    const auto join = [](const std::shared_ptr<arrow::Table>& table) -> arrow::Result<BatchPtr> {
      return internal::WithCode(table->CombineChunksToBatch(), ErrorCode::kExecution);
    };
    return dataset_->ScanAsync(options, stop_).Then(run).Then(join);
  }

  arrow::Result<std::vector<RankedRow>> Rerank() const {
    const auto failed = [](const std::string& why) {
      return internal::MakeStatus(ErrorCode::kCallback, "the reranker failed: " + why);
    };
    arrow::Result<std::vector<RankedRow>> ranked = std::vector<RankedRow>();
    try {
      ranked = options_.reranker(nearest_, full_text_);
    } catch (const std::exception& exception) {
      return failed(exception.what());
    } catch (...) {
      return failed("it threw what is no exception");
    }
    if (!ranked.ok()) return internal::WithCode(ranked.status(), ErrorCode::kCallback);
    std::unordered_set<uint64_t> named;
    for (const RankedRow& row : *ranked) {
      const std::string id = std::to_string(row.row_id);
      if (!distances_.contains(row.row_id) && !scores_.contains(row.row_id)) {
        return failed("it names row " + id + ", which neither search has found");
      }
      if (!named.insert(row.row_id).second) return failed("it names row " + id + " twice");
      if (row.score != row.score) return failed("the score of row " + id + " is NaN");
    }
    Sort(&*ranked);
    return ranked;
  }

  std::vector<uint64_t> Rows() const {
    std::vector<uint64_t> rows;
    for (const RankedRow& row : ranking_) rows.push_back(row.row_id);
    return rows;
  }

  TakeOptions Columns() const {
    TakeOptions options{.columns = scan_.columns, .expressions = scan_.expressions};
    if (!scan_.with_row_id) return options;
    if (!options.columns.has_value()) options.columns = dataset_->schema()->field_names();
    options.columns->push_back(kRowId);
    return options;
  }

  const std::shared_ptr<Dataset> dataset_;
  const ScanOptions scan_;
  const HybridOptions options_;
  const arrow::StopToken stop_;
  BatchPtr nearest_;
  BatchPtr full_text_;
  Values distances_;
  Values scores_;
  std::vector<RankedRow> ranking_;
};

}  // namespace

std::vector<RankedRow> FuseRanks(const std::vector<std::vector<uint64_t>>& rankings, double constant) {
  std::unordered_map<uint64_t, double> scores;
  for (const auto& ranking : rankings) {
    std::unordered_set<uint64_t> seen;
    for (const uint64_t row : ranking) {
      if (seen.insert(row).second) scores[row] += 1 / (constant + static_cast<double>(seen.size()));
    }
  }
  std::vector<RankedRow> rows;
  rows.reserve(scores.size());
  for (const auto& [row, score] : scores) rows.push_back({.row_id = row, .score = score});
  std::sort(rows.begin(), rows.end(),
            [](const RankedRow& a, const RankedRow& b) { return a.row_id < b.row_id; });
  Sort(&rows);
  return rows;
}

arrow::Result<BatchPtr> HybridSearch(const std::shared_ptr<Dataset>& dataset, const ScanOptions& scan,
                                     const HybridOptions& options, const arrow::StopToken& stop) {
  Hybrid hybrid(dataset, scan, options, stop);
  ARROW_RETURN_NOT_OK(hybrid.Check());
  ARROW_RETURN_NOT_OK(internal::CheckMayWait());
  auto searched = hybrid.Search();
  ARROW_ASSIGN_OR_RAISE(const auto found, searched.MoveResult());
  ARROW_RETURN_NOT_OK(hybrid.Keep(found));
  ARROW_RETURN_NOT_OK(hybrid.Rank());
  return hybrid.Take();
}

arrow::Future<BatchPtr> HybridSearchAsync(const std::shared_ptr<Dataset>& dataset, const ScanOptions& scan,
                                          const HybridOptions& options, const arrow::StopToken& stop) {
  const auto hybrid = std::make_shared<Hybrid>(dataset, scan, options, stop);
  ARROW_RETURN_NOT_OK(hybrid->Check());
  auto found = hybrid->Search();
  // A reranker may take its time, which no thread of the library has.
  if (hybrid->has_reranker()) found = arrow::internal::GetCpuThreadPool()->Transfer(std::move(found));
  const auto take = [hybrid](const Batches& found) -> arrow::Future<BatchPtr> {
    ARROW_RETURN_NOT_OK(hybrid->Keep(found));
    ARROW_RETURN_NOT_OK(hybrid->Rank());
    return hybrid->TakeAsync();
  };
  const auto finish = [hybrid](const BatchPtr& rows) { return hybrid->WithScores(*rows); };
  return found.Then(take).Then(finish);
}

}  // namespace lance::inline v0
