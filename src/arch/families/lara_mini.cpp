#include "arch/decoder_parts.h"

namespace espalier::arch {

Family lara_mini() {
  static constexpr TensorRow rows[] = {
      {Role::kScanInput, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj.weight", Storage::kFused},
      {Role::kScanGate, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj.weight", Storage::kFused},
      {Role::kScanBeta, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj.weight", Storage::kFused},
      {Role::kScanDecay, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj.weight", Storage::kFused},
      {Role::kScanNorm, Part::kWeight, "{M}layers.{L}.linear_attn.out_norm.weight"},
  };
  Family family = decoder_family("lara_mini", "Lara-4-Mini", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    const auto attends = attention_blocks(config);
    ModelSpec spec = decoder_spec(config, parts);
    turn_windows_only(spec);
    for (std::size_t layer = 0; layer < spec.blocks.size(); ++layer)
      if (!attends[layer]) spec.blocks[layer].mixer = gated_delta(config);
    return spec;
  });
  family.rows = rows;
  return family;
}

}  // namespace espalier::arch
