#pragma once

#include <cstdint>

#include "model/decoder_forward.h"

namespace espalier {

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

enum class LinearStore { kOverwrite, kAdd };

/// A stored weight in float32 for as long as this lives.
class ReadyLinear {
 public:
  ReadyLinear() = default;
  explicit ReadyLinear(const StoredLinear& linear);
  bool defined() const { return out_ > 0; }
  std::int64_t out() const { return out_; }
  /// y [N, out], rows `stride` apart: x W^T + b, or that added to it; x rows `x_stride` apart.
  void run(std::int64_t N, const float* x, std::int64_t x_stride, LinearStore to, float* y,
           std::int64_t stride) const;

 private:
  void few_rows(std::int64_t N, const float* x, std::int64_t x_stride, LinearStore to, float* y,
                std::int64_t stride) const;

  std::int64_t out_ = 0, in_ = 0;
  const float* weight_ = nullptr;
  const float* bias_ = nullptr;
  WeightBuffer weight_buffer_, bias_buffer_;
};

/// A stored vector in float32.
class ReadyVector {
 public:
  ReadyVector() = default;
  explicit ReadyVector(const StoredWeight& weight)
      : weight_(weight.defined() ? weight.read(buffer_) : nullptr) {}
  const float* data() const { return weight_; }

 private:
  WeightBuffer buffer_;
  const float* weight_ = nullptr;
};

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

}  // namespace espalier
