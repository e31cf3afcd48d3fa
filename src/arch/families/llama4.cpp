#include "arch/decoder_parts.h"

namespace espalier::arch {

Family llama4() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.gate_up_proj", Storage::kTransposedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.gate_up_proj", Storage::kTransposedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.down_proj", Storage::kTransposed},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.gate_proj.weight"},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.up_proj.weight"},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.down_proj.weight"},
  };
  static constexpr Variant variants[] = {
      {"llama4", "Llama 4", "language_model.model.", "text_config"},
  };
  Family family = decoder_family("llama4_text", "Llama 4, language model alone", [](ConfigFields& config) {
    JsonObject& fields = config.fields();
    std::vector<bool> sparse;
    const std::int64_t step = fields.integer("interleave_moe_layer_step", {1, kMostLayers}, 1);
    for (std::int64_t layer = 0; layer < config.layers(); ++layer) sparse.push_back((layer + 1) % step == 0);
    if (fields.has("moe_layers")) sparse = sparse_blocks(config);
    DecoderParts parts = moe_parts(config, Routing::kSigmoid, sparse);
    parts.moe.shared = SharedExpert{{parts.moe.expert.width}};
    parts.moe.router.rule.normalise = false;  // gates are of the expert's input
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.feed_forward = "feed_forward.";
  family.variants = variants;
  family.can.missing = "chunked attention, and gates of the expert's input";
  family.formats = "bf16, fp8, nvfp4, int4";
  return family;
}

}  // namespace espalier::arch
