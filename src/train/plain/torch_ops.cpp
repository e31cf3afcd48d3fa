#include "train/ops/dropout_mask.h"
#include "train/ops/ops.h"
#include "train/plain/functions.h"

namespace espalier {
namespace plain {

torch::Tensor dropout(const torch::Tensor& x, const Dropout& drop) {
  if (drop.probability <= 0) return x;
  return x * dropout_mask(x.numel(), drop).view(x.sizes()).to(x.options());
}

namespace {

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return torch::linear(x, weight, bias);
}

torch::Tensor feed_forward(const torch::Tensor& x, const FeedForwardWeights& w) {
  const auto h = torch::linear(x, w.up, w.up_bias);
  if (w.kind == FeedForwardKind::kGelu) return torch::linear(torch::gelu(h), w.down, w.down_bias);
  const auto F = w.down.size(1);
  return torch::linear(torch::silu(h.narrow(1, 0, F)) * h.narrow(1, F, F), w.down);
}

/// Shows an expert's rows to the tap, if there is one and there are any. gates [R, 1], outputs [R, D].
void show(const ExpertOutputsTap& tap, std::int64_t expert, const torch::Tensor& gates,
          const torch::Tensor& outputs) {
  if (!tap || outputs.size(0) == 0) return;
  const auto in_memory = [](const torch::Tensor& tensor) {
    return tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  };
  const auto g = in_memory(gates), y = in_memory(outputs);
  tap({expert, y.size(0), g.data_ptr<float>(), y.data_ptr<float>(), y.size(1)});
}

torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                      const FeedForwardWeights& w, const ExpertOutputsTap& tap) {
  auto y = torch::zeros_like(x);
  for (std::int64_t e = 0; e < w.count(); ++e) {
    const auto pairs = (chosen == e).nonzero();  // [n, 2]: token, slot
    const auto tokens = pairs.select(1, 0), slots = pairs.select(1, 1);
    const auto gate = gates.index({tokens, slots}).unsqueeze(1);
    const auto outputs = feed_forward(x.index_select(0, tokens), w.expert(e));
    show(tap, e, gate, outputs);
    y = y.index_add(0, tokens, gate * outputs);
  }
  return y;
}

torch::Tensor layer_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon, const Dropout& drop) {
  const auto dropped = dropout(x, drop);
  return torch::layer_norm(residual.defined() ? residual + dropped : dropped, {x.size(1)}, weight, bias,
                           epsilon);
}

torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon) {
  return x * torch::rsqrt(x.square().mean(-1, /*keepdim=*/true) + epsilon) * weight;
}

torch::Tensor gelu(const torch::Tensor& x) {
  return torch::gelu(x);
}

torch::Tensor embed(const EmbeddingTables& tables, const torch::Tensor& ids, const torch::Tensor& positions,
                    const torch::Tensor& types) {
  auto sum = torch::embedding(tables.word, ids);
  if (tables.position.defined()) sum = sum + torch::embedding(tables.position, positions);
  if (tables.type.defined()) sum = sum + torch::embedding(tables.type, types);
  return sum;
}

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  if (logits.size(0) == 0) return logits.sum();  // torch's own mean of nothing is NaN
  return torch::nll_loss(torch::log_softmax(logits, 1), targets);
}

}  // namespace
}  // namespace plain

const Ops& torch_ops() {
  static constexpr Ops table{.backend = Backend::kTorch,
                             .linear = plain::linear,
                             .feed_forward = plain::feed_forward,
                             .experts = plain::experts,
                             .attention = plain::attention,
                             .layer_norm = plain::layer_norm,
                             .rms_norm = plain::rms_norm,
                             .dropout = plain::dropout,
                             .gelu = plain::gelu,
                             .embed = plain::embed,
                             .cross_entropy = plain::cross_entropy};
  return table;
}

}  // namespace espalier
