// Reads a dataset as an Arrow dataset and writes an Arrow IPC stream: dump_arrow_dataset URI FILE [COLUMN
// BOUND]. With a bound, the rows whose column, of type double, is less. The rows counted must be those read.

#include <memory>
#include <string>

#include "arrow/api.h"
#include "arrow/compute/api.h"
#include "arrow/dataset/dataset.h"
#include "arrow/dataset/scanner.h"
#include "ipc_program.h"
#include "lance/api.h"
#include "lance/arrow_dataset.h"

namespace {

namespace cp = arrow::compute;

arrow::Status Dump(const std::string& uri, const std::string& file, const cp::Expression& filter) {
  ARROW_ASSIGN_OR_RAISE(const auto lance, lance::Dataset::Open(uri));
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::MakeArrowDataset(lance));
  ARROW_ASSIGN_OR_RAISE(const auto builder, dataset->NewScan());
  ARROW_RETURN_NOT_OK(builder->Filter(filter));
  ARROW_ASSIGN_OR_RAISE(const auto scanner, builder->Finish());
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  ARROW_RETURN_NOT_OK(table->ValidateFull());
  ARROW_ASSIGN_OR_RAISE(const int64_t rows, scanner->CountRows());
  if (rows != table->num_rows()) {
    return arrow::Status::Invalid("counted ", rows, " rows, returned ", table->num_rows());
  }
  return lance_test::WriteIpc(*table, file);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 5) return 2;
  const auto filter = argc == 5
                          ? cp::less(cp::field_ref(std::string(argv[3])), cp::literal(std::stod(argv[4])))
                          : cp::literal(true);
  return lance_test::ExitCode(Dump(argv[1], argv[2], filter));
}
