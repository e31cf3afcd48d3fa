#pragma once

#include <torch/types.h>

#include "nn/decoder_ops.h"

/// The differentiable operations of decoders of the oneDNN backend; as nn/onednn/functions.h.
namespace espalier::onednn {

torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon);
torch::Tensor causal_attention(const torch::Tensor& qkv, const SequenceLayout& layout,
                               const CausalHeads& heads, const RopeTable& rope);
torch::Tensor gated_ffn(const torch::Tensor& x, const GatedWeights& weights);
torch::Tensor gated_experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                            const GatedExpertWeights& weights);
torch::Tensor embed(const torch::Tensor& table, const torch::Tensor& ids);

}  // namespace espalier::onednn
