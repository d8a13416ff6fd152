#include "commands/query.h"

#include <fmt/format.h>

#include <memory>

#include "arrow/record_batch.h"
#include "lance/api.h"
#include "render.h"
#include "rows.h"

namespace lance::cli {
namespace {

/// The rows of a table that was asked for without a limit.
constexpr int64_t kPreviewRows = 50;

}  // namespace

arrow::Status Query(const Source& source, const ScanOptions& scan, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  const bool is_preview = format == Format::kTable && !scan.limit;
  ScanOptions shown = scan;
  if (is_preview) shown.limit = kPreviewRows;
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan(shown));
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner->ToReader());
  ARROW_ASSIGN_OR_RAISE(const int64_t rows, PrintRows(*reader, format));
  if (!is_preview || rows < kPreviewRows) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const uint64_t all, dataset->CountRows(scan.filter));
  if (const uint64_t seen = static_cast<uint64_t>(scan.offset + rows); seen < all) {
    Say(fmt::format("… {} more rows; --limit N shows more, --format json or csv all\n",
                    FormatCount(all - seen)));
  }
  return arrow::Status::OK();
}

arrow::Status Take(const Source& source, const std::vector<uint64_t>& rows,
                   const std::optional<std::vector<std::string>>& columns, Format format) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, source.Open());
  ARROW_ASSIGN_OR_RAISE(const auto batch, dataset->Take(rows, columns));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({batch}));
  return PrintRows(*reader, format).status();
}

}  // namespace lance::cli
