#include "arch/bert_after_plan.h"

namespace espalier {

void describe_plan(const Plan& plan, BertMoeConfig& config) {
  std::vector<std::int64_t> layers, counts;
  for (std::size_t i = 0; i < config.moe_layers.size(); ++i) {
    auto count = config.num_experts[i];
    for (const auto& layer : plan.layers)
      if (layer.layer == config.moe_layers[i]) count = static_cast<std::int64_t>(layer.keep.size());
    if (count == 1) continue;
    layers.push_back(config.moe_layers[i]);
    counts.push_back(count);
  }
  config.moe_layers = std::move(layers);
  config.num_experts = std::move(counts);
  config.num_experts_per_tok = config.moe_layers.empty() ? 1 : plan.experts_per_token;
  if (config.moe_layers.empty()) config.model_type = kBertModelType;
}

}  // namespace espalier
