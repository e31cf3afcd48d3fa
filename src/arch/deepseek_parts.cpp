#include "arch/decoder_parts.h"

namespace espalier::arch {

DecoderParts deepseek_parts(ConfigFields& config, DeepSeekRouter router) {
  JsonObject& fields = config.fields();
  DecoderParts parts;
  parts.epsilon = rms_epsilon(config, 1e-6);
  parts.dense_width = config.width("intermediate_size");
  parts.sparse = sparse_after_dense(config);
  parts.moe.expert.width = config.width("moe_intermediate_size");
  const std::int64_t shared = fields.integer("n_shared_experts", {0, kMostExperts}, 0);
  if (shared > 0) parts.moe.shared = SharedExpert{{shared * parts.moe.expert.width}};
  const bool sigmoid = router == DeepSeekRouter::kSigmoid;
  RouterConfig& rule = parts.moe.router.rule;
  // The gate of a single expert is not normalised; elsewhere it is, to 1.
  rule.normalise = fields.boolean("norm_topk_prob", sigmoid) && config.experts_per_token() > 1;
  config.expect("scoring_func", {sigmoid ? "sigmoid" : "softmax"}, sigmoid ? "sigmoid" : "softmax");
  if (!sigmoid) return parts;
  config.expect("topk_method", {"noaux_tc"}, "noaux_tc");
  rule.score = GateScore::kSigmoid;
  rule.group_score = GroupScore::kSumOfTwoBest;
  rule.correction_bias = true;
  rule.scale = fields.number("routed_scaling_factor", {0.0, 1e9}, 2.5);
  read_groups(config, rule);
  parts.next_token_layers = fields.integer("num_nextn_predict_layers", {0, 64}, 0);
  return parts;
}

}  // namespace espalier::arch
