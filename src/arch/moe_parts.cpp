#include <fmt/format.h>

#include <algorithm>

#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

/// A list of 0 and 1 for each block.
std::vector<bool> sparse_by_flags(ConfigFields& config, std::string_view key) {
  const auto flags = config.fields().integers(key, {0, 1});
  if (static_cast<std::int64_t>(flags.size()) != config.layers())
    config.fields().fail(key, fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                          flags.size(), config.layers()));
  return {flags.begin(), flags.end()};
}

std::vector<bool> sparse_from(ConfigFields& config, std::int64_t first) {
  std::vector<bool> sparse;
  for (std::int64_t layer = 0; layer < config.layers(); ++layer) sparse.push_back(layer >= first);
  return sparse;
}

void read_shared(ConfigFields& config, MixtureOfExperts& moe) {
  JsonObject& fields = config.fields();
  const auto count_field = config.first_of(
      {"n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"});
  const auto width_field =
      config.first_of({"shared_expert_intermediate_size", "shared_intermediate_size", "share_expert_dim",
                       "moe_shared_expert_intermediate_size", "shared_experts_intermediate_size"});
  const std::int64_t count = fields.has(count_field)   ? config.one_for_all(count_field, {0, kMostExperts})
                             : fields.has(width_field) ? 1
                                                       : 0;
  const std::int64_t width = fields.integer(width_field, {0, kWidest}, count * moe.expert.width);
  if (count == 0 || width == 0) return;
  moe.shared = SharedExpert{{width, moe.expert.gated}};
  moe.shared->count = count;
}

GateScore score_of(Routing routing) {
  switch (routing) {
    case Routing::kSoftmaxOfChosen:
      return GateScore::kSoftmaxOfChosen;
    case Routing::kSigmoid:
    case Routing::kSigmoidWithBias:
      return GateScore::kSigmoid;
    case Routing::kSqrtSoftplusWithBias:
      return GateScore::kSqrtSoftplus;
    case Routing::kSoftmax:
    case Routing::kSoftmaxWithBias:
      break;
  }
  return GateScore::kSoftmax;
}

void read_rule(ConfigFields& config, Routing routing, RouterConfig& rule) {
  rule.score = score_of(routing);
  rule.correction_bias = routing == Routing::kSoftmaxWithBias || routing == Routing::kSigmoidWithBias ||
                         routing == Routing::kSqrtSoftplusWithBias;
  rule.group_score = GroupScore::kSumOfTwoBest;
  rule.normalise = config.fields().boolean(config.first_of({"norm_topk_prob", "moe_renormalize"}), true);
  rule.scale = config.fields().number(
      config.first_of({"routed_scaling_factor", "route_scale", "moe_routed_scaling_factor",
                       "router_scaling_factor", "moe_router_scaling_factor"}),
      {0.0, 1e9}, 1.0);
  if (routing == Routing::kSigmoidWithBias || routing == Routing::kSqrtSoftplusWithBias)
    read_groups(config, rule);
}

}  // namespace

std::vector<bool> sparse_blocks(ConfigFields& config) {
  JsonObject& fields = config.fields();
  if (fields.has("mlp_layer_types")) return sparse_by_type(config);
  const nlohmann::json* frequency = fields.find_value("moe_layer_freq");
  if (frequency != nullptr && frequency->is_array()) return sparse_by_flags(config, "moe_layer_freq");
  if (fields.has("moe_layers")) {
    std::vector<bool> sparse(static_cast<std::size_t>(config.layers()), false);
    for (const std::int64_t layer : fields.integers("moe_layers", {0, config.layers() - 1}))
      sparse[static_cast<std::size_t>(layer)] = true;
    return sparse;
  }
  if (fields.has("first_k_dense_replace")) return sparse_after_dense(config);
  if (fields.has("num_dense_layers"))
    return sparse_from(config, fields.integer("num_dense_layers", {0, kMostLayers}));
  return sparse_by_step(config);
}

DecoderParts moe_parts(ConfigFields& config, Routing routing) {
  return moe_parts(config, routing, sparse_blocks(config));
}

DecoderParts moe_parts(ConfigFields& config, Routing routing, std::vector<bool> sparse) {
  JsonObject& fields = config.fields();
  DecoderParts parts;
  parts.epsilon = rms_epsilon(config, 1e-6);
  parts.sparse = std::move(sparse);
  parts.moe.expert.width = config.width(config.first_of(
      {"moe_intermediate_size", "expert_ffn_hidden_size", "moe_ffn_hidden_size", "intermediate_size"}));
  if (std::find(parts.sparse.begin(), parts.sparse.end(), false) != parts.sparse.end())
    parts.dense_width = config.width(
        config.first_of({"dense_intermediate_size", "intermediate_size_mlp", "prefix_dense_intermediate_size",
                         "ffn_hidden_size", "intermediate_size"}));
  read_shared(config, parts.moe);
  read_rule(config, routing, parts.moe.router.rule);
  parts.next_token_layers = fields.integer(config.names().next_token_layers, {0, 64}, 0);
  return parts;
}

}  // namespace espalier::arch
