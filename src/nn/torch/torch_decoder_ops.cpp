#include <vector>

#include "nn/decoder_ops.h"

namespace espalier {
namespace {

/// Turns the elements behind `turned_from` of x [T, heads, d] by the angles of positions 0 .. T-1.
torch::Tensor turned(const torch::Tensor& x, const CausalHeads& heads, const RopeTable& rope) {
  const auto T = x.size(0), width = x.size(2) - heads.turned_from, half = width / 2;
  const auto still = x.narrow(2, 0, heads.turned_from), moving = x.narrow(2, heads.turned_from, width);
  const auto cosine = rope.cosine.narrow(0, 0, T).unsqueeze(1).to(x.options());  // [T, 1, half]
  const auto sine = rope.sine.narrow(0, 0, T).unsqueeze(1).to(x.options());
  const auto pairs = heads.interleaved ? moving.reshape({T, x.size(1), half, 2})
                                       : moving.reshape({T, x.size(1), 2, half}).transpose(2, 3);
  const auto a = pairs.select(3, 0), b = pairs.select(3, 1);
  const auto turns = torch::stack({a * cosine - b * sine, b * cosine + a * sine}, heads.interleaved ? 3 : 2);
  return torch::cat({still, turns.reshape({T, x.size(1), width})}, 2);
}

/// [T, T]: whether query i sees key j.
torch::Tensor visible(std::int64_t T, std::int64_t window, const torch::Tensor& like) {
  const auto all = torch::ones({T, T}, like.options().dtype(torch::kBool));
  const auto past = all.tril();
  return window > 0 ? past.logical_and(all.tril(-window).logical_not()) : past;
}

/// Plain libtorch, written for clarity: the oracle of the oneDNN backend, and the way to other devices.
class TorchDecoderOps final : public DecoderOps {
 public:
  torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon) const override {
    return x * torch::rsqrt(x.square().mean(-1, /*keepdim=*/true) + epsilon) * weight;
  }

  torch::Tensor causal_attention(const torch::Tensor& qkv, const SequenceLayout& layout,
                                 const CausalHeads& heads, const RopeTable& rope) const override {
    std::vector<torch::Tensor> out;
    for (std::int64_t b = 0; b < layout.sequences(); ++b)
      out.push_back(attend(qkv.narrow(0, layout.begin(b), layout.length(b)), heads, rope));
    if (out.empty()) return qkv.new_zeros({0, heads.heads * heads.value_width});
    return torch::cat(out, 0);
  }

  torch::Tensor gated_ffn(const torch::Tensor& x, const GatedWeights& w) const override {
    const auto gate_up = torch::linear(x, w.gate_up);
    const auto F = w.down.size(1);
    return torch::linear(torch::silu(gate_up.narrow(1, 0, F)) * gate_up.narrow(1, F, F), w.down);
  }

  torch::Tensor gated_experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                              const GatedExpertWeights& w) const override {
    auto y = torch::zeros_like(x);
    for (std::int64_t e = 0; e < w.count(); ++e) {
      const auto pairs = (chosen == e).nonzero();  // [n, 2]: token, slot
      const auto tokens = pairs.select(1, 0), slots = pairs.select(1, 1);
      const auto gate = gates.index({tokens, slots}).unsqueeze(1);
      y = y.index_add(0, tokens, gate * gated_ffn(x.index_select(0, tokens), {w.gate_up[e], w.down[e]}));
    }
    return y;
  }

  torch::Tensor embed(const torch::Tensor& table, const torch::Tensor& ids) const override {
    return torch::embedding(table, ids);
  }

 private:
  /// One sequence: qkv [T, row] -> [T, H v].
  static torch::Tensor attend(const torch::Tensor& qkv, const CausalHeads& h, const RopeTable& rope) {
    const auto T = qkv.size(0), G = h.key_value_heads, shared = h.heads / G;
    const auto q = turned(qkv.narrow(1, 0, h.keys_at()).reshape({T, h.heads, h.key_width}), h, rope);
    const auto k = turned(qkv.narrow(1, h.keys_at(), G * h.key_width).reshape({T, G, h.key_width}), h, rope);
    const auto v = qkv.narrow(1, h.values_at(), G * h.value_width).reshape({T, G, h.value_width});
    const auto keys = k.repeat_interleave(shared, 1).permute({1, 2, 0});    // [H, d, T]
    const auto values = v.repeat_interleave(shared, 1).permute({1, 0, 2});  // [H, T, v]
    const auto scores = torch::matmul(q.permute({1, 0, 2}), keys) * h.scale;
    const auto seen = scores.masked_fill(visible(T, h.window, scores).logical_not(), -1e30);
    return torch::matmul(torch::softmax(seen, -1), values)
        .permute({1, 0, 2})
        .reshape({T, h.heads * h.value_width});
  }
};

}  // namespace

const DecoderOps& torch_decoder_ops() {
  static const TorchDecoderOps instance;
  return instance;
}

}  // namespace espalier
