#pragma once

#include <torch/utils.h>

#include "arch/vmoe_config.h"
#include "base/rng.h"
#include "train/checkpoint.h"
#include "train/forward.h"

namespace espalier {

using namespace train;

/// Images of 8 x 8 in patches of 4, width 8, three blocks of which 1 and 2 have four experts.
inline VmoeConfig small_vmoe_config() {
  VmoeConfig config;
  config.image_size = 8;
  config.patch_size = 4;
  config.hidden_size = 8;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 2;
  config.intermediate_size = 12;
  config.labels = {"a", "b", "c"};
  config.moe = {{1, 4, 4, {}, 4}, {2, 4, 4, {}, 4}};
  config.num_experts_per_tok = 2;
  config.capacity_factor = 1.5;
  return config;
}

/// Every parameter random, biases and norms too.
inline Transformer small_vmoe(const VmoeConfig& config) {
  Transformer model = initialize(to_json(config), "a small model", 1);
  torch::manual_seed(3);
  visit_parameters(model, [](const std::string& name, torch::Tensor& parameter) {
    const bool scale = name.ends_with("norm.weight");
    parameter = torch::randn(parameter.sizes()) * 0.3 + (scale ? 1.0 : 0.0);
  });
  return model;
}

struct VisionOutput {
  torch::Tensor scores;       // [M * B, labels]
  torch::Tensor router_loss;  // scalar, or undefined
};
inline VisionOutput forward(const Transformer& model, const torch::Tensor& pixels,
                            const ForwardOptions& options) {
  const auto encoding = encode_images(model, pixels, options);
  return {classify_images(model, encoding.hidden, options), encoding.balance_loss};
}

inline torch::Tensor small_images(std::int64_t count, std::int64_t size = 8) {
  torch::manual_seed(7);
  return torch::rand({count, size, size, 3}) * 2 - 1;
}

}  // namespace espalier
