#include "commands/count.h"

#include "lance/api.h"

namespace lance::cli {

arrow::Status Count(const Source& source, const std::optional<std::string>& filter) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const uint64_t rows, dataset->CountRows(filter));
  return Print(std::to_string(rows) + "\n");
}

}  // namespace lance::cli
