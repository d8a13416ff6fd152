// Writes three rows into a Lance dataset and reads two of them back. usage: write_dataset URI
#include <iostream>

#include "arrow/api.h"
#include "lance/api.h"

arrow::Status Run(const std::string& uri) {
  arrow::Int64Builder ids;
  arrow::StringBuilder names;
  ARROW_RETURN_NOT_OK(ids.AppendValues({1, 2, 3}));
  ARROW_RETURN_NOT_OK(names.AppendValues({"plain", "swift", "whole"}));
  ARROW_ASSIGN_OR_RAISE(auto id_array, ids.Finish());
  ARROW_ASSIGN_OR_RAISE(auto name_array, names.Finish());
  auto schema = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())});
  auto batch = arrow::RecordBatch::Make(schema, 3, {id_array, name_array});

  ARROW_ASSIGN_OR_RAISE(auto writer,
                        lance::LanceWriter::Open(uri, schema, {.mode = lance::WriteMode::kOverwrite}));
  ARROW_RETURN_NOT_OK(writer->Write(*batch));  // any number of times; memory stays bounded
  ARROW_RETURN_NOT_OK(writer->Finish());       // one atomic commit

  ARROW_ASSIGN_OR_RAISE(auto dataset, lance::Dataset::Open(uri));
  ARROW_ASSIGN_OR_RAISE(auto scanner, dataset->Scan({.filter = "id >= 2"}));
  ARROW_ASSIGN_OR_RAISE(auto table, scanner->ToTable());
  std::cout << table->ToString();
  return table->Equals(*arrow::Table::Make(schema, {id_array->Slice(1), name_array->Slice(1)}))
             ? arrow::Status::OK()
             : arrow::Status::Invalid("read back something else");
}

int main(int argc, char** argv) {
  const arrow::Status status = Run(argc > 1 ? argv[1] : "memory://example");
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
