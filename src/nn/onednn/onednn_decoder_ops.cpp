#include "nn/onednn/decoder_functions.h"

namespace espalier {
namespace {

/// float32 on the CPU: oneDNN products and fused vector kernels under autograd.
class OneDnnDecoderOps final : public DecoderOps {
 public:
  torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon) const override {
    return onednn::rms_norm(x, weight, epsilon);
  }
  torch::Tensor causal_attention(const torch::Tensor& qkv, const SequenceLayout& layout,
                                 const CausalHeads& heads, const RopeTable& rope) const override {
    return onednn::causal_attention(qkv, layout, heads, rope);
  }
  torch::Tensor gated_ffn(const torch::Tensor& x, const GatedWeights& weights) const override {
    return onednn::gated_ffn(x, weights);
  }
  torch::Tensor gated_experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                              const GatedExpertWeights& weights) const override {
    return onednn::gated_experts(x, gates, chosen, weights);
  }
  torch::Tensor embed(const torch::Tensor& table, const torch::Tensor& ids) const override {
    return onednn::embed(table, ids);
  }
};

}  // namespace

const DecoderOps& onednn_decoder_ops() {
  static const OneDnnDecoderOps instance;
  return instance;
}

}  // namespace espalier
