// Two operations of any kinds meet: each pair ends as the matrix in docs/concurrency.md says. The second one
// has looked at the version that the first one began at, and is done when that has committed; so the outcome
// does not depend on time.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::WriteMode;
using DatasetPtr = std::shared_ptr<Dataset>;

/// Something that is ready to be done.
using Commit = std::function<arrow::Status()>;

struct Operation {
  std::string name;
  /// Look at the dataset as it is now. `which` of two it is shows in what it makes.
  std::function<arrow::Result<Commit>(const std::string& uri, int which)> prepare;
};

std::string Numbered(const std::string& name, int which) { return name + std::to_string(which); }

/// Ten rows of columns of integers and strings, whose first one is `id`.
std::shared_ptr<arrow::RecordBatch> Rows(const std::shared_ptr<arrow::Schema>& schema, int64_t first_id) {
  const auto simple = SimpleBatch(first_id, 10);
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    const auto column = simple->GetColumnByName(field->name());
    columns.push_back(column != nullptr ? column : MakeArray(*field, simple->num_rows()));
  }
  return arrow::RecordBatch::Make(schema, simple->num_rows(), columns);
}

std::shared_ptr<arrow::Schema> BaseSchema() {
  arrow::FieldVector fields = SimpleSchema()->fields();
  fields.push_back(arrow::field("note", arrow::utf8()));
  fields.push_back(arrow::field("spare", arrow::int32()));
  return arrow::schema(fields);
}

/// A write of rows of the columns that there were at first.
Operation Write(const std::string& name, WriteMode mode) {
  const auto prepare = [mode](const std::string& uri, int which) -> arrow::Result<Commit> {
    lance::WriteOptions options;
    options.mode = mode;
    ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<lance::LanceWriter> writer,
                          lance::LanceWriter::Open(uri, BaseSchema(), options));
    ARROW_RETURN_NOT_OK(writer->Write(*Rows(BaseSchema(), 100 * which)));
    return [writer] { return writer->Finish().status(); };
  };
  return {name, prepare};
}

/// An operation on a version that is open.
Operation Held(const std::string& name,
               const std::function<arrow::Status(const DatasetPtr&, int which)>& run) {
  const auto prepare = [run](const std::string& uri, int which) -> arrow::Result<Commit> {
    ARROW_ASSIGN_OR_RAISE(const auto held, Dataset::Open(uri));
    return [=] { return run(held, which); };
  };
  return {name, prepare};
}

/// Two rows that are there, and one that is not.
arrow::Status Upsert(const DatasetPtr& held, int which) {
  const auto there = Rows(BaseSchema(), 3)->Slice(0, 2);
  const auto other = Rows(BaseSchema(), 500 + which)->Slice(0, 1);
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::RecordBatchReader::Make({there, other}, BaseSchema()));
  lance::MergeInsertOptions options;
  options.on = std::vector<std::string>{"id"};
  return held->MergeInsert(reader, options).status();
}

arrow::Status Restore(const DatasetPtr& held, int) {
  lance::CheckoutOptions first;
  first.version = 1;
  ARROW_ASSIGN_OR_RAISE(const auto old, held->Checkout(first));
  return old->Restore().status();
}

arrow::Status CreateIndex(const DatasetPtr& held, int which) {
  lance::IndexOptions options;
  options.name = Numbered("by_name", which);
  return held->CreateIndex("name", lance::IndexType::kBtree, options).status();
}

arrow::Status Update(const DatasetPtr& held, int which) {
  lance::UpdateOptions options;
  options.filter = "id < 5";
  return held->Update({{"name", "'" + Numbered("update", which) + "'"}}, options).status();
}

arrow::Status Cleanup(const DatasetPtr& held, int) {
  lance::CleanupOptions options;
  options.keep_versions = 1;
  return lance::CleanupDataset(held->uri(), options).status();
}

std::vector<Operation> Operations() {
  return {
      Write("append", WriteMode::kAppend),
      Write("overwrite", WriteMode::kOverwrite),
      Held("delete", [](const DatasetPtr& held, int) { return held->Delete("id < 5").status(); }),
      Held("update", Update),
      Held("upsert", Upsert),
      Held("compact", [](const DatasetPtr& held, int) { return held->Compact().status(); }),
      Held("restore", Restore),
      Held("create index", CreateIndex),
      Held("optimize index", [](const DatasetPtr& held, int) { return held->OptimizeIndices().status(); }),
      Held("drop index", [](const DatasetPtr& held, int) { return held->DropIndex("by_id").status(); }),
      Held("add column",
           [](const DatasetPtr& held, int which) {
             return held->AddColumns({{Numbered("more", which), "id * 2"}}).status();
           }),
      Held("rename column",
           [](const DatasetPtr& held, int which) {
             return held->AlterColumns({{.column = "note", .rename = Numbered("note", which)}}).status();
           }),
      Held("cast column",
           [](const DatasetPtr& held, int) {
             return held->AlterColumns({{.column = "spare", .type = arrow::int64()}}).status();
           }),
      Held("drop column", [](const DatasetPtr& held, int) { return held->DropColumns({"spare"}).status(); }),
      Held("config",
           [](const DatasetPtr& held, int which) {
             return held->UpdateConfig({{Numbered("key", which), "value"}}).status();
           }),
      Held("tag", [](const DatasetPtr& held, int which) { return held->CreateTag(Numbered("tag", which)); }),
      Held("branch", [](const DatasetPtr& held,
                        int which) { return held->CreateBranch(Numbered("branch", which)).status(); }),
      Held("cleanup", Cleanup),
  };
}

/// Three fragments, the last one behind the index of the others, in four versions.
void MakeBase(const std::string& uri) {
  const auto write = [&uri](WriteMode mode, int64_t first_id) {
    lance::WriteOptions options;
    options.mode = mode;
    ASSERT_OK(WriteBatches(uri, {Rows(BaseSchema(), first_id)}, options));
  };
  write(WriteMode::kCreate, 0);
  write(WriteMode::kAppend, 10);
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri));
  lance::IndexOptions options;
  options.name = "by_id";
  ASSERT_OK(dataset->CreateIndex("id", lance::IndexType::kBtree, options));
  write(WriteMode::kAppend, 20);
}

/// All that a reader sees, as lines: rows in the order of their ids.
arrow::Result<std::vector<std::string>> Look(const std::string& uri) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, Dataset::Open(uri));
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan());
  ARROW_ASSIGN_OR_RAISE(const auto table, scanner->ToTable());
  ARROW_ASSIGN_OR_RAISE(const auto batch, table->CombineChunksToBatch());
  std::vector<std::string> seen;
  for (int64_t row = 0; row < batch->num_rows(); ++row) {
    std::string line;
    for (const auto& column : batch->columns()) {
      ARROW_ASSIGN_OR_RAISE(const auto value, column->GetScalar(row));
      line += value->ToString() + " ";
    }
    seen.push_back(line);
  }
  std::sort(seen.begin(), seen.end());
  seen.push_back(dataset->schema()->ToString());
  ARROW_ASSIGN_OR_RAISE(const auto indices, dataset->Indices());
  for (const auto& index : indices) seen.push_back("index " + index.name);
  ARROW_ASSIGN_OR_RAISE(const auto tags, dataset->Tags());
  for (const auto& tag : tags) seen.push_back("tag " + tag.name);
  ARROW_ASSIGN_OR_RAISE(const auto branches, dataset->Branches());
  for (const auto& branch : branches) seen.push_back("branch " + branch.name);
  ARROW_ASSIGN_OR_RAISE(const auto config, dataset->Config());
  for (const auto& [key, value] : config) {
    if (key.starts_with("key")) seen.push_back("config " + key + "=" + value);
  }
  return seen;
}

/// How the outcome is told in the document.
std::string OutcomeOf(const arrow::Status& status) {
  switch (lance::GetErrorCode(status)) {
    case lance::ErrorCode::kOk:
      return "yes";
    case lance::ErrorCode::kCommitConflictRetryable:
      return "redo";
    case lance::ErrorCode::kIncompatibleTransaction:
      return "never";
    default:
      return std::string("`") + ErrorCodeName(lance::GetErrorCode(status)) + "`";
  }
}

/// Outcomes by the first operation and then by the second one.
using Matrix = std::map<std::string, std::map<std::string, std::string>>;

class PairsTest : public ::testing::Test {
 protected:
  void SetUp() override { MakeBase(base_); }

  std::string Copy() {
    std::string uri = dir_ / ("copy" + std::to_string(++copies_));
    std::filesystem::copy(base_, uri, std::filesystem::copy_options::recursive);
    return uri;
  }

  /// Let `first` commit between the preparation and the commit of `second`.
  std::string Meet(const Operation& first, const Operation& second) {
    const std::string uri = Copy();
    const auto one = first.prepare(uri, 1);
    const auto two = second.prepare(uri, 2);
    EXPECT_OK(one);
    EXPECT_OK(two);
    if (!one.ok() || !two.ok()) return "";
    EXPECT_OK((*one)());
    const auto between = Look(uri);
    EXPECT_OK(between);
    const arrow::Status status = (*two)();
    const auto after = Look(uri);
    EXPECT_OK(after);
    if (status.ok()) {
      const auto serial = OneAfterTheOther(first, second);
      // What could not be done at all after the first one is only looked at.
      if (serial.ok()) {
        EXPECT_EQ(*after, *serial) << "not as one after the other";
      }
    } else {
      EXPECT_EQ(*after, *between) << "changed by an operation that has failed: " << status.ToString();
    }
    const auto report = lance::CheckDataset(uri);
    EXPECT_OK(report);
    EXPECT_TRUE(report->problems.empty());
    // A compaction that has moved rows for an index which is dropped meanwhile has made the index in vain.
    if (!status.ok()) {
      EXPECT_EQ(report->orphans, 0U) << "left behind";
    }
    std::filesystem::remove_all(uri);
    return OutcomeOf(status);
  }

  /// What there is when `second` has seen what `first` has done.
  arrow::Result<std::vector<std::string>> OneAfterTheOther(const Operation& first, const Operation& second) {
    const std::string uri = Copy();
    for (const auto& [operation, which] : {std::pair{&first, 1}, std::pair{&second, 2}}) {
      ARROW_ASSIGN_OR_RAISE(const Commit commit, operation->prepare(uri, which));
      ARROW_RETURN_NOT_OK(commit());
    }
    return Look(uri);
  }

 private:
  const TempDir dir_;
  const std::string base_ = dir_ / "base";
  int copies_ = 0;
};

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, '|');) {
    const auto begin = cell.find_first_not_of(' ');
    if (begin != std::string::npos)
      cells.push_back(cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
  }
  return cells;
}

/// The documented matrix: the table whose header begins with "first, then".
Matrix Documented() {
  std::ifstream document(LANCE_CONCURRENCY_DOC);
  std::vector<std::string> header;
  Matrix matrix;
  for (std::string line; std::getline(document, line);) {
    const auto cells = Cells(line);
    if (!cells.empty() && cells[0] == "first, then") {
      header = cells;
      std::getline(document, line);  // The line below the header.
    } else if (!header.empty() && cells.size() != header.size()) {
      break;
    } else if (!header.empty()) {
      for (size_t i = 1; i < cells.size(); ++i) matrix[cells[0]][header[i]] = cells[i];
    }
  }
  return matrix;
}

/// A matrix as a table of the document.
std::string ToTable(const std::vector<Operation>& operations, Matrix matrix) {
  std::string head = "| first, then |";
  std::string rule = "| --- |";
  std::string rows;
  for (const Operation& first : operations) {
    head += " " + first.name + " |";
    rule += " --- |";
    rows += "| " + first.name + " |";
    for (const Operation& second : operations) rows += " " + matrix[first.name][second.name] + " |";
    rows += "\n";
  }
  return head + "\n" + rule + "\n" + rows;
}

TEST_F(PairsTest, EveryPairEndsAsDocumented) {
  const auto operations = Operations();
  Matrix found;
  for (const Operation& first : operations) {
    for (const Operation& second : operations) {
      SCOPED_TRACE(first.name + ", then " + second.name);
      found[first.name][second.name] = Meet(first, second);
    }
  }
  const Matrix documented = Documented();
  EXPECT_EQ(found, documented) << "the matrix is\n" << ToTable(operations, found);
}

}  // namespace
}  // namespace lance_test
