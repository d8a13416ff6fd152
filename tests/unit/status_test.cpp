#include "lance/status.h"

#include <map>
#include <set>
#include <string>

#include "arrow/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lance/dataset.h"

namespace lance_test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(StatusTest, OkHasCodeOk) { EXPECT_EQ(lance::GetErrorCode(arrow::Status::OK()), lance::ErrorCode::kOk); }

TEST(StatusTest, ForeignStatusIsInternal) {
  const auto status = arrow::Status::IOError("not ours");
  EXPECT_EQ(lance::GetErrorCode(status), lance::ErrorCode::kInternal);
  EXPECT_EQ(lance::LanceStatusDetail::UnwrapStatus(status), nullptr);
}

TEST(StatusTest, DetailCarriesCodeAndOrigin) {
  const auto detail =
      std::make_shared<lance::LanceStatusDetail>(lance::ErrorCode::kCommitConflict, "commit.rs:1");
  const arrow::Status status(arrow::StatusCode::Invalid, "conflict", detail);
  EXPECT_EQ(lance::GetErrorCode(status), lance::ErrorCode::kCommitConflict);
  ASSERT_NE(lance::LanceStatusDetail::UnwrapStatus(status), nullptr);
  EXPECT_EQ(lance::LanceStatusDetail::UnwrapStatus(status)->origin(), "commit.rs:1");
  EXPECT_THAT(detail->ToString(), HasSubstr("COMMIT_CONFLICT"));
}

TEST(StatusTest, EveryCodeHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int code = 0; code <= 31; ++code) {
    const std::string name = lance::ErrorCodeName(static_cast<lance::ErrorCode>(code));
    EXPECT_THAT(name, MatchesRegex("[A-Z_]+")) << code;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(StatusTest, EveryCodeHasAnArrowCodeThatMakesSense) {
  using arrow::StatusCode;
  const std::map<StatusCode, std::set<int>> expected = {
      {StatusCode::OK, {0}},
      {StatusCode::Invalid, {1, 2, 10, 13, 17, 21, 22, 23, 26, 29}},
      {StatusCode::KeyError, {3, 4, 5, 6, 7, 8}},
      {StatusCode::AlreadyExists, {9}},
      {StatusCode::IOError, {11, 12, 14, 15, 16, 19, 20, 24, 28}},
      {StatusCode::NotImplemented, {18}},
      {StatusCode::CapacityError, {25}},
      {StatusCode::Cancelled, {27}},
      {StatusCode::UnknownError, {30, 31}},
  };
  std::map<StatusCode, std::set<int>> found;
  for (int code = 0; code <= 31; ++code) {
    found[lance::ArrowStatusCode(static_cast<lance::ErrorCode>(code))].insert(code);
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(lance::ArrowStatusCode(static_cast<lance::ErrorCode>(9999)), StatusCode::UnknownError);
}

TEST(StatusTest, UnknownCodeHasAName) {
  EXPECT_NE(lance::ErrorCodeName(static_cast<lance::ErrorCode>(9999)), nullptr);
}

TEST(StatusTest, FailedCallHasDetailAndOneLineMessage) {
  const auto status = lance::Dataset::Open("/no/such/dataset").status();
  EXPECT_EQ(lance::GetErrorCode(status), lance::ErrorCode::kDatasetNotFound);
  EXPECT_THAT(status.message(), HasSubstr("/no/such/dataset"));
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
  EXPECT_FALSE(status.IsUnknownError());
}

}  // namespace
}  // namespace lance_test
