#include "index_build.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "app.h"
#include "printable.h"
#include "render.h"
#include "suggest.h"

namespace lance::cli {
namespace {

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The kinds, as they are typed.
std::vector<std::string> Kinds() {
  std::vector<std::string> kinds;
  for (int value = 1; value <= static_cast<int>(IndexType::kIvfHnswPq); ++value) {
    kinds.push_back(Lower(IndexTypeName(static_cast<IndexType>(value))));
  }
  return kinds;
}

void AddType(CLI::App& app, IndexType& type) {
  const auto set = [&type](const std::string& name) {
    const auto parsed = ParseIndexType(name);
    if (!parsed.ok()) {
      throw CLI::ValidationError("--type", DescribeUnknown("kind of index", name, Kinds()));
    }
    type = *parsed;
  };
  app.add_option_function<std::string>("--type", set, "What kind of index")->required()->type_name("KIND");
}

}  // namespace

Stages::~Stages() {
  if (is_shown_) Say("\r\x1b[K");
}

std::function<void(const IndexProgress&)> Stages::Callback() {
  if (isatty(STDERR_FILENO) != 1) return nullptr;
  return [this](const IndexProgress& progress) {
    is_shown_ = true;
    std::string line = progress.stage;
    if (progress.total.has_value()) {
      line += fmt::format(": {} of {} {}", FormatCount(progress.completed), FormatCount(*progress.total),
                          progress.unit);
    } else if (progress.completed > 0) {
      line += fmt::format(": {} {}", FormatCount(progress.completed), progress.unit);
    }
    Say("\r\x1b[K" + Printable(line));
  };
}

void AddIndex(CLI::App& app, IndexArgs& args) {
  AddSource(app, args.source);
  app.add_option("COLUMN", args.column, "A column, or a field of one such as a.b")->required()->type_name("");
  AddType(app, args.type);
  AddParameters(app, args.index.parameters);
}

}  // namespace lance::cli
