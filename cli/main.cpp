// The `lance` program: parses the command line, runs the command, and tells how it went.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <clocale>
#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "allocator.h"
#include "app.h"
#include "arrow/config.h"
#include "arrow/status.h"
#include "command.h"
#include "lance/api.h"
#include "printable.h"
#include "suggest.h"

namespace lance::cli {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr int kExitSignal = 128;

std::string VersionText() {
  return fmt::format("lance-cpp {} (Lance {}, Arrow C++ {})", Version(), EngineVersion(),
                     arrow::GetBuildInfo().version_string);
}

/// Help with less notation than CLI11's own.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = option->get_type_name().empty() ? "" : " " + option->get_type_name();
    if (!option->get_default_str().empty()) text += "=" + option->get_default_str();
    return option->get_required() ? text + " (required)" : text;
  }
};

std::string Footer() {
  std::string text = "Run `lance COMMAND --help` for the options of a command.\n\nExamples:";
  for (const Command& command : Commands()) {
    if (!command.example.empty()) text.append("\n  ").append(command.example);
  }
  return text;
}

/// Describe a word that should be a command and is not.
std::optional<std::string> FindUnknownCommand(const CLI::App* app, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty() || word.starts_with('-')) return std::nullopt;
    const auto found = std::ranges::find(commands, word, &CLI::App::get_name);
    if (found == commands.end()) {
      std::vector<std::string> names;
      for (const CLI::App* command : commands) names.push_back(command->get_name());
      return DescribeUnknown("command", word, names);
    }
    app = *found;
  }
  return std::nullopt;
}

/// The words of the command that was being parsed, for example "lance tpch generate".
std::string CommandName(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app.get_name() : app.get_name() + " " + CommandName(*parsed.front());
}

void PrintError(std::string_view message) {
  // An argument, or a name in a file, may hold what would move the cursor or colour the terminal.
  Say(fmt::format("lance: error: {}\n", PrintableLine(message)));
}

int FinishAction(const arrow::Status& status) {
  if (status.ok() || IsClosedPipe(status)) return 0;
  if (const int signal = InterruptSignal(); signal != 0 && !status.ok()) {
    Say("lance: interrupted; what was not committed is removed\n");
    return kExitSignal + signal;
  }
  PrintError(DescribeError(status));
  return kExitFailure;
}

int Main(int argc, char** argv) {
  ReserveStandardDescriptors();
  BoundFreeMemory(DefaultJobs());
  // For the width of characters; messages and numbers stay as they are.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  // A closed pipe is then an error of write().
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Generate, import, inspect and query Lance datasets.", "lance");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag("--version", VersionText(), "Print versions and exit");
  app.require_subcommand(0, 1);
  Action chosen;
  AddCommands(app, chosen);
  // Afterwards, as commands inherit it.
  app.footer(Footer());
  if (const auto message = FindUnknownCommand(&app, {argv + 1, argv + argc})) {
    PrintError(*message);
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
    if (chosen) return FinishAction(chosen());
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" of code 0.
    if (error.get_exit_code() == 0) return app.exit(error);
    PrintError(fmt::format("{}; see `{} --help`", error.what(), CommandName(app)));
    return kExitUsage;
  }
  fmt::print("{}", app.help());
  return 0;
}

}  // namespace
}  // namespace lance::cli

int main(int argc, char** argv) {
  try {
    return lance::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    lance::cli::PrintError(error.what());
    return lance::cli::kExitFailure;
  }
}
