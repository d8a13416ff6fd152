// Joins a Lance dataset with a Parquet file in Acero. usage: acero_join PATH
#include <iostream>

#include "arrow/acero/exec_plan.h"
#include "arrow/acero/options.h"
#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "arrow/dataset/dataset.h"
#include "arrow/dataset/discovery.h"
#include "arrow/dataset/file_parquet.h"
#include "arrow/dataset/plan.h"
#include "arrow/dataset/scanner.h"
#include "arrow/filesystem/localfs.h"
#include "lance/api.h"
#include "lance/arrow_dataset.h"
#include "parquet/arrow/writer.h"

namespace ac = arrow::acero;
namespace cp = arrow::compute;
namespace ds = arrow::dataset;

using DatasetPtr = std::shared_ptr<ds::Dataset>;
using Fields = std::vector<arrow::FieldRef>;

std::shared_ptr<arrow::Array> Int64s(const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  return builder.AppendValues(values).ok() ? builder.Finish().ValueOrDie() : nullptr;
}

std::shared_ptr<arrow::Array> Strings(const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  return builder.AppendValues(values).ok() ? builder.Finish().ValueOrDie() : nullptr;
}

/// Orders, in Lance.
arrow::Result<DatasetPtr> Orders(const std::string& path) {
  auto schema =
      arrow::schema({arrow::field("customer", arrow::int64()), arrow::field("price", arrow::int64())});
  auto batch = arrow::RecordBatch::Make(schema, 5, {Int64s({1, 2, 1, 3, 2}), Int64s({50, 70, 5, 20, 30})});
  ARROW_ASSIGN_OR_RAISE(auto writer,
                        lance::LanceWriter::Open(path, schema, {.mode = lance::WriteMode::kOverwrite}));
  ARROW_RETURN_NOT_OK(writer->Write(*batch));
  ARROW_RETURN_NOT_OK(writer->Finish());
  ARROW_ASSIGN_OR_RAISE(auto dataset, lance::Dataset::Open(path));
  return lance::MakeArrowDataset(dataset);
}

/// Customers, in Parquet.
arrow::Result<DatasetPtr> Customers(const std::string& path) {
  auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("country", arrow::utf8())});
  auto table = arrow::Table::Make(schema, {Int64s({1, 2, 3}), Strings({"Chile", "Ghana", "Chile"})});
  auto files = std::make_shared<arrow::fs::LocalFileSystem>();
  ARROW_ASSIGN_OR_RAISE(auto sink, files->OpenOutputStream(path));
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink));
  ARROW_RETURN_NOT_OK(sink->Close());
  auto format = std::make_shared<ds::ParquetFileFormat>();
  ARROW_ASSIGN_OR_RAISE(
      auto factory, ds::FileSystemDatasetFactory::Make(files, std::vector<std::string>{path}, format, {}));
  return factory->Finish();
}

/// Reads these columns of the rows that pass a filter: Lance and Parquet read no others.
arrow::Result<ac::Declaration> Scan(const DatasetPtr& dataset, const std::vector<std::string>& columns,
                                    const cp::Expression& filter) {
  ARROW_ASSIGN_OR_RAISE(auto builder, dataset->NewScan());
  ARROW_RETURN_NOT_OK(builder->Project(columns));
  ARROW_RETURN_NOT_OK(builder->Filter(filter));
  ARROW_ASSIGN_OR_RAISE(auto options, builder->GetScanOptions());
  std::vector<cp::Expression> fields;
  for (const auto& column : columns) fields.push_back(cp::field_ref(column));
  return ac::Declaration::Sequence({{"scan", ds::ScanNodeOptions(dataset, options)},
                                    {"filter", ac::FilterNodeOptions(filter)},
                                    {"project", ac::ProjectNodeOptions(fields, columns)}});
}

/// What orders of 20 and more bring in, for each country.
arrow::Status Run(const std::string& path) {
  ds::internal::Initialize();
  ARROW_ASSIGN_OR_RAISE(auto orders, Orders(path));
  ARROW_ASSIGN_OR_RAISE(auto customers, Customers(path + ".parquet"));
  ARROW_ASSIGN_OR_RAISE(auto large, Scan(orders, {"customer", "price"},
                                         cp::greater_equal(cp::field_ref("price"), cp::literal(20))));
  ARROW_ASSIGN_OR_RAISE(auto all, Scan(customers, {"id", "country"}, cp::literal(true)));

  ac::Declaration join("hashjoin", {large, all},
                       ac::HashJoinNodeOptions(ac::JoinType::INNER, Fields{"customer"}, Fields{"id"},
                                               Fields{"price"}, Fields{"country"}));
  auto plan = ac::Declaration::Sequence(
      {join,
       {"aggregate",
        ac::AggregateNodeOptions({{"hash_sum", nullptr, "price", "revenue"}}, Fields{"country"})},
       {"order_by", ac::OrderByNodeOptions(cp::Ordering({cp::SortKey("country")}))}});
  ARROW_ASSIGN_OR_RAISE(auto table, ac::DeclarationToTable(plan));
  std::cout << table->ToString();
  const auto expected = arrow::Table::Make(
      arrow::schema({arrow::field("country", arrow::utf8()), arrow::field("revenue", arrow::int64())}),
      {Strings({"Chile", "Ghana"}), Int64s({70, 100})});
  return table->Equals(*expected) ? arrow::Status::OK() : arrow::Status::Invalid("that is something else");
}

int main(int argc, char** argv) {
  const arrow::Status status = Run(argc > 1 ? argv[1] : "orders.lance");
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
