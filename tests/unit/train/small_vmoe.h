#pragma once

#include <torch/utils.h>

#include "base/rng.h"
#include "train/checkpoint.h"
#include "train/forward.h"

namespace espalier {

using namespace train;

/// Images of 8 x 8 in patches of 4, width 8, three blocks of which 1 and 2 have four experts.
inline nlohmann::json small_vmoe_config() {
  return {{"model_type", "espalier_vmoe"},
          {"image_size", 8},
          {"patch_size", 4},
          {"hidden_size", 8},
          {"num_hidden_layers", 3},
          {"num_attention_heads", 2},
          {"intermediate_size", 12},
          {"id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}}},
          {"moe_layers", {1, 2}},
          {"num_experts", 4},
          {"num_experts_per_tok", 2},
          {"capacity_factor", 1.5}};
}

/// Leaves of each layer's four experts those that answer to `rows`; the others' rows of the router stay, and
/// give constants in the blocks of `novices`.
inline void leave_rows(nlohmann::json& config, const std::vector<std::vector<std::int64_t>>& rows,
                       const std::vector<std::int64_t>& novices = {}) {
  config["router_rows"] = config["capacity_experts"] = 4;
  config["expert_rows"] = rows;
  config["num_experts"] = nlohmann::json::array();
  for (const auto& of_layer : rows) config["num_experts"].push_back(of_layer.size());
  config["novice_layers"] = novices;
}

/// Every parameter random, biases and norms too.
inline Transformer small_vmoe(const nlohmann::json& config) {
  Transformer model = initialize(config, "a small model", 1);
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
