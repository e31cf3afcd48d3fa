#pragma once

#include <cstdint>

#include "infer/decoder_forward.h"
#include "infer/linear.h"

namespace espalier::infer {

/// Attention of one block with its weights in float32.
class ReadyAttention {
 public:
  virtual ~ReadyAttention() = default;
  /// residual [N, D] += attention(h), h [N, D] the normed input of N tokens of packed sequences; with `past`
  /// the tokens go on from there (one sequence), and are appended.
  virtual void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past) const = 0;
  /// Floats that a token takes on the way, for choosing how many run at a time.
  virtual std::int64_t floats_per_token() const = 0;
};

std::unique_ptr<ReadyAttention> ready(const GroupedAttention& weights, const DecoderConfig& config,
                                      std::int64_t window, const RopeTable& rope);
std::unique_ptr<ReadyAttention> ready(const LatentAttentionWeights& weights, const DecoderConfig& config,
                                      std::int64_t window, const RopeTable& rope);

/// The keys and values that a run of one sequence attends to: the past's with the new ones appended, or the
/// new ones alone.
struct AttendedKeys {
  const float* keys;
  const float* values;
  std::int64_t count;
};
/// Copies `rows` new rows behind the past's, which grows as needed.
AttendedKeys append(KeyValues& past, std::int64_t rows, const float* keys, std::int64_t key_stride,
                    std::int64_t key_width, const float* values, std::int64_t value_stride,
                    std::int64_t value_width);

}  // namespace espalier::infer
