#include "lance/lance_writer.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "arrow/api.h"
#include "lance/dataset.h"
#include "lance/scanner.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"
#include "support/temp_dir.h"

namespace lance_test {
namespace {

using lance::ColumnEncoding;
using lance::Dataset;
using lance::EncodingProfile;
using lance::ErrorCode;
using lance::LanceWriter;
using lance::WriteMode;
using lance::WriteOptions;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

WriteOptions InMode(WriteMode mode) {
  WriteOptions options;
  options.mode = mode;
  return options;
}

auto IsRefused(const ::testing::Matcher<std::string>& message) {
  return ::testing::AllOf(FailsWith(ErrorCode::kInvalidArgument), FailsSaying(message));
}

class LanceWriterTest : public ::testing::Test {
 protected:
  arrow::Result<std::unique_ptr<LanceWriter>> Open(const WriteOptions& options = {}) const {
    return LanceWriter::Open(uri_, SimpleSchema(), options);
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
};

TEST_F(LanceWriterTest, WritesManyBatchesAsOneVersion) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  for (int64_t first = 0; first < 1000; first += 100) ASSERT_OK(writer->Write(*SimpleBatch(first, 100)));
  EXPECT_THAT(Dataset::Open(uri_), FailsWith(ErrorCode::kDatasetNotFound)) << "visible before Finish()";
  ASSERT_OK_AND_ASSIGN(const auto result, writer->Finish());
  EXPECT_EQ(result.version, 1U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 1000));
}

TEST_F(LanceWriterTest, WritesAReader) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  ASSERT_OK(writer->Write(*SimpleBatch(0, 10)));
  ASSERT_OK_AND_ASSIGN(auto reader, arrow::RecordBatchReader::Make(
                                        {SimpleBatch(10, 10), SimpleBatch(20, 0), SimpleBatch(20, 5)}));
  ASSERT_OK(writer->Write(reader));
  ASSERT_OK(writer->Write(*SimpleBatch(25, 5)));
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(ReadIds(uri_), Range(0, 30));
}

TEST_F(LanceWriterTest, NoBatchesMakeAnEmptyDatasetWithASchema) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  EXPECT_TRUE(dataset->schema()->Equals(*SimpleSchema()));
  ASSERT_OK_AND_ASSIGN(const uint64_t rows, dataset->CountRows());
  EXPECT_EQ(rows, 0U);
}

TEST_F(LanceWriterTest, EmptyBatchesAreAccepted) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  ASSERT_OK(writer->Write(*SimpleBatch(0, 0)));
  ASSERT_OK(writer->Write(*SimpleBatch(0, 3)));
  ASSERT_OK(writer->Write(*SimpleBatch(3, 0)));
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(ReadIds(uri_), Range(0, 3));
}

TEST_F(LanceWriterTest, CreateRefusesAnExistingDatasetAtOpen) {
  ASSERT_OK(WriteSimple(uri_, 0, 3));
  EXPECT_THAT(Open(), FailsWith(ErrorCode::kAlreadyExists));
  EXPECT_EQ(ReadIds(uri_), Range(0, 3));
}

TEST_F(LanceWriterTest, AppendAddsRowsInANewVersion) {
  ASSERT_OK(WriteSimple(uri_, 0, 3));
  ASSERT_OK_AND_ASSIGN(const auto result, WriteSimple(uri_, 3, 4, InMode(WriteMode::kAppend)));
  EXPECT_EQ(result.version, 2U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 7));
}

TEST_F(LanceWriterTest, AppendToAMissingDatasetIsRefusedAtOpen) {
  EXPECT_THAT(Open(InMode(WriteMode::kAppend)), FailsWith(ErrorCode::kDatasetNotFound));
  EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
}

TEST_F(LanceWriterTest, AppendOfAnotherSchemaIsRefusedAtOpen) {
  ASSERT_OK(WriteSimple(uri_, 0, 3));
  const auto other = arrow::schema({arrow::field("id", arrow::utf8()), arrow::field("name", arrow::utf8())});
  const auto opened = LanceWriter::Open(uri_, other, InMode(WriteMode::kAppend));
  EXPECT_THAT(opened, FailsWith(ErrorCode::kSchemaMismatch));
  EXPECT_THAT(opened, FailsSaying(HasSubstr("id")));
  EXPECT_EQ(ReadIds(uri_), Range(0, 3));
}

TEST_F(LanceWriterTest, OverwriteReplacesRowsAndSchemaAndKeepsTheOldVersion) {
  ASSERT_OK(WriteSimple(uri_, 0, 3));
  const auto other = arrow::schema({arrow::field("x", arrow::float64())});
  ASSERT_OK_AND_ASSIGN(const auto result,
                       WriteBatches(uri_, {MakeBatch(other, 5)}, InMode(WriteMode::kOverwrite)));
  EXPECT_EQ(result.version, 2U);
  ASSERT_OK_AND_ASSIGN(auto table, ReadAll(uri_));
  EXPECT_TRUE(table->schema()->Equals(*other));
  ASSERT_OK_AND_ASSIGN(auto old, Dataset::Open(uri_, {.version = 1}));
  EXPECT_TRUE(old->schema()->Equals(*SimpleSchema()));
}

TEST_F(LanceWriterTest, OverwriteMakesAMissingDataset) {
  ASSERT_OK(WriteSimple(uri_, 0, 3, InMode(WriteMode::kOverwrite)));
  EXPECT_EQ(ReadIds(uri_), Range(0, 3));
}

TEST_F(LanceWriterTest, BatchOfAnotherSchemaIsRefusedByName) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  const auto other = arrow::schema({arrow::field("id", arrow::int64()), arrow::field("nom", arrow::utf8())});
  const auto status = writer->Write(*MakeBatch(other, 3));
  EXPECT_THAT(status, FailsWith(ErrorCode::kSchemaMismatch));
  EXPECT_THAT(status, FailsSaying(AnyOf(HasSubstr("nom"), HasSubstr("name"))));
}

TEST_F(LanceWriterTest, ReaderOfAnotherSchemaIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  const auto other = arrow::schema({arrow::field("x", arrow::int64())});
  ASSERT_OK_AND_ASSIGN(auto reader, arrow::RecordBatchReader::Make({MakeBatch(other, 3)}));
  EXPECT_THAT(writer->Write(reader), FailsWith(ErrorCode::kSchemaMismatch));
}

TEST_F(LanceWriterTest, NullArgumentsAreRefused) {
  EXPECT_THAT(LanceWriter::Open(uri_, nullptr), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  EXPECT_THAT(writer->Write(std::shared_ptr<arrow::RecordBatchReader>()),
              FailsWith(ErrorCode::kInvalidArgument));
}

/// A way to close a writer.
struct Closing {
  const char* name;
  arrow::Status (*close)(LanceWriter&);
  /// What writing and aborting return from then on.
  ErrorCode write;
  ErrorCode abort;
};

class ClosedWriterTest : public LanceWriterTest, public ::testing::WithParamInterface<Closing> {};

TEST_P(ClosedWriterTest, RefusesFurtherCalls) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  ASSERT_OK(writer->Write(*SimpleBatch(0, 3)));
  ASSERT_OK(GetParam().close(*writer));
  const auto files = ListFiles(dir_.path());
  const auto reader = [] { return arrow::RecordBatchReader::Make({SimpleBatch(3, 3)}).ValueOrDie(); };
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(writer->Write(*SimpleBatch(3, 3)), FailsWith(GetParam().write));
    EXPECT_THAT(writer->Write(reader()), FailsWith(GetParam().write));
    EXPECT_THAT(writer->WriteToLane(0, *SimpleBatch(3, 3)), FailsWith(GetParam().write));
    EXPECT_THAT(writer->WriteToLane(0, reader()), FailsWith(GetParam().write));
    EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kInvalidState));
    EXPECT_THAT(writer->FinishUncommitted(), FailsWith(ErrorCode::kInvalidState));
    EXPECT_EQ(lance::GetErrorCode(writer->Abort()), GetParam().abort);
  }
  EXPECT_EQ(writer->stats().rows, 3U) << "stats stay readable";
  EXPECT_TRUE(writer->schema()->Equals(*SimpleSchema()));
  writer.reset();
  EXPECT_EQ(ListFiles(dir_.path()), files);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, ClosedWriterTest,
    ::testing::Values(Closing{"Finished", [](LanceWriter& writer) { return writer.Finish().status(); },
                              ErrorCode::kInvalidState, ErrorCode::kInvalidState},
                      Closing{"FinishedUncommitted",
                              [](LanceWriter& writer) { return writer.FinishUncommitted().status(); },
                              ErrorCode::kInvalidState, ErrorCode::kInvalidState},
                      Closing{"Aborted", [](LanceWriter& writer) { return writer.Abort(); },
                              ErrorCode::kCancelled, ErrorCode::kOk}),
    [](const auto& info) { return info.param.name; });

TEST_F(LanceWriterTest, DestructionWithoutFinishLeavesNoFiles) {
  WriteOptions options;
  options.max_rows_per_file = 1000;
  {
    ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
    for (int64_t i = 0; i < 10; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 1000, 1000)));
  }
  EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
}

TEST_F(LanceWriterTest, AbortLeavesNoFilesAndMayBeRepeated) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  ASSERT_OK(writer->Write(*SimpleBatch(0, 1000)));
  ASSERT_OK(writer->Abort());
  ASSERT_OK(writer->Abort());
  EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
  EXPECT_THAT(writer->Finish(), FailsWith(ErrorCode::kInvalidState));
}

TEST_F(LanceWriterTest, AbandonedAppendKeepsTheDatasetAsItWas) {
  ASSERT_OK(WriteSimple(uri_, 0, 3));
  const auto files = ListFiles(dir_.path());
  {
    ASSERT_OK_AND_ASSIGN(auto writer, Open(InMode(WriteMode::kAppend)));
    ASSERT_OK(writer->Write(*SimpleBatch(3, 1000)));
  }
  EXPECT_EQ(ListFiles(dir_.path()), files);
}

TEST_F(LanceWriterTest, LanesKeepTheirOrder) {
  WriteOptions options;
  options.lanes = 2;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  // Interleaved, and lane 1 first: the dataset has lane 0, then lane 1.
  for (int64_t i = 0; i < 5; ++i) {
    ASSERT_OK(writer->WriteToLane(1, *SimpleBatch(500 + 100 * i, 100)));
    ASSERT_OK(writer->WriteToLane(0, *SimpleBatch(100 * i, 100)));
  }
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(ReadIds(uri_), Range(0, 1000));
}

TEST_F(LanceWriterTest, LanesTakeReadersInParallel) {
  constexpr uint32_t kLanes = 3;
  WriteOptions options;
  options.lanes = kLanes;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  std::vector<arrow::Status> outcomes(kLanes);
  std::vector<std::thread> producers;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    producers.emplace_back([&, lane] {
      arrow::RecordBatchVector batches;
      for (int64_t i = 0; i < 10; ++i) batches.push_back(SimpleBatch(lane * 10'000 + i * 1000, 1000));
      outcomes[lane] = writer->WriteToLane(lane, arrow::RecordBatchReader::Make(batches).ValueOrDie());
    });
  }
  for (auto& producer : producers) producer.join();
  for (const auto& outcome : outcomes) EXPECT_OK(outcome);
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(ReadIds(uri_), Range(0, kLanes * 10'000));
}

TEST_F(LanceWriterTest, UnusedLanesAddNothing) {
  WriteOptions options;
  options.lanes = 8;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  ASSERT_OK(writer->WriteToLane(5, *SimpleBatch(0, 10)));
  ASSERT_OK(writer->Finish());
  EXPECT_EQ(ReadIds(uri_), Range(0, 10));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto fragments, dataset->Fragments());
  EXPECT_THAT(fragments, SizeIs(1));
}

TEST_F(LanceWriterTest, UnknownLaneIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  EXPECT_THAT(writer->WriteToLane(1, *SimpleBatch(0, 1)), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(LanceWriterTest, BatchesDealtOverLanesAllArrive) {
  WriteOptions options;
  options.lanes = 3;
  options.preserve_order = false;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  for (int64_t i = 0; i < 30; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 1000, 1000)));
  ASSERT_OK(writer->Finish());
  auto ids = ReadIds(uri_);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, Range(0, 30'000));
}

TEST_F(LanceWriterTest, SeveralProducersShareOneLane) {
  constexpr int64_t kProducers = 4;
  constexpr int64_t kBatchesEach = 25;
  ASSERT_OK_AND_ASSIGN(auto writer, Open());
  std::atomic<int> failures{0};
  std::vector<std::thread> producers;
  for (int64_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&, producer] {
      for (int64_t i = 0; i < kBatchesEach; ++i) {
        if (!writer->Write(*SimpleBatch((producer * kBatchesEach + i) * 100, 100)).ok()) ++failures;
      }
    });
  }
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(failures, 0);
  ASSERT_OK(writer->Finish());
  const auto ids = ReadIds(uri_);
  // Each producer's own batches stay in order.
  std::vector<int64_t> last(kProducers, -1);
  for (const int64_t id : ids) {
    int64_t& previous = last[static_cast<size_t>(id / (kBatchesEach * 100))];
    EXPECT_LT(previous, id);
    previous = id;
  }
  auto sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, Range(0, kProducers * kBatchesEach * 100));
}

TEST_F(LanceWriterTest, BytesInFlightStayWithinTheirBound) {
  constexpr uint64_t kBound = 1 << 20;
  WriteOptions options;
  options.max_bytes_in_flight = kBound;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  for (int64_t i = 0; i < 100; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 4096, 4096)));
  ASSERT_OK(writer->Finish());
  const auto stats = writer->stats();
  EXPECT_GT(stats.bytes, 5 * kBound) << "too little data to reach the bound";
  EXPECT_GT(stats.peak_bytes_in_flight, 0U);
  EXPECT_LE(stats.peak_bytes_in_flight, kBound);
}

TEST_F(LanceWriterTest, ABatchLargerThanTheBoundIsAcceptedAlone) {
  WriteOptions options;
  options.max_bytes_in_flight = 1;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  for (int64_t i = 0; i < 10; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 100, 100)));
  ASSERT_OK(writer->Finish());
  EXPECT_LT(writer->stats().peak_bytes_in_flight, writer->stats().bytes / 5);
  EXPECT_EQ(ReadIds(uri_), Range(0, 1000));
}

/// How many bytes a writer thinks a batch of one column has.
class BatchBytesTest : public ::testing::TestWithParam<std::shared_ptr<arrow::DataType>> {
 protected:
  static uint64_t BytesOf(const arrow::RecordBatch& batch) {
    const auto writer = LanceWriter::Open("memory://batch_bytes_test", batch.schema()).ValueOrDie();
    EXPECT_OK(writer->Write(batch));
    return writer->stats().bytes;
  }

  std::shared_ptr<arrow::RecordBatch> Batch(int64_t rows) const {
    return MakeBatch(arrow::schema({arrow::field("c", GetParam())}), rows);
  }
};

TEST_P(BatchBytesTest, SlicesCountOnlyTheirOwnRows) {
  const uint64_t whole = BytesOf(*Batch(100'000));
  const uint64_t slice = BytesOf(*Batch(100'000)->Slice(50'000, 100));
  EXPECT_GT(whole, 10'000U);
  EXPECT_LT(slice, whole / 100);
}

TEST_P(BatchBytesTest, BytesGrowWithTheRows) {
  EXPECT_GT(BytesOf(*Batch(10'000)), 5 * BytesOf(*Batch(1'000)));
}

INSTANTIATE_TEST_SUITE_P(Types, BatchBytesTest,
                         ::testing::Values(arrow::boolean(), arrow::int64(), arrow::utf8(),
                                           arrow::utf8_view(), arrow::list(arrow::int64()),
                                           arrow::list(arrow::utf8()),
                                           arrow::fixed_size_list(arrow::float32(), 4),
                                           arrow::struct_({arrow::field("a", arrow::utf8())}),
                                           arrow::map(arrow::utf8(), arrow::int32())),
                         [](const auto& info) { return "Type" + std::to_string(info.index); });

TEST_F(LanceWriterTest, LongStringsBehindViewsCount) {
  arrow::StringViewBuilder builder;
  for (int i = 0; i < 100; ++i) ASSERT_OK(builder.Append(std::string(10'000, 'x')));
  ASSERT_OK_AND_ASSIGN(auto views, builder.Finish());
  const auto schema = arrow::schema({arrow::field("c", arrow::utf8_view())});
  ASSERT_OK_AND_ASSIGN(auto writer, LanceWriter::Open(uri_, schema));
  ASSERT_OK(writer->Write(*arrow::RecordBatch::Make(schema, 100, {views})));
  EXPECT_GE(writer->stats().bytes, 1'000'000U);
}

TEST_F(LanceWriterTest, StatsAddUp) {
  WriteOptions options;
  options.max_rows_per_file = 400;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  EXPECT_EQ(writer->stats().batches, 0U);
  for (int64_t i = 0; i < 10; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 100, 100)));
  EXPECT_EQ(writer->stats().batches, 10U);
  EXPECT_EQ(writer->stats().rows, 1000U);
  EXPECT_GT(writer->stats().bytes, 8000U);
  ASSERT_OK(writer->Finish());
  const auto stats = writer->stats();
  EXPECT_EQ(stats.bytes_in_flight, 0U);
  EXPECT_EQ(stats.rows_written, 1000U);
  EXPECT_EQ(stats.files_written, 3U);
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto info, dataset->Info());
  EXPECT_EQ(stats.bytes_written, info.data_bytes);
}

TEST_F(LanceWriterTest, ProgressIsReported) {
  std::atomic<int> calls{0};
  std::atomic<uint64_t> most_rows{0};
  WriteOptions options;
  options.max_bytes_in_flight = 1;
  options.max_rows_per_file = 1000;
  options.progress = [&](const lance::WriteStats& stats) {
    ++calls;
    most_rows = std::max<uint64_t>(most_rows, stats.rows);
  };
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  for (int64_t i = 0; i < 10; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 1000, 1000)));
  ASSERT_OK(writer->Finish());
  writer.reset();
  EXPECT_GT(calls, 0);
  EXPECT_GT(most_rows, 0U);
  EXPECT_LE(most_rows, 10'000U);
}

TEST_F(LanceWriterTest, ExceptionOfTheProgressCallbackIsDropped) {
  std::atomic<int> calls{0};
  WriteOptions options;
  options.max_rows_per_file = 1000;
  options.progress = [&](const lance::WriteStats&) {
    ++calls;
    throw std::runtime_error("not your problem");
  };
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  for (int64_t i = 0; i < 10; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 1000, 1000)));
  ASSERT_OK(writer->Finish());
  EXPECT_GT(calls, 0);
  EXPECT_EQ(ReadIds(uri_), Range(0, 10'000));
}

TEST_F(LanceWriterTest, CallsFromACallbackAreRefused) {
  ASSERT_OK(WriteSimple(dir_ / "other", 0, 10));
  ASSERT_OK_AND_ASSIGN(const auto other, Dataset::Open(dir_ / "other"));
  std::atomic<int> calls{0};
  std::atomic<int> refused{0};
  WriteOptions options;
  options.max_rows_per_file = 1000;
  options.progress = [&, caller = std::this_thread::get_id()](const lance::WriteStats&) {
    // Finish() reports the end itself.
    if (std::this_thread::get_id() == caller) return;
    for (const auto& status : {other->CountRows().status(), Dataset::Open(dir_ / "other").status(),
                               LanceWriter::Open(dir_ / "new", SimpleSchema()).status()}) {
      ++calls;
      refused += lance::GetErrorCode(status) == ErrorCode::kInvalidState;
    }
  };
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  for (int64_t i = 0; i < 10; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 1000, 1000)));
  ASSERT_OK(writer->Finish());
  EXPECT_GT(calls, 0);
  EXPECT_EQ(refused, calls);
}

TEST_F(LanceWriterTest, RowsPerFileSetTheFragments) {
  WriteOptions options;
  options.max_rows_per_file = 100;
  ASSERT_OK(WriteSimple(uri_, 0, 450, options));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto fragments, dataset->Fragments());
  ASSERT_THAT(fragments, SizeIs(5));
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(fragments[i].rows, 100U);
  EXPECT_EQ(fragments[4].rows, 50U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 450));
}

TEST_F(LanceWriterTest, BytesPerFileSetTheFragments) {
  WriteOptions options;
  options.max_bytes_per_file = 100'000;
  options.encoder_cache_bytes = 10'000;
  ASSERT_OK_AND_ASSIGN(auto writer, Open(options));
  for (int64_t i = 0; i < 50; ++i) ASSERT_OK(writer->Write(*SimpleBatch(i * 1000, 1000)));
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto fragments, dataset->Fragments());
  EXPECT_GT(fragments.size(), 1U);
  EXPECT_EQ(ReadIds(uri_), Range(0, 50'000));
}

TEST_F(LanceWriterTest, StableRowIdsAreKept) {
  WriteOptions options;
  options.stable_row_ids = true;
  ASSERT_OK(WriteSimple(uri_, 0, 3, options));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto info, dataset->Info());
  EXPECT_TRUE(info.stable_row_ids);
}

/// A batch with a column of words, each of which is in its dictionary.
std::shared_ptr<arrow::RecordBatch> WordBatch(const std::shared_ptr<arrow::Schema>& schema, int first,
                                              int words) {
  arrow::StringBuilder text;
  arrow::Int8Builder keys;
  for (int i = 0; i < words; ++i) {
    EXPECT_OK(text.Append("word " + std::to_string(first + i)));
    EXPECT_OK(keys.Append(static_cast<int8_t>(words - 1 - i)));
  }
  const auto column = arrow::DictionaryArray::FromArrays(schema->field(0)->type(), keys.Finish().ValueOrDie(),
                                                         text.Finish().ValueOrDie());
  return arrow::RecordBatch::Make(schema, words, {column.ValueOrDie()});
}

TEST_F(LanceWriterTest, DictionariesOfBatchesAreMergedOrRefusedByTheNameOfTheColumn) {
  const auto schema = arrow::schema({arrow::field("word", arrow::dictionary(arrow::int8(), arrow::utf8()))});
  ASSERT_OK_AND_ASSIGN(auto writer, LanceWriter::Open(uri_, schema));
  for (int first : {0, 10, 5, 28, 0}) ASSERT_OK(writer->Write(*WordBatch(schema, first, 100)));
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset->Scan());
  ASSERT_OK_AND_ASSIGN(const auto table, scanner->ToTable());
  ASSERT_OK(table->ValidateFull());
  int64_t row = 0;
  for (int first : {0, 10, 5, 28, 0}) {
    for (int i = 99; i >= 0; --i) {
      ASSERT_OK_AND_ASSIGN(const auto value, table->column(0)->GetScalar(row++));
      const auto& word = static_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue().ValueOrDie();
      EXPECT_EQ(word->ToString(), "word " + std::to_string(first + i));
    }
  }

  const std::string refused = dir_ / "refused";
  ASSERT_OK_AND_ASSIGN(auto too_many, LanceWriter::Open(refused, schema));
  ASSERT_OK(too_many->Write(*WordBatch(schema, 0, 65)));
  ASSERT_OK(too_many->Write(*WordBatch(schema, 65, 64)));
  EXPECT_THAT(too_many->Finish(), IsRefused(HasSubstr("\"word\"")));
  EXPECT_THAT(Dataset::Open(refused), FailsWith(ErrorCode::kDatasetNotFound));
}

class StorageVersionTest : public LanceWriterTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(StorageVersionTest, IsUsedAndKeptByAppends) {
  WriteOptions options;
  options.data_storage_version = GetParam();
  ASSERT_OK(WriteSimple(uri_, 0, 100, options));
  ASSERT_OK(WriteSimple(uri_, 100, 100, InMode(WriteMode::kAppend)));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  ASSERT_OK_AND_ASSIGN(const auto info, dataset->Info());
  EXPECT_EQ(info.data_storage_version, GetParam());
  EXPECT_EQ(ReadIds(uri_), Range(0, 200));
}

INSTANTIATE_TEST_SUITE_P(Versions, StorageVersionTest, ::testing::Values("2.0", "2.1", "2.2", "2.3"));

TEST_F(LanceWriterTest, BadOptionsAreRefusedAtOpen) {
  const auto refused = [&](auto&& change) {
    WriteOptions options;
    change(options);
    return Open(options).status();
  };
  EXPECT_THAT(refused([](auto& o) { o.data_storage_version = "7.5"; }),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refused([](auto& o) { o.max_rows_per_file = uint64_t{1} << 32; }),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refused([](auto& o) { o.mode = static_cast<WriteMode>(42); }),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refused([](auto& o) { o.commit_message = std::string("a\0b", 3); }),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ListFiles(dir_.path()), IsEmpty());
}

TEST_F(LanceWriterTest, EncodingsAreAcceptedAndRecorded) {
  WriteOptions options;
  options.encodings = {
      {.column = "id", .compression = ColumnEncoding::Compression::kZstd, .compression_level = 5},
      {.column = "name",
       .compression = ColumnEncoding::Compression::kFsst,
       .structural = ColumnEncoding::Structural::kMiniBlock},
  };
  ASSERT_OK(WriteSimple(uri_, 0, 10'000, options));
  EXPECT_EQ(ReadIds(uri_), Range(0, 10'000));
  ASSERT_OK_AND_ASSIGN(auto dataset, Dataset::Open(uri_));
  const auto& id = *dataset->schema()->GetFieldByName("id");
  ASSERT_TRUE(id.HasMetadata());
  EXPECT_EQ(id.metadata()->Get("lance-encoding:compression").ValueOr(""), "zstd");
  EXPECT_EQ(id.metadata()->Get("lance-encoding:compression-level").ValueOr(""), "5");
}

TEST_F(LanceWriterTest, TheProfileDecidesOfEncodingsAndTheSchemaStaysAsItIs) {
  const auto price = arrow::decimal128(15, 2);
  const auto schema = arrow::schema({arrow::field("price", price), arrow::field("list", arrow::list(price)),
                                     arrow::field("s", arrow::struct_({arrow::field("price", price)}))});
  const auto batch = MakeBatch(schema, 50'000);
  const auto bytes_of = [&](const WriteOptions& options) -> arrow::Result<uint64_t> {
    if (options.mode == WriteMode::kAppend) {
      ARROW_ASSIGN_OR_RAISE(auto made, LanceWriter::Open(uri_, schema, InMode(WriteMode::kOverwrite)));
      ARROW_RETURN_NOT_OK(made->Finish());
    }
    ARROW_ASSIGN_OR_RAISE(auto writer, LanceWriter::Open(uri_, schema, options));
    ARROW_RETURN_NOT_OK(writer->Write(*batch));
    ARROW_RETURN_NOT_OK(writer->Finish());
    ARROW_ASSIGN_OR_RAISE(const auto dataset, Dataset::Open(uri_));
    EXPECT_TRUE(dataset->schema()->Equals(*schema, /*check_metadata=*/true)) << dataset->schema()->ToString();
    ARROW_ASSIGN_OR_RAISE(const auto rows, ReadAll(uri_));
    EXPECT_TRUE(rows->Equals(*arrow::Table::FromRecordBatches({batch}).ValueOrDie()));
    ARROW_ASSIGN_OR_RAISE(const auto info, dataset->Info());
    return info.data_bytes;
  };
  for (const auto mode : {WriteMode::kOverwrite, WriteMode::kAppend}) {
    WriteOptions options = InMode(mode);
    ASSERT_OK_AND_ASSIGN(const uint64_t read, bytes_of(options));
    options.encoding_profile = EncodingProfile::kSize;
    ASSERT_OK_AND_ASSIGN(const uint64_t size, bytes_of(options));
    options.tuned_encodings = false;
    ASSERT_OK_AND_ASSIGN(const uint64_t untuned, bytes_of(options));
    options.encoding_profile = EncodingProfile::kEngine;
    options.tuned_encodings = true;
    ASSERT_OK_AND_ASSIGN(const uint64_t engine, bytes_of(options));
    EXPECT_LT(size, read * 9 / 10);
    // The hints are in the file's own schema.
    EXPECT_LE(read, engine + 1024);
    EXPECT_EQ(untuned, engine);
  }
}

TEST_F(LanceWriterTest, WhatTheCallerSaysOfAnEncodingHolds) {
  const auto schema = arrow::schema({arrow::field("price", arrow::decimal128(15, 2))});
  WriteOptions options;
  options.encodings = {{.column = "price", .compression = ColumnEncoding::Compression::kZstd}};
  ASSERT_OK_AND_ASSIGN(auto writer, LanceWriter::Open(uri_, schema, options));
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_));
  const auto metadata = dataset->schema()->field(0)->metadata();
  ASSERT_NE(metadata, nullptr);
  EXPECT_EQ(metadata->size(), 1);
  EXPECT_EQ(metadata->Get("lance-encoding:compression").ValueOr(""), "zstd");
}

TEST_F(LanceWriterTest, WhatIsDecidedWhenADatasetIsMadeCannotBeAskedOfOneThatWasMadeOtherwise) {
  ASSERT_OK(WriteSimple(uri_, 0, 10));
  for (const auto mode : {WriteMode::kAppend, WriteMode::kOverwrite}) {
    WriteOptions options = InMode(mode);
    options.stable_row_ids = true;
    EXPECT_THAT(Open(options), IsRefused(HasSubstr("stable row ids")));
  }
  WriteOptions options = InMode(WriteMode::kAppend);
  options.encodings = {{.column = "name", .compression = ColumnEncoding::Compression::kZstd}};
  EXPECT_THAT(Open(options), IsRefused(HasSubstr("name")));

  WriteOptions made = options;
  made.mode = WriteMode::kOverwrite;
  ASSERT_OK(WriteSimple(uri_, 0, 10, made));
  ASSERT_OK(WriteSimple(uri_, 10, 10, options));
  EXPECT_EQ(ReadIds(uri_), Range(0, 20));
}

// Sizes at both ends of their ranges are either used or bounded.
TEST_F(LanceWriterTest, ExtremeSizesAreNoReasonToFail) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const auto sizes = {&WriteOptions::encoder_cache_bytes, &WriteOptions::max_bytes_in_flight,
                      &WriteOptions::max_page_bytes, &WriteOptions::max_bytes_per_file};
  for (const auto size : sizes) {
    for (const uint64_t value : {uint64_t{1}, uint64_t{2} << 30, kMost}) {
      WriteOptions options = InMode(WriteMode::kOverwrite);
      options.*size = value;
      ASSERT_OK(WriteSimple(uri_, 0, 1000, options));
      EXPECT_EQ(ReadIds(uri_), Range(0, 1000));
    }
  }
  WriteOptions options = InMode(WriteMode::kOverwrite);
  for (const auto size : sizes) options.*size = kMost;
  options.lanes = 1024;
  ASSERT_OK(WriteSimple(uri_, 0, 1000, options));
  EXPECT_EQ(ReadIds(uri_), Range(0, 1000));
  options.lanes = 1025;
  EXPECT_THAT(Open(options), IsRefused(HasSubstr("lanes")));
}

TEST_F(LanceWriterTest, EveryEncodingRoundTrips) {
  const auto schema = arrow::schema({arrow::field("f", arrow::float64()), arrow::field("s", arrow::utf8()),
                                     arrow::field("p",
                                                  arrow::struct_({arrow::field("a", arrow::int32(), false),
                                                                  arrow::field("b", arrow::int64(), false)}),
                                                  false)});
  std::vector<ColumnEncoding> encodings;
  using Compression = ColumnEncoding::Compression;
  for (const auto compression : {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    encodings.push_back({.column = "s", .compression = compression});
  }
  encodings.push_back({.column = "s", .compression = Compression::kFsst});
  encodings.push_back({.column = "s", .structural = ColumnEncoding::Structural::kFullZip});
  using ByteStreamSplit = ColumnEncoding::ByteStreamSplit;
  for (const auto split : {ByteStreamSplit::kOff, ByteStreamSplit::kOn, ByteStreamSplit::kAuto}) {
    encodings.push_back({.column = "f", .compression = Compression::kLz4, .byte_stream_split = split});
  }
  encodings.push_back({.column = "p.a", .rle_threshold = 0.5});
  encodings.push_back({.column = "s", .dictionary_divisor = 2});
  encodings.push_back({.column = "p", .packed_struct = true});

  const auto batch = MakeBatch(schema, 5000);
  for (size_t i = 0; i < encodings.size(); ++i) {
    SCOPED_TRACE("encoding " + std::to_string(i));
    WriteOptions options;
    options.encodings = {encodings[i]};
    const std::string uri = dir_ / std::to_string(i);
    ASSERT_OK(WriteBatches(uri, {batch}, options));
    ASSERT_OK_AND_ASSIGN(auto table, ReadAll(uri));
    ASSERT_OK_AND_ASSIGN(auto read, table->CombineChunksToBatch());
    EXPECT_TRUE(read->Equals(*batch, /*check_metadata=*/false));
  }
}

TEST_F(LanceWriterTest, EncodingOfAnUnknownColumnIsRefusedByName) {
  WriteOptions options;
  options.encodings = {{.column = "nope", .compression = ColumnEncoding::Compression::kZstd}};
  const auto opened = Open(options);
  EXPECT_THAT(opened, FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(opened, FailsSaying(HasSubstr("nope")));
}

TEST_F(LanceWriterTest, NothingIsWrittenOverAFile) {
  const std::string file = dir_ / "file";
  std::ofstream(file) << "precious";
  for (const std::string& uri : {file, file + "/x.lance"}) {
    for (const WriteMode mode : {WriteMode::kCreate, WriteMode::kOverwrite}) {
      const auto opened = LanceWriter::Open(uri, SimpleSchema(), {.mode = mode});
      EXPECT_THAT(opened, FailsWith(ErrorCode::kInvalidArgument));
      EXPECT_THAT(opened, FailsSaying(HasSubstr("file is a file")));
    }
    EXPECT_THAT(LanceWriter::Open(uri, SimpleSchema(), {.mode = WriteMode::kAppend}),
                FailsWith(ErrorCode::kDatasetNotFound));
  }
  EXPECT_EQ(std::filesystem::file_size(file), 8);
}

TEST_F(LanceWriterTest, EncodingValuesOutOfRangeAreRefused) {
  WriteOptions options;
  options.encodings = {{.column = "id", .rle_threshold = 7.0}};
  EXPECT_THAT(Open(options), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(LanceWriterTest, WritesToMemory) {
  ASSERT_OK(WriteSimple("memory://lance_writer_test", 0, 1000));
  EXPECT_EQ(ReadIds("memory://lance_writer_test"), Range(0, 1000));
}

}  // namespace
}  // namespace lance_test
