#pragma once

#include <torch/types.h>

#include "nn/ops.h"

/// The differentiable operations of the oneDNN backend, a source file each. Tensors are float32, on the CPU,
/// contiguous (made so where they are not).
namespace espalier::onednn {

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);
torch::Tensor ffn(const torch::Tensor& x, const FfnWeights& weights);
torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                      const ExpertWeights& weights);
torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, std::int64_t heads,
                        const Dropout& dropout);
/// LayerNorm(residual + dropout(x)) * weight + bias; `residual` may be undefined.
torch::Tensor layer_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon, const Dropout& dropout);
torch::Tensor dropout(const torch::Tensor& x, const Dropout& dropout);
torch::Tensor gelu(const torch::Tensor& x);
torch::Tensor embed(const EmbeddingTables& tables, const torch::Tensor& ids, const torch::Tensor& positions,
                    const torch::Tensor& types);
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets);

/// Throws InternalError unless float32 on the CPU; returns it contiguous.
torch::Tensor checked(const torch::Tensor& tensor, const char* what);

}  // namespace espalier::onednn
