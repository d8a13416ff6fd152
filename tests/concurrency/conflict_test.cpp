// Two writers meet: each pair of operations ends as the table in docs/concurrency.md says. The second one is
// prepared, the first one commits, then the second one commits; so the outcome does not depend on time.

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/figures.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::LanceWriter;
using lance::Transaction;
using lance::WriteMode;
using ::testing::UnorderedElementsAreArray;

constexpr int64_t kRows = 10;

/// Something that is ready to be committed.
using Commit = std::function<arrow::Result<lance::CommitResult>()>;

/// An operation on rows of its own, up to its commit.
using Prepare = std::function<arrow::Result<Commit>(const std::string& uri, int64_t first_id)>;

/// How the commit is made.
enum class Via { kFinish, kStoredTransaction };

std::shared_ptr<arrow::RecordBatch> BatchOf(const std::shared_ptr<arrow::Schema>& schema, int64_t first_id) {
  auto batch = SimpleBatch(first_id, kRows);
  while (batch->num_columns() < schema->num_fields()) {
    const auto& field = schema->field(batch->num_columns());
    batch = batch->AddColumn(batch->num_columns(), field, MakeArray(*field, kRows)).ValueOrDie();
  }
  return batch;
}

Prepare Write(WriteMode mode, Via via, std::shared_ptr<arrow::Schema> schema) {
  return [=](const std::string& uri, int64_t first_id) -> arrow::Result<Commit> {
    lance::WriteOptions options;
    options.mode = mode;
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<LanceWriter> writer, LanceWriter::Open(uri, schema, options));
    ARROW_RETURN_NOT_OK(writer->Write(*BatchOf(schema, first_id)));
    if (via == Via::kFinish) return [writer] { return writer->Finish(); };
    ARROW_ASSIGN_OR_RAISE(const auto transaction, writer->FinishUncommitted());
    ARROW_ASSIGN_OR_RAISE(const auto json, transaction.ToJson());
    return [json]() -> arrow::Result<lance::CommitResult> {
      ARROW_ASSIGN_OR_RAISE(auto stored, Transaction::FromJson(json));
      return stored.Commit();
    };
  };
}

std::shared_ptr<arrow::Schema> WiderSchema() {
  return SimpleSchema()->AddField(2, arrow::field("more", arrow::float64())).ValueOrDie();
}

struct Operation {
  std::string name;
  /// The dataset must not exist, or must.
  std::optional<bool> on_existing;
  Prepare prepare;
};

std::vector<Operation> Operations(Via via) {
  return {
      {"create", false, Write(WriteMode::kCreate, via, SimpleSchema())},
      {"append", true, Write(WriteMode::kAppend, via, SimpleSchema())},
      {"overwrite", std::nullopt, Write(WriteMode::kOverwrite, via, SimpleSchema())},
      {"overwrite with another schema", std::nullopt, Write(WriteMode::kOverwrite, via, WiderSchema())},
  };
}

/// One line of the table: what commits first, what commits then, and what comes of that.
using Row = std::tuple<std::string, std::string, std::string, std::string>;

std::string OutcomeOf(const arrow::Status& status) {
  return status.ok() ? "committed" : std::string("`") + ErrorCodeName(lance::GetErrorCode(status)) + "`";
}

constexpr int64_t kBefore = 0;
constexpr int64_t kFirst = 100;
constexpr int64_t kSecond = 200;

/// Whose rows the dataset has; each writer's are there as a whole or not at all.
std::string RowsOf(const std::string& uri) {
  const auto ids = ReadIds(uri);
  std::string whose;
  size_t accounted = 0;
  for (const auto& [first_id, name] :
       {std::pair{kBefore, "before"}, std::pair{kFirst, "first"}, std::pair{kSecond, "second"}}) {
    const auto rows = Range(first_id, kRows);
    if (std::search(ids.begin(), ids.end(), rows.begin(), rows.end()) == ids.end()) continue;
    whose += (whose.empty() ? "" : " + ") + std::string(name);
    accounted += rows.size();
  }
  EXPECT_EQ(ids.size(), accounted) << "rows twice, or parts of a write";
  return whose;
}

/// Let `first` commit between the preparation and the commit of `second`.
Row Meet(const Operation& first, const Operation& second) {
  const TempDir dir;
  const std::string uri = dir / "dataset";
  const bool on_existing = first.on_existing.value_or(true) && second.on_existing.value_or(true);
  if (on_existing) {
    EXPECT_OK(WriteSimple(uri, kBefore, kRows));
  }
  const auto prepared = second.prepare(uri, kSecond);

  if (!on_existing && first.on_existing == true) {
    EXPECT_OK(WriteSimple(uri, kBefore, kRows));
  }
  const auto first_prepared = first.prepare(uri, kFirst);
  EXPECT_OK(first_prepared);
  EXPECT_OK((*first_prepared)());

  const auto outcome = prepared.ok() ? (*prepared)().status() : prepared.status();
  return {first.name, second.name, OutcomeOf(outcome), RowsOf(uri)};
}

std::vector<Row> MeetAll(Via via) {
  std::vector<Row> rows;
  const auto operations = Operations(via);
  for (const auto& first : operations) {
    for (const auto& second : operations) rows.push_back(Meet(first, second));
  }
  return rows;
}

/// The documented table: the one whose header names the columns of a Row.
std::vector<Row> DocumentedRows() {
  std::ifstream document(LANCE_CONCURRENCY_DOC);
  std::vector<Row> rows;
  bool in_table = false;
  for (std::string line; std::getline(document, line);) {
    if (line == "| first | then | outcome | rows |") {
      in_table = true;
      std::getline(document, line);  // The line below the header.
      continue;
    }
    if (!in_table || line.empty()) {
      in_table = false;
      continue;
    }
    std::vector<std::string> cells;
    std::istringstream cell_stream(line);
    for (std::string cell; std::getline(cell_stream, cell, '|');) {
      const auto begin = cell.find_first_not_of(' ');
      const auto end = cell.find_last_not_of(' ');
      cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
    }
    // The line begins with a bar.
    if (cells.size() == 5) rows.emplace_back(cells[1], cells[2], cells[3], cells[4]);
  }
  return rows;
}

TEST(ConflictTest, EveryPairEndsAsDocumented) {
  const auto documented = DocumentedRows();
  size_t undocumented = 0;
  for (const Via via : {Via::kFinish, Via::kStoredTransaction}) {
    const auto pairs = MeetAll(via);
    EXPECT_THAT(pairs, UnorderedElementsAreArray(documented));
    undocumented += std::count_if(pairs.begin(), pairs.end(), [&](const Row& pair) {
      return std::find(documented.begin(), documented.end(), pair) == documented.end();
    });
  }
  Figure("C2",
         {{"pairs", std::to_string(documented.size())}, {"undocumented", std::to_string(undocumented)}});
}

}  // namespace
}  // namespace lance_test
