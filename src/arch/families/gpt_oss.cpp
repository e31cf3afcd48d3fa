#include "arch/decoder_parts.h"

namespace espalier::arch {

Family gpt_oss() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.mlp.router.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj",
       Storage::kInterleavedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kInterleavedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.mlp.experts.down_proj", Storage::kTransposed},
      {Role::kRouter, Part::kBias, "{M}layers.{L}.mlp.router.bias"},
      {Role::kExpertGate, Part::kBias, "{M}layers.{L}.mlp.experts.gate_up_proj_bias",
       Storage::kInterleavedFirst},
      {Role::kExpertUp, Part::kBias, "{M}layers.{L}.mlp.experts.gate_up_proj_bias",
       Storage::kInterleavedSecond},
      {Role::kExpertDown, Part::kBias, "{M}layers.{L}.mlp.experts.down_proj_bias", Storage::kStacked},
      {Role::kSinks, Part::kWeight, "{M}layers.{L}.self_attn.sinks"},
  };
  Family family = decoder_family("gpt_oss", "gpt-oss", [](ConfigFields& config) {
    JsonObject& fields = config.fields();
    DecoderParts parts = moe_parts(config, Routing::kSoftmaxOfChosen);
    GroupedAttention attention = grouped_attention(config, 150000.0);
    attention.query_key_value_bias = attention.output_bias = fields.boolean("attention_bias", true);
    attention.sinks = true;
    parts.mixer = attention;
    parts.windows = windows(config, FirstSlidingLayer::kZero);
    FeedForward& expert = parts.moe.expert;
    expert.biases = true;
    expert.limit = GatedLimit{fields.number("swiglu_limit", {1e-3, 1e6}, 7.0)};
    expert.silu_slope = fields.number("swiglu_alpha", {1e-3, 1e3}, 1.702);
    expert.up_shift = 1.0;
    parts.moe.router.bias = true;
    return decoder_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.formats = "mxfp4, bf16";
  return family;
}

}  // namespace espalier::arch
