/// \file render.h
/// Text tables and numbers for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lance::cli {

/// Format with thousands separators: "6,001,215".
std::string FormatCount(uint64_t value);

/// Format in binary units: "209.3 MiB".
std::string FormatBytes(uint64_t bytes);

/// Format a time of day and a date, of microseconds since 1970-01-01 UTC: "2026-01-31T23:59:59.000001Z".
std::string FormatTimestamp(int64_t micros);

/// Format a duration: "4.2 s", "3 min 20 s", "2 h 5 min".
std::string FormatSeconds(double seconds);

/// A table of aligned columns.
class TextTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string name;
    Align align = Align::kLeft;
  };

  explicit TextTable(const std::vector<Column>& columns);

  /// Add a row with one cell per column. Long cells are shortened, control characters escaped.
  void AddRow(const std::vector<std::string>& cells);

  std::string ToString() const;

 private:
  /// A text and its width on the screen.
  struct Cell {
    std::string text;
    size_t width;
  };
  static Cell FitCell(std::string_view text);

  std::vector<Align> aligns_;
  std::vector<size_t> widths_;
  /// The header comes first.
  std::vector<std::vector<Cell>> rows_;
};

/// Format "name  value" lines, values in one column and escaped.
std::string FormatPairs(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace lance::cli
