#include "arch/decoder_parts.h"

namespace espalier::arch {

Family granitemoe_swa() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kFirst},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kSecond},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.shared_mlp.output_linear.weight"},
      {Role::kSinks, Part::kWeight, "{M}layers.{L}.self_attn.sinks"},
  };
  Family family = decoder_family("granitemoe_swa", "Granite-MoE with windows", [](ConfigFields& config) {
    DecoderParts parts = granite_parts(config);
    std::get<GroupedAttention>(parts.mixer).sinks = true;
    parts.windows = windows_by_type(config);
    ModelSpec spec = granite_spec(config, parts);
    JsonObject& fields = config.fields();
    if (!fields.has("layer_rope_theta")) return spec;
    const auto thetas = fields.numbers("layer_rope_theta", {0.0, 1e12});
    expect_one_per_block(config, "layer_rope_theta", thetas.size());
    for (std::size_t layer = 0; layer < thetas.size(); ++layer) {
      auto& rotary = std::get<GroupedAttention>(spec.blocks[layer].mixer).rotary;
      if (thetas[layer] > 0.0)
        rotary->theta = thetas[layer];
      else
        rotary.reset();
    }
    return spec;
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.feed_forward = "block_sparse_moe.";
  return family;
}

}  // namespace espalier::arch
