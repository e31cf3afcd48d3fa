#pragma once

#include <optional>

#include "train/forward.h"

namespace espalier::train {

/// The places of a block that draw random numbers; each gets a key of its own.
enum class Draw { kEmbedding, kAttention, kAttentionOutput, kRouter, kOutput, kPooled };

/// What all blocks of one forward pass share.
struct Pass {
  Pass(const Transformer& model, const ForwardOptions& options, SequenceLayout layout);

  bool trains() const { return options.mode == Mode::kTraining; }
  std::uint64_t key(std::int64_t block, Draw draw) const;
  /// Nothing in evaluation. Without a probability: that of hidden states.
  Dropout dropout(std::int64_t block, Draw draw, std::optional<double> probability = {}) const;
  /// The rows that the last block is asked for; all where nobody said.
  torch::Tensor wanted(const torch::Tensor& x) const { return rows.defined() ? x.index_select(0, rows) : x; }
  void add_loss(const torch::Tensor& loss) {
    balance_loss = balance_loss.defined() ? balance_loss + loss : loss;
  }

  const Transformer& model;
  const ForwardOptions& options;
  const Ops& ops;
  SequenceLayout layout;
  std::int64_t members = 1;  // whose tokens x holds, one after another
  torch::Tensor rows;        // [M] int64, or undefined
  torch::Tensor balance_loss;
  std::optional<arch::Rotary> rotary;  // of `rope`
  RopeTable rope;
};

torch::Tensor apply_linear(const Pass& pass, const Linear& linear, const torch::Tensor& x);
/// x [N, D]
torch::Tensor apply_norm(const Pass& pass, const arch::Norm& spec, const NormWeights& norm,
                         const torch::Tensor& x);

/// Mixer and feed-forward layer, each with its residual connection and norm: x [N, D] -> [N, D].
torch::Tensor apply_block(Pass& pass, std::int64_t layer, const torch::Tensor& x);
/// Attention of either kind, with its projections.
torch::Tensor apply_mixer(Pass& pass, std::int64_t layer, const torch::Tensor& x);
/// The dense network, or the experts with the shared one.
torch::Tensor apply_feed_forward(Pass& pass, std::int64_t layer, const torch::Tensor& x);

}  // namespace espalier::train
