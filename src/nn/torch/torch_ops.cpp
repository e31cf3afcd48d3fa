
#include <cmath>

#include "nn/dropout_mask.h"
#include "nn/ops.h"

namespace espalier {
namespace {

/// Position in a padded [B, longest] layout of each packed token: [N] int64.
torch::Tensor padded_positions(const SequenceLayout& layout, torch::Device device) {
  const auto longest = layout.longest();
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(layout.tokens()));
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    for (std::int64_t t = 0; t < layout.length(b); ++t) positions.push_back(b * longest + t);
  return torch::tensor(positions, torch::kInt64).to(device);
}

/// Plain libtorch, written for clarity: the oracle of the oneDNN backend, and the way to other devices.
class TorchOps final : public Ops {
 public:
  Backend backend() const override { return Backend::kTorch; }

  torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                       const torch::Tensor& bias) const override {
    return torch::linear(x, weight, bias);
  }

  torch::Tensor ffn(const torch::Tensor& x, const FfnWeights& w) const override {
    return torch::linear(torch::gelu(torch::linear(x, w.up, w.up_bias)), w.down, w.down_bias);
  }

  torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                        const ExpertWeights& w) const override {
    auto y = torch::zeros_like(x);
    for (std::int64_t e = 0; e < w.count(); ++e) {
      const auto pairs = (chosen == e).nonzero();  // [n, 2]: token, slot
      const auto tokens = pairs.select(1, 0), slots = pairs.select(1, 1);
      const FfnWeights expert{w.up[e], w.up_bias[e], w.down[e], w.down_bias[e]};
      const auto gate = gates.index({tokens, slots}).unsqueeze(1);
      y = y.index_add(0, tokens, gate * ffn(x.index_select(0, tokens), expert));
    }
    return y;
  }

  torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, std::int64_t heads,
                          const Dropout& drop) const override {
    const auto B = layout.sequences(), T = layout.longest(), D = qkv.size(1) / 3, W = D / heads;
    const auto positions = padded_positions(layout, qkv.device());
    const auto padded = torch::zeros({B * T, 3 * D}, qkv.options()).index_copy(0, positions, qkv);
    const auto split = padded.view({B, T, 3, heads, W}).permute({2, 0, 3, 1, 4});  // [3, B, H, T, W]
    const auto real = torch::zeros({B * T}, qkv.options().dtype(torch::kBool)).index_fill(0, positions, true);
    auto scores = torch::matmul(split[0], split[1].transpose(-1, -2)) / std::sqrt(static_cast<double>(W));
    scores = scores.masked_fill(real.view({B, 1, 1, T}).logical_not(), -1e30);
    auto probabilities = torch::softmax(scores, -1);
    if (drop.probability > 0) probabilities = probabilities * padded_mask(probabilities, layout, drop);
    const auto context = torch::matmul(probabilities, split[2]).permute({0, 2, 1, 3}).reshape({B * T, D});
    return context.index_select(0, positions);
  }

  torch::Tensor add_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon, const Dropout& drop) const override {
    return torch::layer_norm(residual + dropout(x, drop), {x.size(1)}, weight, bias, epsilon);
  }

  torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                     double epsilon, const Dropout& drop) const override {
    return dropout(torch::layer_norm(x, {x.size(1)}, weight, bias, epsilon), drop);
  }

  torch::Tensor dropout(const torch::Tensor& x, const Dropout& drop) const override {
    if (drop.probability <= 0) return x;
    return x * dropout_mask(x.numel(), drop).view(x.sizes()).to(x.options());
  }

  torch::Tensor gelu(const torch::Tensor& x) const override { return torch::gelu(x); }

  torch::Tensor embed(const EmbeddingTables& tables, const torch::Tensor& ids, const torch::Tensor& positions,
                      const torch::Tensor& types) const override {
    return torch::embedding(tables.word, ids) + torch::embedding(tables.position, positions) +
           torch::embedding(tables.type, types);
  }

  torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) const override {
    if (logits.size(0) == 0) return logits.sum();  // torch's own mean of nothing is NaN
    return torch::nll_loss(torch::log_softmax(logits, 1), targets);
  }

 private:
  /// The factors of each sequence and head's block of probabilities, laid out as [B, H, T, T].
  static torch::Tensor padded_mask(const torch::Tensor& like, const SequenceLayout& layout,
                                   const Dropout& drop) {
    using torch::indexing::Slice;
    const auto heads = like.size(1);
    auto mask = torch::ones_like(like);
    for (std::int64_t b = 0; b < layout.sequences(); ++b)
      for (std::int64_t h = 0; h < heads; ++h) {
        const auto t = layout.length(b);
        const auto factors = dropout_mask(t * t, attention_block(drop, b * heads + h)).view({t, t});
        mask.index_put_({b, h, Slice(0, t), Slice(0, t)}, factors.to(like.options()));
      }
    return mask;
  }
};

}  // namespace

const Ops& torch_ops() {
  static const TorchOps instance;
  return instance;
}

}  // namespace espalier
