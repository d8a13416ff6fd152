#include "command.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace lance::cli {
namespace {

/// Within a function, as registrations of other files run before this file's constants are made.
std::vector<Command>& Registry() {
  static std::vector<Command> commands;
  return commands;
}

}  // namespace

Registration::Registration(const Command& command) noexcept { Registry().push_back(command); }

std::vector<Command> Commands() {
  std::vector<Command> commands = Registry();
  std::ranges::sort(commands, {}, [](const Command& command) {
    const bool in_group = command.name.find(' ') != std::string_view::npos;
    return std::tuple(in_group, command.section, command.rank, command.name);
  });
  return commands;
}

void AddCommands(CLI::App& app, Action& chosen) {
  for (const Command& command : Commands()) {
    const size_t space = command.name.find(' ');
    const bool in_group = space != std::string_view::npos;
    CLI::App& parent = in_group ? *app.get_subcommand(std::string(command.name.substr(0, space))) : app;
    const std::string_view word = in_group ? command.name.substr(space + 1) : command.name;
    CLI::App& added = *parent.add_subcommand(std::string(word), std::string(command.help));
    if (command.declare == nullptr) {
      added.require_subcommand(1);
    } else {
      added.callback([&chosen, action = command.declare(added)] { chosen = action; });
    }
  }
}

}  // namespace lance::cli
