/// \file confirm.h
/// What commands that change or remove something ask before they do.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "arrow/status.h"

namespace lance::cli {

/// What the user has said beforehand.
struct Consent {
  /// Do it without a question.
  bool yes = false;
  /// Do nothing, and print what would be done.
  bool dry_run = false;
};

/// --yes.
CLI::Option* AddYes(CLI::App& app, Consent& consent);

/// --yes and --dry-run, of which only one may be given.
void AddConsent(CLI::App& app, Consent& consent);

/// Throw a CLI::ValidationError where the user would have to be asked and cannot be: neither --yes nor
/// --dry-run is given, and standard input or standard error is no terminal. Call it before any work.
void RequireConsent(const Consent& consent);

/// Ask whether to go on, unless --yes is given. An answer other than y or yes is a status that says that
/// nothing was changed. Call RequireConsent() before.
///
/// \param[in] consent what the user has said beforehand
/// \param[in] question such as "Delete 12 of 4,000 rows of data/orders.lance?"
arrow::Status Confirm(const Consent& consent, const std::string& question);

}  // namespace lance::cli
