#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  DecoderParts parts;
  parts.moe.router.rule.score = GateScore::kSoftmaxOfChosen;
  return unread_spec(config, "intermediate_size", parts);
}

constexpr TensorRow kRows[] = {
    {Role::kRouter, Part::kWeight, "{M}layers.{L}.mlp.router.weight"},
    {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kInterleavedFirst},
    {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kInterleavedSecond},
    {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.mlp.experts.down_proj", Storage::kTransposed},
};

}  // namespace

Family gpt_oss() {
  Family family = decoder_family("gpt_oss", "gpt-oss", read);
  family.config.experts = "num_local_experts";
  family.rows = kRows;
  family.can.missing = "attention sinks, clamped SwiGLU, and biases of routers and experts";
  return family;
}

}  // namespace espalier::arch
