#include "confirm.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iostream>

#include "app.h"
#include "printable.h"

namespace lance::cli {

CLI::Option* AddYes(CLI::App& app, Consent& consent) {
  return app.add_flag("-y,--yes", consent.yes, "Do it without a question");
}

void AddConsent(CLI::App& app, Consent& consent) {
  CLI::Option* yes = AddYes(app, consent);
  app.add_flag("--dry-run", consent.dry_run, "Change nothing, and print what would be changed")
      ->excludes(yes);
}

void RequireConsent(const Consent& consent) {
  if (consent.yes || consent.dry_run) return;
  if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) return;
  throw CLI::ValidationError("--yes", "is needed where there is no terminal to ask on");
}

arrow::Status Confirm(const Consent& consent, const std::string& question) {
  if (consent.yes) return arrow::Status::OK();
  Say(Printable(question) + " [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  std::erase_if(answer, [](unsigned char c) { return std::isspace(c) != 0; });
  std::ranges::transform(answer, answer.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (answer == "y" || answer == "yes") return arrow::Status::OK();
  return arrow::Status::Cancelled("not confirmed: nothing was changed");
}

}  // namespace lance::cli
