#include "data/example_batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

// Example i has i % 5 + 2 tokens, all of them i; the first i % 5 + 1 are of type 0, the last of type 1.
EncodedExamples examples(std::size_t count) {
  EncodedExamples all;
  for (std::size_t i = 0; i < count; ++i) {
    all.ids.resize(all.ids.size() + i % 5 + 2, static_cast<std::int32_t>(i));
    all.offsets.push_back(all.ids.size());
    all.first_lengths.push_back(static_cast<std::uint32_t>(i % 5 + 1));
    all.labels.push_back(static_cast<std::int32_t>(i % 3));
  }
  return all;
}

TEST(ExampleBatches, PacksExamplesWithoutPadding) {
  const auto batch = gather(examples(10), std::vector<std::uint32_t>{7, 0});
  EXPECT_EQ(batch.ids, (std::vector<std::int64_t>{7, 7, 7, 7, 0, 0}));
  EXPECT_EQ(batch.types, (std::vector<std::int64_t>{0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(batch.offsets, (std::vector<std::int64_t>{0, 4, 6}));
  EXPECT_EQ(batch.labels, (std::vector<std::int64_t>{1, 0}));
  EXPECT_TRUE(batch.values.empty());
  EXPECT_EQ(batch.size(), 2u);
}

TEST(ExampleBatches, AnEpochSeesEachExampleOnceAndEndsWithASmallerBatch) {
  const auto data = examples(23);
  ExampleBatches batches(data, {.batch_size = 5, .seed = 3});
  EXPECT_EQ(batches.steps_per_epoch(), 5u);
  CorpusCursor cursor;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::uint32_t> seen;
    for (std::uint64_t step = 0; step < 5; ++step) {
      EXPECT_EQ(cursor, (CorpusCursor{epoch, step * 5}));
      const auto batch = batches.next(cursor);
      EXPECT_EQ(batch.size(), step < 4 ? 5u : 3u);
      seen.insert(seen.end(), batch.places.begin(), batch.places.end());
    }
    EXPECT_FALSE(std::is_sorted(seen.begin(), seen.end()));
    std::sort(seen.begin(), seen.end());
    std::vector<std::uint32_t> all(23);
    std::iota(all.begin(), all.end(), 0U);
    EXPECT_EQ(seen, all);
  }
  EXPECT_EQ(cursor, (CorpusCursor{3, 0}));
  EXPECT_EQ(ExampleBatches(data, {.batch_size = 23}).steps_per_epoch(), 1u);
  EXPECT_EQ(ExampleBatches(data, {.batch_size = 24}).steps_per_epoch(), 1u);
  EXPECT_EQ(ExampleBatches(data, {.batch_size = 1}).steps_per_epoch(), 23u);
}

TEST(ExampleBatches, ABatchIsAFunctionOfTheCursor) {
  const auto data = examples(23);
  const ExampleBatchOptions options{.batch_size = 4, .seed = 9};
  ExampleBatches one(data, options);
  std::vector<CorpusCursor> cursors;
  std::vector<std::vector<std::int64_t>> ids;
  for (CorpusCursor cursor; cursor.epoch < 3;) {
    cursors.push_back(cursor);
    ids.push_back(one.next(cursor).ids);
  }
  for (const std::size_t i : {17, 2, 9, 0}) {
    ExampleBatches other(data, options);
    auto cursor = cursors[i];
    EXPECT_EQ(other.next(cursor).ids, ids[i]) << i;
  }
  EXPECT_NE(ids[0], ids[6]) << "epochs differ";
  ExampleBatches seeded(data, {.batch_size = 4, .seed = 10});
  CorpusCursor start;
  EXPECT_NE(seeded.next(start).ids, ids[0]) << "seeds differ";
}

TEST(ExampleBatches, FileOrderIsTheFiles) {
  const auto data = examples(7);
  ExampleBatches batches(data, {.batch_size = 3, .order = ExampleOrder::kFile});
  std::vector<std::uint32_t> seen;
  for (CorpusCursor cursor; cursor.epoch < 2;) {
    const auto batch = batches.next(cursor);
    seen.insert(seen.end(), batch.places.begin(), batch.places.end());
  }
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6}));
}

TEST(ExampleBatches, RefusesWhatServesNothing) {
  const auto data = examples(3);
  expect_user_error([&] { ExampleBatches(data, {.batch_size = 0}); }, {"--batch 0"});
  const EncodedExamples none;
  expect_user_error([&] { ExampleBatches(none, {}); }, {"no examples"});
  ExampleBatches batches(data, {});
  CorpusCursor past{0, 3};
  EXPECT_THROW(batches.next(past), InternalError);
}

}  // namespace
}  // namespace espalier
