/// \file world.h
/// A dataset that is changed at random, and what the model says of each of its versions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "arrow/status.h"
#include "lance/api.h"
#include "model/random.h"
#include "model/table.h"

namespace lance_test {

/// How the dataset is stored.
struct Storage {
  std::string key = "id";
  std::string version = "2.2";
  bool stable_row_ids = false;
  uint32_t lanes = 1;
  uint64_t rows_per_file = 20;
};

Storage RandomStorage(Random& random);

std::string ToString(const Storage& storage);

/// A dataset with branches, tags and clones. A step is one operation that a seed chooses, among those that
/// the dataset admits; so any steps may be left out, and the others are done all the same.
class World {
 public:
  /// \param[in] directory an empty one, for the dataset and its clones
  World(std::string directory, Storage storage);

  /// Make the dataset.
  arrow::Status Begin(uint64_t seed);

  /// Change it, and compare what it has become with the model.
  arrow::Status Step(uint64_t seed);

  /// Compare every version, branch, tag and clone with the model, and look for damage.
  arrow::Status End();

  /// What was done, in words.
  const std::vector<std::string>& log() const { return log_; }

 private:
  using Operation = arrow::Status (World::*)(Random&);

  struct Choice {
    int weight;
    Operation operation;
  };

  static const std::vector<Choice>& Choices();

  struct Branch {
    std::shared_ptr<lance::Dataset> dataset;
    /// Those that exist, and what they hold.
    std::map<uint64_t, Snapshot> versions;
  };

  struct Place {
    std::string branch;
    uint64_t version = 0;

    auto operator<=>(const Place&) const = default;
  };

  // rows.cpp
  arrow::Status Append(Random& random);
  arrow::Status Overwrite(Random& random);
  arrow::Status Delete(Random& random);
  arrow::Status DeleteRowIds(Random& random);
  arrow::Status Truncate(Random& random);
  arrow::Status Update(Random& random);
  arrow::Status Upsert(Random& random);

  // columns.cpp
  arrow::Status AddComputed(Random& random);
  arrow::Status AddNulls(Random& random);
  arrow::Status AddFromReader(Random& random);
  arrow::Status AddByFunction(Random& random);
  arrow::Status MergeColumns(Random& random);
  arrow::Status Rename(Random& random);
  arrow::Status Widen(Random& random);
  arrow::Status Drop(Random& random);
  arrow::Status DeclareKey(Random& random);

  // versions.cpp
  arrow::Status Restore(Random& random);
  arrow::Status ReadOld(Random& random);
  arrow::Status Tag(Random& random);
  arrow::Status Untag(Random& random);
  arrow::Status MakeBranch(Random& random);
  arrow::Status SwitchBranch(Random& random);
  arrow::Status DeleteBranch(Random& random);
  arrow::Status Clone(Random& random);
  arrow::Status Cleanup(Random& random);

  // upkeep.cpp
  arrow::Status Compact(Random& random);
  arrow::Status Index(Random& random);
  arrow::Status OptimizeIndices(Random& random);
  arrow::Status DropIndex(Random& random);

  Branch& branch() { return branches_.at(current_); }
  const lance::Dataset& dataset() { return *branch().dataset; }
  uint64_t version() { return branch().versions.rbegin()->first; }
  const Table& table() { return *branch().versions.rbegin()->second; }
  const Column& key() { return table().columns.front(); }

  template <typename... Words>
  void Say(const Words&... words) {
    std::ostringstream text;
    (text << ... << words);
    log_.push_back(text.str());
  }

  /// A column of a kind, with a name that no other has.
  Column NewColumn(Random& random, Kind kind);
  /// One of those that pass, other than the key; NULL if there is none.
  const Column* AnyColumn(Random& random, const std::function<bool(const Column&)>& passes);
  std::vector<Column> NewColumns(Random& random);
  std::map<int64_t, Row> NewRows(Random& random, const std::vector<Column>& columns, int64_t count);
  arrow::Result<lance::MergeInsertResult> Merge(const std::shared_ptr<arrow::RecordBatch>& source,
                                                const lance::MergeInsertOptions& options, Random& random);
  arrow::Result<lance::CommitResult> Write(lance::WriteMode mode, const std::vector<Column>& columns,
                                           const std::map<int64_t, Row>& rows, Random& random);

  /// An operation of the current branch has made a version, or found nothing to do.
  arrow::Status Became(std::shared_ptr<lance::Dataset> dataset, Table table, Random& random);
  arrow::Result<std::shared_ptr<lance::Dataset>> Open(const std::string& branch,
                                                      std::optional<uint64_t> version = std::nullopt) const;
  arrow::Status CheckPlace(const Place& place) const;
  Place AnyPlace(Random& random) const;
  std::string UriOf(const std::string& branch) const;

  const std::string directory_;
  const std::string uri_;
  const Storage storage_;
  std::vector<std::string> log_;
  /// Main is "".
  std::map<std::string, Branch> branches_;
  std::string current_;
  std::map<std::string, Place> tags_;
  /// By their URIs.
  std::map<std::string, Snapshot> clones_;
  /// Where a branch began.
  std::map<std::string, Place> origins_;
  int64_t next_key_ = 0;
  int next_column_ = 1;
  int next_name_ = 0;
};

arrow::Status Expect(const std::string& what, uint64_t found, uint64_t expected);

}  // namespace lance_test
