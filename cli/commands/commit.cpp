// `lance commit`.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "app.h"
#include "arrow/status.h"
#include "command.h"
#include "flags.h"
#include "lance/api.h"
#include "render.h"

namespace lance::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Args {
  std::string dataset;
  std::vector<std::string> files;
  StorageOptions storage;
  CommitOptions commit;
  Format format = Format::kTable;
};

/// What is committed, and how often something was given that is.
struct Parts {
  std::vector<Transaction> transactions;
  /// What they say of themselves.
  std::vector<Json> documents;
  uint64_t doubled = 0;
};

arrow::Result<std::string> ReadText(const std::string& path) {
  std::stringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  const std::ifstream file(path, std::ios::binary);
  if (!file) return arrow::Status::IOError("cannot open ", path);
  text << file.rdbuf();
  return text.str();
}

/// Add the transactions that a text consists of, one after the other.
arrow::Status AddText(const Args& args, const std::string& path, const std::string& text,
                      std::set<std::string>* seen, Parts* parts) {
  std::istringstream stream(text);
  size_t count = 0;
  while (!(stream >> std::ws).eof()) {
    const auto begin = static_cast<size_t>(stream.tellg());
    try {
      Json ignored;
      stream >> ignored;
    } catch (const Json::exception& error) {
      return arrow::Status::Invalid(path, " is no transaction, or was cut short: ", error.what());
    }
    const std::string document = text.substr(begin, static_cast<size_t>(stream.tellg()) - begin);
    ARROW_ASSIGN_OR_RAISE(auto transaction, Transaction::FromJson(document, args.storage));
    ARROW_ASSIGN_OR_RAISE(const std::string json, transaction.ToJson());
    Json described = Json::parse(json);
    ++count;
    if (!seen->insert(described["uuid"].get<std::string>()).second) {
      ++parts->doubled;
      continue;
    }
    parts->transactions.push_back(std::move(transaction));
    parts->documents.push_back(std::move(described));
  }
  return count > 0 ? arrow::Status::OK() : arrow::Status::Invalid(path, " is empty");
}

arrow::Result<Parts> ReadParts(const Args& args) {
  Parts parts;
  std::set<std::string> seen;
  for (const std::string& path : args.files) {
    ARROW_ASSIGN_OR_RAISE(const std::string text, ReadText(path));
    ARROW_RETURN_NOT_OK(AddText(args, path, text, &seen, &parts));
  }
  return parts;
}

/// Where there is no dataset yet, nothing but the transactions says where it is to be.
arrow::Status CheckPlace(const Args& args, const Parts& parts) {
  std::error_code failed;
  const auto place = std::filesystem::weakly_canonical(args.dataset, failed).string();
  for (const Json& document : parts.documents) {
    const auto uri = document["uri"].get<std::string>();
    if (uri == args.dataset || (!failed && uri == place)) continue;
    return arrow::Status::Invalid("the transaction is of dataset ", uri, ", not of ", args.dataset);
  }
  return arrow::Status::OK();
}

arrow::Result<CommitResult> CommitParts(const Args& args, Parts& parts) {
  OpenOptions options;
  options.storage = args.storage;
  auto dataset = Dataset::Open(args.dataset, options);
  if (dataset.ok()) {
    ARROW_ASSIGN_OR_RAISE(const auto made, (*dataset)->Commit(parts.transactions, args.commit));
    return made.result;
  }
  if (GetErrorCode(dataset.status()) != ErrorCode::kDatasetNotFound) return dataset.status();
  ARROW_RETURN_NOT_OK(CheckPlace(args, parts));
  return Transaction::CommitAll(parts.transactions, args.commit);
}

/// Delete what was left out of a commit, which has the parts by other transactions: nobody else knows its
/// files.
arrow::Status DiscardRepeated(const CommitResult& made, std::vector<Transaction>& transactions) {
  if (made.repeated_parts == 0) return arrow::Status::OK();
  for (Transaction& transaction : transactions) {
    const arrow::Status status = transaction.Discard();
    // One that is committed.
    if (GetErrorCode(status) == ErrorCode::kInvalidState) continue;
    ARROW_RETURN_NOT_OK(status);
  }
  return arrow::Status::OK();
}

/// What transactions do, in numbers: fragments that are new or changed, and the rows of the new ones.
struct Totals {
  std::set<std::string> operations;
  uint64_t fragments = 0;
  uint64_t rows = 0;
};

Totals Count(const Parts& parts) {
  Totals totals;
  for (const Json& document : parts.documents) {
    const Json& operation = document["operation"];
    totals.operations.insert(operation["type"].get<std::string>());
    for (const char* list : {"fragments", "new_fragments", "updated_fragments", "replacements"}) {
      const auto fragments = operation.find(list);
      if (fragments == operation.end()) continue;
      totals.fragments += fragments->size();
      const bool is_new = std::string_view(list) == "new_fragments" || operation["type"] == "Append" ||
                          operation["type"] == "Overwrite";
      if (!is_new) continue;
      for (const Json& fragment : *fragments) totals.rows += fragment.value("physical_rows", uint64_t{0});
    }
  }
  return totals;
}

arrow::Status Commit(const Args& args) {
  ARROW_ASSIGN_OR_RAISE(Parts parts, ReadParts(args));
  ARROW_ASSIGN_OR_RAISE(const CommitResult made, CommitParts(args, parts));
  if (!args.commit.dry_run) ARROW_RETURN_NOT_OK(DiscardRepeated(made, parts.transactions));
  const Totals totals = Count(parts);
  if (args.format == Format::kJson) {
    const Json json = {{"dry_run", args.commit.dry_run},  {"version", made.version},
                       {"operations", totals.operations}, {"transactions", parts.documents.size()},
                       {"given_twice", parts.doubled},    {"repeated_parts", made.repeated_parts},
                       {"fragments", totals.fragments},   {"rows", totals.rows}};
    return Print(json.dump(2) + "\n");
  }
  std::string operations;
  for (const std::string& name : totals.operations) operations += (operations.empty() ? "" : ", ") + name;
  return Print((args.commit.dry_run ? "would be committed:\n" : "committed:\n") +
               FormatPairs({{"version", FormatCount(made.version)},
                            {"operation", operations},
                            {"transactions", FormatCount(parts.documents.size())},
                            {"given twice", FormatCount(parts.doubled)},
                            {"repeated parts", FormatCount(made.repeated_parts)},
                            {"fragments", FormatCount(totals.fragments)},
                            {"new rows", FormatCount(totals.rows)}}));
}

Action Declare(CLI::App& app) {
  auto args = std::make_shared<Args>();
  AddDataset(app, args->dataset);
  app.add_option("FILES", args->files, "Files with transactions as JSON; - is the standard input")
      ->required()
      ->expected(-1)
      ->type_name("");
  app.add_option("--message", args->commit.commit_message, "Keep a message with the version")
      ->type_name("TEXT");
  app.add_option("--max-retries", args->commit.max_retries,
                 "How often to try again when others commit (default: 19)")
      ->check(AtLeast(0))
      ->type_name("N");
  app.add_flag("--dry-run", args->commit.dry_run, "Commit nothing, and print what would be committed");
  AddStorage(app, args->storage);
  AddFormat(app, args->format);
  app.footer(
      "All transactions become one version, or none does. One that is given twice counts once, and one that\n"
      "was committed before is not committed again: the version that has it is printed. Of several with the\n"
      "same --id one is committed, once, and the others are deleted. Workers make them with --uncommitted, "
      "and\n"
      "other Lance libraries in the form that docs/transactions.md describes.\n\n"
      "Examples:\n"
      "  lance commit data/lineitem.lance part*.json\n"
      "  lance commit data/lineitem.lance part*.json --dry-run");
  return [args] { return Commit(*args); };
}

const Registration kCommit({.name = "commit",
                            .section = Section::kLoad,
                            .rank = 4,
                            .help = "Make one version of what workers have prepared",
                            .declare = Declare});

}  // namespace
}  // namespace lance::cli
