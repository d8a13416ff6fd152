#include "clauses.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <optional>

namespace lance::cli {
namespace {

constexpr std::array<std::pair<std::string_view, AggregateFunction>, 5> kFunctions = {{
    {"count", AggregateFunction::kCount},
    {"sum", AggregateFunction::kSum},
    {"avg", AggregateFunction::kAvg},
    {"min", AggregateFunction::kMin},
    {"max", AggregateFunction::kMax},
}};

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// A letter, a digit, an underscore or a part of a character that is none of ASCII.
bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// Take a word from the end of a text that has something before it.
bool TakeWord(std::string_view* text, std::string_view word) {
  const std::string_view all = Trim(*text);
  if (all.size() <= word.size() || !EqualsIgnoringCase(all.substr(all.size() - word.size()), word))
    return false;
  const std::string_view rest = all.substr(0, all.size() - word.size());
  if (!IsSpace(rest.back())) return false;
  *text = Trim(rest);
  return true;
}

/// Take "as NAME" from the end of a text.
std::optional<std::string> TakeName(std::string_view* text) {
  std::string_view all = Trim(*text);
  if (all.empty()) return std::nullopt;
  const char quote = all.back();
  const bool is_quoted = all.size() > 2 && (quote == '`' || quote == '"');
  size_t begin = all.size();
  if (is_quoted) {
    begin = all.rfind(quote, all.size() - 2);
  } else {
    while (begin > 0 && IsWord(all[begin - 1])) --begin;
  }
  if (begin == std::string_view::npos || begin == all.size()) return std::nullopt;
  const std::string_view name = is_quoted ? all.substr(begin + 1, all.size() - begin - 2) : all.substr(begin);
  all = all.substr(0, begin);
  if (all.empty() || !(is_quoted || IsSpace(all.back())) || !TakeWord(&all, "as")) return std::nullopt;
  *text = all;
  return std::string(name);
}

/// Whether it is the name of a column, or the path of a nested one.
bool IsName(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return IsWord(c) || c == '.'; }) &&
         std::isdigit(static_cast<unsigned char>(text.front())) == 0;
}

}  // namespace

std::pair<std::string, std::string> ParseExpression(std::string_view text) {
  std::string_view sql = Trim(text);
  const auto name = TakeName(&sql);
  if (sql.empty()) throw CLI::ValidationError("--select", "an expression must look like \"EXPR as NAME\"");
  return {name.value_or(std::string(sql)), std::string(sql)};
}

std::pair<std::string, std::string> ParseAssignment(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view column = Trim(text.substr(0, equals));
  if (equals == std::string_view::npos || column.empty()) {
    throw CLI::ValidationError("--set", "an assignment must look like COLUMN=EXPR");
  }
  return {std::string(column), std::string(text.substr(equals + 1))};
}

SortKey ParseSortKey(std::string_view text) {
  std::string_view column = Trim(text);
  SortKey key;
  key.nulls_first = TakeWord(&column, "first");
  if ((key.nulls_first || TakeWord(&column, "last")) && !TakeWord(&column, "nulls")) {
    throw CLI::ValidationError("--order-by", "\"first\" and \"last\" go with \"nulls\"");
  }
  key.descending = TakeWord(&column, "desc");
  if (!key.descending) TakeWord(&column, "asc");
  if (column.empty()) throw CLI::ValidationError("--order-by", "a column is missing");
  key.column = column;
  return key;
}

void AddAggregate(std::string_view text, ScanOptions* scan) {
  std::string_view call = Trim(text);
  Aggregate aggregate{.name = TakeName(&call)};
  const size_t open = call.find('(');
  const std::string_view word = Trim(call.substr(0, std::min(open, call.size())));
  const auto function = std::find_if(kFunctions.begin(), kFunctions.end(), [word](const auto& known) {
    return EqualsIgnoringCase(known.first, word);
  });
  if (open == std::string_view::npos || call.back() != ')' || function == kFunctions.end()) {
    throw CLI::ValidationError(
        "--aggregate",
        fmt::format("{} is not count(*) or one of count, sum, avg, min and max of a column", text));
  }
  aggregate.function = function->second;
  const std::string_view value = Trim(call.substr(open + 1, call.size() - open - 2));
  if (value.empty()) throw CLI::ValidationError("--aggregate", fmt::format("{} is of no column", text));
  if (value != "*") {
    aggregate.column = value;
    const bool is_known = std::any_of(scan->expressions.begin(), scan->expressions.end(),
                                      [value](const auto& known) { return known.first == value; });
    if (!is_known && !IsName(value) && value.front() != '`') scan->expressions.emplace_back(value, value);
  }
  scan->aggregates.push_back(std::move(aggregate));
}

}  // namespace lance::cli
