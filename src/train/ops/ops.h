#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

#include "infer/sequence_layout.h"
#include "train/ops/backend.h"
#include "train/ops/rope.h"

namespace espalier {

using infer::SequenceLayout;

/// Inverted dropout whose mask is a function of `key` and the element's index: nothing is stored, and
/// backends and thread counts agree. probability 0 (evaluation) is the identity.
struct Dropout {
  double probability = 0.0;
  std::uint64_t key = 0;
};

/// The dropout of block `chunk` of queries of one sequence and head; of attention that sees everything, there
/// is one such block.
Dropout attention_block(const Dropout& dropout, std::int64_t sequence_and_head, std::int64_t chunk = 0);

/// Softmax attention inside each sequence (Vaswani et al. 2017, 3.2) with grouped queries (Ainslie et al.
/// 2023): query head h of H reads the keys and values of head h / (H / G).
struct AttentionHeads {
  std::int64_t heads = 1;            // H
  std::int64_t key_value_heads = 1;  // G
  std::int64_t key_width = 0;        ///< of a query and a key, d
  std::int64_t value_width = 0;      ///< v
  bool causal = false;               ///< a token sees itself and what is before it; else all of its sequence
  std::int64_t window = 0;  ///< causal: tokens that a query sees, itself among them; 0: all before it
  double scale = 1;         ///< of the scores
  std::int64_t turned_from =
      0;  ///< first element of a query and a key that is rotated, as many as `rope` is wide
  bool interleaved = false;  ///< rotated pairs are 2i with 2i + 1; else i with i + half

  std::int64_t row() const { return (heads + key_value_heads) * key_width + key_value_heads * value_width; }
  std::int64_t keys_at() const { return heads * key_width; }
  std::int64_t values_at() const { return (heads + key_value_heads) * key_width; }

  /// H heads that see all of their sequence, D wide together.
  static AttentionHeads bidirectional(std::int64_t heads, std::int64_t width);
};

/// Queries of a causal head that are computed, and dropped out, at a time.
constexpr std::int64_t kAttentionQueries = 128;

enum class FeedForwardKind {
  kGelu,      ///< gelu(x up^T + up_bias) down^T + down_bias, the exact GELU by erf
  kGatedSilu  ///< (silu(x gate^T) * (x up^T)) down^T (Shazeer 2020, SwiGLU)
};

/// Weights of a feed-forward network, or of E stacked ones.
struct FeedForwardWeights {
  torch::Tensor up;         // [F, D]; gated: [2F, D], gate above up. Experts: [E, ..]
  torch::Tensor up_bias;    // [F] or [E, F]; gated: undefined
  torch::Tensor down;       // [D, F] or [E, D, F]
  torch::Tensor down_bias;  // [D] or [E, D]; gated: undefined
  FeedForwardKind kind = FeedForwardKind::kGelu;

  std::int64_t count() const { return up.size(0); }  ///< E of stacked ones
  /// One of stacked ones.
  FeedForwardWeights expert(std::int64_t e) const;
  static FeedForwardWeights gated(torch::Tensor gate_up, torch::Tensor down);
};

/// What one expert computed of the R rows that were sent to it; valid while it is shown.
struct ExpertOutputs {
  std::int64_t expert = 0;
  std::int64_t rows = 0;           // R
  const float* gates = nullptr;    // [R] what the outputs are multiplied with
  const float* outputs = nullptr;  // [R, D], before the gates
  std::int64_t width = 0;          // D
};
/// Is shown each expert that got rows, while they are computed; sees no gradients. Empty: nobody asks, and
/// nothing is done for it.
using ExpertOutputsTap = std::function<void(const ExpertOutputs&)>;

struct EmbeddingTables {
  torch::Tensor word;      // [V, D]
  torch::Tensor position;  // [longest sequence, D], or undefined
  torch::Tensor type;      // [segment types, D], or undefined
};

/// The layers' operations, each differentiable by libtorch's autograd. Two tables: `onednn` (float32 on the
/// CPU, oneDNN products and fused vector kernels) and `torch` (any dtype and device; the oracle in tests).
struct Ops {
  Backend backend;

  /// x [N, in], weight [out, in], bias [out] or undefined -> [N, out].
  torch::Tensor (*linear)(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

  /// x [N, D] -> [N, D].
  torch::Tensor (*feed_forward)(const torch::Tensor& x, const FeedForwardWeights& weights);

  /// Token n's output is the sum over its slots k of gates[n, k] * expert[chosen[n, k]](x[n]).
  /// x [N, D], gates [N, K], chosen [N, K] int32 (-1: no expert, contributes zero) -> [N, D].
  torch::Tensor (*experts)(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                           const FeedForwardWeights& weights, const ExpertOutputsTap& tap);

  /// qkv [N, H d + G d + G v]: queries, keys and values side by side, before the rotation -> [N, H v]. Token
  /// t of a sequence is at position t of `rope`, whose width is that of the rotated part; undefined: nothing
  /// is rotated. Dropout on the probabilities, for each block [rows, keys] with the key
  /// `attention_block(dropout, b * H + h, ..)`.
  torch::Tensor (*attention)(const torch::Tensor& qkv, const SequenceLayout& layout,
                             const AttentionHeads& heads, const RopeTable& rope, const Dropout& dropout);

  /// LayerNorm(residual + dropout(x)) * weight + bias; residual [N, D] or undefined, x [N, D]; weight, bias
  /// [D].
  torch::Tensor (*layer_norm)(const torch::Tensor& residual, const torch::Tensor& x,
                              const torch::Tensor& weight, const torch::Tensor& bias, double epsilon,
                              const Dropout& dropout);

  /// x / sqrt(mean(x^2) + epsilon) * weight, row by row (Zhang and Sennrich 2019); x [N, D], weight [D].
  torch::Tensor (*rms_norm)(const torch::Tensor& x, const torch::Tensor& weight, double epsilon);

  torch::Tensor (*dropout)(const torch::Tensor& x, const Dropout& dropout);
  torch::Tensor (*gelu)(const torch::Tensor& x);

  /// word[ids] + position[positions] + type[types]; ids, positions, types [N] int64, the latter as the tables
  /// -> [N, D].
  torch::Tensor (*embed)(const EmbeddingTables& tables, const torch::Tensor& ids,
                         const torch::Tensor& positions, const torch::Tensor& types);

  /// Mean over rows (0 of none) of -log softmax(logits)[target]; logits [M, V], targets [M] int64 -> scalar.
  torch::Tensor (*cross_entropy)(const torch::Tensor& logits, const torch::Tensor& targets);
};

const Ops& ops(Backend backend);

}  // namespace espalier
