/// \file printable.h
/// Texts of others on a terminal: names, paths, messages and values as they may be shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lance::cli {

/// One character as it will be printed.
struct Glyph {
  std::string text;
  size_t width;
};

/// Take the next character off a UTF-8 text. What would move the cursor, turn the direction of reading or not
/// be seen at all is escaped, and so is what is not UTF-8.
Glyph NextGlyph(std::string_view* text);

/// Escape a text for a line of its own.
std::string Printable(std::string_view text);

/// The same, without the middle of a text that is very long.
std::string PrintableLine(std::string_view text);

}  // namespace lance::cli
