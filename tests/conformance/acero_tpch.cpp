// Answers two queries of TPC-H over a lineitem dataset in Acero: acero_tpch URI FILE. What is left of query 1
// without the charge goes to an Arrow IPC stream, the revenue of query 6 to stdout. Their conditions must all
// be the engine's.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "arrow/acero/exec_plan.h"
#include "arrow/acero/options.h"
#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "arrow/dataset/dataset.h"
#include "arrow/dataset/plan.h"
#include "arrow/dataset/scanner.h"
#include "arrow/util/decimal.h"
#include "ipc_program.h"
#include "lance/api.h"
#include "lance/arrow_dataset.h"

namespace {

namespace ac = arrow::acero;
namespace cp = arrow::compute;
namespace ds = arrow::dataset;

using cp::Expression;
using cp::field_ref;
using Fields = std::vector<arrow::FieldRef>;

Expression Date(int32_t days) { return cp::literal(std::make_shared<arrow::Date32Scalar>(days)); }

Expression Cents(int64_t cents) {
  return cp::literal(
      std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(cents), arrow::decimal128(15, 2)));
}

/// Computes these columns of the rows that pass a filter.
arrow::Result<ac::Declaration> Select(const std::shared_ptr<ds::Dataset>& dataset, const Expression& filter,
                                      const std::vector<Expression>& columns,
                                      const std::vector<std::string>& names) {
  ARROW_RETURN_NOT_OK(lance::ToSubstrait(filter, *dataset->schema()));
  ARROW_ASSIGN_OR_RAISE(const auto builder, dataset->NewScan());
  ARROW_RETURN_NOT_OK(builder->Filter(filter));
  ARROW_RETURN_NOT_OK(builder->Project(columns, names));
  ARROW_ASSIGN_OR_RAISE(const auto options, builder->GetScanOptions());
  return ac::Declaration::Sequence({{"scan", ds::ScanNodeOptions(dataset, options)},
                                    {"filter", ac::FilterNodeOptions(filter)},
                                    {"project", ac::ProjectNodeOptions(columns, names)}});
}

arrow::Result<std::shared_ptr<arrow::Table>> Query1(const std::shared_ptr<ds::Dataset>& lineitem) {
  const auto price = field_ref("l_extendedprice");
  const auto left = cp::call("subtract", {Cents(100), field_ref("l_discount")});
  ARROW_ASSIGN_OR_RAISE(const auto rows,
                        Select(lineitem, cp::less_equal(field_ref("l_shipdate"), Date(10'471)),
                               {field_ref("l_returnflag"), field_ref("l_linestatus"), field_ref("l_quantity"),
                                price, cp::call("multiply", {price, left})},
                               {"flag", "status", "quantity", "price", "discounted"}));
  return ac::DeclarationToTable(ac::Declaration::Sequence(
      {rows,
       {"aggregate", ac::AggregateNodeOptions({{"hash_sum", nullptr, "quantity", "quantity"},
                                               {"hash_sum", nullptr, "price", "price"},
                                               {"hash_sum", nullptr, "discounted", "discounted"},
                                               {"hash_count", nullptr, "price", "count"}},
                                              Fields{"flag", "status"})},
       {"order_by", ac::OrderByNodeOptions(cp::Ordering({cp::SortKey("flag"), cp::SortKey("status")}))}}));
}

arrow::Result<std::shared_ptr<arrow::Table>> Query6(const std::shared_ptr<ds::Dataset>& lineitem) {
  const auto shipped = field_ref("l_shipdate");
  const auto discount = field_ref("l_discount");
  const Expression filter =
      cp::and_({cp::greater_equal(shipped, Date(8766)), cp::less(shipped, Date(9131)),
                cp::greater_equal(discount, Cents(5)), cp::less_equal(discount, Cents(7)),
                cp::less(field_ref("l_quantity"), Cents(2400))});
  ARROW_ASSIGN_OR_RAISE(
      const auto rows, Select(lineitem, filter,
                              {cp::call("multiply", {field_ref("l_extendedprice"), discount})}, {"revenue"}));
  return ac::DeclarationToTable(ac::Declaration::Sequence(
      {rows, {"aggregate", ac::AggregateNodeOptions({{"sum", nullptr, "revenue", "revenue"}})}}));
}

arrow::Status Run(const std::string& uri, const std::string& file) {
  ds::internal::Initialize();
  ARROW_ASSIGN_OR_RAISE(const auto lance, lance::Dataset::Open(uri));
  ARROW_ASSIGN_OR_RAISE(const auto lineitem, lance::MakeArrowDataset(lance));
  ARROW_ASSIGN_OR_RAISE(const auto groups, Query1(lineitem));
  ARROW_RETURN_NOT_OK(lance_test::WriteIpc(*groups, file));
  ARROW_ASSIGN_OR_RAISE(const auto revenue, Query6(lineitem));
  ARROW_ASSIGN_OR_RAISE(const auto value, revenue->column(0)->GetScalar(0));
  std::cout << value->ToString() << std::endl;
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return lance_test::ExitCode(Run(argv[1], argv[2]));
}
