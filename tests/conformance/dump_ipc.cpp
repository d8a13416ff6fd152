// Reads a dataset through lance-cpp and writes an Arrow IPC stream, whose batches may have dictionaries of
// their own: dump_ipc URI FILE [KEY=VALUE]...
//
// Keys: version, tag, branch; filter, columns (one a line), limit, offset, batch_size, row_id, ordered of a
// scan, whose count must agree; take, positions with commas between.

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/io/file.h"
#include "arrow/ipc/writer.h"
#include "lance/api.h"

namespace {

using Arguments = std::map<std::string, std::string>;

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::optional<std::string> Take(Arguments* arguments, const std::string& key) {
  const auto node = arguments->extract(key);
  if (node.empty()) return std::nullopt;
  return node.mapped();
}

std::optional<int64_t> TakeNumber(Arguments* arguments, const std::string& key) {
  const auto text = Take(arguments, key);
  if (!text) return std::nullopt;
  return std::stoll(*text);
}

/// What a scan returns, if its schema, its count and its batches agree.
arrow::Result<std::shared_ptr<arrow::Table>> Scan(const lance::Dataset& dataset,
                                                  const lance::ScanOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  ARROW_RETURN_NOT_OK(table->ValidateFull());
  if (!table->schema()->Equals(*scanner->schema())) {
    return arrow::Status::Invalid("announced ", scanner->schema()->ToString(), ", returned ",
                                  table->schema()->ToString());
  }
  ARROW_ASSIGN_OR_RAISE(const uint64_t rows, scanner->CountRows());
  if (rows != static_cast<uint64_t>(table->num_rows())) {
    return arrow::Status::Invalid("counted ", rows, " rows, returned ", table->num_rows());
  }
  return table;
}

arrow::Result<std::shared_ptr<arrow::Table>> TakeRows(
    const lance::Dataset& dataset, const std::string& rows,
    const std::optional<std::vector<std::string>>& columns) {
  std::vector<uint64_t> positions;
  for (const std::string& row : Split(rows, ',')) positions.push_back(std::stoull(row));
  ARROW_ASSIGN_OR_RAISE(const auto batch, dataset.Take(positions, columns));
  ARROW_RETURN_NOT_OK(batch->ValidateFull());
  return arrow::Table::FromRecordBatches({batch});
}

arrow::Status Run(int argc, char** argv) {
  if (argc < 3) return arrow::Status::Invalid("usage: dump_ipc URI FILE [KEY=VALUE]...");
  Arguments arguments;
  for (int i = 3; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    arguments[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  lance::OpenOptions open;
  open.version = TakeNumber(&arguments, "version");
  open.tag = Take(&arguments, "tag");
  open.branch = Take(&arguments, "branch");
  lance::ScanOptions scan;
  if (const auto names = Take(&arguments, "columns")) scan.columns = Split(*names, '\n');
  scan.filter = Take(&arguments, "filter");
  scan.limit = TakeNumber(&arguments, "limit");
  scan.offset = TakeNumber(&arguments, "offset").value_or(0);
  scan.batch_size = TakeNumber(&arguments, "batch_size");
  scan.with_row_id = TakeNumber(&arguments, "row_id").value_or(0) != 0;
  scan.ordered = TakeNumber(&arguments, "ordered").value_or(1) != 0;
  const auto rows = Take(&arguments, "take");
  if (!arguments.empty()) return arrow::Status::Invalid("unknown argument ", arguments.begin()->first);

  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(argv[1], open));
  ARROW_ASSIGN_OR_RAISE(const auto table,
                        rows ? TakeRows(*dataset, *rows, scan.columns) : Scan(*dataset, scan));
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::FileOutputStream::Open(argv[2]));
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeStreamWriter(file, table->schema()));
  ARROW_RETURN_NOT_OK(writer->WriteTable(*table));
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

}  // namespace

int main(int argc, char** argv) {
  const arrow::Status status = Run(argc, argv);
  if (!status.ok()) std::cerr << status.ToString() << '\n';
  return status.ok() ? 0 : 1;
}
