#include "arch/decoder_parts.h"

namespace espalier::arch {

/// One expert of E or none: the router's last row.
Family zaya() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, ""},  // not of D columns: the last layer of a network
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}gate.router_mlp.out_proj.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}gate.balancing_biases"},
  };
  Family family = decoder_family("zaya", "ZAYA1", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmaxWithBias);
    parts.moe.router.extra_rows = 1;
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.can.missing = "convolutional attention, and routers that hand their state on";
  return family;
}

}  // namespace espalier::arch
