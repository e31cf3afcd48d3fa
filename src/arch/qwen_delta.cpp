#include <utility>

#include "arch/decoder_parts.h"

namespace espalier::arch {

ModelSpec qwen_delta_spec(ConfigFields& config, DecoderParts parts, bool rows_by_key_head) {
  if (parts.moe.shared) parts.moe.shared->gated = true;
  GroupedAttention attention = grouped_attention(config, 1e4);
  read_attention_bias(config, attention);
  attention.query_key_norm = QueryKeyNorm::kPerHead;
  attention.output_gate = OutputGate::kInQueries;
  parts.mixer = attention;
  GatedDelta delta = gated_delta(config);
  delta.rows_by_key_head = rows_by_key_head;
  const auto attends = attention_blocks(config);
  ModelSpec spec = decoder_spec(config, parts);
  for (std::size_t layer = 0; layer < spec.blocks.size(); ++layer) {
    spec.blocks[layer].norm.from_one = true;
    if (!attends[layer]) spec.blocks[layer].mixer = delta;
  }
  spec.final_norm->from_one = true;
  return spec;
}

}  // namespace espalier::arch
