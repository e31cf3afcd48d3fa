#include "train/ops/dropout_mask.h"

#include "kernels/simd/kernels.h"

namespace espalier {

torch::Tensor dropout_mask(std::int64_t count, const Dropout& dropout) {
  auto mask = torch::ones({count}, torch::kFloat32);
  auto* factors = mask.data_ptr<float>();
  simd::kernels().dropout(factors, factors, count, {dropout.key, static_cast<float>(dropout.probability)});
  return mask;
}

}  // namespace espalier
