#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

/// Of the rotary settings: "llama_4_scaling_beta".
std::optional<QueryTemperature> query_temperature(ConfigFields& config) {
  JsonObject& fields = config.fields();
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    if (!fields.has(key) || !fields.value(key).is_object()) continue;
    JsonObject rope = fields.object(key);
    if (!rope.has("llama_4_scaling_beta")) continue;
    return QueryTemperature{
        rope.number("llama_4_scaling_beta", {0.0, 1e6}),
        rope.integer("original_max_position_embeddings", {1, std::int64_t{1} << 40}, 8192), 0};
  }
  return std::nullopt;
}

}  // namespace

Family mistral4() {
  static constexpr NameAlias aliases[] = {{"lm_head.", "language_model.lm_head."}};
  static constexpr Variant variants[] = {
      {"mistral3", "Mistral Small 4", "language_model.model.", "text_config", "mistral4"},
  };
  Family family =
      decoder_family("mistral4", "Mistral Small 4, language model alone", [](ConfigFields& config) {
        DecoderParts parts = moe_parts(config, Routing::kSoftmax);
        read_groups(config, parts.moe.router.rule);
        LatentAttention latent = latent_attention(config, config.fields().boolean("rope_interleave", true)
                                                              ? RotaryPairs::kNeighbours
                                                              : RotaryPairs::kHalves);
        latent.temperature = query_temperature(config);
        parts.mixer = latent;
        return decoder_spec(config, parts);
      });
  family.config.experts = "n_routed_experts";
  family.aliases = aliases;
  family.variants = variants;
  family.formats = "fp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
