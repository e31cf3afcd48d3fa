#include "arch/topology.h"

#include <fmt/format.h>

#include <algorithm>

namespace espalier {

std::int64_t Topology::idle_parameters() const {
  std::int64_t sum = 0;
  for (const MoeLayerTensors& layer : layers)
    sum += (layer.num_experts - experts_per_token) * layer.parameters_per_expert;
  return sum;
}

std::int64_t Topology::removed_parameters(std::int64_t kept) const {
  std::int64_t sum = 0;
  for (const MoeLayerTensors& layer : layers) {
    const std::int64_t removed = std::max<std::int64_t>(0, layer.num_experts - kept);
    sum += removed * (layer.parameters_per_expert + layer.router_parameters_per_expert);
  }
  return sum;
}

Topology bert_topology(const BertMoeConfig& config) {
  Topology topology{config.model_type, config.moe_layers.empty() ? 0 : config.num_experts_per_tok, {}};
  const std::int64_t width = config.hidden_size;
  const std::int64_t inner = config.intermediate_size;
  for (const std::int64_t layer : config.moe_layers) {
    const std::string prefix = fmt::format("bert.encoder.layer.{}.moe.", layer);
    MoeLayerTensors moe{layer, config.experts_in(layer),          prefix + "router.weight",
                        {},    2 * width * inner + inner + width, width};
    for (std::int64_t expert = 0; expert < moe.num_experts; ++expert) {
      const std::string expert_prefix = fmt::format("{}experts.{}.", prefix, expert);
      moe.expert_tensors.push_back(
          {expert_prefix + "intermediate.dense.weight", expert_prefix + "intermediate.dense.bias",
           expert_prefix + "output.dense.weight", expert_prefix + "output.dense.bias"});
    }
    topology.layers.push_back(std::move(moe));
  }
  return topology;
}

}  // namespace espalier
