#include "inputs.h"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "arrow/type.h"
#include "inputs/arrow_ipc.h"
#include "inputs/checked_batches.h"
#include "inputs/csv.h"
#include "inputs/json_lines.h"
#include "inputs/names.h"
#include "inputs/parquet.h"

namespace lance::cli {
namespace {

namespace fs = std::filesystem;

using arrow::Status;

constexpr std::string_view kInferenceHint =
    "; types come from the first block: give the type (--type COLUMN=TYPE) or a larger --block-size";

std::optional<InputFormat> FormatOf(fs::path path) {
  constexpr std::pair<std::string_view, InputFormat> kExtensions[] = {
      {".parquet", InputFormat::kParquet}, {".pq", InputFormat::kParquet},
      {".csv", InputFormat::kCsv},         {".tsv", InputFormat::kCsv},
      {".jsonl", InputFormat::kJsonLines}, {".ndjson", InputFormat::kJsonLines},
      {".json", InputFormat::kJsonLines},  {".arrow", InputFormat::kArrow},
      {".arrows", InputFormat::kArrow},    {".feather", InputFormat::kArrow},
      {".ipc", InputFormat::kArrow},
  };
  // Of text only; other formats are compressed inside.
  constexpr std::string_view kCompressed[] = {".gz", ".zst", ".lz4", ".bz2"};
  const auto extension = [&path] {
    std::string lower = path.extension().string();
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
  };
  if (std::ranges::find(kCompressed, extension()) != std::end(kCompressed)) path.replace_extension();
  for (const auto& [known, format] : kExtensions) {
    if (extension() == known) return format;
  }
  return std::nullopt;
}

Status CheckKind(const std::string& path) {
  std::error_code unknown;
  // A pipe would be read twice, and wait for its writer for ever.
  switch (fs::status(path, unknown).type()) {
    case fs::file_type::directory:
      return Status::Invalid("is a directory; name its files, for example \"", path, "/*.parquet\"");
    case fs::file_type::fifo:
    case fs::file_type::socket:
    case fs::file_type::character:
    case fs::file_type::block:
      return Status::Invalid("is not a file; save what it gives as one first");
    default:
      return Status::OK();
  }
}

/// The types that columns have to be read with; the user's wish comes first.
ColumnTypes TypesOf(const InputOptions& options, const Expected& expected) {
  ColumnTypes types = options.types;
  if (expected.schema == nullptr) return types;
  for (const auto& field : expected.schema->fields()) types.emplace(field->name(), field->type());
  return types;
}

Status Inspect(const std::string& path, const InputOptions& options, const Expected& expected, Input* input) {
  ARROW_RETURN_NOT_OK(CheckKind(path));
  const std::optional<InputFormat> format = options.format ? options.format : FormatOf(path);
  if (!format) return Status::Invalid("the name does not tell the format; use --format");
  const ColumnTypes types = TypesOf(options, expected);
  const std::string hint(expected.of_dataset ? "" : kInferenceHint);
  switch (*format) {
    case InputFormat::kParquet:
      ARROW_RETURN_NOT_OK(InspectParquet(path, options, input));
      break;
    case InputFormat::kCsv:
      ARROW_RETURN_NOT_OK(InspectCsv(path, options, types, hint, input));
      break;
    case InputFormat::kJsonLines:
      ARROW_RETURN_NOT_OK(InspectJsonLines(path, options, types, expected.partly, hint, input));
      break;
    case InputFormat::kArrow:
      ARROW_RETURN_NOT_OK(InspectArrow(path, input));
      break;
  }
  // A file that does not tell its parts is one.
  if (input->parts.size() == 1) input->parts.front().bytes = fs::file_size(path);
  ARROW_ASSIGN_OR_RAISE(const auto schema, RepairSchema(*input->schema, &input->notes));
  ARROW_ASSIGN_OR_RAISE(Fit made, Fit::Make(schema, options.types, expected, &input->notes));
  const auto fit = std::make_shared<const Fit>(std::move(made));
  for (Input::Part& part : input->parts) {
    part.open = [path, announced = input->schema, fit,
                 part]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
      return std::make_shared<CheckedBatches>(path, announced, fit, part);
    };
  }
  input->schema = fit->schema();
  return Status::OK();
}

}  // namespace

arrow::Result<std::vector<std::string>> ExpandInputs(const std::vector<std::string>& patterns) {
  std::vector<std::string> paths;
  for (const std::string& pattern : patterns) {
    // A file may have a name that looks like a pattern.
    if (pattern.find_first_of("*?[") == std::string::npos || fs::exists(pattern)) {
      paths.push_back(pattern);
      continue;
    }
    glob_t matches = {};
    if (glob(pattern.c_str(), GLOB_ERR, nullptr, &matches) == 0) {
      paths.insert(paths.end(), matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
    }
    const bool found = matches.gl_pathc > 0;
    globfree(&matches);
    if (!found) return Status::Invalid("no file matches \"", pattern, "\"");
  }
  return paths;
}

bool LooksLikeInput(const std::string& path) {
  if (path.find("://") != std::string::npos) return false;
  std::error_code unknown;
  switch (fs::status(path, unknown).type()) {
    case fs::file_type::not_found:
      return FormatOf(path).has_value();
    // What cannot be looked at is for the library to refuse.
    case fs::file_type::none:
    case fs::file_type::directory:
      return false;
    default:
      return true;
  }
}

arrow::Result<Input> InspectInput(const std::string& path, const InputOptions& options,
                                  const Expected& expected) {
  Input input;
  ARROW_RETURN_NOT_OK(InFile(path, Guarded([&] { return Inspect(path, options, expected, &input); })));
  return input;
}

}  // namespace lance::cli
