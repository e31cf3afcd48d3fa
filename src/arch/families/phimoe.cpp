#include "arch/decoder_parts.h"

namespace espalier::arch {

Family phimoe() {
  static constexpr TensorRow rows[] = {
      {Role::kMixerNorm, Part::kBias, "{M}layers.{L}.input_layernorm.bias"},
      {Role::kFeedForwardNorm, Part::kBias, "{M}layers.{L}.post_attention_layernorm.bias"},
      {Role::kFinalNorm, Part::kBias, "{M}norm.bias"},
      {Role::kHead, Part::kBias, "lm_head.bias"},
  };
  Family family = decoder_family("phimoe", "Phi-3.5-MoE", [](ConfigFields& config) {
    JsonObject& fields = config.fields();
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    GroupedAttention attention = grouped_attention(config, 1e6);
    read_attention_bias(config, attention);
    parts.mixer = attention;
    parts.windows = windows(config, FirstSlidingLayer::kZero);
    parts.moe.router.rule.score = GateScore::kSparseMixer;
    parts.moe.router.rule.mixer_epsilon = fields.number("router_jitter_noise", {0.0, 1.0}, 0.01);
    ModelSpec spec = decoder_spec(config, parts);
    for (BlockSpec& block : spec.blocks) block.norm.kind = NormKind::kLayer;
    spec.final_norm->kind = NormKind::kLayer;
    spec.heads.language->bias = fields.boolean("lm_head_bias", false);
    return spec;
  });
  family.config.experts = "num_local_experts";
  family.style = kW123Rows;
  family.rows = rows;
  family.feed_forward = "block_sparse_moe.";
  return family;
}

}  // namespace espalier::arch
