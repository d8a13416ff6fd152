#include "flags.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

#include "clauses.h"

namespace lance::cli {
namespace {

const std::map<std::string, WriteMode> kModes = {
    {"create", WriteMode::kCreate}, {"append", WriteMode::kAppend}, {"overwrite", WriteMode::kOverwrite}};
const std::map<std::string, EncodingProfile> kProfiles = {
    {"read", EncodingProfile::kRead}, {"size", EncodingProfile::kSize}, {"engine", EncodingProfile::kEngine}};
const std::vector<std::string> kStorageVersions = {"2.0", "2.1", "2.2", "2.3", "stable", "next"};
const std::map<std::string, Format> kReportFormats = {{"table", Format::kTable}, {"json", Format::kJson}};
const std::map<std::string, Format> kRowFormats = {
    {"table", Format::kTable}, {"json", Format::kJson}, {"csv", Format::kCsv}};

/// Add a flag that is repeated with pairs.
template <typename Set>
CLI::Option* AddPairs(CLI::App& app, const std::string& name, const std::string& help, Set set) {
  return app
      .add_option_function<std::vector<std::string>>(
          name,
          [name, set](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const size_t equals = pair.find('=');
              // The text may hold a secret, so it is not repeated.
              if (equals == std::string::npos || equals == 0) {
                throw CLI::ValidationError(name, "an option must look like KEY=VALUE");
              }
              set(pair.substr(0, equals), pair.substr(equals + 1));
            }
          },
          help)
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace

/// The number must be whole, too; that is checked where it is converted.
CLI::Validator AtLeast(int minimum) {
  const auto check = [minimum](const std::string& text) -> std::string {
    double value = 0;
    if (!CLI::detail::lexical_cast(text, value) || !(value >= minimum)) {
      return fmt::format("{} is not a number of {} or more", text, minimum);
    }
    // The conversion would take the greatest number there is.
    int64_t whole = 0;
    const auto [_, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    return error == std::errc::result_out_of_range ? text + " is too large" : std::string();
  };
  return CLI::Validator(check, "");
}

void AddDataset(CLI::App& app, std::string& uri) {
  app.add_option("DATASET", uri, "A path or URI")->required()->type_name("");
}

void AddStorage(CLI::App& app, StorageOptions& storage) {
  AddPairs(app, "--storage-option", "An option of the object store, e.g. aws_endpoint=...; may be repeated",
           [&storage](std::string key, std::string value) { storage.Set(std::move(key), std::move(value)); });
}

CLI::Option* AddNamespace(CLI::App& app, NamespaceFlags& in) {
  auto* option = app.add_option_function<std::string>(
      "--namespace",
      [&in](const std::string& text) {
        const size_t colon = text.find(':');
        in.kind = text.substr(0, colon);
        if (colon == std::string::npos || (in.kind != "dir" && in.kind != "rest")) {
          throw CLI::ValidationError("--namespace", "a namespace looks like dir:PATH or rest:URL");
        }
        in.properties[in.kind == "dir" ? "root" : "uri"] = text.substr(colon + 1);
      },
      "Names are those of tables in a directory or behind a server");
  option->type_name("dir:PATH|rest:URL");
  AddPairs(app, "--property",
           "Of the namespace, e.g. header.Authorization=..., storage.aws_endpoint=...; may be repeated",
           [&in](std::string key, std::string value) { in.properties[std::move(key)] = std::move(value); })
      ->needs(option);
  return option;
}

void AddSource(CLI::App& app, Source& source) {
  AddDataset(app, source.uri);
  auto* version = app.add_option("--at-version", source.options.version, "Read this version");
  auto* tag = app.add_option("--tag", source.options.tag, "Read the version this tag points to");
  auto* branch = app.add_option("--branch", source.options.branch, "Read this branch");
  version->check(AtLeast(1))->type_name("N");
  tag->type_name("NAME")->excludes(version)->excludes(branch);
  branch->type_name("NAME");
  AddStorage(app, source.options.storage);
  AddNamespace(app, source.in);
}

void AddParameters(CLI::App& app, std::map<std::string, std::string>& parameters) {
  AddPairs(
      app, "--param", "A parameter of this kind of index, e.g. metric=cosine; may be repeated",
      [&parameters](std::string key, std::string value) { parameters[std::move(key)] = std::move(value); });
}

void AddRetries(CLI::App& app, uint32_t& retries) {
  app.add_option("--retries", retries,
                 "How often to do it again on the newest version when another writer was first (default: 10)")
      ->check(AtLeast(0))
      ->type_name("N");
}

void AddMessage(CLI::App& app, std::optional<std::string>& message) {
  app.add_option("--message", message, "A message kept with the version")->type_name("TEXT");
}

void AddMetadata(CLI::App& app, std::map<std::string, std::string>& metadata) {
  AddPairs(app, "--metadata", "Keep this with it, e.g. owner=me; may be repeated",
           [&metadata](std::string key, std::string value) { metadata[std::move(key)] = std::move(value); });
}

void AddFormat(CLI::App& app, Format& format) {
  AddChoice(app, "--format", format, kReportFormats, "How to print (default: table)");
}

void AddRowFormat(CLI::App& app, Format& format) {
  AddChoice(app, "--format", format, kRowFormats,
            "How to print rows; json is one object per line (default: table)");
}

void AddResultFormat(CLI::App& app, const std::string& name, Format& format) {
  AddChoice(app, name, format, kReportFormats, "How to print the result (default: table)");
}

void AddColumns(CLI::App& app, std::optional<std::vector<std::string>>& columns) {
  app.add_option_function<std::vector<std::string>>(
         "--columns", [&columns](const std::vector<std::string>& names) { columns = names; },
         "Columns to read, nested ones as a.b (default: all)")
      ->delimiter(',')
      ->type_name("A,B,...");
}

void AddExpressions(CLI::App& app, std::vector<std::pair<std::string, std::string>>& expressions,
                    const std::string& help) {
  app.add_option_function<std::vector<std::string>>(
         "--select",
         [&expressions](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) expressions.push_back(ParseExpression(text));
         },
         help)
      ->type_name("EXPR as NAME")
      ->allow_extra_args(false);
}

void AddStorageVersion(CLI::App& app, std::optional<std::string>& version) {
  app.add_option("--data-storage-version", version, "Lance file format, e.g. 2.1")
      ->check(CLI::IsMember(kStorageVersions).description(""))
      ->type_name("VERSION");
}

void AddProfile(CLI::App& app, EncodingProfile& profile) {
  AddChoice(
      app, "--profile", profile, kProfiles,
      "What columns are encoded for: to be read fast, for few bytes, or as the engine does (default: read)");
}

void AddWrite(CLI::App& app, WriteFlags& write) {
  AddChoice(app, "--mode", write.options.mode, kModes,
            "What to do with an existing dataset (default: create)");
  app.add_option("--branch", write.options.branch, "Write to this branch (default: main)")->type_name("NAME");
  app.add_option("--batch-rows", write.batch_rows, "The most rows of a batch")
      ->capture_default_str()
      ->check(AtLeast(1))
      ->type_name("N");
  app.add_option("--jobs", write.jobs, "Threads that feed the writer (default: the number of cores)")
      ->check(CLI::Range(1u, 1024u).description(""))
      ->type_name("N");
  AddStorageVersion(app, write.options.data_storage_version);
  AddProfile(app, write.options.encoding_profile);
  app.add_flag("--durable", write.options.durable,
               "Sync files and directories, so that a commit survives a power failure");
  auto* uncommitted = app.add_flag("--uncommitted", write.uncommitted,
                                   "Commit nothing, and print a transaction as JSON for `lance commit`");
  app.add_option("--id", write.part_name,
                 "The name of this part of the work: of all that have it one is committed, once")
      ->needs(uncommitted)
      ->type_name("NAME");
  AddStorage(app, write.options.storage);
}

void SetPartName(const std::string& name, WriteOptions& options) {
  if (!name.empty()) options.transaction_properties[Transaction::kPartProperty] = name;
}

Action DeclareReport(CLI::App& app, arrow::Status (*show)(const Source&, Format)) {
  struct Args {
    Source source;
    Format format = Format::kTable;
  };
  auto args = std::make_shared<Args>();
  AddSource(app, args->source);
  AddFormat(app, args->format);
  return [args, show] { return show(args->source, args->format); };
}

}  // namespace lance::cli
