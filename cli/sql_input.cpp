#include "sql_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "app.h"
#include "arrow/array.h"
#include "arrow/record_batch.h"
#include "arrow/scalar.h"
#include "arrow/type.h"
#include "arrow/util/decimal.h"
#include "lance/api.h"
#include "printable.h"

namespace lance::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".lance";

/// The name before the first '=', if there is one that a table may have.
std::string TableName(const std::string& data) {
  const size_t equals = data.find('=');
  if (equals == std::string::npos || equals == 0) return "";
  const std::string name = data.substr(0, equals);
  return name.find('/') == std::string::npos ? name : "";
}

bool IsDataset(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path / "_versions", ignored);
}

/// The datasets of a directory, or the one that it is.
arrow::Result<std::map<std::string, std::string>> FindDatasets(const std::string& directory) {
  std::map<std::string, std::string> found;
  if (IsDataset(directory)) {
    const fs::path path = fs::path(directory).lexically_normal();
    found.emplace((path.has_filename() ? path : path.parent_path()).stem().string(), directory);
    return found;
  }
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure)) {
    const fs::path& path = it->path();
    if (path.extension() == kSuffix && IsDataset(path)) found.emplace(path.stem().string(), path.string());
  }
  if (failure) {
    return arrow::Status::IOError("cannot list ", directory, ": ", failure.message(),
                                  "; name a dataset elsewhere by --data NAME=URI");
  }
  if (found.empty()) {
    return arrow::Status::Invalid("there is no dataset ", directory, "/NAME", kSuffix,
                                  "; name one by --data NAME=PATH");
  }
  return found;
}

std::shared_ptr<arrow::Scalar> ToScalar(std::string_view text) {
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
    return arrow::MakeScalar(std::string(text.substr(1, text.size() - 2)));
  }
  if (text == "null") return arrow::MakeNullScalar(arrow::null());
  if (text == "true" || text == "false") return arrow::MakeScalar(text == "true");
  const char* const end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto [rest, error] = std::from_chars(text.data(), end, integer);
      error == std::errc() && rest == end) {
    return arrow::MakeScalar(integer);
  }
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const bool is_number = error == std::errc() && rest == end && text.find_first_of("0123456789") != text.npos;
  if (!is_number) return arrow::MakeScalar(std::string(text));
  // As plain literals in the text: exact, if there is no exponent.
  arrow::Decimal128 decimal;
  int32_t precision = 0;
  int32_t scale = 0;
  if (text.find_first_of("eE") == text.npos &&
      arrow::Decimal128::FromString(text, &decimal, &precision, &scale).ok() && precision <= 38 &&
      scale >= 0) {
    return std::make_shared<arrow::Decimal128Scalar>(
        decimal, arrow::decimal128(std::max({precision, scale, 1}), scale));
  }
  return arrow::MakeScalar(number);
}

}  // namespace

arrow::Result<std::string> ReadQuery(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) return arrow::Status::IOError("cannot read ", path);
  return text;
}

arrow::Status AddTables(const std::vector<std::string>& data, const OpenOptions& options,
                        SqlContext& context) {
  std::map<std::string, std::string> tables;
  const auto add = [&](const std::string& name, const std::string& uri) {
    const auto [table, is_new] = tables.emplace(name, uri);
    return is_new ? arrow::Status::OK()
                  : arrow::Status::Invalid("the table \"", name, "\" is both ", table->second, " and ", uri,
                                           "; give one another name by --data NAME=PATH");
  };
  for (const std::string& source : data) {
    if (const std::string name = TableName(source); !name.empty()) {
      ARROW_RETURN_NOT_OK(add(name, source.substr(name.size() + 1)));
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const auto found, FindDatasets(source));
    for (const auto& [name, path] : found) ARROW_RETURN_NOT_OK(add(name, path));
  }
  for (const auto& [name, uri] : tables) {
    ARROW_ASSIGN_OR_RAISE(const auto dataset, Dataset::Open(uri, options));
    ARROW_RETURN_NOT_OK(context.Register(name, *dataset));
  }
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToParameters(const std::vector<std::string>& pairs) {
  if (pairs.empty()) return nullptr;
  arrow::FieldVector fields;
  arrow::ArrayVector values;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    const auto scalar = ToScalar(std::string_view(pair).substr(equals + 1));
    fields.push_back(arrow::field(pair.substr(0, equals), scalar->type));
    ARROW_ASSIGN_OR_RAISE(values.emplace_back(), arrow::MakeArrayFromScalar(*scalar, 1));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), 1, std::move(values));
}

}  // namespace lance::cli
