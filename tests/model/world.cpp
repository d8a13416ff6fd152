#include "model/world.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "arrow/api.h"
#include "model/check.h"

namespace lance_test {
namespace {

using arrow::Status;

/// Names that someone will give a column.
const std::vector<std::string> kNames = {"n", "Name", "sp ace", "select", "ünï", "a-b", "1st", "It's", "_x"};

}  // namespace

Storage RandomStorage(Random& random) {
  Storage storage;
  storage.key = random.Of<std::string>({"id", "The Key", "clé"});
  storage.version = random.Of<std::string>({"2.1", "2.2"});
  storage.stable_row_ids = random.Chance(50);
  storage.lanes = static_cast<uint32_t>(random.Between(1, 3));
  storage.rows_per_file = static_cast<uint64_t>(random.Of<int64_t>({7, 20, 1000}));
  return storage;
}

std::string ToString(const Storage& storage) {
  std::ostringstream text;
  text << "format " << storage.version << ", " << (storage.stable_row_ids ? "" : "no ") << "stable row ids, "
       << storage.lanes << " lanes, " << storage.rows_per_file << " rows a file, key \"" << storage.key
       << "\"";
  return text.str();
}

Status Expect(const std::string& what, uint64_t found, uint64_t expected) {
  return found == expected ? Status::OK() : Status::Invalid(what, ": ", found, ", not ", expected);
}

World::World(std::string directory, Storage storage)
    : directory_(std::move(directory)), uri_(directory_ + "/dataset.lance"), storage_(std::move(storage)) {}

const std::vector<World::Choice>& World::Choices() {
  static const std::vector<Choice> choices = {
      {14, &World::Append},         {1, &World::Overwrite},     {10, &World::Delete},
      {4, &World::DeleteRowIds},    {1, &World::Truncate},      {10, &World::Update},
      {12, &World::Upsert},         {4, &World::AddComputed},   {3, &World::AddNulls},
      {3, &World::AddFromReader},   {3, &World::AddByFunction}, {3, &World::MergeColumns},
      {3, &World::Rename},          {2, &World::Widen},         {5, &World::Drop},
      {1, &World::DeclareKey},      {9, &World::Compact},       {6, &World::Index},
      {4, &World::OptimizeIndices}, {2, &World::DropIndex},     {3, &World::Restore},
      {3, &World::ReadOld},         {4, &World::Tag},           {2, &World::Untag},
      {3, &World::MakeBranch},      {6, &World::SwitchBranch},  {1, &World::DeleteBranch},
      {2, &World::Clone},           {2, &World::Cleanup},
  };
  return choices;
}

Status World::Begin(uint64_t seed) {
  Random random(seed);
  branches_.try_emplace("");
  Table table;
  table.columns = NewColumns(random);
  table.rows = NewRows(random, table.columns, random.Below(60));
  Say("create with ", ToString(storage_));
  ARROW_RETURN_NOT_OK(Write(lance::WriteMode::kCreate, table.columns, table.rows, random));
  ARROW_ASSIGN_OR_RAISE(auto made, Open(""));
  return Became(std::move(made), std::move(table), random);
}

Status World::Step(uint64_t seed) {
  Random random(seed);
  int64_t all = 0;
  for (const Choice& choice : Choices()) all += choice.weight;
  int64_t place = random.Below(all);
  auto choice = Choices().begin();
  for (; place >= choice->weight; ++choice) place -= choice->weight;
  return (this->*choice->operation)(random);
}

Status World::End() {
  for (const auto& [name, branch] : branches_) {
    ARROW_ASSIGN_OR_RAISE(const auto newest, Open(name));
    ARROW_ASSIGN_OR_RAISE(const auto versions, newest->Versions());
    const auto is_other = [](const lance::VersionInfo& found, const auto& expected) {
      return found.version == expected.first;
    };
    if (!std::equal(versions.begin(), versions.end(), branch.versions.begin(), branch.versions.end(),
                    is_other)) {
      return Status::Invalid("branch ", name, " has ", versions.size(), " versions, not ",
                             branch.versions.size());
    }
    for (const auto& [version, expected] : branch.versions) ARROW_RETURN_NOT_OK(CheckPlace({name, version}));
  }
  for (const auto& [name, place] : tags_) {
    ARROW_ASSIGN_OR_RAISE(const auto tagged, lance::Dataset::Open(uri_, {.tag = name}));
    ARROW_RETURN_NOT_OK(CheckContent(*tagged, *branches_.at(place.branch).versions.at(place.version)));
  }
  for (const auto& [uri, expected] : clones_) {
    ARROW_ASSIGN_OR_RAISE(const auto clone, lance::Dataset::Open(uri));
    ARROW_RETURN_NOT_OK(CheckContent(*clone, *expected));
  }
  lance::CheckOptions deep;
  deep.deep = true;
  ARROW_ASSIGN_OR_RAISE(const auto report, lance::CheckDataset(uri_, deep));
  for (const auto& problem : report.problems) return Status::Invalid(problem.path, ": ", problem.message);
  // Nothing has failed, so nothing is left of it.
  ARROW_RETURN_NOT_OK(Expect("orphans", report.orphans, 0));
  return Expect("temporary files", report.temporary_files, 0);
}

Column World::NewColumn(Random& random, Kind kind) {
  Column column{next_column_++, random.Of(kNames), kind, random.Chance(80)};
  const auto is_taken = [&] {
    if (column.name == storage_.key) return true;
    if (branch().versions.empty()) return false;
    return std::any_of(table().columns.begin(), table().columns.end(),
                       [&](const Column& other) { return other.name == column.name; });
  };
  // Case alone does not tell columns apart everywhere in SQL.
  while (is_taken()) column.name += std::to_string(column.id);
  return column;
}

const Column* World::AnyColumn(Random& random, const std::function<bool(const Column&)>& passes) {
  std::vector<const Column*> passing;
  for (const Column& column : table().columns) {
    if (column.id != 0 && passes(column)) passing.push_back(&column);
  }
  return passing.empty() ? nullptr : random.Of(passing);
}

std::vector<Column> World::NewColumns(Random& random) {
  std::vector<Column> columns = {{0, storage_.key, Kind::kInt64, false}};
  for (int64_t i = random.Between(1, 6); i > 0; --i) {
    Column column = NewColumn(random, random.Of(AllKinds()));
    const auto is_taken = [&](const Column& other) { return other.name == column.name; };
    if (std::any_of(columns.begin(), columns.end(), is_taken)) column.name += std::to_string(column.id);
    columns.push_back(std::move(column));
  }
  return columns;
}

std::map<int64_t, Row> World::NewRows(Random& random, const std::vector<Column>& columns, int64_t count) {
  std::map<int64_t, Row> rows;
  for (; count > 0; --count) {
    Row& row = rows[next_key_];
    for (const Column& column : columns)
      row[column.id] = column.id == 0 ? next_key_ : RandomCell(random, column);
    ++next_key_;
  }
  return rows;
}

arrow::Result<lance::CommitResult> World::Write(lance::WriteMode mode, const std::vector<Column>& columns,
                                                const std::map<int64_t, Row>& rows, Random& random) {
  lance::WriteOptions options;
  options.mode = mode;
  options.lanes = storage_.lanes;
  options.preserve_order = random.Chance(50);
  options.max_rows_per_file = storage_.rows_per_file;
  options.stable_row_ids = storage_.stable_row_ids;
  if (mode == lance::WriteMode::kCreate) options.data_storage_version = storage_.version;
  if (!current_.empty()) options.branch = current_;
  ARROW_ASSIGN_OR_RAISE(const auto batch, BatchOf(columns, rows));
  ARROW_ASSIGN_OR_RAISE(const auto writer, lance::LanceWriter::Open(uri_, batch->schema(), options));
  for (int64_t first = 0; first < batch->num_rows();) {
    const int64_t count = random.Between(1, 25);
    ARROW_RETURN_NOT_OK(writer->Write(*batch->Slice(first, count)));
    first += count;
  }
  return writer->Finish();
}

Status World::Became(std::shared_ptr<lance::Dataset> dataset, Table table, Random& random) {
  ARROW_ASSIGN_OR_RAISE(const uint64_t made, dataset->Version());
  Branch& branch = this->branch();
  if (!branch.versions.empty()) {
    if (made < version() || made > version() + 1) {
      return Status::Invalid("version ", made, " comes after ", version());
    }
    if (made == version() && table != this->table())
      return Status::Invalid("no version was made of a change");
  }
  ARROW_RETURN_NOT_OK(CheckReads(*dataset, table, random));
  branch.dataset = std::move(dataset);
  branch.versions.insert_or_assign(made, std::make_shared<const Table>(std::move(table)));
  // What others see.
  ARROW_ASSIGN_OR_RAISE(const auto opened, Open(current_));
  ARROW_ASSIGN_OR_RAISE(const uint64_t newest, opened->Version());
  ARROW_RETURN_NOT_OK(Expect("the newest version", newest, made));
  return CheckContent(*opened, this->table());
}

arrow::Result<std::shared_ptr<lance::Dataset>> World::Open(const std::string& branch,
                                                           std::optional<uint64_t> version) const {
  lance::OpenOptions options;
  options.version = version;
  if (!branch.empty()) options.branch = branch;
  return lance::Dataset::Open(uri_, options);
}

Status World::CheckPlace(const Place& place) const {
  ARROW_ASSIGN_OR_RAISE(const auto opened, Open(place.branch, place.version));
  const Status status = CheckContent(*opened, *branches_.at(place.branch).versions.at(place.version));
  return status.ok() ? status
                     : status.WithMessage("version ", place.version, " of branch \"", place.branch,
                                          "\": ", status.message());
}

World::Place World::AnyPlace(Random& random) const {
  auto branch = std::next(branches_.begin(), random.Below(static_cast<int64_t>(branches_.size())));
  const auto& versions = branch->second.versions;
  return {branch->first,
          std::next(versions.begin(), random.Below(static_cast<int64_t>(versions.size())))->first};
}

std::string World::UriOf(const std::string& branch) const {
  return branch.empty() ? uri_ : uri_ + "/tree/" + branch;
}

}  // namespace lance_test
