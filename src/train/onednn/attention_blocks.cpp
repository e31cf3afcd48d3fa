#include "train/onednn/attention_blocks.h"

#include <algorithm>

namespace espalier::onednn {
namespace {

/// All blocks of one sequence b and head.
void add_head(const SequenceLayout& layout, const AttentionHeads& h, std::int64_t b, std::int64_t head,
              AttentionBlocks& all) {
  const auto length = layout.length(b), begin = layout.begin(b);
  const auto step = h.causal ? kAttentionQueries : std::max<std::int64_t>(1, length);
  for (std::int64_t first = 0; first < length; first += step) {
    const auto rows = std::min(step, length - first);
    const auto key = h.causal && h.window > 0 ? std::max<std::int64_t>(0, first + 1 - h.window) : 0;
    const auto keys = (h.causal ? first + rows : length) - key;
    all.blocks.push_back(
        {begin + first, rows, begin + key, keys, head, all.elements, b * h.heads + head, first / step});
    all.elements += rows * keys;
    all.largest = std::max(all.largest, rows * keys);
  }
}

}  // namespace

AttentionBlocks attention_blocks(const SequenceLayout& layout, const AttentionHeads& h) {
  AttentionBlocks all;
  const auto shared = h.heads / h.key_value_heads;
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    for (std::int64_t g = 0; g < h.key_value_heads; ++g) {
      const auto before = all.blocks.size();
      for (auto head = g * shared; head < (g + 1) * shared; ++head) add_head(layout, h, b, head, all);
      all.ends.push_back(all.blocks.size());
      all.single = all.single && all.blocks.size() - before <= 1;
    }
  return all;
}

HeadColumns columns(const AttentionHeads& h, std::int64_t head) {
  const auto shared = head / (h.heads / h.key_value_heads);
  return {head * h.key_width, h.keys_at() + shared * h.key_width, h.values_at() + shared * h.value_width,
          head * h.value_width};
}

}  // namespace espalier::onednn
