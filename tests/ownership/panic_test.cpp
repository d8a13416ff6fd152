// Every function of the C ABI that can fail, with a panic at its first step and at its second: LANCE_PANIC
// with a message, what was handed over is released once, the process lives, other handles work. The first
// step comes before a handle is used and leaves it as it was; the second may come while it is used, which
// poisons it unless it never changes, as a dataset and a scanner do not.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "ownership/panic_world.h"
#include "support/faults.h"
#include "support/figures.h"
#include "support/scale.h"

namespace lance_test {
namespace {

using ::testing::HasSubstr;

const std::vector<Function>& AllFunctions() {
  static const std::vector<Function> functions = [] {
    std::vector<Function> all = CommonFunctions();
    for (const Function& each : ChangeFunctions()) all.push_back(each);
    return all;
  }();
  return functions;
}

/// The functions that can fail, by the headers.
std::set<std::string> Declared() {
  const std::regex prototype(R"(LANCE_API LanceStatusCode (\w+)\([^;]*LanceError\*\* error\);)");
  std::set<std::string> declared;
  for (const auto& entry : std::filesystem::directory_iterator(LANCE_C_HEADERS)) {
    std::ifstream file(entry.path());
    const std::string header{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (std::sregex_iterator match(header.begin(), header.end(), prototype), end; match != end; ++match)
      declared.insert((*match)[1]);
  }
  return declared;
}

/// A function in one of its forms.
struct Form {
  std::string name() const { return asynchronous ? std::string(function.name) + "_async" : function.name; }

  const Function& function;
  bool asynchronous;
};

std::ostream& operator<<(std::ostream& out, const Form& form) { return out << form.name(); }

std::vector<Form> Forms() {
  const std::set<std::string> declared = Declared();
  std::vector<Form> forms;
  for (const Function& function : AllFunctions()) {
    forms.push_back({function, false});
    if (const Form asynchronous{function, true}; declared.contains(asynchronous.name()))
      forms.push_back(asynchronous);
  }
  return forms;
}

std::vector<Form> AsynchronousForms() {
  std::vector<Form> asynchronous;
  for (const Form& form : Forms()) {
    if (form.asynchronous) asynchronous.push_back(form);
  }
  return asynchronous;
}

TEST(PanicTable, HasEveryFunctionThatCanFail) {
  std::set<std::string> tested;
  for (const Form& form : Forms()) tested.insert(form.name());
  const std::set<std::string> declared = Declared();
  EXPECT_EQ(tested, declared);
  Figure("R1", {{"functions", std::to_string(declared.size())}, {"tested", std::to_string(tested.size())}});
}

class PanicTest : public ::testing::TestWithParam<Form> {
 protected:
  void SetUp() override {
    ASSERT_NE(faults_.fail_at, nullptr) << "the library was built without fault points";
  }

  /// Call the function with a panic at its `k`-th step.
  Outcome CallWithPanicAt(int64_t k, World& world) {
    faults_.fail_at(k, kPanic);
    const Outcome outcome = function_.call(world);
    fired_ = faults_.points_hit() >= k;
    faults_.fail_at(0, kOff);
    if (outcome == LANCE_PANIC) {
      EXPECT_THAT(outcome.message, HasSubstr("injected panic"));
      EXPECT_THAT(outcome.detail, HasSubstr(".rs:"));
    }
    return outcome;
  }

  /// Without a panic.
  void ExpectUsual(World& world) { EXPECT_EQ(function_.call(world), function_.usual); }

  /// The call has panicked while the handle was used.
  void ExpectAfterPanic(World& world, Second second) {
    if (second != Second::kPoisons) return ExpectUsual(world);
    const Outcome again = function_.call(world);
    EXPECT_EQ(again, LANCE_PANIC);
    EXPECT_THAT(again.message, HasSubstr("earlier call on this handle panicked"));
  }

  Faults faults_;
  const Function& function_ = GetParam().function;
  World other_{GetParam().asynchronous};
  bool fired_ = false;
};

TEST_P(PanicTest, BeforeTheHandleIsUsedLeavesItUsable) {
  World world(GetParam().asynchronous);
  EXPECT_EQ(CallWithPanicAt(1, world), LANCE_PANIC);
  EXPECT_TRUE(fired_);
  ExpectUsual(world);
  ExpectUsual(other_);
}

TEST_P(PanicTest, WhileTheHandleIsUsedPoisonsIt) {
  World world(GetParam().asynchronous);
  const Outcome outcome = CallWithPanicAt(2, world);
  // The second step of an asynchronous form is to start the work.
  const Second second = GetParam().asynchronous ? Second::kHarmless : function_.second;
  const bool panics = fired_ && second != Second::kUnnoticed;
  EXPECT_EQ(outcome, panics ? LANCE_PANIC : function_.usual);
  if (panics) ExpectAfterPanic(world, second);
  ExpectUsual(other_);
}

class AsynchronousPanicTest : public PanicTest {};

// The end is told once, as AsyncCalls asks, and the handle is as after a panic of the blocking form.
TEST_P(AsynchronousPanicTest, WhileTheWorkIsDoneIsTold) {
  for (int64_t k = 3; k <= 6; ++k) {
    World world(GetParam().asynchronous);
    const Outcome outcome = CallWithPanicAt(k, world);
    if (!fired_) break;
    if (outcome == LANCE_PANIC) ExpectAfterPanic(world, function_.second);
  }
  ExpectUsual(other_);
}

constexpr auto kName = [](const auto& info) { return info.param.name(); };
INSTANTIATE_TEST_SUITE_P(Functions, PanicTest, ::testing::ValuesIn(Some(Forms())), kName);
INSTANTIATE_TEST_SUITE_P(Functions, AsynchronousPanicTest, ::testing::ValuesIn(Some(AsynchronousForms())),
                         kName);

}  // namespace
}  // namespace lance_test