#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

/// Layers with positions look back within their chunk, and norm queries and keys without a weight; the others
/// see all, with a temperature.
void read_llama4_layers(ConfigFields& config, ModelSpec& spec) {
  JsonObject& fields = config.fields();
  const std::int64_t every = fields.integer("no_rope_layer_interval", {1, kMostLayers}, 4);
  std::vector<std::int64_t> turned;
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer) turned.push_back((layer + 1) % every != 0);
  if (fields.has("no_rope_layers")) {  // 1: has them, whatever the name says
    const auto listed = fields.integers("no_rope_layers", {0, 1});
    if (!listed.empty()) turned = listed;
    expect_one_per_block(config, "no_rope_layers", turned.size());
  }
  const bool norm = fields.boolean("use_qk_norm", true);
  const std::int64_t chunk = fields.integer("attention_chunk_size", {1, std::int64_t{1} << 40}, 8192);
  QueryTemperature temperature{fields.number("attn_scale", {0.0, 1e6}, 0.1),
                               fields.integer("floor_scale", {1, std::int64_t{1} << 40}, 8192), 1};
  const bool hot = fields.boolean("attn_temperature_tuning", true);
  for (std::size_t layer = 0; layer < spec.blocks.size(); ++layer) {
    auto& mixer = std::get<GroupedAttention>(spec.blocks[layer].mixer);
    if (turned[layer] == 0) {
      mixer.rotary.reset();
      if (hot) mixer.temperature = temperature;
      continue;
    }
    mixer.window = chunk;
    mixer.chunks = true;
    if (norm) mixer.query_key_norm = QueryKeyNorm::kUnit;
  }
}

}  // namespace

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
  static constexpr NameAlias aliases[] = {{"lm_head.", "language_model.lm_head."}};
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
    parts.moe.router.scales_input = true;
    GroupedAttention attention = grouped_attention(config, 5e5);
    read_attention_bias(config, attention);
    attention.rotary->pairs = RotaryPairs::kNeighbours;
    attention.norm_after_rotation = true;
    parts.mixer = attention;
    ModelSpec spec = decoder_spec(config, parts);
    read_llama4_layers(config, spec);
    return spec;
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.feed_forward = "feed_forward.";
  family.aliases = aliases;
  family.variants = variants;
  family.formats = "bf16, fp8, nvfp4, int4";
  return family;
}

}  // namespace espalier::arch
