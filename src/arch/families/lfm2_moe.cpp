#include "arch/decoder_parts.h"

namespace espalier::arch {

Family lfm2_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}expert_bias"},
      {Role::kGate, Part::kWeight, "{M}layers.{L}.{F}w1.weight"},
      {Role::kUp, Part::kWeight, "{M}layers.{L}.{F}w3.weight"},
      {Role::kDown, Part::kWeight, "{M}layers.{L}.{F}w2.weight"},
  };
  Family family = decoder_family("lfm2_moe", "LFM2-MoE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.style = kW123Rows;
  family.feed_forward = "feed_forward.";
  family.can.missing = "short convolutions";
  return family;
}

}  // namespace espalier::arch
