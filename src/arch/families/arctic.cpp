#include "arch/decoder_parts.h"

namespace espalier::arch {

/// Experts beside a dense network, `residual_mlp`, in every `moe_layer_frequency`-th block.
Family arctic() {
  static constexpr TensorRow rows[] = {
      {Role::kGate, Part::kWeight, ""},
      {Role::kUp, Part::kWeight, ""},
      {Role::kDown, Part::kWeight, ""},
  };
  Family family = decoder_family("arctic", "Snowflake Arctic", [](ConfigFields& config) {
    const std::int64_t step = config.fields().integer("moe_layer_frequency", {1, kMostLayers}, 2);
    std::vector<bool> sparse;
    for (std::int64_t layer = 0; layer < config.layers(); ++layer) sparse.push_back((layer + 1) % step == 0);
    return unread_spec(config, moe_parts(config, Routing::kSoftmax, sparse));
  });
  family.rows = rows;
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.config.experts = "num_local_experts";
  family.can.missing = "a dense network beside the experts";
  return family;
}

}  // namespace espalier::arch
