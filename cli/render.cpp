#include "render.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <utility>

#include "printable.h"

namespace lance::cli {
namespace {

constexpr size_t kMaxCellWidth = 48;
constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kGap = "  ";

}  // namespace

std::string FormatCount(uint64_t value) {
  std::string digits = fmt::format("{}", value);
  for (auto at = static_cast<ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), 1, ',');
  }
  return digits;
}

std::string FormatBytes(uint64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // 1023.95 would be rounded to "1024.0".
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string FormatTimestamp(int64_t micros) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(micros));
  const std::chrono::sys_seconds time(seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     micros - std::chrono::microseconds(seconds).count());
}

std::string FormatSeconds(double seconds) {
  if (seconds < 10) return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{:.1f} s", seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

TextTable::TextTable(const std::vector<Column>& columns) : widths_(columns.size()) {
  std::vector<std::string> names;
  for (const Column& column : columns) {
    aligns_.push_back(column.align);
    names.push_back(column.name);
  }
  AddRow(names);
}

void TextTable::AddRow(const std::vector<std::string>& cells) {
  std::vector<Cell>& row = rows_.emplace_back();
  for (size_t i = 0; i < widths_.size(); ++i) {
    row.push_back(FitCell(cells[i]));
    widths_[i] = std::max(widths_[i], row.back().width);
  }
}

TextTable::Cell TextTable::FitCell(std::string_view text) {
  Cell cell{};
  // Where to cut when the rest turns out not to fit.
  Cell cut{};
  while (!text.empty()) {
    const Glyph glyph = NextGlyph(&text);
    if (cell.width + glyph.width > kMaxCellWidth) {
      return {cut.text.append(kEllipsis), cut.width + 1};
    }
    cell.text += glyph.text;
    cell.width += glyph.width;
    if (cell.width < kMaxCellWidth) cut = cell;
  }
  return cell;
}

std::string TextTable::ToString() const {
  std::string text;
  const auto append_line = [&](const std::vector<Cell>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths_[i] - row[i].width, ' ');
      if (i > 0) line += kGap;
      line += aligns_[i] == Align::kRight ? padding + row[i].text : row[i].text + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text.append(line).append("\n");
  };
  std::vector<Cell> rule;
  for (const size_t width : widths_) rule.push_back({std::string(width, '-'), width});
  append_line(rows_.front());
  append_line(rule);
  for (auto row = rows_.begin() + 1; row != rows_.end(); ++row) append_line(*row);
  return text;
}

std::string FormatPairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  size_t width = 0;
  for (const auto& [name, value] : pairs) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : pairs) {
    fmt::format_to(std::back_inserter(text), "{:<{}}{}{}\n", name, width, kGap, Printable(value));
  }
  return text;
}

}  // namespace lance::cli
