// Operations of the model on versions, branches and clones.

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "model/check.h"
#include "model/world.h"

namespace lance_test {
namespace {

using arrow::Status;

/// More of them are not made.
constexpr size_t kManyBranches = 4;
constexpr size_t kManyClones = 3;

}  // namespace

Status World::Restore(Random& random) {
  const auto& versions = branch().versions;
  const auto old = std::next(versions.begin(), random.Below(static_cast<int64_t>(versions.size())));
  Say("restore version ", old->first);
  ARROW_ASSIGN_OR_RAISE(const auto opened, Open(current_, old->first));
  Table after = *old->second;
  ARROW_ASSIGN_OR_RAISE(auto made, opened->Restore());
  return Became(std::move(made), std::move(after), random);
}

Status World::ReadOld(Random& random) {
  const Place place = AnyPlace(random);
  Say("read version ", place.version, " of branch \"", place.branch, "\"");
  return CheckPlace(place);
}

Status World::Tag(Random& random) {
  const std::string name = "tag" + std::to_string(random.Below(4));
  const Place place = AnyPlace(random);
  Say("tag version ", place.version, " of branch \"", place.branch, "\" as ", name);
  ARROW_ASSIGN_OR_RAISE(const auto opened, Open(place.branch, place.version));
  ARROW_RETURN_NOT_OK(tags_.contains(name) ? opened->UpdateTag(name) : opened->CreateTag(name));
  tags_.insert_or_assign(name, place);
  ARROW_ASSIGN_OR_RAISE(const auto tagged, lance::Dataset::Open(uri_, {.tag = name}));
  return CheckContent(*tagged, *branches_.at(place.branch).versions.at(place.version));
}

Status World::Untag(Random& random) {
  if (tags_.empty()) return Tag(random);
  const auto tag = std::next(tags_.begin(), random.Below(static_cast<int64_t>(tags_.size())));
  Say("delete ", tag->first);
  ARROW_RETURN_NOT_OK(dataset().DeleteTag(tag->first));
  tags_.erase(tag);
  return Status::OK();
}

Status World::MakeBranch(Random& random) {
  if (branches_.size() >= kManyBranches) return SwitchBranch(random);
  const std::string name = "branch" + std::to_string(next_name_++);
  const Place place = AnyPlace(random);
  Say("branch \"", name, "\" from version ", place.version, " of branch \"", place.branch, "\"");
  ARROW_ASSIGN_OR_RAISE(const auto opened, Open(place.branch, place.version));
  ARROW_ASSIGN_OR_RAISE(auto made, opened->CreateBranch(name));
  Table content = *branches_.at(place.branch).versions.at(place.version);
  origins_.emplace(name, place);
  branches_.try_emplace(name);
  current_ = name;
  return Became(std::move(made), std::move(content), random);
}

Status World::SwitchBranch(Random& random) {
  current_ = std::next(branches_.begin(), random.Below(static_cast<int64_t>(branches_.size())))->first;
  Say("switch to branch \"", current_, "\"");
  ARROW_ASSIGN_OR_RAISE(auto opened, Open(current_));
  return Became(std::move(opened), table(), random);
}

Status World::DeleteBranch(Random& random) {
  const auto is_free = [&](const std::string& name) {
    const auto is_there = [&](const auto& each) { return each.second.branch == name; };
    return !name.empty() && name != current_ && std::none_of(origins_.begin(), origins_.end(), is_there) &&
           std::none_of(tags_.begin(), tags_.end(), is_there);
  };
  std::vector<std::string> free;
  for (const auto& [name, branch] : branches_) {
    if (is_free(name)) free.push_back(name);
  }
  if (free.empty()) return SwitchBranch(random);
  const std::string name = random.Of(free);
  Say("delete branch \"", name, "\"");
  const Status deleted = dataset().DeleteBranch(name);
  // What a shallow clone reads is known by its files, which the model does not know.
  if (lance::GetErrorCode(deleted) == lance::ErrorCode::kFailedPrecondition &&
      deleted.message().find("in use by clone") != std::string::npos) {
    return CheckPlace({name, branches_.at(name).versions.rbegin()->first});
  }
  ARROW_RETURN_NOT_OK(deleted);
  branches_.erase(name);
  origins_.erase(name);
  return Status::OK();
}

Status World::Clone(Random& random) {
  if (clones_.size() >= kManyClones) return ReadOld(random);
  const Place place = AnyPlace(random);
  // Beside the dataset, where a cleanup finds it.
  const std::string uri = directory_ + "/clone" + std::to_string(next_name_++) + ".lance";
  const bool is_deep = random.Chance(30);
  Say(is_deep ? "deep" : "shallow", " clone of version ", place.version, " of branch \"", place.branch, "\"");
  ARROW_ASSIGN_OR_RAISE(const auto opened, Open(place.branch, place.version));
  ARROW_ASSIGN_OR_RAISE(const auto clone, is_deep ? opened->DeepClone(uri) : opened->ShallowClone(uri));
  Table content = *branches_.at(place.branch).versions.at(place.version);
  ARROW_RETURN_NOT_OK(CheckReads(*clone, content, random));
  // What becomes of the clone does not concern the dataset.
  const Predicate predicate = RandomPredicate(random, content.columns);
  std::erase_if(content.rows, [&](const auto& row) { return predicate.Holds(row.second); });
  ARROW_ASSIGN_OR_RAISE(const auto result, clone->Delete(predicate.sql));
  ARROW_RETURN_NOT_OK(CheckReads(*result.dataset, content, random));
  clones_.emplace(uri, std::make_shared<const Table>(std::move(content)));
  return CheckPlace(place);
}

Status World::Cleanup(Random& random) {
  auto& versions = branch().versions;
  lance::CleanupOptions options;
  options.keep_versions = static_cast<uint64_t>(random.Between(1, 4));
  options.orphan_min_age = std::chrono::seconds(0);
  Say("clean up all but ", *options.keep_versions, " versions of branch \"", current_, "\"");
  std::set<uint64_t> kept;
  for (auto newest = versions.rbegin(); newest != versions.rend() && kept.size() < *options.keep_versions;
       ++newest) {
    kept.insert(newest->first);
  }
  for (const auto* places : {&tags_, &origins_}) {
    for (const auto& [name, place] : *places) {
      if (place.branch == current_) kept.insert(place.version);
    }
  }
  const size_t removed =
      std::erase_if(versions, [&](const auto& each) { return !kept.contains(each.first); });
  ARROW_ASSIGN_OR_RAISE(const auto result, lance::CleanupDataset(UriOf(current_), options));
  ARROW_RETURN_NOT_OK(Expect("removed versions", result.versions, removed));
  ARROW_ASSIGN_OR_RAISE(auto opened, Open(current_));
  return Became(std::move(opened), table(), random);
}

}  // namespace lance_test
