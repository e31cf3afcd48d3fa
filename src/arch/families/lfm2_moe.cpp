#include "arch/decoder_parts.h"

namespace espalier::arch {

Family lfm2_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kMixerNorm, Part::kWeight, "{M}layers.{L}.operator_norm.weight"},
      {Role::kFeedForwardNorm, Part::kWeight, "{M}layers.{L}.ffn_norm.weight"},
      {Role::kFinalNorm, Part::kWeight, "{M}embedding_norm.weight"},
      {Role::kQueryNorm, Part::kWeight, "{M}layers.{L}.self_attn.q_layernorm.weight"},
      {Role::kKeyNorm, Part::kWeight, "{M}layers.{L}.self_attn.k_layernorm.weight"},
      {Role::kMixerOutput, Part::kWeight, "{M}layers.{L}.self_attn.out_proj.weight"},
      {Role::kScanOutput, Part::kWeight, "{M}layers.{L}.conv.out_proj.weight"},
      {Role::kScanInput, Part::kWeight, "{M}layers.{L}.conv.in_proj.weight"},
      {Role::kConvolution, Part::kWeight, "{M}layers.{L}.conv.conv.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}expert_bias"},
      {Role::kGate, Part::kWeight, "{M}layers.{L}.{F}w1.weight"},
      {Role::kUp, Part::kWeight, "{M}layers.{L}.{F}w3.weight"},
      {Role::kDown, Part::kWeight, "{M}layers.{L}.{F}w2.weight"},
  };
  Family family = decoder_family("lfm2_moe", "LFM2-MoE", [](ConfigFields& config) {
    JsonObject& fields = config.fields();
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    parts.epsilon = fields.number("norm_eps", {1e-12, 1.0}, 1e-5);
    parts.moe.router.rule.sum_epsilon = 1e-6;
    GroupedAttention attention = grouped_attention(config, 1e6);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    const auto types = config.per_block("layer_types", static_cast<std::size_t>(config.layers()));
    ModelSpec spec = decoder_spec(config, parts);
    const ShortConvolution convolution{spec.width, fields.integer("conv_L_cache", {1, 64}, 3),
                                       fields.boolean("conv_bias", false)};
    for (std::size_t layer = 0; layer < types.size(); ++layer)
      if (types[layer] == "conv") spec.blocks[layer].mixer = convolution;
    return spec;
  });
  family.rows = rows;
  family.style = kW123Rows;
  family.feed_forward = "feed_forward.";
  return family;
}

}  // namespace espalier::arch
