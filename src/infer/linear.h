#pragma once

#include <cstdint>

#include "infer/stored_weight.h"

namespace espalier::infer {

enum class LinearStore { kOverwrite, kAdd };

/// A stored weight in float32 for as long as this lives.
class ReadyLinear {
 public:
  ReadyLinear() = default;
  explicit ReadyLinear(const StoredLinear& linear);
  bool defined() const { return out_ > 0; }
  std::int64_t out() const { return out_; }
  std::int64_t in() const { return in_; }
  /// y [N, out], rows `stride` apart: x W^T + b, or that added to it; x rows `x_stride` apart.
  void run(std::int64_t N, const float* x, std::int64_t x_stride, LinearStore to, float* y,
           std::int64_t stride) const;

 private:
  void few_rows(std::int64_t N, const float* x, std::int64_t x_stride, LinearStore to, float* y,
                std::int64_t stride) const;

  std::int64_t out_ = 0, in_ = 0;
  const float* weight_ = nullptr;
  const float* bias_ = nullptr;
  Buffer<float> weight_buffer_, bias_buffer_;
};

/// A stored vector in float32.
class ReadyVector {
 public:
  ReadyVector() = default;
  explicit ReadyVector(const StoredWeight& weight)
      : weight_(weight.defined() ? weight.read(buffer_) : nullptr) {}
  const float* data() const { return weight_; }

 private:
  Buffer<float> buffer_;
  const float* weight_ = nullptr;
};

}  // namespace espalier::infer
