#include "train/ops/stored_tensor.h"

#include <memory>
#include <span>

namespace espalier {

infer::StoredWeight stored(const torch::Tensor& weight) {
  const auto owner =
      std::make_shared<const torch::Tensor>(weight.detach().to(torch::kCPU, torch::kFloat32).contiguous());
  const auto in = owner->size(-1);
  const std::span bytes(reinterpret_cast<const std::byte*>(owner->data_ptr<float>()), owner->nbytes());
  return {formats::dense_weight({Dtype::kF32, bytes}, owner->numel() / in, in), {}, owner};
}

}  // namespace espalier
