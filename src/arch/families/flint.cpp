#include "arch/decoder_parts.h"

namespace espalier::arch {

Family flint() {
  static constexpr TensorRow rows[] = {
      {Role::kSinks, Part::kWeight, "{M}layers.{L}.self_attn.softmax_offset"},
  };
  Family family = decoder_family("flint", "Flint", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoid);
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    attention.sinks = true;
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    ModelSpec spec = decoder_spec(config, parts);
    turn_windows_only(spec);
    return spec;
  });
  family.rows = rows;
  return family;
}

}  // namespace espalier::arch
