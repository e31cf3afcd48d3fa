#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "arch/spec.h"
#include "checkpoint/checkpoint.h"
#include "infer/experts.h"
#include "infer/norms.h"
#include "infer/stored_weight.h"

namespace espalier::infer {

/// Attention with grouped queries; d is the width of a head, G of H heads have keys and values.
struct GroupedAttentionWeights {
  StoredLinear query, key, value;     // [H d, D], [G d, D], [G d, D]
  StoredLinear output;                // [D, H d]
  StoredWeight query_norm, key_norm;  // [d] or [H d], [G d]; or not there
  StoredWeight sinks;                 // [H], or not there
  StoredLinear output_gate;           // [H d or H, D], or not there
};

/// An indexer of keys (arch::KeyIndexer), or nothing of it.
struct IndexerWeights {
  StoredLinear query;   // [heads width, query rank]
  StoredLinear key;     // [width, D]
  StoredNorm key_norm;  // [width]
  StoredLinear weight;  // [heads, D]
};

/// Multi-head latent attention (DeepSeek-AI 2024, arXiv 2405.04434, 2.1); heads are n + r wide, values v.
struct LatentAttentionWeights {
  StoredLinear query_down;      // [query rank, D], or not there
  StoredWeight query_norm;      // [query rank], or not there
  StoredLinear query;           // [H (n + r), query rank or D]
  StoredLinear key_value_down;  // [key-value rank + r, D]
  StoredWeight key_value_norm;  // [key-value rank]
  StoredLinear key_value;       // [H (n + v), key-value rank]
  IndexerWeights indexer;
  StoredLinear output;  // [D, H v]
};

/// A mixer that carries a state along (arch::has_state). C channels are convolved, V of them are values of Hv
/// heads; which parts there are, and how wide, is the mixer's.
struct StateWeights {
  StoredLinear input;        // of Gated DeltaNet [C, D], or with the gates [C + V, D]
  StoredLinear gate;         // [V, D]
  StoredLinear beta, decay;  // [Hv, D], or both in `beta` [2 Hv, D]
  StoredLinear convolution;  // [C, kernel]
  StoredWeight rate, bias;   // [Hv] the logarithm of the rate; of the decay
  StoredWeight skip;         // [Hv]
  StoredWeight norm;         // [value width], or [V]
  StoredLinear output;       // [D, V]
};

/// One block: x += attention(norm(x)); x += feed_forward(norm(x)), or what `arch::Residual` tells.
struct DecoderBlock {
  StoredNorm attention_norm, attention_output_norm;  // or not there
  std::variant<GroupedAttentionWeights, LatentAttentionWeights, StateWeights, std::monostate> attention;
  StoredNorm feed_forward_norm, feed_forward_output_norm;  // or not there
  std::variant<GatedFfn, DecoderMoe, std::monostate> feed_forward;

  const DecoderMoe* moe() const { return std::get_if<DecoderMoe>(&feed_forward); }
};

/// A decoder-only language model. Its weights lie in the checkpoint's mapped files (`load_decoder`) or in
/// memory as float32 (`widened`); the forward pass is the same.
struct DecoderModel {
  arch::ModelSpec spec;
  StoredWeight embedding;  // [V, D]
  std::vector<DecoderBlock> blocks;
  StoredNorm norm;
  StoredWeight head;       // [V, D]; with tied embeddings the embedding
  StoredWeight head_bias;  // [V], or not there
  std::shared_ptr<const Checkpoint> source;

  std::int64_t width() const { return spec.width; }                   // D
  std::int64_t vocabulary() const { return spec.text().vocabulary; }  // V
  bool tied() const { return spec.heads.language->tied; }
};

/// Finds every tensor of the checkpoint and checks its shape against config.json; reads no weights. Experts
/// may be stored one by one or stacked. Throws UserError naming missing or mis-shaped tensors.
DecoderModel load_decoder(Checkpoint checkpoint);

/// All weights of a block, the experts' among them, in the order of their use.
void for_each_weight(const DecoderBlock& block, const std::function<void(const StoredWeight&)>& action);

/// The block with all its weights widened to float32 in memory.
DecoderBlock widened(const DecoderBlock& block);
/// The model with all its weights widened to float32 in memory, for many short passes (generation).
DecoderModel widened(const DecoderModel& model);

/// The model with only the listed experts of each block, in that order: what a plan that re-routes leaves
/// ([L]; empty: the block keeps what it has). The spec's counts are lowered to match.
DecoderModel keep_experts(const DecoderModel& model, std::span<const std::vector<std::int64_t>> keep);

}  // namespace espalier::infer
