// `lance index tokenize`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app.h"
#include "arrow/result.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

struct Args {
  std::string text;
  std::map<std::string, std::string> parameters;
  Format format = Format::kTable;
};

arrow::Status Show(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(const auto tokens, Tokenize(args.text, args.parameters));
  if (args.format == Format::kJson) {
    auto json = nlohmann::ordered_json::array();
    for (const TextToken& token : tokens) {
      json.push_back(
          {{"word", token.text}, {"position", token.position}, {"start", token.start}, {"end", token.end}});
    }
    return Print(json.dump(2) + "\n");
  }
  using enum TextTable::Align;
  TextTable table({{"word"}, {"position", kRight}, {"bytes", kRight}});
  for (const TextToken& token : tokens) {
    table.AddRow({token.text, FormatCount(token.position), fmt::format("{}..{}", token.start, token.end)});
  }
  return Print(table.ToString());
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  app.add_option("TEXT", args->text, "The text")->required()->type_name("");
  AddParameters(app, args->parameters);
  AddFormat(app, args->format);
  app.footer(
      "Examples:\n"
      "  lance index tokenize \"The quick brown foxes\"\n"
      "  lance index tokenize \"The quick brown foxes\" --param stem=false --param "
      "base_tokenizer=whitespace");
  return [args] { return Show(*args); };
}

const Registration kTokenize({.name = "index tokenize",
                              .section = Section::kParts,
                              .rank = 12,
                              .help = "Show the words that an index of words would have of a text",
                              .declare = Declare});

}  // namespace
}  // namespace lance::cli
