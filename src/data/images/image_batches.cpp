#include "data/images/image_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace espalier {
namespace {

constexpr std::uint64_t kAugmentStream = 7;

}  // namespace

ImageBatches::ImageBatches(const ImageSet& set, const ImageBatchOptions& options)
    : set_(set), options_(options) {
  if (options.batch_size < 1)
    throw UserError(fmt::format("--batch {}: expected at least one image", options.batch_size),
                    "--batch 64 takes 64 images at a time");
  if (options.image_size < 1)
    throw UserError(fmt::format("an image size of {}: expected at least one pixel", options.image_size),
                    "the model's own size needs no option");
  if (set.size() == 0)
    throw UserError(fmt::format("{}: there are no images", set.source),
                    "name a folder with images, or another split");
}

std::uint64_t ImageBatches::steps_per_epoch() const {
  return (set_.size() - 1) / static_cast<std::uint64_t>(options_.batch_size) + 1;
}

std::uint64_t ImageBatches::count_at(const CorpusCursor& cursor) const {
  return std::min<std::uint64_t>(set_.size() - cursor.next, static_cast<std::uint64_t>(options_.batch_size));
}

ImageBatch ImageBatches::batch_at(const CorpusCursor& cursor) const {
  std::vector<std::uint32_t> order(set_.size());
  if (options_.order == ImageOrder::kShuffled)
    order = epoch_order(options_.seed, cursor.epoch, set_.size());
  else
    std::iota(order.begin(), order.end(), 0U);
  const auto count = count_at(cursor);
  const auto area = static_cast<std::size_t>(options_.image_size * options_.image_size * 3);
  ImageBatch batch{options_.image_size, std::vector<float>(count * area), {}};
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto index = order[cursor.next + i];
    const auto key = counter_random(options_.seed, kAugmentStream, cursor.epoch, index);
    prepare_image(load_image(set_, index), options_.augmentation, key, options_.image_size,
                  batch.pixels.data() + i * area);
    batch.labels.push_back(set_.classes[index]);
  }
  return batch;
}

ImageBatch ImageBatches::next(CorpusCursor& cursor) {
  if (cursor.next >= set_.size())
    throw InternalError(fmt::format("the cursor is at image {} of {}", cursor.next, set_.size()));
  ImageBatch batch = ahead_.valid() && ahead_at_ == cursor ? ahead_.get() : batch_at(cursor);
  const auto behind = cursor.next + count_at(cursor);
  cursor = behind == set_.size() ? CorpusCursor{cursor.epoch + 1, 0} : CorpusCursor{cursor.epoch, behind};
  ahead_at_ = cursor;
  ahead_ = std::async(std::launch::async, [this, at = cursor] { return batch_at(at); });
  return batch;
}

}  // namespace espalier
