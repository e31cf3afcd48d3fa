#pragma once

#include <torch/types.h>

#include "train/ops/ops.h"

/// The differentiable operations of the oneDNN backend, as `Ops` says them, a source file each. Tensors are
/// float32, on the CPU, contiguous (made so where they are not).
namespace espalier::onednn {

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);
torch::Tensor feed_forward(const torch::Tensor& x, const FeedForwardWeights& weights);
torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                      const FeedForwardWeights& weights, const ExpertOutputsTap& tap);
torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, const AttentionHeads& heads,
                        const RopeTable& rope, const Dropout& dropout);
torch::Tensor layer_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon, const Dropout& dropout);
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon);
torch::Tensor dropout(const torch::Tensor& x, const Dropout& dropout);
torch::Tensor gelu(const torch::Tensor& x);
torch::Tensor embed(const EmbeddingTables& tables, const torch::Tensor& ids, const torch::Tensor& positions,
                    const torch::Tensor& types);
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets);

/// Throws InternalError unless float32 on the CPU; returns it contiguous.
torch::Tensor checked(const torch::Tensor& tensor, const char* what);
/// The same of one that may be undefined.
c10::optional<torch::Tensor> checked_if_defined(const torch::Tensor& tensor, const char* what);

}  // namespace espalier::onednn
