#include "commands/cleanup.h"

#include <nlohmann/json.hpp>

#include "render.h"

namespace lance::cli {

arrow::Status Cleanup(const CleanupArgs& args) {
  ARROW_ASSIGN_OR_RAISE(const CleanupResult result, CleanupDataset(args.dataset, args.cleanup));
  if (args.format == Format::kJson) {
    const nlohmann::ordered_json json = {
        {"dry_run", args.cleanup.dry_run},           {"versions", result.versions},
        {"data_files", result.data_files},           {"other_files", result.other_files},
        {"temporary_files", result.temporary_files}, {"bytes", result.bytes}};
    return Print(json.dump(2) + "\n");
  }
  const std::string heading = args.cleanup.dry_run ? "would be removed:\n" : "removed:\n";
  return Print(heading + FormatPairs({{"versions", FormatCount(result.versions)},
                                      {"data files", FormatCount(result.data_files)},
                                      {"other files", FormatCount(result.other_files)},
                                      {"temporary files", FormatCount(result.temporary_files)},
                                      {"size", FormatBytes(result.bytes)}}));
}

}  // namespace lance::cli
