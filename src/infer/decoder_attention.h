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
  /// `choice`: see ReadyBlock::run.
  virtual void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past,
                   std::int32_t* choice) const = 0;
  /// Floats that a token takes on the way, for choosing how many run at a time.
  virtual std::int64_t floats_per_token() const = 0;
};

/// `rope` is the block's table, nullptr where nothing is turned; it and the block outlive what is made.
std::unique_ptr<ReadyAttention> ready(const GroupedAttentionWeights& weights, const arch::BlockSpec& block,
                                      const RopeTable* rope);
std::unique_ptr<ReadyAttention> ready(const LatentAttentionWeights& weights, const arch::BlockSpec& block,
                                      const RopeTable* rope);

std::unique_ptr<ReadyAttention> ready(const StateWeights& weights, const arch::BlockSpec& block,
                                      const RopeTable* rope);
std::unique_ptr<ReadyAttention> ready_delta(const StateWeights& weights, const arch::BlockSpec& block);
std::unique_ptr<ReadyAttention> ready_mamba2(const StateWeights& weights, const arch::BlockSpec& block);
std::unique_ptr<ReadyAttention> ready_short_convolution(const StateWeights& weights,
                                                        const arch::BlockSpec& block);

/// The state that `past` carries, zero at the beginning.
float* state_of(KeyValues& past, std::int64_t size);

/// Turns the first numbers of every head of T tokens at positions `first` .. of one sequence; rows of x are
/// `stride` apart.
void turn(const arch::Rotary& rotary, const RopeTable& table, std::int64_t T, std::int64_t first, float* x,
          std::int64_t stride, std::int64_t heads, std::int64_t head_stride);

/// Multiplies the first `width` numbers of T rows with their positions' temperature.
void heat(const arch::QueryTemperature& temperature, std::int64_t T, std::int64_t first, float* x,
          std::int64_t stride, std::int64_t width);

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
