#include <algorithm>
#include <vector>

#include "train/ops/dropout_mask.h"
#include "train/plain/functions.h"

namespace espalier::plain {
namespace {

/// Turns the elements from `turned_from` on of x [T, heads, d] by the angles of positions 0 .. T-1.
torch::Tensor turned(const torch::Tensor& x, const AttentionHeads& heads, const RopeTable& rope) {
  if (!rope.cosine.defined()) return x;
  const auto T = x.size(0), half = rope.cosine.size(1), width = 2 * half, end = heads.turned_from + width;
  const auto before = x.narrow(2, 0, heads.turned_from), moving = x.narrow(2, heads.turned_from, width);
  const auto behind = x.narrow(2, end, x.size(2) - end);
  const auto cosine = rope.cosine.narrow(0, 0, T).unsqueeze(1).to(x.options());  // [T, 1, half]
  const auto sine = rope.sine.narrow(0, 0, T).unsqueeze(1).to(x.options());
  const auto pairs = heads.interleaved ? moving.reshape({T, x.size(1), half, 2})
                                       : moving.reshape({T, x.size(1), 2, half}).transpose(2, 3);
  const auto a = pairs.select(3, 0), b = pairs.select(3, 1);
  const auto turns = torch::stack({a * cosine - b * sine, b * cosine + a * sine}, heads.interleaved ? 3 : 2);
  return torch::cat({before, turns.reshape({T, x.size(1), width}), behind}, 2);
}

/// [T, T]: whether query i sees key j.
torch::Tensor visible(std::int64_t T, std::int64_t window, const torch::Tensor& like) {
  const auto all = torch::ones({T, T}, like.options().dtype(torch::kBool));
  const auto past = all.tril();
  return window > 0 ? past.logical_and(all.tril(-window).logical_not()) : past;
}

/// What dropout multiplies the probabilities [H, T, T] of sequence b with. A causal head's queries come in
/// chunks, of which each is a block of the keys that it sees.
torch::Tensor mask_of(const torch::Tensor& probabilities, std::int64_t b, const AttentionHeads& h,
                      const Dropout& drop) {
  const auto T = probabilities.size(1), step = h.causal ? kAttentionQueries : T;
  auto mask = torch::ones_like(probabilities, torch::kFloat32);
  for (std::int64_t head = 0; head < h.heads; ++head)
    for (std::int64_t first = 0; first < T; first += step) {
      const auto rows = std::min(step, T - first);
      const auto key = h.causal && h.window > 0 ? std::max<std::int64_t>(0, first + 1 - h.window) : 0;
      const auto keys = (h.causal ? first + rows : T) - key;
      const auto own = attention_block(drop, b * h.heads + head, first / step);
      mask[head].narrow(0, first, rows).narrow(1, key, keys) =
          dropout_mask(rows * keys, own).view({rows, keys});
    }
  return mask.to(probabilities.options());
}

/// Sequence b: qkv [T, row] -> [T, H v].
torch::Tensor attend(const torch::Tensor& qkv, std::int64_t b, const AttentionHeads& h, const RopeTable& rope,
                     const Dropout& drop) {
  const auto T = qkv.size(0), G = h.key_value_heads, shared = h.heads / G;
  const auto q = turned(qkv.narrow(1, 0, h.keys_at()).reshape({T, h.heads, h.key_width}), h, rope);
  const auto k = turned(qkv.narrow(1, h.keys_at(), G * h.key_width).reshape({T, G, h.key_width}), h, rope);
  const auto v = qkv.narrow(1, h.values_at(), G * h.value_width).reshape({T, G, h.value_width});
  const auto keys = k.repeat_interleave(shared, 1).permute({1, 2, 0});    // [H, d, T]
  const auto values = v.repeat_interleave(shared, 1).permute({1, 0, 2});  // [H, T, v]
  auto scores = torch::matmul(q.permute({1, 0, 2}), keys) * h.scale;
  if (h.causal) scores = scores.masked_fill(visible(T, h.window, scores).logical_not(), -1e30);
  auto probabilities = torch::softmax(scores, -1);
  if (drop.probability > 0) probabilities = probabilities * mask_of(probabilities.detach(), b, h, drop);
  return torch::matmul(probabilities, values).permute({1, 0, 2}).reshape({T, h.heads * h.value_width});
}

}  // namespace

torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, const AttentionHeads& heads,
                        const RopeTable& rope, const Dropout& dropout) {
  std::vector<torch::Tensor> out;
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    if (layout.length(b) > 0)
      out.push_back(attend(qkv.narrow(0, layout.begin(b), layout.length(b)), b, heads, rope, dropout));
  if (out.empty()) return qkv.new_zeros({0, heads.heads * heads.value_width});
  return torch::cat(out, 0);
}

}  // namespace espalier::plain
