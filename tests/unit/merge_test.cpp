// Streams that are read side by side and come one after another.

#include "lance/merge.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arrow/api.h"
#include "gmock/gmock.h"
#include "support/datasets.h"
#include "support/generators.h"
#include "support/status_matchers.h"

namespace lance_test {
namespace {

using lance::ErrorCode;
using lance::MergeOrdered;
using ::testing::HasSubstr;

/// Gives batches of two rows, then the end or an error.
class Part : public arrow::RecordBatchReader {
 public:
  Part(int64_t first_id, int batches, arrow::Status end = arrow::Status::OK())
      : first_id_(first_id), batches_(batches), end_(std::move(end)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return SimpleSchema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    // Parts are not equally fast.
    if (read_ % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(first_id_ % 7 * 50));
    out->reset();
    if (read_ == batches_) return end_;
    *out = SimpleBatch(first_id_ + 2 * read_, 2);
    ++read_;
    return arrow::Status::OK();
  }

  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }

  int read() const { return read_; }
  bool is_closed() const { return is_closed_; }

 private:
  const int64_t first_id_;
  const int batches_;
  const arrow::Status end_;
  std::atomic<int> read_{0};
  std::atomic<bool> is_closed_{false};
};

using Parts = std::vector<std::shared_ptr<Part>>;

std::vector<std::shared_ptr<arrow::RecordBatchReader>> Readers(const Parts& parts) {
  return {parts.begin(), parts.end()};
}

TEST(MergeTest, BatchesComeInTheOrderOfTheParts) {
  for (const size_t parts_ahead : {0, 1, 2, 100}) {
    for (const size_t batches_ahead : {0, 1, 5}) {
      Parts parts;
      int64_t rows = 0;
      for (int i = 0; i < 20; ++i) {
        const int batches = i * 7 % 11;
        parts.push_back(std::make_shared<Part>(rows, batches));
        rows += 2 * batches;
      }
      ASSERT_OK_AND_ASSIGN(const auto reader, MergeOrdered(Readers(parts), {.parts_ahead = parts_ahead,
                                                                            .batches_ahead = batches_ahead}));
      EXPECT_TRUE(reader->schema()->Equals(*SimpleSchema()));
      ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
      EXPECT_EQ(Int64s(*table->GetColumnByName("id")), Range(0, rows));
      for (const auto& part : parts) EXPECT_TRUE(part->is_closed());
      ASSERT_OK_AND_ASSIGN(const auto end, reader->Next());
      EXPECT_EQ(end, nullptr);
    }
  }
}

TEST(MergeTest, NoMoreIsReadAheadThanAskedFor) {
  const Parts parts{std::make_shared<Part>(0, 100), std::make_shared<Part>(200, 100),
                    std::make_shared<Part>(400, 100)};
  ASSERT_OK_AND_ASSIGN(const auto reader,
                       MergeOrdered(Readers(parts), {.parts_ahead = 2, .batches_ahead = 3}));
  ASSERT_OK_AND_ASSIGN(const auto first, reader->Next());
  EXPECT_TRUE(first->Equals(*SimpleBatch(0, 2)));
  while (parts[0]->read() < 4 || parts[1]->read() < 3) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(parts[0]->read(), 4);
  EXPECT_EQ(parts[1]->read(), 3);
  EXPECT_EQ(parts[2]->read(), 0);
}

TEST(MergeTest, AnErrorComesInItsPlaceAndStays) {
  const auto failure = arrow::Status::IOError("a cable is loose");
  const Parts parts{std::make_shared<Part>(0, 5), std::make_shared<Part>(10, 2, failure),
                    std::make_shared<Part>(20, 5)};
  ASSERT_OK_AND_ASSIGN(const auto reader, MergeOrdered(Readers(parts)));
  for (int i = 0; i < 7; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto batch, reader->Next());
    EXPECT_TRUE(batch->Equals(*SimpleBatch(2 * i, 2)));
  }
  EXPECT_TRUE(reader->Next().status().Equals(failure));
  EXPECT_TRUE(reader->Next().status().Equals(failure));
}

TEST(MergeTest, ItCanBeGivenUpAtAnyTime) {
  for (int read = 0; read < 12; ++read) {
    const Parts parts{std::make_shared<Part>(0, 5), std::make_shared<Part>(10, 50),
                      std::make_shared<Part>(110, 5)};
    ASSERT_OK_AND_ASSIGN(auto reader, MergeOrdered(Readers(parts), {.parts_ahead = 2}));
    for (int i = 0; i < read; ++i) ASSERT_OK(reader->Next());
    if (read % 2 == 0) {
      EXPECT_OK(reader->Close());
      EXPECT_THAT(reader->Next(), FailsWith(ErrorCode::kInvalidState));
      for (const auto& part : parts) EXPECT_TRUE(part->is_closed());
    }
    reader.reset();
    if (read > 0) {
      EXPECT_TRUE(parts[0]->is_closed());
    }
  }
}

TEST(MergeTest, PartsMustFitTogether) {
  EXPECT_THAT(MergeOrdered({}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(MergeOrdered({nullptr}), FailsWith(ErrorCode::kInvalidArgument));
  const auto other = arrow::schema({arrow::field("x", arrow::int32())});
  ASSERT_OK_AND_ASSIGN(const auto odd, arrow::RecordBatchReader::Make({}, other));
  const auto merged = MergeOrdered({std::make_shared<Part>(0, 1), odd});
  EXPECT_THAT(merged, FailsWith(ErrorCode::kSchemaMismatch));
  EXPECT_THAT(merged, FailsSaying(HasSubstr("part 1")));
}

}  // namespace
}  // namespace lance_test
