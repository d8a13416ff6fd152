/// \file flags.h
/// Arguments and flags that commands share. What a function sets lives as long as the CLI::App.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "lance/options.h"

namespace lance::cli {

/// Demand a number of at least so much.
CLI::Validator AtLeast(int minimum);

/// Add a flag that is one of some words.
///
/// \param[out] value what the word stands for; unchanged without the flag
/// \param[in] choices the words; they live as long as the CLI::App
template <typename Value, typename T>
CLI::Option* AddChoice(CLI::App& app, const std::string& name, Value& value,
                       const std::map<std::string, T>& choices, const std::string& help) {
  std::string names;
  for (const auto& [choice, _] : choices) names += (names.empty() ? "" : "|") + choice;
  return app
      .add_option_function<std::string>(
          name, [&value, &choices](const std::string& choice) { value = choices.at(choice); }, help)
      ->check(CLI::IsMember(&choices).description(""))
      ->type_name(names);
}

/// Add an option whose value is a number with a unit of time.
template <typename Age>
CLI::Option* AddAge(CLI::App& app, const std::string& name, Age& age, const std::string& help) {
  const std::map<std::string, int64_t> units = {
      {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 24 * 3600}, {"w", 7 * 24 * 3600}};
  return app
      .add_option_function<int64_t>(
          name, [&age](int64_t seconds) { age = std::chrono::seconds(seconds); }, help)
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED).description(""))
      ->check(AtLeast(0))
      ->type_name("AGE");
}

/// DATASET.
void AddDataset(CLI::App& app, std::string& uri);

/// --storage-option.
void AddStorage(CLI::App& app, StorageOptions& storage);

/// --namespace, which it returns, and --property.
CLI::Option* AddNamespace(CLI::App& app, NamespaceFlags& in);

/// DATASET, the flags of a version, --storage-option, --namespace and --property.
void AddSource(CLI::App& app, Source& source);

/// --param, of an index.
void AddParameters(CLI::App& app, std::map<std::string, std::string>& parameters);

/// --metadata, of a tag or a branch.
void AddMetadata(CLI::App& app, std::map<std::string, std::string>& metadata);

/// --format of a report.
void AddFormat(CLI::App& app, Format& format);

/// --format of rows.
void AddRowFormat(CLI::App& app, Format& format);

/// How to print what a load has done, by a flag of this name.
void AddResultFormat(CLI::App& app, const std::string& name, Format& format);

/// --columns.
void AddColumns(CLI::App& app, std::optional<std::vector<std::string>>& columns);

/// --select, columns that are computed.
void AddExpressions(CLI::App& app, std::vector<std::pair<std::string, std::string>>& expressions,
                    const std::string& help);

/// How to write a dataset.
struct WriteFlags {
  WriteOptions options;
  uint32_t jobs = DefaultJobs();
  /// The most rows of a batch.
  int32_t batch_rows = 8192;
  /// Leave the commit to `lance commit`.
  bool uncommitted = false;
  /// The name of the part of a job that this is, or "".
  std::string part_name;
};

/// --data-storage-version.
void AddStorageVersion(CLI::App& app, std::optional<std::string>& version);

/// --profile.
void AddProfile(CLI::App& app, EncodingProfile& profile);

/// The flags of a write.
void AddWrite(CLI::App& app, WriteFlags& write);

/// Name the part of a job that a write is, unless the name is "".
void SetPartName(const std::string& name, WriteOptions& options);

/// --retries, of a change that another writer comes before.
void AddRetries(CLI::App& app, uint32_t& retries);

/// --message, kept with the version.
void AddMessage(CLI::App& app, std::optional<std::string>& message);

/// Declare a command that takes a dataset and a format, and no more.
Action DeclareReport(CLI::App& app, arrow::Status (*show)(const Source&, Format));

}  // namespace lance::cli
