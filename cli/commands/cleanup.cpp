#include "commands/cleanup.h"

#include <nlohmann/json.hpp>

#include "render.h"

namespace lance::cli {
namespace {

constexpr char kClonesWarning[] =
    "Shallow clones neither below nor beside the dataset lose these files: tag what they read.\n";

}  // namespace

arrow::Status Cleanup(const CleanupArgs& args) {
  ARROW_ASSIGN_OR_RAISE(const CleanupResult result, CleanupDataset(args.dataset, args.cleanup));
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {
        {"dry_run", args.cleanup.dry_run},           {"versions", result.versions},
        {"data_files", result.data_files},           {"other_files", result.other_files},
        {"temporary_files", result.temporary_files}, {"bytes", result.bytes}};
    return Print(json.dump(2) + "\n");
  }
  const bool dry_run = args.cleanup.dry_run;
  const std::string heading = dry_run ? "would be removed:\n" : "removed:\n";
  const std::string warning = dry_run && result.versions > 0 ? kClonesWarning : "";
  return Print(heading +
               FormatPairs({{"versions", FormatCount(result.versions)},
                            {"data files", FormatCount(result.data_files)},
                            {"other files", FormatCount(result.other_files)},
                            {"temporary files", FormatCount(result.temporary_files)},
                            {"size", FormatBytes(result.bytes)}}) +
               warning);
}

}  // namespace lance::cli
