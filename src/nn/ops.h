#pragma once

#include <torch/types.h>

#include <cstdint>

#include "infer/sequence_layout.h"
#include "nn/backend.h"

namespace espalier {

using infer::SequenceLayout;

/// Inverted dropout whose mask is a function of `key` and the element's index: nothing is stored, and
/// backends and thread counts agree. probability 0 (evaluation) is the identity.
struct Dropout {
  double probability = 0.0;
  std::uint64_t key = 0;
};

/// The dropout of one sequence and head's [t, t] block of attention probabilities.
Dropout attention_block(const Dropout& dropout, std::int64_t block);

/// Weights of a two-layer feed-forward network: y = gelu(x up^T + up_bias) down^T + down_bias.
struct FfnWeights {
  torch::Tensor up;         // [F, D]
  torch::Tensor up_bias;    // [F]
  torch::Tensor down;       // [D, F]
  torch::Tensor down_bias;  // [D]
};

/// The same for E experts, stacked.
struct ExpertWeights {
  torch::Tensor up;         // [E, F, D]
  torch::Tensor up_bias;    // [E, F]
  torch::Tensor down;       // [E, D, F]
  torch::Tensor down_bias;  // [E, D]

  std::int64_t count() const { return up.size(0); }
};

struct EmbeddingTables {
  torch::Tensor word;      // [V, D]
  torch::Tensor position;  // [longest sequence, D]
  torch::Tensor type;      // [segment types, D]
};

/// The layers' operations, each differentiable by libtorch's autograd. Two implementations: `onednn` (float32
/// on the CPU, oneDNN products and fused vector kernels) and `torch` (any dtype and device; the oracle in
/// tests).
class Ops {
 public:
  virtual ~Ops() = default;
  virtual Backend backend() const = 0;

  /// x [N, in], weight [out, in], bias [out] or undefined -> [N, out].
  virtual torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias) const = 0;

  /// x [N, D] -> [N, D], exact (erf) GELU.
  virtual torch::Tensor ffn(const torch::Tensor& x, const FfnWeights& weights) const = 0;

  /// Token n's output is the sum over its slots k of gates[n, k] * expert[chosen[n, k]](x[n]).
  /// x [N, D], gates [N, K], chosen [N, K] int32 (-1: no expert, contributes zero) -> [N, D].
  virtual torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates,
                                const torch::Tensor& chosen, const ExpertWeights& weights) const = 0;

  /// Bidirectional multi-head attention inside each sequence, scores scaled by 1/sqrt(D/H).
  /// qkv [N, 3D] (query, key, value side by side) -> [N, D]. Dropout on the probabilities, for the block of
  /// sequence b and head h with the key `attention_block(dropout, b * H + h)`.
  virtual torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, std::int64_t heads,
                                  const Dropout& dropout) const = 0;

  /// LayerNorm(residual + dropout(x)) * weight + bias; residual, x [N, D]; weight, bias [D].
  virtual torch::Tensor add_norm(const torch::Tensor& residual, const torch::Tensor& x,
                                 const torch::Tensor& weight, const torch::Tensor& bias, double epsilon,
                                 const Dropout& dropout) const = 0;

  /// dropout(LayerNorm(x) * weight + bias); x [N, D].
  virtual torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                             double epsilon, const Dropout& dropout) const = 0;

  virtual torch::Tensor dropout(const torch::Tensor& x, const Dropout& dropout) const = 0;
  virtual torch::Tensor gelu(const torch::Tensor& x) const = 0;

  /// word[ids] + position[positions] + type[types]; ids, positions, types [N] int64 -> [N, D].
  virtual torch::Tensor embed(const EmbeddingTables& tables, const torch::Tensor& ids,
                              const torch::Tensor& positions, const torch::Tensor& types) const = 0;

  /// Mean over rows (0 of none) of -log softmax(logits)[target]; logits [M, V], targets [M] int64 -> scalar.
  virtual torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) const = 0;
};

const Ops& ops(Backend backend);

}  // namespace espalier
