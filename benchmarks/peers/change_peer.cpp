// Changes of a dataset in the comparison: makes one to a copy and prints as JSON how long it took. The copy
// has the files of the source, linked, which no change writes to.
//
// usage: change_peer CHANGE SOURCE DATASET [ROWS]
// ROWS is an Arrow IPC file with the rows of an upsert.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "timed.h"

namespace {

/// About one row of a hundred of lineitem.
constexpr char kFew[] = "l_partkey < 2000";

struct Arguments {
  std::string dataset;
  Batches rows;
};

arrow::Status Delete(const lance::Dataset& dataset, const Arguments&) {
  return dataset.Delete(kFew).status();
}

arrow::Status Update(const lance::Dataset& dataset, const Arguments&) {
  lance::UpdateOptions options;
  options.filter = kFew;
  return dataset.Update({{"l_quantity", "l_quantity + 1"}}, options).status();
}

arrow::Status Upsert(const lance::Dataset& dataset, const Arguments& arguments) {
  lance::MergeInsertOptions options;
  options.on = std::vector<std::string>{"l_orderkey", "l_linenumber"};
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make(arguments.rows));
  return dataset.MergeInsert(reader, options).status();
}

arrow::Status Compact(const lance::Dataset& dataset, const Arguments&) { return dataset.Compact().status(); }

arrow::Status AddBySql(const lance::Dataset& dataset, const Arguments&) {
  return dataset.AddColumns({{"price", "l_extendedprice * (1 - l_discount)"}}).status();
}

const auto kCharge = arrow::schema({arrow::field("charge", arrow::float64())});

/// What the function computes.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Charge(const std::shared_ptr<arrow::RecordBatch>& batch) {
  const auto column = [&](const char* name) {
    return std::static_pointer_cast<arrow::Decimal128Array>(batch->GetColumnByName(name));
  };
  const auto number = [](const arrow::Decimal128Array& decimals, int64_t row) {
    return arrow::Decimal128(decimals.GetValue(row)).ToDouble(2);
  };
  const auto price = column("l_extendedprice");
  const auto discount = column("l_discount");
  const auto tax = column("l_tax");
  arrow::DoubleBuilder charges;
  ARROW_RETURN_NOT_OK(charges.Reserve(batch->num_rows()));
  for (int64_t row = 0; row < batch->num_rows(); ++row) {
    charges.UnsafeAppend(number(*price, row) * (1 - number(*discount, row)) * (1 + number(*tax, row)));
  }
  ARROW_ASSIGN_OR_RAISE(const auto array, charges.Finish());
  return arrow::RecordBatch::Make(kCharge, batch->num_rows(), {array});
}

arrow::Status AddByFunction(const lance::Dataset& dataset, const Arguments&) {
  lance::AddColumnsOptions options;
  options.columns = std::vector<std::string>{"l_extendedprice", "l_discount", "l_tax"};
  return dataset.AddColumnsByFunction(Charge, kCharge, options).status();
}

/// The same function over a scan, and what comes of it written to a dataset.
arrow::Status ScanAndWrite(const lance::Dataset& dataset, const Arguments& arguments) {
  lance::ScanOptions options;
  options.columns = std::vector<std::string>{"l_extendedprice", "l_discount", "l_tax"};
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset.Scan(options));
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner->ToReader());
  ARROW_ASSIGN_OR_RAISE(const auto writer,
                        lance::LanceWriter::Open(arguments.dataset + "/charges", kCharge, {}));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader->Next());
    if (batch == nullptr) return writer->Finish().status();
    ARROW_ASSIGN_OR_RAISE(const auto charges, Charge(batch));
    ARROW_RETURN_NOT_OK(writer->Write(*charges));
  }
}

using Change = std::function<arrow::Status(const lance::Dataset&, const Arguments&)>;

const std::map<std::string, Change> kChanges = {
    {"delete", Delete},
    {"update", Update},
    {"upsert", Upsert},
    {"compact", Compact},
    {"add-by-sql", AddBySql},
    {"add-by-function", AddByFunction},
    {"scan-and-write", ScanAndWrite},
};

arrow::Status Run(const Change& change, const std::string& source, const std::vector<std::string>& words) {
  Arguments arguments;
  arguments.dataset = words[0];
  if (words.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(arguments.rows, Load(words[1]));
  }
  using Copy = std::filesystem::copy_options;
  std::filesystem::copy(source, arguments.dataset, Copy::recursive | Copy::create_hard_links);
  ARROW_ASSIGN_OR_RAISE(const auto dataset, lance::Dataset::Open(arguments.dataset));
  uint64_t rows = 0;
  return Report(&rows, [&] { return change(*dataset, arguments); });
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto change = words.empty() ? kChanges.end() : kChanges.find(words[0]);
  if (change == kChanges.end() || words.size() < 3) {
    std::cerr << "usage: change_peer CHANGE SOURCE DATASET [ROWS]" << std::endl;
    return 2;
  }
  const auto status = Run(change->second, words[1], {words.begin() + 2, words.end()});
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
