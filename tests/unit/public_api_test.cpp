// Nothing but the umbrella header: it must bring everything a program needs.
#include "lance/api.h"

#include <type_traits>

#include "gmock/gmock.h"

namespace {

TEST(PublicApiTest, VersionsAreDottedNumbers) {
  EXPECT_THAT(lance::Version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_STREQ(lance::EngineVersion(), "14.0.2");
}

TEST(PublicApiTest, HandlesCannotBeCopied) {
  EXPECT_FALSE(std::is_copy_constructible_v<lance::Dataset>);
  EXPECT_FALSE(std::is_copy_constructible_v<lance::Scanner>);
  EXPECT_FALSE(std::is_copy_constructible_v<lance::SqlContext>);
  EXPECT_FALSE(std::is_copy_constructible_v<lance::SqlQuery>);
  EXPECT_FALSE(std::is_copy_constructible_v<lance::LanceWriter>);
  EXPECT_FALSE(std::is_copy_constructible_v<lance::Transaction>);
  EXPECT_TRUE(std::is_nothrow_move_constructible_v<lance::Transaction>);
}

TEST(PublicApiTest, InlineNamespaceIsTransparent) {
  EXPECT_TRUE((std::is_same_v<lance::LanceWriter, lance::v0::LanceWriter>));
}

}  // namespace
