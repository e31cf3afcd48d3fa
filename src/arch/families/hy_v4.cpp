#include "arch/decoder_parts.h"

namespace espalier::arch {

Family hy_v4() {
  static constexpr TensorRow rows[] = {
      {Role::kGate, Part::kWeight, "{M}layers.{L}.{F}linear_gate.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_experts.linear_gate.weight"},
  };
  Family family = decoder_family("hy_v4", "Hy4", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.can.missing = "latent attention with sinks and gates, and hyper-connections";
  return family;
}

}  // namespace espalier::arch
