#include "arch/decoder_parts.h"

namespace espalier::arch {

Family hy_v3() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.gate.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}expert_bias"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.gate_proj.weight"},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.up_proj.weight"},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.down_proj.weight"},
  };
  Family family = decoder_family("hy_v3", "Hy3", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 11158840.0);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    return decoder_spec(config, parts);
  });
  family.rows = rows;
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
