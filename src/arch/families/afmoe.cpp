#include <cmath>

#include "arch/decoder_parts.h"

namespace espalier::arch {

Family afmoe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.gate.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}expert_bias"},
      {Role::kOutputGate, Part::kWeight, "{M}layers.{L}.self_attn.gate_proj.weight"},
      {Role::kMixerOutputNorm, Part::kWeight, "{M}layers.{L}.post_attention_layernorm.weight"},
      {Role::kFeedForwardNorm, Part::kWeight, "{M}layers.{L}.pre_mlp_layernorm.weight"},
      {Role::kFeedForwardOutputNorm, Part::kWeight, "{M}layers.{L}.post_mlp_layernorm.weight"},
  };
  Family family = decoder_family("afmoe", "Trinity", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    attention.output_gate = OutputGate::kPerElement;
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    ModelSpec spec = decoder_spec(config, parts);
    turn_windows_only(spec);
    for (BlockSpec& block : spec.blocks)
      block.residual.mixer_output_norm = block.residual.feed_forward_output_norm = true;
    if (config.fields().boolean("mup_enabled", false))
      std::get<TextInput>(spec.input).multiplier = std::sqrt(static_cast<double>(spec.width));
    return spec;
  });
  family.rows = rows;
  family.formats = "bf16, fp8, int4";
  return family;
}

}  // namespace espalier::arch
