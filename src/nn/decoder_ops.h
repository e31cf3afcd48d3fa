#pragma once

#include <torch/types.h>

#include <cstdint>

#include "arch/decoder_config.h"
#include "nn/ops.h"

namespace espalier {

/// Weights of y = (silu(x gate^T) * (x up^T)) down^T (Shazeer 2020, SwiGLU) that are trained.
struct GatedWeights {
  torch::Tensor gate_up;  // [2F, D], gate above up
  torch::Tensor down;     // [D, F]
};

/// The same for E experts, stacked.
struct GatedExpertWeights {
  torch::Tensor gate_up;  // [E, 2F, D]
  torch::Tensor down;     // [E, D, F]

  std::int64_t count() const { return gate_up.size(0); }
};

/// `infer::RopeTable` as tensors.
struct RopeTable {
  torch::Tensor cosine, sine;  // [T, width/2] float32
};
RopeTable rope_table(const RopeConfig& config, std::int64_t width, std::int64_t positions);

/// Causal attention with grouped queries (Ainslie et al. 2023) and rotary positions (Su et al. 2021): query
/// head h of H reads the keys and values of head h / (H / G).
struct CausalHeads {
  std::int64_t heads = 1;            // H
  std::int64_t key_value_heads = 1;  // G
  std::int64_t key_width = 0;        ///< of a query and a key, d
  std::int64_t value_width = 0;      ///< v
  std::int64_t turned_from = 0;  ///< first element of a query and a key that is rotated; all behind it are
  bool interleaved = false;      ///< pairs 2i with 2i + 1; else i with i + half
  std::int64_t window = 0;       ///< tokens that a query sees, itself among them; 0: all before it
  float scale = 1;               ///< of the scores

  std::int64_t row() const { return (heads + key_value_heads) * key_width + key_value_heads * value_width; }
  std::int64_t keys_at() const { return heads * key_width; }
  std::int64_t values_at() const { return (heads + key_value_heads) * key_width; }
};

/// What decoders need beside `Ops`, differentiable by libtorch's autograd, for the same two backends.
class DecoderOps {
 public:
  virtual ~DecoderOps() = default;

  /// x / sqrt(mean(x^2) + epsilon) * weight, row by row (Zhang and Sennrich 2019); x [N, D], weight [D].
  virtual torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight,
                                 double epsilon) const = 0;

  /// qkv [N, H d + G d + G v]: queries, keys and values side by side, before the rotation -> [N, H v]. Token
  /// t of a sequence is at position t of `rope`, whose width is that of the rotated part.
  virtual torch::Tensor causal_attention(const torch::Tensor& qkv, const SequenceLayout& layout,
                                         const CausalHeads& heads, const RopeTable& rope) const = 0;

  /// x [N, D] -> [N, D].
  virtual torch::Tensor gated_ffn(const torch::Tensor& x, const GatedWeights& weights) const = 0;

  /// As `Ops::experts`: x [N, D], gates [N, K], chosen [N, K] int32 (-1: no expert) -> [N, D].
  virtual torch::Tensor gated_experts(const torch::Tensor& x, const torch::Tensor& gates,
                                      const torch::Tensor& chosen,
                                      const GatedExpertWeights& weights) const = 0;

  /// table[ids]; table [V, D], ids [N] int64 -> [N, D].
  virtual torch::Tensor embed(const torch::Tensor& table, const torch::Tensor& ids) const = 0;
};

const DecoderOps& decoder_ops(Backend backend);

}  // namespace espalier
