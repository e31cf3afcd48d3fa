#include "arch/decoder_parts.h"

namespace espalier::arch {

Family qwen2_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_expert.gate_proj.weight"},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.{F}shared_expert.up_proj.weight"},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.{F}shared_expert.down_proj.weight"},
  };
  Family family = decoder_family("qwen2_moe", "Qwen2-MoE", [](ConfigFields& config) {
    DecoderParts parts = qwen_parts(config);
    auto& attention = std::get<GroupedAttention>(parts.mixer);
    attention.query_key_value_bias = config.fields().boolean("qkv_bias", true);
    parts.moe.shared = SharedExpert{{config.width("shared_expert_intermediate_size")}, true};
    return decoder_spec(config, parts);
  });
  family.rows = rows;
  return family;
}

}  // namespace espalier::arch
