#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  DecoderParts parts = qwen_parts(config);
  auto& attention = std::get<GroupedAttention>(parts.mixer);
  attention.query_key_value_bias = config.fields().boolean("qkv_bias", true);
  parts.moe.shared = SharedExpert{{config.width("shared_expert_intermediate_size")}, true};
  return decoder_spec(config, parts);
}

constexpr TensorRow kRows[] = {
    {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.mlp.shared_expert.gate_proj.weight"},
    {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.mlp.shared_expert.up_proj.weight"},
    {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.mlp.shared_expert.down_proj.weight"},
};

}  // namespace

Family qwen2_moe() {
  Family family = decoder_family("qwen2_moe", "Qwen2-MoE", read);
  family.rows = kRows;
  return family;
}

}  // namespace espalier::arch
