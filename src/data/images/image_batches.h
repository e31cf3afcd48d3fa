#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <vector>

#include "data/epoch_order.h"
#include "data/images/augment.h"
#include "data/images/image_set.h"

namespace espalier {

/// B prepared images of one size.
struct ImageBatch {
  std::int64_t size = 0;             // S
  std::vector<float> pixels;         // [B, S, S, 3], -1 to 1
  std::vector<std::int64_t> labels;  // [B]

  std::int64_t images() const { return static_cast<std::int64_t>(labels.size()); }
};

enum class ImageOrder { kShuffled, kFile };

struct ImageBatchOptions {
  std::int64_t batch_size = 64;
  std::int64_t image_size = 32;
  ImageOrder order = ImageOrder::kShuffled;
  std::optional<Augmentation> augmentation;
  std::uint64_t seed = 0;
};

/// Serves batches; a batch is a function of the options and the cursor alone. While one is used, the next is
/// decoded on a thread of its own.
class ImageBatches {
 public:
  /// Keeps a reference. Throws UserError for a batch or image size below 1 and for no images.
  ImageBatches(const ImageSet& set, const ImageBatchOptions& options);

  /// The batch at `cursor`, which moves on; an epoch's last batch holds what is left.
  ImageBatch next(CorpusCursor& cursor);

  std::uint64_t steps_per_epoch() const;

 private:
  ImageBatch batch_at(const CorpusCursor& cursor) const;
  std::uint64_t count_at(const CorpusCursor& cursor) const;

  const ImageSet& set_;
  ImageBatchOptions options_;
  CorpusCursor ahead_at_;
  std::future<ImageBatch> ahead_;  // last: it uses the others until it is waited for
};

}  // namespace espalier
