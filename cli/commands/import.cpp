#include "commands/import.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "arrow/type.h"
#include "load.h"
#include "printable.h"

namespace lance::cli {
namespace {

/// Give each lane a contiguous run of parts, of about the same size.
std::vector<std::vector<Piece>> ShareOut(const std::vector<Input::Part>& parts, uint32_t jobs) {
  // Empty parts weigh something too.
  const auto weight = [](const Input::Part& part) { return part.bytes + 1; };
  uint64_t total = 0;
  for (const Input::Part& part : parts) total += weight(part);
  std::vector<std::vector<Piece>> lanes(jobs);
  uint64_t before = 0;
  for (const Input::Part& part : parts) {
    const uint64_t middle = before + weight(part) / 2;
    lanes[middle * jobs / total].push_back(part.open);
    before += weight(part);
  }
  std::erase_if(lanes, [](const auto& lane) { return lane.empty(); });
  // A file without any row group still makes a dataset.
  if (lanes.empty()) lanes.emplace_back();
  return lanes;
}

/// Half of what a writer takes by default, as readers of files hold row groups in memory too: 90 MB less, and
/// 2 to 4 % more time.
uint64_t BytesInFlight(size_t lanes, const arrow::Schema& schema) {
  constexpr uint64_t kOfLane = 24 << 20;
  constexpr uint64_t kOfColumn = 256 << 10;
  return std::max<size_t>(lanes, 2) * std::max(kOfLane, schema.num_fields() * kOfColumn);
}

std::string NameOf(const std::string& uri) {
  const std::filesystem::path path(uri);
  return path.has_stem() ? path.stem().string() : uri;
}

}  // namespace

arrow::Status Import(const ImportArgs& args) {
  WatchInterrupts();
  ARROW_ASSIGN_OR_RAISE(const std::vector<std::string> paths, ExpandInputs(args.inputs));
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<Dataset> dataset, CheckTarget(args.dataset, args.write));
  Expected expected;
  if (args.write.mode == WriteMode::kAppend) {
    expected = {.schema = dataset->schema(), .of_dataset = true};
  }
  std::vector<Input::Part> parts;
  std::optional<uint64_t> rows = 0;
  for (const std::string& path : paths) {
    ARROW_RETURN_NOT_OK(CheckInterrupt());
    ARROW_ASSIGN_OR_RAISE(Input input, InspectInput(path, args.read, expected));
    for (const std::string& note : input.notes) Say("lance: " + PrintableLine(path + ": " + note) + "\n");
    if (expected.schema == nullptr) expected.schema = input.schema;
    std::move(input.parts.begin(), input.parts.end(), std::back_inserter(parts));
    rows = rows && input.rows ? std::make_optional(*rows + *input.rows) : std::nullopt;
  }
  Load load{.label = NameOf(args.dataset),
            .uri = args.dataset,
            .schema = expected.schema,
            .schema_from = paths.front(),
            .lanes = ShareOut(parts, args.jobs),
            .batch_rows = args.read.batch_rows,
            .expected_rows = rows,
            .options = args.write};
  load.options.max_bytes_in_flight = BytesInFlight(load.lanes.size(), *load.schema);
  ARROW_ASSIGN_OR_RAISE(const LoadSummary summary, RunLoads({load}, args.jobs));
  return PrintSummary(summary, args.format);
}

}  // namespace lance::cli
