/// \file command.h
/// The commands of the program. Each file of commands/ declares its own and registers them; nothing else
/// names one.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "arrow/status.h"

namespace lance::cli {

/// What a command does once its arguments are parsed. It throws a CLI::ParseError, before any work, for
/// arguments that do not fit together.
using Action = std::function<arrow::Status()>;

/// What commands are about, in the order of the help.
enum class Section : uint8_t {
  /// Making and filling datasets.
  kLoad,
  /// Facts about a dataset.
  kDescribe,
  /// Rows.
  kRows,
  /// Changing rows and columns.
  kChange,
  /// What a dataset consists of: versions, fragments.
  kParts,
  /// Checks and repairs.
  kMaintain,
};

/// A command, or a group of commands that have their first word in common. The texts are literals.
struct Command {
  /// One word, such as "count", or two for a command of a group, such as "tpch generate".
  std::string_view name;
  Section section;
  /// The place within the section, or within the group. Commands of the same rank are sorted by name.
  int rank;
  /// A line for the list of commands.
  std::string_view help;
  /// A command line for the help of the program.
  std::string_view example = {};
  /// Add flags and a footer to the command, and return what it does. NULL for a group.
  Action (*declare)(CLI::App& app) = nullptr;
};

/// Adds a command to those of the program: a constant of the command's file, which must be linked as an
/// object file, as a linker leaves out the members of an archive that nobody refers to.
class Registration {
 public:
  explicit Registration(const Command& command) noexcept;
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
};

/// Get all commands in the order of the help, whatever the order in which they are linked. Groups come before
/// what is in them.
std::vector<Command> Commands();

/// Add all commands to the program.
///
/// \param[in] app the program
/// \param[out] chosen set to the action of the command that is parsed
void AddCommands(CLI::App& app, Action& chosen);

}  // namespace lance::cli
