#include "printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cwchar>
#include <utility>
#include <vector>

namespace lance::cli {
namespace {

/// The beginning of a line says what failed, its end why.
constexpr size_t kMostGlyphs = 600;
constexpr std::string_view kGap = " … ";

/// Controls, line and paragraph separators, direction marks, and what has no width and joins nothing.
bool IsHidden(wchar_t c) {
  constexpr std::pair<wchar_t, wchar_t> kHidden[] = {
      {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200b}, {0x200e, 0x200f},
      {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0001, 0xe007f},
  };
  return std::ranges::any_of(kHidden,
                             [c](const auto& range) { return range.first <= c && c <= range.second; });
}

std::string Escape(wchar_t c) {
  switch (c) {
    case L'\n':
      return "\\n";
    case L'\r':
      return "\\r";
    case L'\t':
      return "\\t";
    default:
      return fmt::format("\\u{{{:x}}}", static_cast<unsigned>(c));
  }
}

}  // namespace

Glyph NextGlyph(std::string_view* text) {
  wchar_t wide = 0;
  std::mbstate_t state = {};
  size_t length = std::mbrtowc(&wide, text->data(), text->size(), &state);
  // So it says of NUL.
  if (length == 0) length = 1;
  if (length > text->size()) {
    const auto byte = static_cast<unsigned char>(text->front());
    text->remove_prefix(1);
    return {fmt::format("\\x{:02x}", byte), 4};
  }
  const int width = IsHidden(wide) ? -1 : wcwidth(wide);
  Glyph glyph{.text = std::string(text->substr(0, length)), .width = 0};
  text->remove_prefix(length);
  if (width >= 0) {
    glyph.width = static_cast<size_t>(width);
  } else {
    glyph.text = Escape(wide);
    glyph.width = glyph.text.size();
  }
  return glyph;
}

std::string Printable(std::string_view text) {
  std::string printable;
  while (!text.empty()) printable += NextGlyph(&text).text;
  return printable;
}

std::string PrintableLine(std::string_view text) {
  std::vector<std::string> glyphs;
  while (!text.empty()) glyphs.push_back(NextGlyph(&text).text);
  if (glyphs.size() > kMostGlyphs) {
    const auto head = glyphs.begin() + kMostGlyphs * 2 / 3;
    const auto tail = glyphs.end() - kMostGlyphs / 3;
    glyphs.insert(glyphs.erase(head, tail), std::string(kGap));
  }
  return fmt::format("{}", fmt::join(glyphs, ""));
}

}  // namespace lance::cli
