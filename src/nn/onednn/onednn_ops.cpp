#include <fmt/format.h>

#include "base/error.h"
#include "nn/onednn/functions.h"

namespace espalier {
namespace onednn {

torch::Tensor checked(const torch::Tensor& tensor, const char* what) {
  if (tensor.scalar_type() != torch::kFloat32 || !tensor.device().is_cpu())
    throw InternalError(fmt::format("onednn backend: {} is {} on {}, not float32 on the CPU", what,
                                    c10::toString(tensor.scalar_type()), tensor.device().str()));
  return tensor.contiguous();
}

}  // namespace onednn

namespace {

/// float32 on the CPU: oneDNN products and fused vector kernels under autograd.
class OneDnnOps final : public Ops {
 public:
  Backend backend() const override { return Backend::kOneDnn; }
  torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                       const torch::Tensor& bias) const override {
    return onednn::linear(x, weight, bias);
  }
  torch::Tensor ffn(const torch::Tensor& x, const FfnWeights& weights) const override {
    return onednn::ffn(x, weights);
  }
  torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                        const ExpertWeights& weights) const override {
    return onednn::experts(x, gates, chosen, weights);
  }
  torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, std::int64_t heads,
                          const Dropout& drop) const override {
    return onednn::attention(qkv, layout, heads, drop);
  }
  torch::Tensor add_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon, const Dropout& drop) const override {
    return onednn::layer_norm(residual, x, weight, bias, epsilon, drop);
  }
  torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                     double epsilon, const Dropout& drop) const override {
    return onednn::dropout(onednn::layer_norm({}, x, weight, bias, epsilon, {}), drop);
  }
  torch::Tensor dropout(const torch::Tensor& x, const Dropout& drop) const override {
    return onednn::dropout(x, drop);
  }
  torch::Tensor gelu(const torch::Tensor& x) const override { return onednn::gelu(x); }
  torch::Tensor embed(const EmbeddingTables& tables, const torch::Tensor& ids, const torch::Tensor& positions,
                      const torch::Tensor& types) const override {
    return onednn::embed(tables, ids, positions, types);
  }
  torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) const override {
    return onednn::cross_entropy(logits, targets);
  }
};

}  // namespace

const Ops& onednn_ops() {
  static const OneDnnOps instance;
  return instance;
}

}  // namespace espalier
