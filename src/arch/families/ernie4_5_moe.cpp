#include "arch/decoder_parts.h"

namespace espalier::arch {

Family ernie4_5_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}moe_statics.e_score_correction_bias",
       Storage::kOwnTransposed},
  };
  Family family = decoder_family("ernie4_5_moe", "ERNIE 4.5", [](ConfigFields& config) {
    JsonObject& fields = config.fields();
    const std::int64_t first = fields.integer("moe_layer_start_index", {0, kMostLayers}, 0);
    const std::int64_t last = fields.integer("moe_layer_end_index", {-1, kMostLayers}, -1);
    const std::int64_t step = fields.integer("moe_layer_interval", {1, kMostLayers}, 1);
    std::vector<bool> sparse;
    for (std::int64_t layer = 0; layer < config.layers(); ++layer)
      sparse.push_back((layer + 1) % step == 0 && layer >= first && (last < 0 || layer <= last));
    DecoderParts parts = moe_parts(config, Routing::kSoftmaxWithBias, sparse);
    GroupedAttention attention = grouped_attention(config, 5e5);
    attention.query_key_value_bias = attention.output_bias = fields.boolean("use_bias", false);
    attention.rotary->pairs = RotaryPairs::kNeighbours;
    parts.mixer = attention;
    return decoder_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "moe_num_experts";
  family.config.experts_per_token = "moe_k";
  family.formats = "bf16, 2 bits";
  return family;
}

}  // namespace espalier::arch
