#include "arch/decoder_parts.h"

namespace espalier::arch {

Family mimo_v2_flash() {
  static constexpr TensorRow rows[] = {
      {Role::kSinks, Part::kWeight, "{M}layers.{L}.self_attn.attention_sink_bias"},
  };
  static constexpr Variant variants[] = {
      {"mimo_v2", "MiMo-V2.5"},
  };
  Family family = decoder_family("mimo_v2_flash", "MiMo-V2", [](ConfigFields& config) {
    JsonObject& fields = config.fields();
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 5e6);
    attention.query_key_value_bias = fields.boolean("attention_bias", false);
    attention.value_width = fields.integer("v_head_dim", {1, kWidest}, attention.key_width);
    attention.value_scale = fields.number("attention_value_scale", {1e-6, 1e6}, 1.0);
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    parts.turned_part = 0.334;
    ModelSpec spec = decoder_spec(config, parts);
    for (BlockSpec& block : spec.blocks) {
      auto& mixer = std::get<GroupedAttention>(block.mixer);
      mixer.sinks = mixer.window > 0;
      if (mixer.window > 0) mixer.key_value_heads *= 2;
    }
    return spec;
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.next_token = {"model.mtp.", "model.mtp.layers."};
  family.formats = "fp8 blocks";
  return family;
}

}  // namespace espalier::arch
