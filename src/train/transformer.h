#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "arch/spec.h"
#include "train/ops/ops.h"

namespace espalier::train {

/// y = x weight^T + bias
struct Linear {
  torch::Tensor weight;  // [out, in]
  torch::Tensor bias;    // [out], or undefined
};

struct NormWeights {
  torch::Tensor weight;  // [D]
  torch::Tensor bias;    // [D]; RMS norms: undefined
};

/// Of `arch::GroupedAttention`, with queries, keys and values one above the other.
struct GroupedWeights {
  Linear qkv;                          // [H d + G d + G v, D]
  torch::Tensor query_norm, key_norm;  // [d] or [H d], [G d]; or undefined
  Linear output;                       // [D, H v]
};

/// Of `arch::LatentAttention`.
struct LatentWeights {
  Linear query_down;             // [query rank, D], or undefined
  torch::Tensor query_norm;      // [query rank], or undefined
  Linear query;                  // [H (n + r), query rank or D]
  Linear key_value_down;         // [key-value rank + r, D]
  torch::Tensor key_value_norm;  // [key-value rank]
  Linear key_value;              // [H (n + v), key-value rank]
  Linear output;                 // [D, H v]
};

struct MoeWeights {
  torch::Tensor router;        // [rows, D]; undefined: one expert, which takes every token with gate 1
  torch::Tensor correction;    // [rows], or undefined; moved by balancing, not by gradients
  torch::Tensor novices;       // [rows without an expert, D], or undefined
  FeedForwardWeights experts;  // stacked
  FeedForwardWeights shared;   // undefined without a shared expert
  torch::Tensor shared_gate;   // [1, D], or undefined
};

struct Block {
  NormWeights mixer_norm;  // of `arch::NormPlacement::kPost`: after the mixer
  std::variant<GroupedWeights, LatentWeights> mixer;
  NormWeights feed_forward_norm;
  std::variant<FeedForwardWeights, MoeWeights> feed_forward;

  MoeWeights* moe() { return std::get_if<MoeWeights>(&feed_forward); }
  const MoeWeights* moe() const { return std::get_if<MoeWeights>(&feed_forward); }
};

/// A transformer that is trained, as its spec describes it: an encoder, a vision model or a decoder. Weights
/// are float32 tensors that autograd follows; what the spec does not have is undefined.
struct Transformer {
  arch::ModelSpec spec;
  nlohmann::json fields;  ///< config.json as it was read

  // Text
  torch::Tensor token;         // [V, D]
  torch::Tensor position;      // [positions, D]; also of images
  torch::Tensor token_type;    // [types, D]
  NormWeights embedding_norm;  // of the sum
  // Images
  Linear patch;               // [D, P * P * 3]: a patch's rows of pixels, red, green and blue of each
  torch::Tensor class_token;  // [D]

  std::vector<Block> blocks;
  NormWeights final_norm;
  // Heads
  torch::Tensor head;       // [V, D]; undefined where the token embeddings are the head
  Linear pooler;            // [D, D], tanh, on the first token
  Linear masked_transform;  // [D, D]
  NormWeights masked_norm;
  torch::Tensor masked_bias;  // [V]; the matrix is the token embeddings
  Linear classifier;          // [labels, D]
};

/// Calls `visit` with each parameter that is there and its name, in a fixed order. Names are those of the
/// checkpoint, but for the fused `qkv` and `gate_up_proj` and for stacked experts. Correction biases are not
/// among them.
void visit_parameters(Transformer& model,
                      const std::function<void(const std::string&, torch::Tensor&)>& visit);
/// Elements of all of them.
std::int64_t parameter_count(const Transformer& model);

}  // namespace espalier::train
