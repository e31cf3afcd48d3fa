#include "arch/decoder_parts.h"

namespace espalier::arch {

Family gpt_oss() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.mlp.router.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj",
       Storage::kInterleavedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kInterleavedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.mlp.experts.down_proj", Storage::kTransposed},
  };
  Family family = decoder_family("gpt_oss", "gpt-oss", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmaxOfChosen));
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.can.missing = "attention sinks, clamped SwiGLU, and biases of routers and experts";
  family.formats = "mxfp4, bf16";
  return family;
}

}  // namespace espalier::arch
