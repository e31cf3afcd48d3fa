#include "infer/norms.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {

ReadyNorm::ReadyNorm(const StoredNorm& norm, const arch::Norm& rule) : rule_(rule), stored_(norm) {
  if (!norm.weight.defined()) return;
  const std::int64_t D = norm.weight.elements();
  gamma_ = norm.weight.read(gamma_buffer_);
  if (rule.from_one) {
    Buffer<float> gamma(D);
    std::transform(gamma_, gamma_ + D, gamma.data(), [](float w) { return 1.0F + w; });
    gamma_buffer_ = std::move(gamma);
    gamma_ = gamma_buffer_.data();
  }
  if (rule.kind == arch::NormKind::kRms) return;
  if (norm.bias.defined()) {
    beta_ = norm.bias.read(beta_buffer_);
    return;
  }
  beta_ = std::fill_n(beta_buffer_.room(D), D, 0.0F) - D;
}

void ReadyNorm::run(std::int64_t N, std::int64_t D, const float* x, float* y, std::int64_t stride) const {
  const auto epsilon = static_cast<float>(rule_.epsilon);
  if (rule_.kind == arch::NormKind::kRms)
    return simd::kernels().rms_norm({.x = x,
                                     .gamma = gamma_,
                                     .y = y,
                                     .n = N,
                                     .d = D,
                                     .x_stride = stride,
                                     .y_stride = stride,
                                     .eps = epsilon});
  if (stride != D) throw InternalError("a layer norm of a part of each row");
  Buffer<float> z;
  simd::kernels().layer_norm_forward({.x = x,
                                      .gamma = gamma_,
                                      .beta = beta_,
                                      .z = x == y ? z.room(N * D) : nullptr,
                                      .y = y,
                                      .n = N,
                                      .d = D,
                                      .eps = epsilon});
}

}  // namespace espalier::infer
