#include "input_flags.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <utility>

#include "app.h"
#include "arrow/type.h"
#include "flags.h"
#include "inputs/type_name.h"
#include "printable.h"

namespace lance::cli {
namespace {

const std::map<std::string, InputFormat> kInputFormats = {{"parquet", InputFormat::kParquet},
                                                          {"csv", InputFormat::kCsv},
                                                          {"jsonl", InputFormat::kJsonLines},
                                                          {"arrow", InputFormat::kArrow}};

void AddTypes(CLI::App& app, ColumnTypes& types) {
  app.add_option_function<std::vector<std::string>>(
         "--type",
         [&types](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             const size_t equals = text.find('=');
             auto type = equals == std::string::npos ? nullptr : TypeByName(text.substr(equals + 1));
             if (type == nullptr) {
               throw CLI::ValidationError(
                   "--type", fmt::format("\"{}\" is not COLUMN=TYPE, such as price=decimal(12,2)", text));
             }
             types[text.substr(0, equals)] = std::move(type);
           }
         },
         "Give a column a type, e.g. zip=string, at=timestamp[us]; may be repeated")
      ->type_name("COLUMN=TYPE")
      ->allow_extra_args(false);
}

}  // namespace

void AddInputs(CLI::App& app, InputFlags& inputs) {
  InputOptions& read = inputs.options;
  AddChoice(app, "--format", read.format, kInputFormats, "The format of the inputs (default: by extension)");
  app.add_option("--delimiter", read.delimiter, "CSV: between fields (default: comma, tab for .tsv)")
      ->type_name("CHAR");
  app.add_flag_callback(
      "--no-header", [&read] { read.has_header = false; },
      "CSV: the first line is data; columns are named f0, f1, ...");
  app.add_option("--block-size", inputs.block_mebibytes,
                 "CSV and JSON: MiB parsed at a time; types come from the first block")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("MIB");
  AddTypes(app, read.types);
}

arrow::Result<Inputs> InspectInputs(const std::vector<std::string>& patterns, const InputFlags& inputs,
                                    int64_t batch_rows, Expected expected) {
  InputOptions read = inputs.options;
  read.batch_rows = batch_rows;
  read.block_bytes = inputs.block_mebibytes << 20;
  ARROW_ASSIGN_OR_RAISE(const std::vector<std::string> paths, ExpandInputs(patterns));
  Inputs out;
  out.first = paths.front();
  for (const std::string& path : paths) {
    ARROW_RETURN_NOT_OK(CheckInterrupt());
    ARROW_ASSIGN_OR_RAISE(Input input, InspectInput(path, read, expected));
    for (const std::string& note : input.notes) Say("lance: " + PrintableLine(path + ": " + note) + "\n");
    if (expected.schema == nullptr) expected.schema = input.schema;
    if (out.schema == nullptr) out.schema = input.schema;
    if (!input.schema->Equals(*out.schema)) {
      return InFile(path, arrow::Status::TypeError("has other columns of the dataset than ", out.first));
    }
    std::move(input.parts.begin(), input.parts.end(), std::back_inserter(out.parts));
    out.rows = out.rows && input.rows ? std::make_optional(*out.rows + *input.rows) : std::nullopt;
  }
  return out;
}

}  // namespace lance::cli
