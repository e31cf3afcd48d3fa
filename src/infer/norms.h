#pragma once

#include <cstdint>

#include "arch/block_spec.h"
#include "infer/stored_weight.h"

namespace espalier::infer {

/// Of a norm over the width D.
struct StoredNorm {
  StoredWeight weight;  // [D]
  StoredWeight bias;    // [D], or not there
};

/// A stored norm with its numbers in float32; what is stored "from one" is the weight itself here.
class ReadyNorm {
 public:
  ReadyNorm() = default;
  ReadyNorm(const StoredNorm& norm, const arch::Norm& rule);
  ReadyNorm(const StoredWeight& weight, const arch::Norm& rule) : ReadyNorm(StoredNorm{weight, {}}, rule) {}

  bool defined() const { return gamma_ != nullptr; }
  /// Rows of y [N, D], `stride` apart, are those of x [N, D], as far apart, after the norm; y may be x.
  void run(std::int64_t N, std::int64_t D, const float* x, float* y, std::int64_t stride) const;
  void run(std::int64_t N, std::int64_t D, const float* x, float* y) const { run(N, D, x, y, D); }

 private:
  arch::Norm rule_;
  StoredNorm stored_;  // what the numbers may lie in
  Buffer<float> gamma_buffer_, beta_buffer_;
  const float* gamma_ = nullptr;
  const float* beta_ = nullptr;
};

}  // namespace espalier::infer
