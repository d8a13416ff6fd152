#include "lance/options.h"

#include <string>
#include <type_traits>

#include "ffi/generated/dataset_internal.h"
#include "ffi/generated/maintain_internal.h"
#include "ffi/generated/runtime_internal.h"
#include "ffi/generated/scan_internal.h"
#include "ffi/generated/session_internal.h"
#include "ffi/generated/write_internal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lance/api.h"
#include "support/generators.h"
#include "support/status_matchers.h"

namespace lance_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSecret = "canary-3f9a-secret";

TEST(StorageOptionsTest, PrintsKeysButNoValues) {
  const lance::StorageOptions options{{"aws_access_key_id", "canary-id"}, {"aws_secret_access_key", kSecret}};
  const std::string text = options.ToString();
  EXPECT_THAT(text, HasSubstr("aws_access_key_id=***"));
  EXPECT_THAT(text, HasSubstr("aws_secret_access_key=***"));
  EXPECT_THAT(text, Not(HasSubstr("canary")));
}

TEST(StorageOptionsTest, SetReplaces) {
  lance::StorageOptions options;
  EXPECT_TRUE(options.empty());
  options.Set("region", "a").Set("region", "b");
  EXPECT_EQ(options.map(), (std::map<std::string, std::string>{{"region", "b"}}));
}

// Nothing listens on the discard port, so each call fails; the failure must not quote the credentials.
TEST(StorageOptionsTest, FailuresDoNotRevealValues) {
  const lance::StorageOptions storage{{"aws_access_key_id", "canary-id"},
                                      {"aws_secret_access_key", kSecret},
                                      {"aws_region", "us-east-1"},
                                      {"aws_endpoint", "http://127.0.0.1:9"},
                                      {"allow_http", "true"},
                                      {"client_max_retries", "0"},
                                      {"retry_timeout", "1"}};
  lance::OpenOptions open;
  open.storage = storage;
  const auto opened = lance::Dataset::Open("s3://bucket/dataset", open).status();
  lance::WriteOptions write;
  write.storage = storage;
  const auto written = lance::LanceWriter::Open("s3://bucket/dataset", SimpleSchema(), write).status();
  for (const auto& status : {opened, written}) {
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(), Not(HasSubstr("canary")));
    EXPECT_THAT(lance::LanceStatusDetail::UnwrapStatus(status)->origin(), Not(HasSubstr("canary")));
  }
}

/// What a struct holds, pointers included: what the C++ bridge sets by default has to be what the INIT macro
/// says.
template <typename T>
std::string Bytes(const T& c) {
  static_assert(std::has_unique_object_representations_v<T>);
  return {reinterpret_cast<const char*>(&c), sizeof(c)};
}

TEST(DefaultsTest, OfCppAndOfTheInitMacrosAreTheSame) {
  using namespace lance::internal;  // NOLINT
  ASSERT_OK_AND_ASSIGN(const auto open, OpenOptionsC::Make({}));
  EXPECT_EQ(Bytes(open.c), Bytes(LanceOpenOptions LANCE_OPEN_OPTIONS_INIT));
  ASSERT_OK_AND_ASSIGN(const auto scan, ScanOptionsC::Make({}));
  EXPECT_EQ(Bytes(scan.c), Bytes(LanceScanOptions LANCE_SCAN_OPTIONS_INIT));
  ASSERT_OK_AND_ASSIGN(const auto write, WriteOptionsC::Make({}));
  EXPECT_EQ(Bytes(write.c), Bytes(LanceWriteOptions LANCE_WRITE_OPTIONS_INIT));
  ASSERT_OK_AND_ASSIGN(const auto runtime, RuntimeOptionsC::Make({}));
  EXPECT_EQ(Bytes(runtime.c), Bytes(LanceRuntimeOptions LANCE_RUNTIME_OPTIONS_INIT));
  ASSERT_OK_AND_ASSIGN(const auto session, SessionOptionsC::Make({}));
  EXPECT_EQ(Bytes(session.c), Bytes(LanceSessionOptions LANCE_SESSION_OPTIONS_INIT));
  ASSERT_OK_AND_ASSIGN(const auto check, CheckOptionsC::Make({}));
  EXPECT_EQ(Bytes(check.c), Bytes(LanceCheckOptions LANCE_CHECK_OPTIONS_INIT));
  ASSERT_OK_AND_ASSIGN(const auto cleanup, CleanupOptionsC::Make({}));
  EXPECT_EQ(Bytes(cleanup.c), Bytes(LanceCleanupOptions LANCE_CLEANUP_OPTIONS_INIT));
}

TEST(RuntimeOptionsTest, ConfigureIsRefusedOnceTheRuntimeRuns) {
  EXPECT_FALSE(lance::Dataset::Open("memory://options_test").ok());
  EXPECT_THAT(lance::ConfigureRuntime({.io_threads = 2}), FailsWith(lance::ErrorCode::kInvalidState));
}

}  // namespace
}  // namespace lance_test
