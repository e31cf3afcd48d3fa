#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/encoded_examples.h"
#include "data/epoch_order.h"

namespace espalier {

/// B examples, packed without padding.
struct ExampleBatch {
  std::vector<std::int64_t> ids;      // [N]
  std::vector<std::int64_t> types;    // [N] 0 or 1
  std::vector<std::int64_t> offsets;  // [B+1]
  std::vector<std::int64_t> labels;   // [B] or empty, as in EncodedExamples
  std::vector<float> values;          // [B] or empty
  std::vector<std::uint32_t> places;  // [B] of the examples in their file, from 0

  std::size_t size() const { return places.size(); }
};

/// The examples at `places`, in that order.
ExampleBatch gather(const EncodedExamples& examples, std::span<const std::uint32_t> places);

/// kShuffled: anew each epoch, a function of the seed and the epoch. kFile: as in the file, every epoch.
enum class ExampleOrder { kShuffled, kFile };

struct ExampleBatchOptions {
  std::int64_t batch_size = 32;  ///< examples; an epoch's last batch holds what is left
  ExampleOrder order = ExampleOrder::kShuffled;
  std::uint64_t seed = 0;
};

/// Serves batches; a batch is a function of the options and the cursor alone. Once through the file:
///
///     for (CorpusCursor cursor; cursor.epoch == 0;) evaluate(batches.next(cursor));
class ExampleBatches {
 public:
  /// Keeps a reference. Throws UserError for a batch size below 1 and for no examples.
  ExampleBatches(const EncodedExamples& examples, const ExampleBatchOptions& options);

  /// The batch at `cursor`, which moves on; behind an epoch's last batch to the next epoch's first.
  ExampleBatch next(CorpusCursor& cursor);

  std::uint64_t steps_per_epoch() const;

 private:
  const EncodedExamples& examples_;
  ExampleBatchOptions options_;
  std::vector<std::uint32_t> order_;
  std::uint64_t ordered_epoch_ = ~0ULL;
};

}  // namespace espalier
