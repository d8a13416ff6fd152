// Datasets by name, in a directory and behind a server that does not answer; and credentials that expire.
// tests/namespaces has servers that do.

#include "lance/namespace.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "lance/api.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::Dataset;
using lance::ErrorCode;
using lance::LanceWriter;
using lance::Namespace;
using lance::WriteMode;
using lance::WriteOptions;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

using Id = Namespace::Id;

arrow::Status WriteTable(const Namespace& ns, const Id& id, int64_t first, int64_t rows,
                         WriteMode mode = WriteMode::kCreate) {
  WriteOptions options;
  options.mode = mode;
  ARROW_ASSIGN_OR_RAISE(const auto writer, LanceWriter::Open(ns, id, SimpleSchema(), options));
  ARROW_RETURN_NOT_OK(writer->Write(*SimpleBatch(first, rows)));
  return writer->Finish().status();
}

arrow::Result<std::vector<int64_t>> IdsOf(const Namespace& ns, const Id& id) {
  ARROW_ASSIGN_OR_RAISE(const auto dataset, ns.OpenTable(id));
  ARROW_ASSIGN_OR_RAISE(const auto scanner, dataset->Scan({.columns = std::vector<std::string>{"id"}}));
  ARROW_ASSIGN_OR_RAISE(const auto reader, scanner->ToReader());
  ARROW_ASSIGN_OR_RAISE(const auto table, reader->ToTable());
  return Int64s(*table->column(0));
}

class NamespaceTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(ns_, Connect()); }

  arrow::Result<std::shared_ptr<Namespace>> Connect(Namespace::Properties properties = {}) const {
    properties["root"] = dir_ / "";
    return Namespace::Connect("dir", properties);
  }

  const TempDir dir_;
  std::shared_ptr<Namespace> ns_;
};

TEST_F(NamespaceTest, AnEmptyDirectoryHasNothing) {
  EXPECT_THAT(*ns_->ListTables(), IsEmpty());
  EXPECT_THAT(*ns_->ListNamespaces(), IsEmpty());
  EXPECT_THAT(*ns_->DescribeNamespace(), IsEmpty());
  EXPECT_EQ(*ns_->TableExists({"orders"}), false);
}

TEST_F(NamespaceTest, ATableIsWrittenAndReadByName) {
  ASSERT_OK(WriteTable(*ns_, {"orders"}, 0, 10));
  EXPECT_THAT(*ns_->ListTables(), ElementsAre("orders"));
  EXPECT_EQ(*ns_->TableExists({"orders"}), true);
  EXPECT_EQ(*IdsOf(*ns_, {"orders"}), Range(0, 10));
  ASSERT_OK(WriteTable(*ns_, {"orders"}, 10, 5, WriteMode::kAppend));
  EXPECT_EQ(*IdsOf(*ns_, {"orders"}), Range(0, 15));
  ASSERT_OK(WriteTable(*ns_, {"orders"}, 100, 3, WriteMode::kOverwrite));
  EXPECT_EQ(*IdsOf(*ns_, {"orders"}), Range(100, 3));
  ASSERT_OK_AND_ASSIGN(const auto table, ns_->DescribeTable({"orders"}));
  EXPECT_EQ(ReadIds(table.location), Range(100, 3));
  EXPECT_EQ(table.is_declared_only, false);
  EXPECT_FALSE(table.manages_versions);
  ASSERT_OK_AND_ASSIGN(const auto first, ns_->OpenTable({"orders"}, {.version = 1}));
  EXPECT_EQ(*first->CountRows(), 10U);
  EXPECT_EQ(first->uri(), "orders");
}

TEST_F(NamespaceTest, WhatIsWrittenByPathIsATableToo) {
  ASSERT_OK(WriteSimple(dir_ / "odd name.lance", 0, 7));
  EXPECT_THAT(*ns_->ListTables(), ElementsAre("odd name"));
  EXPECT_EQ(*IdsOf(*ns_, {"odd name"}), Range(0, 7));
}

TEST_F(NamespaceTest, NamespacesAreWithinOneAnother) {
  ASSERT_OK(ns_->CreateNamespace({"a"}, {{"owner", "me"}}));
  ASSERT_OK(ns_->CreateNamespace({"a", "b.c"}));
  EXPECT_THAT(*ns_->ListNamespaces(), ElementsAre("a"));
  EXPECT_THAT(*ns_->ListNamespaces({"a"}), ElementsAre("b.c"));
  EXPECT_THAT(*ns_->DescribeNamespace({"a"}), ElementsAre(Pair("owner", "me")));
  ASSERT_OK(WriteTable(*ns_, {"a", "b.c", "t"}, 0, 4));
  EXPECT_THAT(*ns_->ListTables(), IsEmpty());
  EXPECT_THAT(*ns_->ListTables({"a"}), IsEmpty());
  EXPECT_THAT(*ns_->ListTables({"a", "b.c"}), ElementsAre("t"));
  EXPECT_EQ(*IdsOf(*ns_, {"a", "b.c", "t"}), Range(0, 4));
  EXPECT_THAT(ns_->DropNamespace({"a"}), FailsWith(ErrorCode::kFailedPrecondition));
  ASSERT_OK(ns_->DropTable({"a", "b.c", "t"}));
  ASSERT_OK(ns_->DropNamespace({"a", "b.c"}));
  ASSERT_OK(ns_->DropNamespace({"a"}));
  EXPECT_THAT(*ns_->ListNamespaces(), IsEmpty());
}

TEST_F(NamespaceTest, WhatDoesNotExistIsNamed) {
  ASSERT_OK(WriteTable(*ns_, {"orders"}, 0, 1));
  ASSERT_OK(ns_->CreateNamespace({"sales"}));
  const auto told = FailsSaying(AllOf(HasSubstr("there is no table \"ordres\""), HasSubstr("\"orders\"")));
  EXPECT_THAT(ns_->OpenTable({"ordres"}), AllOf(FailsWith(ErrorCode::kDatasetNotFound), told));
  EXPECT_THAT(ns_->DescribeTable({"ordres"}), AllOf(FailsWith(ErrorCode::kDatasetNotFound), told));
  EXPECT_THAT(ns_->DropTable({"ordres"}), AllOf(FailsWith(ErrorCode::kDatasetNotFound), told));
  EXPECT_THAT(ns_->DeregisterTable({"ordres"}), AllOf(FailsWith(ErrorCode::kDatasetNotFound), told));
  EXPECT_THAT(WriteTable(*ns_, {"ordres"}, 0, 1, WriteMode::kAppend),
              AllOf(FailsWith(ErrorCode::kDatasetNotFound), told));
  EXPECT_THAT(ns_->DropNamespace({"sale"}),
              AllOf(FailsWith(ErrorCode::kNotFound), FailsSaying(HasSubstr("\"sale\""))));
  for (const Id& id : {Id{"sale", "orders"}, Id{"sales", "x", "orders"}}) {
    EXPECT_THAT(WriteTable(*ns_, id, 0, 1), FailsWith(ErrorCode::kNotFound));
  }
  EXPECT_THAT(*ns_->ListTables(), ElementsAre("orders"));
}

TEST_F(NamespaceTest, WhatExistsIsNotMadeAgain) {
  ASSERT_OK(WriteTable(*ns_, {"orders"}, 0, 3));
  ASSERT_OK(ns_->CreateNamespace({"sales"}));
  EXPECT_THAT(WriteTable(*ns_, {"orders"}, 5, 5), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(ns_->CreateNamespace({"sales"}), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_EQ(*IdsOf(*ns_, {"orders"}), Range(0, 3));
}

TEST_F(NamespaceTest, ADeclaredTableCanBeWritten) {
  for (const auto mode : {WriteMode::kCreate, WriteMode::kOverwrite}) {
    const Id id = {mode == WriteMode::kCreate ? "created" : "overwritten"};
    ASSERT_OK_AND_ASSIGN(const auto declared, ns_->DeclareTable(id));
    EXPECT_EQ(declared.is_declared_only, true);
    EXPECT_EQ(ns_->DescribeTable(id)->is_declared_only, true);
    EXPECT_EQ(*ns_->TableExists(id), true);
    EXPECT_THAT(ns_->OpenTable(id),
                AllOf(FailsWith(ErrorCode::kDatasetNotFound), FailsSaying(HasSubstr("only declared"))));
    EXPECT_THAT(ns_->DeclareTable(id), FailsWith(ErrorCode::kAlreadyExists));
    ASSERT_OK(WriteTable(*ns_, id, 0, 3, mode));
    EXPECT_EQ(*IdsOf(*ns_, id), Range(0, 3));
    EXPECT_EQ(ns_->DescribeTable(id)->is_declared_only, false);
  }
}

TEST_F(NamespaceTest, AWriteThatWasGivenUpCanBeMadeAgain) {
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(*ns_, {"t"}, SimpleSchema()));
    ASSERT_OK(writer->Write(*SimpleBatch(0, 10)));
    ASSERT_OK(writer->Abort());
  }
  EXPECT_EQ(ns_->DescribeTable({"t"})->is_declared_only, true);
  ASSERT_OK(WriteTable(*ns_, {"t"}, 5, 5));
  EXPECT_EQ(*IdsOf(*ns_, {"t"}), Range(5, 5));
}

TEST_F(NamespaceTest, ASchemaThatCannotBeStoredDeclaresNothing) {
  const auto schema = arrow::schema({});
  EXPECT_THAT(LanceWriter::Open(*ns_, {"t"}, schema), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(*ns_->ListTables(), IsEmpty());
}

TEST_F(NamespaceTest, TablesGetAndLoseNames) {
  // A directory lists its root by its files, unless it is told to keep to its catalog.
  ASSERT_OK_AND_ASSIGN(const auto ns, Connect({{"dir_listing_enabled", "false"}}));
  ASSERT_OK(WriteSimple(dir_ / "old.lance", 0, 6));
  ASSERT_OK(ns->RegisterTable({"t"}, "old.lance"));
  EXPECT_EQ(*IdsOf(*ns, {"t"}), Range(0, 6));
  EXPECT_THAT(ns->RegisterTable({"t"}, "old.lance"), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_THAT(ns->RegisterTable({"u"}, "/elsewhere"), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK(ns->DeregisterTable({"t"}));
  EXPECT_EQ(*ns->TableExists({"t"}), false);
  EXPECT_EQ(ReadIds(dir_ / "old.lance"), Range(0, 6));
  ASSERT_OK(ns->RegisterTable({"t"}, "old.lance"));
  ASSERT_OK(ns->DropTable({"t"}));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "old.lance"));
}

TEST_F(NamespaceTest, VersionsMayBeCommittedThroughTheNamespace) {
  ASSERT_OK_AND_ASSIGN(const auto ns, Connect({{"table_version_tracking_enabled", "true"}}));
  ASSERT_OK(WriteTable(*ns, {"t"}, 0, 5));
  ASSERT_OK(WriteTable(*ns, {"t"}, 5, 5, WriteMode::kAppend));
  EXPECT_TRUE(ns->DescribeTable({"t"})->manages_versions);
  EXPECT_EQ(*IdsOf(*ns, {"t"}), Range(0, 10));
  ASSERT_OK_AND_ASSIGN(const auto dataset, ns->OpenTable({"t"}, {.version = 1}));
  EXPECT_EQ(*dataset->CountRows(), 5U);
  EXPECT_EQ(*dataset->LatestVersion(), 2U);
  WriteOptions append;
  append.mode = WriteMode::kAppend;
  ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(*ns, {"t"}, SimpleSchema(), append));
  ASSERT_OK(writer->Write(*SimpleBatch(10, 2)));
  ASSERT_OK_AND_ASSIGN(auto transaction, writer->FinishUncommitted());
  EXPECT_THAT(transaction.ToJson(), FailsWith(ErrorCode::kNotSupported));
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(*IdsOf(*ns, {"t"}), Range(0, 12));
}

TEST_F(NamespaceTest, OddNamesAreRefused) {
  for (const Id& id :
       {Id{}, Id{""}, Id{"a", ""}, Id{"a$b"}, Id{"a/b"}, Id{".."}, Id{std::string("a\0b", 3)}}) {
    EXPECT_THAT(ns_->DescribeTable(id), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(ns_->DropTable(id), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(WriteTable(*ns_, id, 0, 1), FailsWith(ErrorCode::kInvalidArgument));
  }
  // These would become a part of the path, and reach another place of the server.
  ASSERT_OK_AND_ASSIGN(const auto server, Namespace::Connect("rest", {{"uri", "http://127.0.0.1:1"}}));
  for (const Id& id : {Id{"."}, Id{".."}}) {
    EXPECT_THAT(server->DropTable(id), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(server->ListTables(id), FailsWith(ErrorCode::kInvalidArgument));
  }
}

TEST_F(NamespaceTest, WrongPropertiesAreRefused) {
  EXPECT_THAT(Namespace::Connect("dir", {}), FailsSaying(HasSubstr("root")));
  EXPECT_THAT(Connect({{"manifest_enable", "true"}}),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(HasSubstr("manifest_enabled"))));
  EXPECT_THAT(Namespace::Connect("sql", {{"root", "x"}}), FailsSaying(HasSubstr("\"dir\" or \"rest\"")));
  EXPECT_THAT(Namespace::Connect("rest", {{"uri", "http://user:canary@host"}}),
              AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(Not(HasSubstr("canary")))));
}

TEST_F(NamespaceTest, FuturesEndAsTheCallsThatWait) {
  ASSERT_OK_AND_ASSIGN(const auto ns, Wait(Namespace::ConnectAsync("dir", {{"root", dir_ / ""}})));
  ASSERT_OK(ns->CreateNamespaceAsync({"a"}, {{"k", "v"}}).status());
  EXPECT_THAT(*Wait(ns->ListNamespacesAsync()), ElementsAre("a"));
  EXPECT_THAT(*Wait(ns->DescribeNamespaceAsync({"a"})), ElementsAre(Pair("k", "v")));
  EXPECT_EQ(Wait(ns->DeclareTableAsync({"a", "t"}))->is_declared_only, true);
  ASSERT_OK_AND_ASSIGN(const auto writer, Wait(LanceWriter::OpenAsync(*ns, {"a", "t"}, SimpleSchema())));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 4)));
  ASSERT_OK(writer->Finish());
  EXPECT_THAT(*Wait(ns->ListTablesAsync({"a"})), ElementsAre("t"));
  EXPECT_EQ(*Wait(ns->TableExistsAsync({"a", "t"})), true);
  EXPECT_EQ(Wait(ns->DescribeTableAsync({"a", "t"}))->is_declared_only, false);
  ASSERT_OK_AND_ASSIGN(const auto dataset, Wait(ns->OpenTableAsync({"a", "t"})));
  EXPECT_EQ(*dataset->CountRows(), 4U);
  ASSERT_OK(WriteSimple(dir_ / "other.lance", 0, 1));
  ASSERT_OK(ns->RegisterTableAsync({"a", "u"}, "other.lance").status());
  ASSERT_OK(ns->DeregisterTableAsync({"a", "u"}).status());
  ASSERT_OK(ns->DropTableAsync({"a", "t"}).status());
  ASSERT_OK(ns->DropNamespaceAsync({"a"}).status());
  EXPECT_THAT(Wait(ns->OpenTableAsync({"a", "t"})), FailsWith(ErrorCode::kDatasetNotFound));
}

TEST_F(NamespaceTest, TablesOutliveTheirNamespace) {
  ASSERT_OK(WriteTable(*ns_, {"t"}, 0, 10));
  ASSERT_OK_AND_ASSIGN(const auto dataset, ns_->OpenTable({"t"}));
  WriteOptions append;
  append.mode = WriteMode::kAppend;
  ASSERT_OK_AND_ASSIGN(const auto writer, LanceWriter::Open(*ns_, {"t"}, SimpleSchema(), append));
  ns_.reset();
  ASSERT_OK(writer->Write(*SimpleBatch(10, 1)));
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(*dataset->CountRows(), 10U);
  EXPECT_EQ(*dataset->LatestVersion(), 2U);
}

TEST_F(NamespaceTest, ASessionOfTheNamespaceServesItsTables) {
  ASSERT_OK(WriteTable(*ns_, {"t"}, 0, 10));
  ASSERT_OK_AND_ASSIGN(const auto session, lance::Session::Make());
  ASSERT_OK_AND_ASSIGN(const auto ns, Namespace::Connect("dir", {{"root", dir_ / ""}}, {.session = session}));
  const uint64_t before = session->Stats()->metadata_cache_entries;
  ASSERT_OK(IdsOf(*ns, {"t"}));
  EXPECT_GT(session->Stats()->metadata_cache_entries, before);
}

/// A server that takes connections and never answers.
class MuteServer {
 public:
  MuteServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, any, length), 0);
    EXPECT_EQ(listen(socket_, 64), 0);
    EXPECT_EQ(getsockname(socket_, any, &length), 0);
    uri_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~MuteServer() { close(socket_); }

  const std::string& uri() const { return uri_; }

 private:
  const int socket_;
  std::string uri_;
};

TEST(NamespaceServerTest, OneThatDoesNotAnswerInTimeIsATimeout) {
  const MuteServer server;
  ASSERT_OK_AND_ASSIGN(const auto ns, Namespace::Connect("rest", {{"uri", server.uri()}},
                                                         {.timeout = std::chrono::seconds(1)}));
  EXPECT_THAT(ns->ListTables(), FailsWith(ErrorCode::kTimeout));
  EXPECT_THAT(ns->OpenTable({"t"}), FailsWith(ErrorCode::kTimeout));
  EXPECT_THAT(LanceWriter::Open(*ns, {"t"}, SimpleSchema()), FailsWith(ErrorCode::kTimeout));
}

TEST(NamespaceServerTest, CallsOnOneThatDoesNotAnswerCanBeStopped) {
  const MuteServer server;
  ASSERT_OK_AND_ASSIGN(
      const auto ns, Namespace::Connect("rest", {{"uri", server.uri()}}, {.timeout = std::chrono::hours(1)}));
  const Id id = {"t"};
  const auto stopped = [](const auto& call) {
    arrow::StopSource source;
    std::jthread stopper([&source] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      source.RequestStop(arrow::Status::Cancelled("enough"));
    });
    return ToStatus(call(source.token()));
  };
  const std::vector<arrow::Status> outcomes = {
      stopped([&](const auto& stop) { return ns->ListTables({}, stop); }),
      stopped([&](const auto& stop) { return ns->ListNamespaces({}, stop); }),
      stopped([&](const auto& stop) { return ns->DescribeNamespace({}, stop); }),
      stopped([&](const auto& stop) { return ns->CreateNamespace(id, {}, stop); }),
      stopped([&](const auto& stop) { return ns->DropNamespace(id, stop); }),
      stopped([&](const auto& stop) { return ns->DescribeTable(id, stop); }),
      stopped([&](const auto& stop) { return ns->TableExists(id, stop); }),
      stopped([&](const auto& stop) { return ns->DeclareTable(id, {}, stop); }),
      stopped([&](const auto& stop) { return ns->RegisterTable(id, "x", stop); }),
      stopped([&](const auto& stop) { return ns->DeregisterTable(id, stop); }),
      stopped([&](const auto& stop) { return ns->DropTable(id, stop); }),
      stopped([&](const auto& stop) { return ns->OpenTable(id, {}, stop); }),
      stopped([&](const auto& stop) { return LanceWriter::Open(*ns, id, SimpleSchema(), {}, stop); }),
  };
  for (const arrow::Status& outcome : outcomes) {
    EXPECT_THAT(outcome, AllOf(FailsWith(ErrorCode::kCancelled), FailsSaying("enough")));
  }
}

TEST(NamespaceServerTest, OneThatIsNotThereIsTold) {
  std::string uri;
  {
    const MuteServer server;
    uri = server.uri();
  }
  ASSERT_OK_AND_ASSIGN(const auto ns,
                       Namespace::Connect("rest", {{"uri", uri}, {"header.Authorization", "Bearer canary"}}));
  EXPECT_THAT(ns->ListTables(), AllOf(FailsWith(ErrorCode::kIO), FailsSaying(HasSubstr("Connection refused")),
                                      FailsSaying(Not(HasSubstr("canary")))));
}

/// Credentials that do not expire.
lance::Credentials SomeCredentials() { return {.storage = {{"some_option", "value"}}}; }

TEST(CredentialsTest, AProviderIsAskedWhenADatasetOrAWriterIsOpened) {
  const TempDir dir;
  std::atomic<int> calls = 0;
  ASSERT_OK_AND_ASSIGN(const auto provider,
                       lance::CredentialsProvider::Make([&calls]() -> arrow::Result<lance::Credentials> {
                         ++calls;
                         return SomeCredentials();
                       }));
  EXPECT_EQ(calls, 0);
  WriteOptions options;
  options.credentials = provider;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 10, options));
  EXPECT_EQ(calls, 1);
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset", {.credentials = provider}));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(*dataset->CountRows("id > 4"), 5U);
}

TEST(CredentialsTest, AFailureIsToldInItsOwnWords) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 10));
  const auto open = [&](lance::CredentialsProvider::Fetch fetch) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto provider, lance::CredentialsProvider::Make(std::move(fetch)));
    return Dataset::Open(dir / "dataset", {.credentials = provider}).status();
  };
  EXPECT_THAT(open([] { return arrow::Status::IOError("no luck"); }),
              AllOf(FailsWith(ErrorCode::kCallback), FailsSaying(HasSubstr("no luck"))));
  EXPECT_THAT(open([]() -> arrow::Result<lance::Credentials> { throw std::runtime_error("thrown"); }),
              AllOf(FailsWith(ErrorCode::kCallback), FailsSaying(HasSubstr("thrown"))));
  EXPECT_THAT(open([]() -> arrow::Result<lance::Credentials> { throw 7; }), FailsWith(ErrorCode::kCallback));
  EXPECT_THAT(open(nullptr), FailsWith(ErrorCode::kInvalidArgument));
  // What waits inside it is refused, rather than waited for by itself.
  EXPECT_THAT(open([&]() -> arrow::Result<lance::Credentials> {
                ARROW_RETURN_NOT_OK(Dataset::Open(dir / "dataset"));
                return SomeCredentials();
              }),
              FailsWith(ErrorCode::kCallback));
}

TEST(CredentialsTest, TheCallbackLivesAsLongAsWhatWasOpenedWithIt) {
  const TempDir dir;
  ASSERT_OK(WriteSimple(dir / "dataset", 0, 10));
  const auto token = std::make_shared<int>(0);
  std::shared_ptr<Dataset> dataset;
  {
    ASSERT_OK_AND_ASSIGN(
        const auto provider, lance::CredentialsProvider::Make([token]() -> arrow::Result<lance::Credentials> {
          return lance::Credentials{.storage = {},
                                    .expires_at = std::chrono::system_clock::now() + std::chrono::hours(1)};
        }));
    ASSERT_OK_AND_ASSIGN(dataset, Dataset::Open(dir / "dataset", {.credentials = provider}));
  }
  EXPECT_GT(token.use_count(), 1);
  dataset.reset();
  // The last use may be on another thread.
  for (int i = 0; i < 1000 && token.use_count() > 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace lance_test
