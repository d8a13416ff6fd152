// `lance sql`.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/io/file.h"
#include "arrow/record_batch.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "rows.h"
#include "sql_input.h"

namespace lance::cli {
namespace {

/// The rows of a table that was asked for without a limit.
constexpr int64_t kPreviewRows = 50;

const std::map<std::string, Format> kFormats = {{"table", Format::kTable},
                                                {"json", Format::kJson},
                                                {"csv", Format::kCsv},
                                                {"arrow", Format::kArrow},
                                                {"parquet", Format::kParquet}};

struct Args {
  /// One of the two.
  std::string query;
  std::string file;
  std::vector<std::string> data;
  OpenOptions open;
  std::vector<std::string> parameters;
  SqlOptions options;
  Format format = Format::kTable;
  std::optional<int64_t> limit;
  std::string output;
  bool explain = false;
  bool analyze = false;
};

/// The first rows of a reader.
class FirstRowsReader : public arrow::RecordBatchReader {
 public:
  FirstRowsReader(std::shared_ptr<arrow::RecordBatchReader> reader, int64_t rows)
      : reader_(std::move(reader)), left_(rows) {}

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    if (left_ == 0) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(reader_->ReadNext(out));
    if (*out == nullptr) return arrow::Status::OK();
    has_more_ = (*out)->num_rows() > left_;
    if (has_more_) *out = (*out)->Slice(0, left_);
    left_ -= (*out)->num_rows();
    return arrow::Status::OK();
  }

  /// Whether there are rows after those that were read.
  arrow::Result<bool> HasMore() {
    std::shared_ptr<arrow::RecordBatch> batch;
    while (!has_more_) {
      ARROW_RETURN_NOT_OK(reader_->ReadNext(&batch));
      if (batch == nullptr) return false;
      has_more_ = batch->num_rows() > 0;
    }
    return true;
  }

 private:
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  int64_t left_;
  bool has_more_ = false;
};

bool IsBinary(Format format) { return format == Format::kArrow || format == Format::kParquet; }

/// Write rows to a file, which is only there if all are in it. What is there and is no file, such as a pipe,
/// stays.
arrow::Status WriteFile(arrow::RecordBatchReader& reader, Format format, const std::string& path) {
  const auto write = [&](const std::string& to) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto out, arrow::io::FileOutputStream::Open(to));
    return WriteRows(reader, format, out).status();
  };
  std::error_code failure;
  const auto there = std::filesystem::status(path, failure);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) return write(path);

  const std::string unfinished = path + ".part";
  arrow::Status written = write(unfinished);
  if (written.ok()) {
    std::filesystem::rename(unfinished, path, failure);
    if (!failure) return arrow::Status::OK();
    written = arrow::Status::IOError("cannot write ", path, ": ", failure.message());
  }
  std::filesystem::remove(unfinished, failure);
  return written;
}

/// Write the rows of a query. A table without a limit has the first rows, and says if there are more.
arrow::Status PrintResult(const SqlQuery& query, const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto all, query.ToReader());
  const bool is_preview = args.format == Format::kTable && !args.limit;
  std::shared_ptr<FirstRowsReader> first;
  if (is_preview || args.limit) {
    first = std::make_shared<FirstRowsReader>(all, args.limit.value_or(kPreviewRows));
  }
  arrow::RecordBatchReader& reader = first == nullptr ? *all : *first;
  if (!args.output.empty()) {
    ARROW_RETURN_NOT_OK(WriteFile(reader, args.format, args.output));
  } else {
    ARROW_RETURN_NOT_OK(PrintRows(reader, args.format).status());
  }
  if (!is_preview) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const bool has_more, first->HasMore());
  if (has_more) Say("… more rows; --limit N shows more, --format json or csv all\n");
  return arrow::Status::OK();
}

arrow::Status Sql(const Args& args) {
  std::string text = args.query;
  if (!args.file.empty() || text == "-") {
    ARROW_ASSIGN_OR_RAISE(text, ReadQuery(args.file.empty() ? text : args.file));
  }
  ARROW_ASSIGN_OR_RAISE(const auto parameters, ToParameters(args.parameters));
  ARROW_ASSIGN_OR_RAISE(const auto context, SqlContext::Make(args.options));
  ARROW_RETURN_NOT_OK(AddTables(args.data, args.open, *context));
  ARROW_ASSIGN_OR_RAISE(const auto query, context->Prepare(text, parameters));
  if (!args.explain && !args.analyze) return PrintResult(*query, args);
  ARROW_ASSIGN_OR_RAISE(const std::string plan, args.explain ? query->Explain(true) : query->Analyze());
  return Print(plan);
}

/// Throw if the arguments do not fit together.
void CheckUsage(const Args& args) {
  if (args.query.empty() == args.file.empty()) {
    throw CLI::ValidationError("QUERY", "give a query, - for standard input, or --file");
  }
  for (const std::string& parameter : args.parameters) {
    if (const size_t equals = parameter.find('='); equals == std::string::npos || equals == 0) {
      throw CLI::ValidationError("--param", "a parameter must look like NAME=VALUE");
    }
  }
  const bool prints = args.output.empty() && !args.explain && !args.analyze;
  if (prints && IsBinary(args.format) && isatty(STDOUT_FILENO) == 1) {
    throw CLI::ValidationError("--format", "this one is not for a terminal; write it to --output FILE");
  }
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  app.add_option("QUERY", args->query, "A SELECT, SHOW TABLES or DESCRIBE; - reads standard input")
      ->type_name("");
  app.add_option("-f,--file", args->file, "Read the query from a file")->type_name("FILE");
  app.add_option("--data", args->data,
                 "A directory, whose datasets NAME.lance become tables, or one dataset as NAME=PATH; may be "
                 "repeated")
      ->type_name("DIR|NAME=PATH")
      ->allow_extra_args(false);
  app.add_option("--param", args->parameters,
                 "A value for $NAME in the query, or for $1, $2, ... in this order; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  AddChoice(app, "--format", args->format, kFormats,
            "How to write rows; json is one object per line (default: table)");
  app.add_option("--limit", args->limit, "The most rows to write (default: 50 in a table)")
      ->check(AtLeast(0))
      ->type_name("N");
  app.add_option("-o,--output", args->output, "Write to a file instead of standard output")
      ->type_name("FILE");
  auto* explain = app.add_flag("--explain", args->explain, "Show the plan instead of running it");
  app.add_flag("--analyze", args->analyze, "Run it, and show how long each step of the plan took")
      ->excludes(explain);
  app.add_option("--memory", args->options.memory_bytes,
                 "The most memory, e.g. 2GB; what does not fit goes to files (default: three quarters)")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->type_name("SIZE");
  app.add_option("--jobs", args->options.parallelism, "How many parts of a step run at once (default: cores)")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N");
  AddStorage(app, args->open.storage);
  app.footer(
      "Examples:\n"
      "  lance sql \"select o_orderpriority, count(*) from orders group by 1\" --data data\n"
      "  lance sql \"select * from a join b using (id)\" --data a=one.lance --data b=s3://bucket/two.lance\n"
      "  lance sql -f query.sql --data data --param least=5 --format parquet --output rows.parquet\n"
      "  lance sql \"show tables\" --data data");
  return [args] {
    CheckUsage(*args);
    return Sql(*args);
  };
}

const Registration kSql(
    {.name = "sql",
     .section = Section::kRows,
     .rank = 4,
     .help = "Query one or several datasets with SQL",
     .example =
         "lance sql \"select count(*) from orders join lineitem on o_orderkey = l_orderkey\" --data data",
     .declare = Declare});

}  // namespace
}  // namespace lance::cli
