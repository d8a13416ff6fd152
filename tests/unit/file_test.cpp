#include "lance/file.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/cancel.h"
#include "arrow/util/future.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using lance::FileReader;
using lance::FileWriter;
using lance::ReadFileOptions;
using lance::WriteFileOptions;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using TablePtr = std::shared_ptr<arrow::Table>;

class FileTest : public ::testing::Test {
 protected:
  static arrow::Status Write(const std::string& uri, const std::vector<BatchPtr>& batches,
                             const WriteFileOptions& options = {}) {
    ARROW_ASSIGN_OR_RAISE(auto writer, FileWriter::Open(uri, batches.front()->schema(), options));
    for (const BatchPtr& batch : batches) ARROW_RETURN_NOT_OK(writer->Write(*batch));
    return writer->Finish().status();
  }

  static arrow::Result<TablePtr> Read(const std::string& uri, const ReadFileOptions& options = {}) {
    ARROW_ASSIGN_OR_RAISE(const auto reader, FileReader::Open(uri));
    ARROW_ASSIGN_OR_RAISE(const auto batches, reader->Read(options));
    return batches->ToTable();
  }

  std::vector<std::string> Files() const { return ListFiles(dir_.path()); }

  const TempDir dir_;
  const std::string uri_ = dir_ / "deep/in/a file.lance";
};

TEST_F(FileTest, WhatIsWrittenIsRead) {
  for (const char* version : {"2.0", "2.1", "2.2"}) {
    const std::string uri = dir_ / (std::string(version) + ".lance");
    WriteFileOptions options;
    options.data_storage_version = version;
    ASSERT_OK(Write(uri, {SimpleBatch(0, 1000), SimpleBatch(1000, 1), SimpleBatch(1001, 5000)}, options));
    ASSERT_OK_AND_ASSIGN(const auto reader, FileReader::Open(uri));
    EXPECT_TRUE(reader->schema()->Equals(*SimpleSchema()));
    EXPECT_EQ(reader->info().rows, 6001U);
    EXPECT_EQ(reader->info().columns, 2U);
    EXPECT_EQ(reader->info().bytes, std::filesystem::file_size(uri));
    EXPECT_EQ(std::to_string(reader->info().storage_version_major) + "." +
                  std::to_string(reader->info().storage_version_minor),
              version);
    ASSERT_OK_AND_ASSIGN(const auto table, Read(uri));
    EXPECT_EQ(Int64s(*table->GetColumnByName("id")), Range(0, 6001));
    ASSERT_OK(table->ValidateFull());
  }
}

TEST_F(FileTest, EveryTypeComesBack) {
  arrow::FieldVector fields;
  for (const auto& field : AllFields()) {
    if (!IsRefused(*field)) fields.push_back(field);
  }
  const auto batch = MakeBatch(arrow::schema(fields), 500);
  ASSERT_OK(Write(uri_, {batch}));
  for (int i = 0; i < batch->num_columns(); ++i) {
    const std::string& name = fields[i]->name();
    ReadFileOptions options;
    options.columns = {{name}};
    ASSERT_OK_AND_ASSIGN(const auto table, Read(uri_, options));
    ASSERT_OK_AND_ASSIGN(const auto whole, arrow::Concatenate(table->column(0)->chunks()));
    EXPECT_TRUE(Plain(whole)->Equals(*Plain(batch->column(i)))) << name;
  }
}

TEST_F(FileTest, RangesAndRowsAreReadByColumns) {
  ASSERT_OK(Write(uri_, {SimpleBatch(0, 10'000)}));
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; ++round) {
    ReadFileOptions options;
    options.columns = {{"id"}};
    options.batch_rows = static_cast<uint32_t>(1 + random() % 3000);
    options.first_row = random() % 10'000;
    options.row_count = random() % (10'001 - options.first_row);
    ASSERT_OK_AND_ASSIGN(auto table, Read(uri_, options));
    ASSERT_EQ(Int64s(*table->column(0)),
              Range(static_cast<int64_t>(options.first_row), static_cast<int64_t>(*options.row_count)));
    options.first_row = 0;
    options.row_count = std::nullopt;
    options.rows.emplace();
    std::vector<int64_t> expected;
    for (uint64_t row = random() % 500; row < 10'000; row += 1 + random() % 700) {
      options.rows->push_back(row);
      expected.push_back(static_cast<int64_t>(row));
    }
    ASSERT_OK_AND_ASSIGN(table, Read(uri_, options));
    ASSERT_EQ(Int64s(*table->column(0)), expected);
  }
  ReadFileOptions none;
  none.rows.emplace();
  ASSERT_OK_AND_ASSIGN(const auto empty, Read(uri_, none));
  EXPECT_EQ(empty->num_rows(), 0);
  EXPECT_EQ(empty->num_columns(), 2);
}

TEST_F(FileTest, AnEmptyFileHasItsColumns) {
  ASSERT_OK(Write(uri_, {SimpleBatch(0, 0)}));
  ASSERT_OK_AND_ASSIGN(const auto table, Read(uri_));
  EXPECT_EQ(table->num_rows(), 0);
  EXPECT_TRUE(table->schema()->Equals(*SimpleSchema()));
}

TEST_F(FileTest, WhatCannotBeReadIsRefused) {
  ASSERT_OK(Write(uri_, {SimpleBatch(0, 10)}));
  ReadFileOptions options;
  options.columns = {{"idd"}};
  EXPECT_THAT(Read(uri_, options), FailsWith(ErrorCode::kFieldNotFound));
  options.columns = std::vector<std::string>();
  EXPECT_THAT(Read(uri_, options), FailsWith(ErrorCode::kInvalidArgument));
  options = {};
  options.first_row = 11;
  EXPECT_THAT(Read(uri_, options), FailsWith(ErrorCode::kInvalidArgument));
  options.first_row = 3;
  options.row_count = 8;
  EXPECT_THAT(Read(uri_, options), FailsWith(ErrorCode::kInvalidArgument));
  for (const std::vector<uint64_t>& rows : {std::vector<uint64_t>{10}, {3, 3}, {4, 3}}) {
    options = {};
    options.rows = rows;
    EXPECT_THAT(Read(uri_, options), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(FileReader::Open(dir_ / "none.lance"), FailsWith(ErrorCode::kNotFound));
}

TEST_F(FileTest, ADamagedFileIsRefused) {
  ASSERT_OK(Write(uri_, {SimpleBatch(0, 100)}));
  const auto size = std::filesystem::file_size(uri_);
  const std::string cut = dir_ / "cut.lance";
  for (const uintmax_t length : {uintmax_t{0}, uintmax_t{7}, uintmax_t{40}, size / 2, size - 1}) {
    std::filesystem::copy_file(uri_, cut, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut, length);
    EXPECT_THAT(FileReader::Open(cut), FailsWith(ErrorCode::kCorrupt)) << length;
  }
  std::ofstream(dir_ / "text.lance") << "this is no file of Lance, but it is long enough to be one of them";
  EXPECT_THAT(FileReader::Open(dir_ / "text.lance"), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(FileTest, MetadataAndBuffersAreKept) {
  ASSERT_OK_AND_ASSIGN(auto writer, FileWriter::Open(uri_, SimpleSchema()));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 10)));
  const std::string bytes("\0\1binary\xff", 9);
  ASSERT_OK_AND_ASSIGN(const uint64_t first, writer->AddGlobalBuffer(arrow::Buffer(bytes)));
  EXPECT_EQ(first, 1U);
  ASSERT_OK(writer->AddSchemaMetadata("owner", "tests"));
  ASSERT_OK_AND_ASSIGN(const uint64_t second, Wait(writer->AddGlobalBufferAsync(arrow::Buffer("more"))));
  EXPECT_EQ(second, 2U);
  ASSERT_OK_AND_ASSIGN(const uint64_t so_far, writer->Tell());
  ASSERT_OK_AND_ASSIGN(const auto made, writer->Finish());
  EXPECT_EQ(made.rows, 10U);
  EXPECT_EQ(made.bytes, std::filesystem::file_size(uri_));
  EXPECT_LT(so_far, made.bytes);
  ASSERT_OK_AND_ASSIGN(const auto reader, FileReader::Open(uri_));
  EXPECT_EQ(reader->info().global_buffers, 2U);
  ASSERT_OK_AND_ASSIGN(const auto read, reader->GlobalBuffer(1));
  EXPECT_EQ(read->ToString(), bytes);
  EXPECT_EQ(reader->schema()->metadata()->Get("owner").ValueOrDie(), "tests");
  for (const uint64_t wrong : {uint64_t{0}, uint64_t{3}, uint64_t{1} << 40}) {
    EXPECT_THAT(reader->GlobalBuffer(wrong), FailsWith(ErrorCode::kInvalidArgument));
  }
}

TEST_F(FileTest, ColumnsAndPagesAreDescribed) {
  const auto inner = arrow::struct_({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});
  const auto schema = arrow::schema({arrow::field("s", inner), arrow::field("n", arrow::int32())});
  ASSERT_OK(Write(uri_, {MakeBatch(schema, 1000)}));
  ASSERT_OK_AND_ASSIGN(const auto reader, FileReader::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto columns, reader->Columns());
  ASSERT_OK_AND_ASSIGN(const auto pages, reader->Pages());
  ASSERT_THAT(columns, SizeIs(reader->info().columns));
  EXPECT_EQ(columns.size(), 3U);
  uint64_t described = 0;
  for (const auto& column : columns) described += column.pages;
  EXPECT_EQ(pages.size(), described);
  for (const auto& page : pages) {
    EXPECT_EQ(page.rows, 1000U);
    EXPECT_FALSE(page.encoding.empty());
  }
  ReadFileOptions options;
  options.columns = {{"s.b"}};
  ASSERT_OK_AND_ASSIGN(const auto batches, reader->Read(options));
  ASSERT_OK_AND_ASSIGN(const auto table, batches->ToTable());
  EXPECT_EQ(table->num_rows(), 1000);
}

TEST_F(FileTest, NoFileIsLeftOfWhatIsGivenUp) {
  {
    ASSERT_OK_AND_ASSIGN(auto writer, FileWriter::Open(uri_, SimpleSchema()));
    ASSERT_OK(writer->Write(*SimpleBatch(0, 10)));
    EXPECT_FALSE(std::filesystem::exists(uri_));
    ASSERT_OK(writer->Abort());
    ASSERT_OK(writer->Abort());
    EXPECT_THAT(writer->Write(*SimpleBatch(0, 10)), FailsWith(ErrorCode::kInvalidState));
    EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kInvalidState));
    EXPECT_THAT(Files(), IsEmpty());
    ASSERT_OK_AND_ASSIGN(writer, FileWriter::Open(uri_, SimpleSchema()));
    ASSERT_OK(writer->Write(*SimpleBatch(0, 10)));
  }
  EXPECT_THAT(Files(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(auto writer, FileWriter::Open(uri_, SimpleSchema()));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 10)));
  ASSERT_OK(writer->Finish());
  EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kInvalidState));
  ASSERT_OK(writer->Abort());
  ASSERT_OK_AND_ASSIGN(const auto table, Read(uri_));
  EXPECT_EQ(table->num_rows(), 10);
}

TEST_F(FileTest, AFileThatIsThereIsNotReplaced) {
  ASSERT_OK(Write(uri_, {SimpleBatch(0, 10)}));
  EXPECT_THAT(FileWriter::Open(uri_, SimpleSchema()), FailsWith(ErrorCode::kAlreadyExists));
  ASSERT_OK_AND_ASSIGN(const auto table, Read(uri_));
  EXPECT_EQ(table->num_rows(), 10);
}

TEST_F(FileTest, WhatCannotBeWrittenIsRefused) {
  EXPECT_THAT(FileWriter::Open(uri_, nullptr), FailsWith(ErrorCode::kInvalidArgument));
  WriteFileOptions options;
  options.data_storage_version = "0.1";
  EXPECT_THAT(FileWriter::Open(uri_, SimpleSchema(), options), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(auto writer, FileWriter::Open(uri_, SimpleSchema()));
  const auto other = MakeBatch(arrow::schema({arrow::field("x", arrow::int32())}), 3);
  EXPECT_THAT(writer->Write(*other), FailsWith(ErrorCode::kSchemaMismatch));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 3)));
  ASSERT_OK(writer->Finish());
}

TEST_F(FileTest, FuturesDoTheSame) {
  ASSERT_OK_AND_ASSIGN(const auto writer, Wait(FileWriter::OpenAsync(uri_, SimpleSchema())));
  ASSERT_OK(writer->WriteAsync(*SimpleBatch(0, 10)).status());
  ASSERT_OK_AND_ASSIGN(const auto made, Wait(writer->FinishAsync()));
  EXPECT_EQ(made.rows, 10U);
  ASSERT_OK(writer->AbortAsync().status());
  ASSERT_OK_AND_ASSIGN(const auto reader, Wait(FileReader::OpenAsync(uri_)));
  ASSERT_OK_AND_ASSIGN(const auto batches, Wait(reader->ReadAsync()));
  ASSERT_OK_AND_ASSIGN(const auto table, batches->ToTable());
  EXPECT_EQ(table->num_rows(), 10);
  arrow::StopSource source;
  source.RequestStop();
  EXPECT_THAT(FileReader::Open(uri_, {}, source.token()), FailsWith(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace lance_test
