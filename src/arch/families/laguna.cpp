#include "arch/decoder_parts.h"

namespace espalier::arch {

Family laguna() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}experts.e_score_correction_bias"},
      {Role::kOutputGate, Part::kWeight, "{M}layers.{L}.self_attn.g_proj.weight"},
  };
  Family family = decoder_family("laguna", "Laguna", [](ConfigFields& config) {
    JsonObject& fields = config.fields();
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    if (fields.number("moe_router_logit_softcapping", {0.0, 1e9}, 0.0) != 0.0)
      fields.fail("moe_router_logit_softcapping", "bounds of a router's logits are not computed");
    GroupedAttention attention = grouped_attention(config, 5e5);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    attention.output_gate = OutputGate::kPerHeadSoftplus;
    if (const auto* gating = fields.find_value("gating"); gating == nullptr || *gating != true)
      config.expect("gating", {"per-head"}, "per-head");
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    parts.turned_part = 1.0;
    ModelSpec spec = decoder_spec(config, parts);
    if (!fields.has("num_attention_heads_per_layer")) return spec;
    const auto heads = fields.integers("num_attention_heads_per_layer", {1, kMostExperts});
    expect_one_per_block(config, "num_attention_heads_per_layer", heads.size());
    for (std::size_t layer = 0; layer < heads.size(); ++layer)
      std::get<GroupedAttention>(spec.blocks[layer].mixer).heads = heads[layer];
    return spec;
  });
  family.rows = rows;
  family.formats = "bf16, fp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
