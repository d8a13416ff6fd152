// Random operations on a dataset, each of which must leave what a simple model says. A failure names its
// seed, and tells as few of the operations as still fail.
//
// LANCE_TEST_SEED=N plays the dataset of one seed.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "model/world.h"
#include "support/figures.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

/// Seeds of the steps; the first one makes the dataset.
using Script = std::vector<uint64_t>;

struct Failure {
  std::string message;
  /// What was done, the last of which failed.
  std::vector<std::string> log;
  /// The steps that were played.
  size_t steps = 0;
};

Script ScriptOf(uint64_t seed, int steps) {
  Random random(seed);
  Script script;
  for (int i = 0; i <= steps; ++i) script.push_back(random.Next());
  return script;
}

/// Play a script in a dataset of its own.
std::optional<Failure> Play(const Storage& storage, const Script& script) {
  const TempDir dir;
  World world(dir.path().string(), storage);
  arrow::Status status = world.Begin(script.front());
  size_t steps = 1;
  for (; status.ok() && steps < script.size(); ++steps) status = world.Step(script[steps]);
  if (status.ok()) {
    status = world.End();
    if (status.ok()) return std::nullopt;
  }
  return Failure{status.ToString(), world.log(), steps};
}

/// Leave out what a failure does not need: long parts first, then shorter ones.
Failure Shrink(const Storage& storage, Script script, Failure failure) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(Pick(30, 300));
  script.resize(failure.steps);
  for (size_t length = script.size() / 2; length > 0; length /= 2) {
    for (size_t first = 1; first + length <= script.size();) {
      if (std::chrono::steady_clock::now() > deadline) return failure;
      Script shorter = script;
      shorter.erase(shorter.begin() + static_cast<int64_t>(first),
                    shorter.begin() + static_cast<int64_t>(first + length));
      auto same = Play(storage, shorter);
      if (same.has_value()) {
        shorter.resize(same->steps);
        script = std::move(shorter);
        failure = std::move(*same);
      } else {
        first += length;
      }
    }
  }
  return failure;
}

std::vector<uint64_t> Seeds() {
  if (const char* seed = std::getenv("LANCE_TEST_SEED")) return {std::strtoull(seed, nullptr, 10)};
  std::vector<uint64_t> seeds;
  for (int i = 1; i <= Pick(6, 60); ++i) seeds.push_back(static_cast<uint64_t>(i));
  return seeds;
}

class ModelTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  static void TearDownTestSuite() {
    Figure("D1", {{"seeds", std::to_string(seeds_)},
                  {"operations", std::to_string(operations_)},
                  {"different", std::to_string(different_)}});
  }

  static inline size_t seeds_ = 0;
  static inline size_t operations_ = 0;
  static inline size_t different_ = 0;
};

TEST_P(ModelTest, EveryOperationLeavesWhatTheModelSays) {
  const uint64_t seed = GetParam();
  Random random(seed);
  const Storage storage = RandomStorage(random);
  const Script script = ScriptOf(random.Next(), Pick(60, 150));
  auto failure = Play(storage, script);
  ++seeds_;
  operations_ += script.size();
  different_ += failure.has_value() ? 1 : 0;
  if (!failure.has_value()) return;
  std::ostringstream text;
  text << "seed " << seed << ": " << failure->message << "\nas few operations as fail:";
  failure = Shrink(storage, script, std::move(*failure));
  for (const std::string& line : failure->log) text << "\n  " << line;
  FAIL() << text.str() << "\n" << failure->message;
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::ValuesIn(Seeds()));

}  // namespace
}  // namespace lance_test
