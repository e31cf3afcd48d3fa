#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

/// The first layers look experts up by token: "hash_moe" in newer configs, `num_hash_layers` of them in older
/// ones.
bool is_by_token(ConfigFields& config, std::size_t layer) {
  JsonObject& fields = config.fields();
  if (fields.has("mlp_layer_types"))
    return config.per_block("mlp_layer_types", static_cast<std::size_t>(config.layers()))[layer] ==
           "hash_moe";
  return static_cast<std::int64_t>(layer) < fields.integer("num_hash_layers", {0, kMostLayers}, 0);
}

ModelSpec read_deepseek_v4(ConfigFields& config) {
  ModelSpec spec = unread_spec(config, moe_parts(config, Routing::kSqrtSoftplusWithBias));
  for (std::size_t layer = 0; layer < spec.blocks.size(); ++layer)
    if (MixtureOfExperts* moe = spec.blocks[layer].moe()) moe->router.by_token = is_by_token(config, layer);
  return spec;
}

}  // namespace

Family deepseek_v4() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "embed.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}gate.bias"},
      {Role::kTokenExperts, Part::kWeight, "{M}layers.{L}.{F}gate.tid2eid"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_experts.w1.weight"},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.{F}shared_experts.w3.weight"},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.{F}shared_experts.w2.weight"},
  };
  static constexpr NameAlias aliases[] = {{"layers.", "model.layers."}};  // as libraries save it
  static constexpr Variant variants[] = {
      {"deepseek_v41", "DeepSeek-V4.1"},
  };
  Family family = decoder_family("deepseek_v4", "DeepSeek-V4", read_deepseek_v4);
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.style = kW123Rows;
  family.modules = "";
  family.feed_forward = "ffn.";
  family.aliases = aliases;
  family.next_token = {"mtp.", "mtp."};
  family.variants = variants;
  family.can.missing = "compressed sparse attention and hyper-connections";
  family.formats = "fp4 with fp8 blocks, fp8 blocks";
  return family;
}

}  // namespace espalier::arch
