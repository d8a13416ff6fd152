// Streams and readers handed to the writer: whatever they do, each struct is released exactly once, and a
// stream that fails commits nothing.

#include <cerrno>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arrow/api.h"
#include "arrow/c/bridge.h"
#include "lance/api.h"
#include "support/c_call.h"
#include "support/generators.h"
#include "support/release_probe.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A reader whose n-th batch is whatever `at_end` does, after `batches` good ones.
class ScriptedReader : public arrow::RecordBatchReader {
 public:
  ScriptedReader(int64_t batches, std::function<arrow::Status()> at_end)
      : batches_(batches), at_end_(std::move(at_end)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return SimpleSchema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    if (next_ < batches_) {
      *out = SimpleBatch(100 * next_++, 100);
      return arrow::Status::OK();
    }
    *out = nullptr;
    return at_end_();
  }

 private:
  int64_t batches_;
  int64_t next_ = 0;
  std::function<arrow::Status()> at_end_;
};

/// What a hand-made C stream does; its contents live here.
struct ScriptedStream {
  int get_schema_code = 0;
  int64_t batches = 0;
  int end_code = 0;
  const char* last_error = nullptr;

  void Export(ArrowArrayStream* out) {
    out->private_data = this;
    out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
      const int code = Of(self).get_schema_code;
      return code != 0 ? code : ToErrno(arrow::ExportSchema(*SimpleSchema(), schema));
    };
    out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
      auto& script = Of(self);
      *array = ArrowArray{};
      if (script.batches == 0) return script.end_code;
      return ToErrno(arrow::ExportRecordBatch(*SimpleBatch(--script.batches, 100), array));
    };
    out->get_last_error = [](ArrowArrayStream* self) { return Of(self).last_error; };
    out->release = [](ArrowArrayStream* self) { self->release = nullptr; };
  }

  static ScriptedStream& Of(ArrowArrayStream* self) {
    return *static_cast<ScriptedStream*>(self->private_data);
  }
  static int ToErrno(const arrow::Status& status) { return status.ok() ? 0 : EIO; }
};

class StreamTest : public ::testing::Test {
 protected:
  void Open() {
    ProbedSchema schema(*SimpleSchema(), probe_);
    ASSERT_EQ(OpenWriter(uri_, &schema.schema, nullptr, &writer_), LANCE_OK);
  }

  /// Hand over a stream and expect that it is consumed, whatever the outcome.
  Outcome WriteStream(uint32_t lane, ScriptedStream script) {
    script_ = script;
    ArrowArrayStream stream{};
    script_.Export(&stream);
    probe_.Watch(&stream);
    const Outcome outcome = CallC(lance_writer_write_stream, writer_.get(), lane, &stream);
    EXPECT_EQ(stream.release, nullptr);
    return outcome;
  }

  void ExpectNothingLeft() {
    EXPECT_FALSE(Finish(writer_).ok());
    writer_.reset();
    EXPECT_TRUE(probe_.EachReleasedOnce());
    EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
    EXPECT_THAT(lance::Dataset::Open(uri_), FailsWith(lance::ErrorCode::kDatasetNotFound));
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  ScriptedStream script_;
  ReleaseProbe probe_;
  WriterPtr writer_;
};

TEST_F(StreamTest, GoodStreamIsDrainedAndReleasedOnce) {
  Open();
  ASSERT_EQ(WriteStream(0, {.batches = 5}), LANCE_OK);
  ASSERT_EQ(Finish(writer_), LANCE_OK);
  // The schema at open, the stream, its schema and its batches.
  EXPECT_GE(probe_.watched(), 1 + 1 + 1 + 5);
  EXPECT_TRUE(probe_.EachReleasedOnce());
  ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset->CountRows());
  EXPECT_EQ(rows, 500U);
}

TEST_F(StreamTest, NullWriterConsumes) {
  EXPECT_EQ(WriteStream(0, {.batches = 1}), LANCE_INVALID_ARGUMENT);
  EXPECT_TRUE(probe_.EachReleasedOnce());
}

TEST_F(StreamTest, NullStreamIsRefused) {
  Open();
  EXPECT_EQ(CallC(lance_writer_write_stream, writer_.get(), 0U, static_cast<ArrowArrayStream*>(nullptr)),
            LANCE_INVALID_ARGUMENT);
}

TEST_F(StreamTest, ReleasedStreamIsRefused) {
  Open();
  ArrowArrayStream released{};
  EXPECT_EQ(CallC(lance_writer_write_stream, writer_.get(), 0U, &released), LANCE_INVALID_ARGUMENT);
}

TEST_F(StreamTest, UnknownLaneConsumes) {
  Open();
  EXPECT_EQ(WriteStream(7, {.batches = 1}), LANCE_INVALID_ARGUMENT);
  writer_.reset();
  EXPECT_TRUE(probe_.EachReleasedOnce());
}

TEST_F(StreamTest, StreamOfAnotherSchemaIsAMismatch) {
  Open();
  const auto other = arrow::schema({arrow::field("id", arrow::utf8())});
  ASSERT_OK_AND_ASSIGN(auto reader, arrow::RecordBatchReader::Make({MakeBatch(other, 3)}));
  ArrowArrayStream stream{};
  ASSERT_OK(arrow::ExportRecordBatchReader(reader, &stream));
  probe_.Watch(&stream);
  EXPECT_EQ(CallC(lance_writer_write_stream, writer_.get(), 0U, &stream), LANCE_SCHEMA_MISMATCH);
  EXPECT_EQ(stream.release, nullptr);
  writer_.reset();
  EXPECT_TRUE(probe_.EachReleasedOnce());
}

TEST_F(StreamTest, FailingSchemaFailsTheWriter) {
  Open();
  const Outcome outcome = WriteStream(0, {.get_schema_code = EIO, .last_error = "no schema today"});
  EXPECT_EQ(outcome, LANCE_CALLBACK);
  EXPECT_THAT(outcome.message, HasSubstr("no schema today"));
  ExpectNothingLeft();
}

TEST_F(StreamTest, FailingBatchFailsTheWriterWithItsMessage) {
  for (const int64_t good : {0, 1, 20}) {
    SCOPED_TRACE(good);
    Open();
    const Outcome outcome = WriteStream(0, {.batches = good, .end_code = EIO, .last_error = "cable pulled"});
    EXPECT_EQ(outcome, LANCE_CALLBACK);
    EXPECT_THAT(outcome.message, HasSubstr("cable pulled"));
    ExpectNothingLeft();
  }
}

TEST_F(StreamTest, FailureWithoutAMessageIsAnErrorAllTheSame) {
  Open();
  EXPECT_EQ(WriteStream(0, {.batches = 1, .end_code = ENOSPC}), LANCE_CALLBACK);
  ExpectNothingLeft();
}

TEST_F(StreamTest, FailureWithAMessageThatIsNotUtf8IsAnErrorAllTheSame) {
  Open();
  EXPECT_EQ(WriteStream(0, {.end_code = EIO, .last_error = "bad \xff\xfe byte"}), LANCE_CALLBACK);
  ExpectNothingLeft();
}

TEST_F(StreamTest, WriterClosedByAnErrorConsumesTheNextStream) {
  Open();
  ASSERT_EQ(WriteStream(0, {.end_code = EIO}), LANCE_CALLBACK);
  EXPECT_FALSE(WriteStream(0, {.batches = 3}).ok());
  ExpectNothingLeft();
}

class ReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(writer_, lance::LanceWriter::Open(dir_ / "dataset", SimpleSchema()));
  }

  arrow::Status Write(int64_t batches, std::function<arrow::Status()> at_end) {
    return writer_->Write(std::make_shared<ScriptedReader>(batches, std::move(at_end)));
  }

  void ExpectNothingLeft() {
    EXPECT_FALSE(writer_->Finish().ok());
    writer_.reset();
    EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
    EXPECT_THAT(lance::Dataset::Open(dir_ / "dataset"), FailsWith(lance::ErrorCode::kDatasetNotFound));
  }

  const TempDir dir_;
  std::unique_ptr<lance::LanceWriter> writer_;
};

class ReaderFailsAt : public ReaderTest, public ::testing::WithParamInterface<int64_t> {};

TEST_P(ReaderFailsAt, Exception) {
  const auto status =
      Write(GetParam(), []() -> arrow::Status { throw std::runtime_error("thrown on purpose"); });
  EXPECT_THAT(status, FailsWith(lance::ErrorCode::kCallback));
  EXPECT_THAT(status, FailsSaying(HasSubstr("thrown on purpose")));
  ExpectNothingLeft();
}

TEST_P(ReaderFailsAt, ExceptionOfNoStandardType) {
  const auto status = Write(GetParam(), []() -> arrow::Status { throw 42; });
  EXPECT_THAT(status, FailsWith(lance::ErrorCode::kCallback));
  ExpectNothingLeft();
}

TEST_P(ReaderFailsAt, ExhaustedMemoryIsOutOfMemory) {
  const auto status = Write(GetParam(), []() -> arrow::Status { throw std::bad_alloc(); });
  EXPECT_TRUE(status.IsOutOfMemory()) << status.ToString();
  ExpectNothingLeft();
}

TEST_P(ReaderFailsAt, ErrorStatusIsReturnedAsItIs) {
  const auto status = Write(GetParam(), [] { return arrow::Status::KeyError("no such key"); });
  EXPECT_TRUE(status.IsKeyError()) << status.ToString();
  EXPECT_THAT(status, FailsSaying(HasSubstr("no such key")));
  ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(Batches, ReaderFailsAt, ::testing::Values(0, 1, 20));

TEST_F(ReaderTest, EveryBufferIsLetGoWhenFinishReturns) {
  std::vector<std::weak_ptr<arrow::Buffer>> buffers;
  for (int64_t i = 0; i < 5; ++i) {
    const auto batch = SimpleBatch(100 * i, 100);
    buffers.push_back(batch->column_data(0)->buffers[1]);
    ASSERT_OK(writer_->Write(*batch));
  }
  ASSERT_OK(writer_->Finish());
  for (const auto& buffer : buffers) EXPECT_TRUE(buffer.expired());
}

TEST_F(ReaderTest, EveryBufferIsLetGoWhenAWriterIsDestroyed) {
  const auto batch = SimpleBatch(0, 100);
  ASSERT_OK(writer_->Write(*batch));
  writer_.reset();
  EXPECT_EQ(batch->column_data(0).use_count(), SimpleBatch(0, 100)->column_data(0).use_count());
}

TEST_F(ReaderTest, ScannedBatchesOutliveTheirDataset) {
  ASSERT_OK(writer_->Write(*SimpleBatch(0, 1000)));
  ASSERT_OK(writer_->Finish());
  std::shared_ptr<arrow::RecordBatch> batch;
  {
    ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(dir_ / "dataset"));
    ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan());
    ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
    ASSERT_OK(reader->ReadNext(&batch));
  }
  EXPECT_TRUE(batch->Equals(*SimpleBatch(0, 1000)));
}

TEST_F(ReaderTest, AbandonedScansAreReleased) {
  for (int64_t i = 0; i < 20; ++i) ASSERT_OK(writer_->Write(*SimpleBatch(8192 * i, 8192)));
  ASSERT_OK(writer_->Finish());
  ASSERT_OK_AND_ASSIGN(auto dataset, lance::Dataset::Open(dir_ / "dataset"));
  ASSERT_OK_AND_ASSIGN(auto scanner, dataset->Scan());
  for (int read = 0; read < 3; ++read) {
    ASSERT_OK_AND_ASSIGN(auto reader, scanner->ToReader());
    std::shared_ptr<arrow::RecordBatch> batch;
    for (int i = 0; i < read; ++i) ASSERT_OK(reader->ReadNext(&batch));
  }
}

}  // namespace
}  // namespace lance_test
