#pragma once

#include <functional>

#include "train/moe_layer.h"
#include "train/ops/backend.h"

namespace espalier::train {

enum class Mode { kTraining, kEvaluation };

/// What a forward pass is told.
struct ForwardOptions {
  Backend backend = Backend::kOneDnn;
  Mode mode = Mode::kEvaluation;
  std::uint64_t seed = 0;  ///< of this step's dropout, jitter and noise
  /// Sees every MoE layer's routing, with the 0-based block number; of an ensemble, that of every member's
  /// tokens.
  std::function<void(std::int64_t block, const Routing&)> on_routing;
  /// Sees what every MoE layer's experts computed, before its routing is seen; empty: nobody asks.
  std::function<void(std::int64_t block, const ExpertOutputs&)> on_outputs;

  ExpertOutputsTap outputs_tap(std::int64_t block) const {
    if (!on_outputs) return {};
    return [this, block](const ExpertOutputs& outputs) { on_outputs(block, outputs); };
  }
};

/// N tokens of B packed sequences.
struct TokenBatch {
  torch::Tensor ids;    // [N] int64
  torch::Tensor types;  // [N] int64; undefined: all 0
  SequenceLayout layout;
};

struct Encoding {
  torch::Tensor hidden;  // [N, D]; after the last norm, if the model has one
  /// Scalar, summed over the MoE layers: what keeps their experts in use (`balance_loss`; of vision models
  /// importance and load loss). Undefined without any.
  torch::Tensor balance_loss;
};

/// `rows` [M] int64: the tokens whose hidden states are wanted, [M, D]; undefined: all. A last block without
/// experts computes no others. Throws UserError for sequences longer than the model's positions and ids
/// outside the vocabulary.
Encoding encode(const Transformer& model, const TokenBatch& batch, const ForwardOptions& options,
                const torch::Tensor& rows = {});

/// pixels [B, S, S, 3], -1 to 1 -> hidden [M * B, D] of the class tokens, member after member; M is 1 but for
/// ensembles. Throws UserError for another image size than the spec's.
Encoding encode_images(const Transformer& model, const torch::Tensor& pixels, const ForwardOptions& options);

/// Vocabulary logits of rows of hidden states: [M, D] -> [M, V]. Of a masked-word head, and of a decoder's.
torch::Tensor masked_word_logits(const Transformer& model, const torch::Tensor& rows,
                                 const ForwardOptions& options);
torch::Tensor next_token_logits(const Transformer& model, const torch::Tensor& rows,
                                const ForwardOptions& options);

/// Class scores (or the regression value) of each sequence from its first token: [N, D] -> [B, labels].
torch::Tensor classify(const Transformer& model, const torch::Tensor& hidden, const SequenceLayout& layout,
                       const ForwardOptions& options);
/// Class scores of a vision model's class tokens: [M * B, D] -> [M * B, labels].
torch::Tensor classify_images(const Transformer& model, const torch::Tensor& hidden,
                              const ForwardOptions& options);

/// Log-probabilities of the classes, those of the members averaged as probabilities: [M * B, labels] -> [B,
/// labels].
torch::Tensor ensemble_log_probabilities(const torch::Tensor& scores, std::int64_t members);

}  // namespace espalier::train
