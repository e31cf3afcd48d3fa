#include "data/images/image_batches.h"

#include <gtest/gtest.h>

#include <set>

#include "temporary_folder.h"
#include "unit/base/user_error.h"
#include "written_images.h"

namespace espalier {
namespace {

using namespace fixtures;

ImageSet small_set(const TemporaryFolder& folder) {
  std::string records;
  for (int i = 0; i < 7; ++i) records += cifar_record(i, 30 * i, 10, 200);
  return open_images(folder.write("a.bin", records), "train");
}

TEST(ImageBatches, AnEpochHoldsEveryImageOnce) {
  const TemporaryFolder folder;
  const ImageSet set = small_set(folder);
  ImageBatches batches(set, {.batch_size = 3, .image_size = 8, .augmentation = Augmentation{}});
  EXPECT_EQ(batches.steps_per_epoch(), 3U);
  std::multiset<std::int64_t> seen;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    const auto batch = batches.next(cursor);
    EXPECT_EQ(batch.pixels.size(), static_cast<std::size_t>(batch.images()) * 8 * 8 * 3);
    seen.insert(batch.labels.begin(), batch.labels.end());
  }
  EXPECT_EQ(seen, (std::multiset<std::int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

/// What was decoded ahead is what is asked for, and a resumed run sees what the first one saw.
TEST(ImageBatches, ABatchIsAFunctionOfTheCursor) {
  const TemporaryFolder folder;
  const ImageSet set = small_set(folder);
  const ImageBatchOptions options{
      .batch_size = 2, .image_size = 8, .augmentation = Augmentation{}, .seed = 4};
  ImageBatches straight(set, options);
  CorpusCursor cursor;
  for (int i = 0; i < 9; ++i) {
    auto at = cursor;
    const auto batch = straight.next(cursor);
    ImageBatches fresh(set, options);
    const auto again = fresh.next(at);
    EXPECT_EQ(batch.pixels, again.pixels);
    EXPECT_EQ(batch.labels, again.labels);
    EXPECT_EQ(at, cursor);
  }
}

TEST(ImageBatches, ADamagedImageIsReportedWhereItIsUsed) {
  const TemporaryFolder folder;
  folder.write("a/1.png", png(2, 2, PNG_FORMAT_RGB, one_colour(2, 2, 1, 2, 3)));
  folder.write("b/1.png", "nothing");
  const ImageSet set = open_images(folder.path(), "train");
  ImageBatches batches(set, {.batch_size = 1, .image_size = 2, .order = ImageOrder::kFile});
  CorpusCursor cursor;
  EXPECT_EQ(batches.next(cursor).labels, std::vector<std::int64_t>{0});
  expect_user_error([&] { batches.next(cursor); }, {"b/1.png: the format is not known"});
}

TEST(ImageBatches, ImpossibleSizes) {
  const TemporaryFolder folder;
  const ImageSet set = small_set(folder);
  expect_user_error([&] { ImageBatches(set, {.batch_size = 0}); }, {"--batch 0"});
  expect_user_error([] { ImageBatches(ImageSet{}, {}); }, {"there are no images"});
}

}  // namespace
}  // namespace espalier
