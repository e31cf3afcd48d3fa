#include "arch/decoder_parts.h"

namespace espalier::arch {

Family jamba() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.weight"},
  };
  Family family = decoder_family("jamba", "Jamba", [](ConfigFields& config) {
    const std::int64_t period = config.fields().integer("expert_layer_period", {1, kMostLayers}, 2);
    const std::int64_t offset = config.fields().integer("expert_layer_offset", {0, kMostLayers}, 1);
    std::vector<bool> sparse;
    for (std::int64_t layer = 0; layer < config.layers(); ++layer) sparse.push_back(layer % period == offset);
    DecoderParts parts = moe_parts(config, Routing::kSoftmax, sparse);
    parts.moe.router.rule.normalise = false;
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.feed_forward = "feed_forward.";
  family.can.missing = "Mamba";
  return family;
}

}  // namespace espalier::arch
