#pragma once

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace espalier {

/// MoE layers in the place of the networks of `layers`.
inline void set_moe(nlohmann::json& config, std::vector<std::int64_t> layers, std::int64_t experts) {
  config["model_type"] = "espalier_bert_moe";
  config["moe_layers"] = std::move(layers);
  config["num_experts"] = experts;
}

/// config.json of an encoder small enough for plain loops and for training in a test; widths are odd where
/// they may be.
inline nlohmann::json small_encoder_config(std::vector<std::int64_t> moe_layers = {1},
                                           std::int64_t experts = 4) {
  nlohmann::json config{{"model_type", "bert"},         {"vocab_size", 61},         {"hidden_size", 24},
                        {"num_hidden_layers", 3},       {"num_attention_heads", 3}, {"intermediate_size", 37},
                        {"max_position_embeddings", 20}};
  if (!moe_layers.empty()) set_moe(config, std::move(moe_layers), experts);
  return config;
}

}  // namespace espalier
