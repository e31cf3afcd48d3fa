#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "arch/decoder_config.h"
#include "infer/decoder.h"
#include "model/forward_options.h"
#include "nn/decoder_ops.h"

namespace espalier {

/// y = x weight^T + bias
struct TrainableLinear {
  torch::Tensor weight;  // [out, in]
  torch::Tensor bias;    // [out], or undefined
};

/// As `GroupedAttention`, with queries, keys and values one above the other.
struct TrainableGrouped {
  TrainableLinear qkv;                 // [(H + 2G) d, D]
  TrainableLinear output;              // [D, H d]
  torch::Tensor query_norm, key_norm;  // [d] or [H d], [G d]; or undefined
};

/// As `LatentAttentionWeights`.
struct TrainableLatent {
  TrainableLinear query_down;      // or undefined
  torch::Tensor query_norm;        // or undefined
  TrainableLinear query;           // [H (n + r), query rank or D]
  TrainableLinear key_value_down;  // [key-value rank + r, D]
  torch::Tensor key_value_norm;    // [key-value rank]
  TrainableLinear key_value;       // [H (n + v), key-value rank]
  TrainableLinear output;          // [D, H v]
};

struct TrainableMoe {
  torch::Tensor router;           // [E, D]; undefined: one expert, which takes every token with gate 1
  torch::Tensor correction_bias;  // [E], or undefined; moved by balancing, not by gradients
  GatedExpertWeights experts;
  std::optional<GatedWeights> shared;
  torch::Tensor shared_gate;  // [1, D], or undefined
};

struct TrainableBlock {
  torch::Tensor attention_norm;  // [D]
  std::variant<TrainableGrouped, TrainableLatent> attention;
  torch::Tensor feed_forward_norm;  // [D]
  std::variant<GatedWeights, TrainableMoe> feed_forward;

  TrainableMoe* moe() { return std::get_if<TrainableMoe>(&feed_forward); }
  const TrainableMoe* moe() const { return std::get_if<TrainableMoe>(&feed_forward); }
};

/// A decoder whose weights are tensors that autograd follows. `infer::DecoderModel` runs the same model
/// without gradients; `decoder_of` and `trainable` go from one to the other.
struct TrainableDecoder {
  DecoderConfig config;
  nlohmann::json fields;    ///< config.json as it was read
  torch::Tensor embedding;  // [V, D]
  std::vector<TrainableBlock> blocks;
  torch::Tensor norm;  // [D]
  torch::Tensor head;  // [V, D], undefined where the embedding is the head
};

/// Calls `visit` with each parameter and its name, in a fixed order. Names are those of the checkpoint, but
/// for the fused `self_attn.qkv_proj`, `gate_up_proj` and the stacked `experts.{gate_up_proj,down_proj}`.
/// Correction biases are not among them.
void visit_parameters(TrainableDecoder& model,
                      const std::function<void(const std::string&, torch::Tensor&)>& visit);
std::int64_t parameter_count(const TrainableDecoder& model);

/// New weights for a config.json: normal(0, initializer_range) (0.02 without the field), norms 1, biases 0;
/// a function of seed and names alone.
TrainableDecoder initialize_decoder(const nlohmann::json& fields, std::string_view source,
                                    std::uint64_t seed);
/// A checkpoint's weights in float32 tensors of their own.
TrainableDecoder trainable(const infer::DecoderModel& model);
/// The model for evaluation and saving; it shares the weights, and sees what training makes of them. All its
/// layers have one K: the fewest experts, where layers have less than K.
infer::DecoderModel decoder_of(const TrainableDecoder& model);

/// config.json of the model as it is now: counts of experts (a list where layers differ) and K.
nlohmann::json fields_of(const TrainableDecoder& model);

struct DecoderOutput {
  torch::Tensor hidden;        // [N, D], after the last norm
  torch::Tensor balance_loss;  // scalar, summed over the MoE layers with a router that a loss balances
};

/// N tokens of packed sequences, ids [N] int64. Throws UserError for ids outside the vocabulary.
DecoderOutput run(const TrainableDecoder& model, const torch::Tensor& ids, const SequenceLayout& layout,
                  const ForwardOptions& options);
/// [M, D] -> [M, V].
torch::Tensor logits_of(const TrainableDecoder& model, const torch::Tensor& hidden,
                        const ForwardOptions& options);

}  // namespace espalier
