// Epochs in a random order: every row once among the shards, the same order everywhere, and the same rest
// from every place on.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arrow/api.h"
#include "arrow/util/async_generator.h"
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
using lance::ShuffleOptions;
using lance::Shuffler;
using lance::ShuffleRemainder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Columns = std::vector<std::string>;
using Ids = std::vector<int64_t>;

constexpr int64_t kRows = 3'000;

Ids IdsOf(const arrow::RecordBatch& batch) {
  return Int64s(arrow::ChunkedArray(batch.GetColumnByName("id")));
}

/// The ids of the batches that are left.
arrow::Result<std::vector<Ids>> Batches(arrow::RecordBatchReader& reader) {
  std::vector<Ids> batches;
  for (auto next : reader) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, std::move(next));
    ARROW_RETURN_NOT_OK(batch->ValidateFull());
    batches.push_back(IdsOf(*batch));
  }
  return batches;
}

Ids Joined(const std::vector<Ids>& batches) {
  Ids ids;
  for (const Ids& batch : batches) ids.insert(ids.end(), batch.begin(), batch.end());
  return ids;
}

Ids Sorted(Ids ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// Ids 0-2999 in eleven fragments of 287 rows, but for the last.
class ShuffleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteSimple(uri_, 0, kRows, {.max_rows_per_file = 287}));
    ASSERT_OK_AND_ASSIGN(dataset_, Dataset::Open(uri_));
  }

  arrow::Result<std::vector<Ids>> Read(const ShuffleOptions& options, uint64_t epoch = 0,
                                       uint64_t rows_done = 0) const {
    ARROW_ASSIGN_OR_RAISE(const auto shuffler, dataset_->Shuffle(options));
    ARROW_ASSIGN_OR_RAISE(const auto reader, shuffler->ToReader(epoch, rows_done));
    return Batches(*reader);
  }

  const TempDir dir_;
  const std::string uri_ = dir_ / "dataset";
  std::shared_ptr<Dataset> dataset_;
};

TEST_F(ShuffleTest, AnEpochHasEveryRowOnceWithItsValues) {
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle({.seed = 42, .batch_size = 70}));
  EXPECT_TRUE(shuffler->schema()->Equals(*SimpleSchema()));
  EXPECT_EQ(shuffler->info().rows, static_cast<uint64_t>(kRows));
  EXPECT_EQ(shuffler->info().all_rows, static_cast<uint64_t>(kRows));
  EXPECT_EQ(shuffler->info().batches, 43U);
  ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(5));
  ASSERT_OK_AND_ASSIGN(const auto batches, reader->ToRecordBatches());
  ASSERT_THAT(batches, SizeIs(43));
  Ids ids;
  for (const auto& batch : batches) {
    EXPECT_EQ(batch->num_rows(), batch == batches.back() ? kRows % 70 : 70);
    EXPECT_TRUE(batch->schema()->Equals(*SimpleSchema()));
    const Ids some = IdsOf(*batch);
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      EXPECT_TRUE(batch->Slice(row, 1)->Equals(*SimpleBatch(some[row], 1)));
    }
    ids.insert(ids.end(), some.begin(), some.end());
  }
  EXPECT_EQ(Sorted(ids), Range(0, kRows));
  EXPECT_NE(ids, Range(0, kRows));
}

TEST_F(ShuffleTest, SeedAndEpochAreTheOrder) {
  ASSERT_OK_AND_ASSIGN(const auto first, Read({.seed = 1}, 1));
  ASSERT_OK_AND_ASSIGN(const auto again, Read({.seed = 1, .readahead_bytes = 1}, 1));
  EXPECT_EQ(first, again);
  ASSERT_OK_AND_ASSIGN(const auto other_epoch, Read({.seed = 1}, 2));
  ASSERT_OK_AND_ASSIGN(const auto other_seed, Read({.seed = 2}, 1));
  EXPECT_NE(Joined(first), Joined(other_epoch));
  EXPECT_NE(Joined(first), Joined(other_seed));
  // Batches are cuts of one order.
  ASSERT_OK_AND_ASSIGN(const auto larger, Read({.seed = 1, .batch_size = 999}, 1));
  EXPECT_EQ(Joined(first), Joined(larger));
}

TEST_F(ShuffleTest, AReleaseDoesNotChangeAnOrder) {
  ASSERT_OK_AND_ASSIGN(const auto rows, Read({.filter = "id < 10", .seed = 3}, 4));
  EXPECT_EQ(Joined(rows), (Ids{6, 2, 1, 9, 8, 3, 5, 4, 7, 0}));
  ASSERT_OK_AND_ASSIGN(const auto blocks,
                       Read({.filter = "id < 10", .seed = 3, .block_rows = 3, .window_blocks = 2}, 4));
  EXPECT_EQ(Joined(blocks), (Ids{0, 1, 9, 2, 6, 7, 3, 8, 4, 5}));
}

TEST_F(ShuffleTest, WithoutShuffleRowsComeAsTheyAreStored) {
  ASSERT_OK_AND_ASSIGN(const auto batches,
                       Read({.shard_index = 1, .shard_count = 4, .batch_size = 100, .shuffle = false}, 9));
  EXPECT_EQ(Joined(batches), Range(750, 750));
}

TEST_F(ShuffleTest, ShardsHaveEveryRowOnce) {
  std::mt19937_64 random(18);
  for (int round = 0; round < 25; ++round) {
    const uint64_t rows = round % 5 == 0 ? random() % 5 : random() % (kRows + 1);
    ShuffleOptions options{.seed = random(),
                           .shard_count = 1 + random() % 9,
                           .remainder = static_cast<ShuffleRemainder>(round % 3),
                           .batch_size = static_cast<int64_t>(1 + random() % 600),
                           .drop_last = random() % 4 == 0};
    if (rows < kRows || round % 2 == 0) options.filter = "id < " + std::to_string(rows);
    if (random() % 2 == 0) {
      options.block_rows = 1 + random() % 200;
      options.window_blocks = 1 + random() % 6;
    }
    const uint64_t epoch = random();
    SCOPED_TRACE("round " + std::to_string(round) + ", " + std::to_string(rows) + " rows, " +
                 std::to_string(options.shard_count) + " shards");
    const uint64_t all = options.filter ? rows : kRows;
    Ids together;
    std::vector<uint64_t> sizes;
    for (options.shard_index = 0; options.shard_index < options.shard_count; ++options.shard_index) {
      ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle(options));
      ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(epoch));
      ASSERT_OK_AND_ASSIGN(const auto batches, Batches(*reader));
      EXPECT_EQ(batches.size(), shuffler->info().batches);
      for (size_t i = 0; i + (options.drop_last ? 0 : 1) < batches.size(); ++i) {
        EXPECT_THAT(batches[i], SizeIs(options.batch_size));
      }
      const Ids ids = Joined(batches);
      EXPECT_EQ(ids.size(), shuffler->info().rows);
      EXPECT_EQ(reader->position().rows_done, ids.size());
      EXPECT_EQ(shuffler->info().all_rows, all);
      sizes.push_back(ids.size());
      together.insert(together.end(), ids.begin(), ids.end());
    }
    const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
    EXPECT_LE(*most - *least, options.drop_last ? static_cast<uint64_t>(options.batch_size) : 1U);
    if (options.remainder != ShuffleRemainder::kKeep) {
      EXPECT_EQ(*least, *most);
    }
    const Ids sorted = Sorted(together);
    Ids distinct = sorted;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    if (options.remainder != ShuffleRemainder::kPad) {
      EXPECT_EQ(distinct, sorted);
    }
    const bool is_whole = options.remainder != ShuffleRemainder::kDrop && !options.drop_last;
    if (is_whole) {
      EXPECT_EQ(distinct, Range(0, static_cast<int64_t>(all)));
    } else {
      EXPECT_LE(distinct.size(), all);
    }
  }
}

TEST_F(ShuffleTest, ARemainderIsDroppedOrPaddedWithTheFirstRows) {
  const auto shards = [&](ShuffleRemainder remainder) {
    Ids together;
    for (uint64_t shard = 0; shard < 4; ++shard) {
      const auto batches =
          Read({.filter = "id < 10", .shard_index = shard, .shard_count = 4, .remainder = remainder});
      const Ids ids = Joined(batches.ValueOrDie());
      together.insert(together.end(), ids.begin(), ids.end());
    }
    return together;
  };
  const Ids whole = shards(ShuffleRemainder::kKeep);
  EXPECT_EQ(Sorted(whole), Range(0, 10));
  EXPECT_EQ(shards(ShuffleRemainder::kDrop), Ids(whole.begin(), whole.begin() + 8));
  Ids padded = whole;
  padded.insert(padded.end(), whole.begin(), whole.begin() + 2);
  EXPECT_EQ(shards(ShuffleRemainder::kPad), padded);
  // More shards than rows.
  ASSERT_OK_AND_ASSIGN(
      const auto again,
      Read({.filter = "id = 7", .shard_index = 8, .shard_count = 9, .remainder = ShuffleRemainder::kPad}));
  EXPECT_EQ(Joined(again), Ids{7});
}

TEST_F(ShuffleTest, EveryPlaceHasTheSameRest) {
  const ShuffleOptions many[] = {
      {.filter = "id < 61", .seed = 7, .batch_size = 9},
      {.filter = "id < 200", .seed = 7, .shard_index = 1, .shard_count = 3, .batch_size = 5},
      {.filter = "id < 61", .seed = 8, .batch_size = 4, .block_rows = 7, .window_blocks = 3},
      {.filter = "id < 40",
       .shard_index = 6,
       .shard_count = 7,
       .remainder = ShuffleRemainder::kPad,
       .batch_size = 2,
       .block_rows = 3},
      {.filter = "id < 50", .batch_size = 7, .drop_last = true, .shuffle = false},
  };
  for (const ShuffleOptions& options : many) {
    ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle(options));
    ASSERT_OK_AND_ASSIGN(const auto whole_reader, shuffler->ToReader(3));
    ASSERT_OK_AND_ASSIGN(const auto whole_batches, Batches(*whole_reader));
    const Ids whole = Joined(whole_batches);
    ASSERT_EQ(whole.size(), shuffler->info().rows);
    for (uint64_t done = 0; done <= whole.size(); ++done) {
      ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(3, done));
      ASSERT_OK_AND_ASSIGN(const auto batches, Batches(*reader));
      EXPECT_EQ(Joined(batches), Ids(whole.begin() + static_cast<int64_t>(done), whole.end())) << done;
    }
    EXPECT_THAT(shuffler->ToReader(3, whole.size() + 1), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(shuffler->State(3, whole.size() + 1), FailsWith(ErrorCode::kInvalidArgument));
  }
}

TEST_F(ShuffleTest, AnotherProcessGoesOnBehindTheBatchesThatCame) {
  const ShuffleOptions options{.columns = Columns{"id"},
                               .expressions = {{"twice", "id * 2"}},
                               .filter = "id % 3 <> 1 and name <> 'it''s'",
                               .seed = ~uint64_t{0},
                               .shard_index = 1,
                               .shard_count = 2,
                               .batch_size = 128};
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle(options));
  ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(~uint64_t{0}));
  std::vector<Ids> seen;
  std::vector<std::string> states;
  for (;;) {
    ASSERT_OK_AND_ASSIGN(states.emplace_back(), reader->State());
    ASSERT_OK_AND_ASSIGN(const auto batch, reader->Next());
    if (batch == nullptr) break;
    EXPECT_THAT(batch->schema()->field_names(), ElementsAre("id", "twice"));
    seen.push_back(IdsOf(*batch));
  }
  dataset_.reset();
  for (size_t i = 0; i < states.size(); ++i) {
    ASSERT_OK_AND_ASSIGN(const auto resumed, Shuffler::Resume(states[i]));
    EXPECT_EQ(resumed->position().epoch, ~uint64_t{0});
    EXPECT_EQ(resumed->position().rows_done, std::min<uint64_t>(i * 128, shuffler->info().rows));
    ASSERT_OK_AND_ASSIGN(const auto state, resumed->State());
    EXPECT_EQ(state, states[i]);
    ASSERT_OK_AND_ASSIGN(const auto rest, Batches(*resumed));
    EXPECT_EQ(rest, std::vector<Ids>(seen.begin() + static_cast<int64_t>(i), seen.end()));
    // And with the epochs that follow.
    ASSERT_OK_AND_ASSIGN(const auto next, resumed->shuffler()->ToReader(4));
    ASSERT_OK_AND_ASSIGN(const auto expected, shuffler->ToReader(4));
    ASSERT_OK_AND_ASSIGN(const auto next_batches, Batches(*next));
    EXPECT_EQ(next_batches, Batches(*expected).ValueOrDie());
  }
}

TEST_F(ShuffleTest, WindowsHaveTheRowsOfTheirBlocks) {
  ASSERT_OK_AND_ASSIGN(const auto batches,
                       Read({.seed = 5, .batch_size = 400, .block_rows = 100, .window_blocks = 4}));
  std::vector<int64_t> starts;
  for (const Ids& batch : batches) {
    if (batch.size() < 400) continue;
    Ids blocks;
    for (const int64_t id : batch) blocks.push_back(id / 100);
    blocks = Sorted(blocks);
    blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
    EXPECT_THAT(blocks, SizeIs(4));
    EXPECT_NE(Sorted(batch), batch);
    starts.insert(starts.end(), blocks.begin(), blocks.end());
  }
  EXPECT_NE(starts, Sorted(starts));
}

TEST_F(ShuffleTest, AVersionStaysWhatItIs) {
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle({.batch_size = 500}));
  ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(0));
  ASSERT_OK_AND_ASSIGN(const auto first, reader->Next());
  ASSERT_OK_AND_ASSIGN(const auto state, reader->State());
  ASSERT_OK(WriteSimple(uri_, 5'000, 100, {.mode = lance::WriteMode::kAppend}));
  ASSERT_OK_AND_ASSIGN(const auto resumed, Shuffler::Resume(state));
  ASSERT_OK_AND_ASSIGN(const auto rest, Batches(*resumed));
  Ids ids = Joined(rest);
  const Ids begun = IdsOf(*first);
  ids.insert(ids.end(), begun.begin(), begun.end());
  EXPECT_EQ(Sorted(ids), Range(0, kRows));

  lance::CleanupOptions cleanup;
  cleanup.keep_versions = 1;
  cleanup.older_than = std::chrono::seconds(0);
  ASSERT_OK(lance::CleanupDataset(uri_, cleanup));
  EXPECT_THAT(Shuffler::Resume(state), FailsWith(ErrorCode::kVersionNotFound));
  EXPECT_THAT(Wait(Shuffler::ResumeAsync(state)), FailsWith(ErrorCode::kVersionNotFound));
  std::filesystem::remove_all(uri_);
  EXPECT_THAT(Shuffler::Resume(state), FailsWith(ErrorCode::kDatasetNotFound));
  // The same number of another dataset.
  ASSERT_OK(WriteSimple(uri_, 0, kRows));
  EXPECT_THAT(Shuffler::Resume(state), FailsSaying(HasSubstr("the dataset was made anew")));
}

TEST_F(ShuffleTest, ADamagedStateIsRefused) {
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle({.filter = "id < 5"}));
  ASSERT_OK_AND_ASSIGN(const std::string state, shuffler->State(1, 2));
  for (const std::string& wrong :
       {std::string(), std::string("{}"), state.substr(1), state + "}", std::string("\xff")}) {
    EXPECT_THAT(Shuffler::Resume(wrong), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(Shuffler::Resume("{\"format\":99}"), FailsWith(ErrorCode::kNotSupported));
  for (size_t place = 0; place < state.size(); place += 3) {
    std::string damaged = state;
    damaged[place] = damaged[place] == '7' ? '8' : '7';
    EXPECT_FALSE(Shuffler::Resume(damaged).ok()) << damaged;
  }
  ASSERT_OK_AND_ASSIGN(const auto scanner, dataset_->Scan());
  ASSERT_OK_AND_ASSIGN(const auto splits, scanner->Splits(2));
  EXPECT_THAT(Shuffler::Resume(splits[0].text), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(lance::Scanner::OpenSplit(state), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ShuffleTest, AStateHasNoCredentials) {
  lance::OpenOptions options;
  options.storage.Set("aws_secret_access_key", "canary");
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(uri_, options));
  ASSERT_OK_AND_ASSIGN(const auto shuffler, Wait(dataset->ShuffleAsync()));
  ASSERT_OK_AND_ASSIGN(const std::string state, shuffler->State(0, 17));
  EXPECT_THAT(state, Not(HasSubstr("canary")));
  ASSERT_OK_AND_ASSIGN(const auto reader, Shuffler::Resume(state, {.storage = options.storage}));
  ASSERT_OK_AND_ASSIGN(const auto rest, Batches(*reader));
  EXPECT_THAT(Joined(rest), SizeIs(kRows - 17));
}

TEST_F(ShuffleTest, WrongOptionsAreRefused) {
  const auto fails = [&](const ShuffleOptions& options) { return dataset_->Shuffle(options); };
  EXPECT_THAT(fails({.columns = Columns{"nam"}}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(fails({.columns = Columns{"nam"}}), FailsSaying(HasSubstr("name")));
  EXPECT_THAT(fails({.expressions = {{"x", "id +"}}}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fails({.filter = "nope = 1"}), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(fails({.filter = "id ="}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fails({.shard_index = 2, .shard_count = 2}), FailsSaying(HasSubstr("2 shards")));
  EXPECT_THAT(fails({.shard_count = 0}), FailsSaying(HasSubstr("shard_count")));
  EXPECT_THAT(fails({.batch_size = 0}), FailsSaying(HasSubstr("batch_size")));
  EXPECT_THAT(fails({.shuffle = false, .block_rows = 4}), FailsSaying(HasSubstr("block_rows")));
  EXPECT_THAT(fails({.block_rows = 0}), FailsSaying(HasSubstr("block_rows")));
  EXPECT_THAT(fails({.block_rows = 1U << 31, .window_blocks = 8}), FailsSaying(HasSubstr("too large")));
  EXPECT_THAT(fails({.window_blocks = 0}), FailsSaying(HasSubstr("window_blocks")));
  EXPECT_THAT(fails({.readahead_bytes = 0}), FailsSaying(HasSubstr("readahead_bytes")));
}

TEST_F(ShuffleTest, NothingIsAnEpochToo) {
  for (const bool blocks : {false, true}) {
    ShuffleOptions options{.filter = "id < 0", .shard_count = 3, .remainder = ShuffleRemainder::kPad};
    if (blocks) options.block_rows = 10;
    ASSERT_OK_AND_ASSIGN(const auto none, Read(options));
    EXPECT_THAT(none, IsEmpty());
  }
  ASSERT_OK(WriteBatches(dir_ / "empty", {SimpleBatch(0, 0)}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir_ / "empty"));
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset->Shuffle());
  EXPECT_EQ(shuffler->info().batches, 0U);
  ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(0));
  ASSERT_OK_AND_ASSIGN(const auto table, reader->ToTable());
  EXPECT_EQ(table->num_rows(), 0);
  EXPECT_TRUE(table->schema()->Equals(*SimpleSchema()));
}

TEST_F(ShuffleTest, NoColumnsAreCounted) {
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle({.columns = Columns{}, .batch_size = 1'000}));
  ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(0));
  std::vector<int64_t> rows;
  for (auto batch : *reader) rows.push_back(batch.ValueOrDie()->num_rows());
  EXPECT_THAT(rows, ElementsAre(1'000, 1'000, 1'000));
}

TEST_F(ShuffleTest, FuturesEndAsTheCallsThatWait) {
  const ShuffleOptions options{.seed = 11, .batch_size = 300};
  ASSERT_OK_AND_ASSIGN(const auto expected, Read(options, 2, 600));
  ASSERT_OK_AND_ASSIGN(const auto shuffler, Wait(dataset_->ShuffleAsync(options)));
  ASSERT_OK_AND_ASSIGN(const auto reader, Wait(shuffler->ToReaderAsync(2, 600)));
  ASSERT_OK_AND_ASSIGN(const auto batches, Batches(*reader));
  EXPECT_EQ(batches, expected);
  ASSERT_OK_AND_ASSIGN(const auto generator, Wait(shuffler->ToGenerator(2, 600)));
  ASSERT_OK_AND_ASSIGN(const auto generated, Wait(arrow::CollectAsyncGenerator(generator)));
  ASSERT_THAT(generated, SizeIs(expected.size()));
  for (size_t i = 0; i < generated.size(); ++i) EXPECT_EQ(IdsOf(*generated[i]), expected[i]);
  ASSERT_OK_AND_ASSIGN(const auto state, shuffler->State(2, 600));
  ASSERT_OK_AND_ASSIGN(const auto resumed, Wait(Shuffler::ResumeAsync(state)));
  ASSERT_OK_AND_ASSIGN(const auto rest, Batches(*resumed));
  EXPECT_EQ(rest, expected);
  EXPECT_THAT(Wait(dataset_->ShuffleAsync({.filter = "nope = 1"})), FailsWith(ErrorCode::kFieldNotFound));
  EXPECT_THAT(Wait(shuffler->ToReaderAsync(0, kRows + 1)), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ShuffleTest, AStoppedReaderFailsAndGoesOnLater) {
  arrow::StopSource source;
  ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset_->Shuffle({.seed = 1, .batch_size = 10}));
  ASSERT_OK_AND_ASSIGN(const auto whole_reader, shuffler->ToReader(0));
  ASSERT_OK_AND_ASSIGN(const auto whole, Batches(*whole_reader));
  ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(0, 0, source.token()));
  ASSERT_OK_AND_ASSIGN(auto batch, reader->Next());
  ASSERT_EQ(IdsOf(*batch), whole[0]);
  source.RequestStop(arrow::Status::Cancelled("enough"));
  arrow::Status failure;
  std::vector<Ids> seen{IdsOf(*batch)};
  while ((failure = reader->ReadNext(&batch)).ok() && batch != nullptr) seen.push_back(IdsOf(*batch));
  EXPECT_THAT(failure, FailsWith(ErrorCode::kCancelled));
  EXPECT_EQ(reader->position().rows_done, 10 * seen.size());
  ASSERT_OK_AND_ASSIGN(const auto state, reader->State());
  ASSERT_OK_AND_ASSIGN(const auto resumed, Shuffler::Resume(state));
  ASSERT_OK_AND_ASSIGN(const auto rest, Batches(*resumed));
  seen.insert(seen.end(), rest.begin(), rest.end());
  EXPECT_EQ(seen, whole);
}

TEST_F(ShuffleTest, ReadersOutliveWhatTheyAreMadeOf) {
  ASSERT_OK_AND_ASSIGN(auto shuffler, dataset_->Shuffle({.batch_size = 100}));
  ASSERT_OK_AND_ASSIGN(const auto one, shuffler->ToReader(0));
  ASSERT_OK_AND_ASSIGN(const auto other, shuffler->ToReader(1));
  shuffler.reset();
  dataset_.reset();
  // Side by side.
  Ids ones;
  Ids others;
  for (int i = 0; i < kRows / 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto batch, one->Next());
    ASSERT_OK_AND_ASSIGN(const auto another, other->Next());
    const Ids ids = IdsOf(*batch);
    const Ids other_ids = IdsOf(*another);
    ones.insert(ones.end(), ids.begin(), ids.end());
    others.insert(others.end(), other_ids.begin(), other_ids.end());
  }
  EXPECT_NE(ones, others);
  EXPECT_EQ(Sorted(ones), Sorted(others));
  ASSERT_OK(one->Close());
  EXPECT_OK(one->State());
}

/// All types that there are, in loads of many rows and of few.
TEST(ShuffleOfAllTypesTest, RowsAreThoseOfATake) {
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64(), false), arrow::field("name", arrow::utf8()),
                     arrow::field("tags", arrow::list(arrow::utf8())),
                     arrow::field("place", arrow::struct_({arrow::field("x.y", arrow::float64()),
                                                           arrow::field("ok", arrow::boolean())})),
                     arrow::field("price", arrow::decimal128(15, 2)),
                     arrow::field("vector", arrow::fixed_size_list(arrow::float32(), 3)),
                     arrow::field("code", arrow::dictionary(arrow::int8(), arrow::utf8()))});
  constexpr int64_t kSome = 4'000;
  const auto plain = MakeBatch(schema, kSome);
  arrow::Int64Builder ids;
  ASSERT_OK(ids.AppendValues(Range(0, kSome)));
  ASSERT_OK_AND_ASSIGN(const auto id_array, ids.Finish());
  ASSERT_OK_AND_ASSIGN(const auto numbered, plain->SetColumn(0, schema->field(0), id_array));
  const TempDir dir;
  ASSERT_OK(WriteBatches(dir / "dataset", {numbered}, {.max_rows_per_file = 700}));
  ASSERT_OK_AND_ASSIGN(const auto dataset, Dataset::Open(dir / "dataset"));
  for (const ShuffleOptions& options :
       {ShuffleOptions{.seed = 1, .batch_size = 33}, ShuffleOptions{.seed = 2, .batch_size = 3'900},
        ShuffleOptions{.seed = 3, .batch_size = 170, .block_rows = 64, .window_blocks = 4}}) {
    ASSERT_OK_AND_ASSIGN(const auto shuffler, dataset->Shuffle(options));
    ASSERT_OK_AND_ASSIGN(const auto reader, shuffler->ToReader(0));
    ASSERT_OK_AND_ASSIGN(const auto batches, reader->ToRecordBatches());
    int64_t rows = 0;
    for (const auto& batch : batches) {
      ASSERT_OK(batch->ValidateFull());
      const Ids some = IdsOf(*batch);
      ASSERT_OK_AND_ASSIGN(const auto expected, dataset->Take({some.begin(), some.end()}));
      for (const auto& field : schema->fields()) {
        EXPECT_TRUE(Plain(batch->GetColumnByName(field->name()))
                        ->Equals(Plain(expected->GetColumnByName(field->name()))))
            << field->name();
      }
      rows += batch->num_rows();
    }
    EXPECT_EQ(rows, kSome);
  }
}

}  // namespace
}  // namespace lance_test
