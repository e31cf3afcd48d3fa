#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "arch/bert_config.h"
#include "model/forward_options.h"
#include "moe/moe_layer.h"
#include "nn/ops.h"

namespace espalier {

struct Linear {
  torch::Tensor weight;  // [out, in]
  torch::Tensor bias;    // [out]
};

struct LayerNorm {
  torch::Tensor weight;  // [D]
  torch::Tensor bias;    // [D]
};

/// One post-norm transformer block: attention, residual and norm; FFN or MoE layer, residual and norm.
struct BertBlock {
  Linear qkv;               // [3D, D]: query, key, value one above the other
  Linear attention_output;  // [D, D]
  LayerNorm attention_norm;
  std::variant<FfnWeights, MoeLayer> feed_forward;
  LayerNorm output_norm;

  bool is_moe() const { return std::holds_alternative<MoeLayer>(feed_forward); }
};

struct BertEmbeddings {
  torch::Tensor word;        // [V, D]
  torch::Tensor position;    // [max positions, D]
  torch::Tensor token_type;  // [types, D]
  LayerNorm norm;
};

/// Masked-language-model head; its decoder is the word embedding.
struct MlmHead {
  Linear transform;  // [D, D]
  LayerNorm norm;
  torch::Tensor bias;  // [V]
};

/// A BERT-shaped encoder in which some blocks carry a MoE layer in the FFN's place. The dense model is the
/// same code with no MoE blocks. Parameters are plain tensors; `visit_parameters` names them.
struct BertModel {
  BertMoeConfig config;
  BertEmbeddings embeddings;
  std::vector<BertBlock> blocks;
  std::optional<Linear> pooler;  // [D, D], tanh, on the first token
  std::optional<MlmHead> mlm_head;
  std::optional<Linear> classifier;  // [labels, D]; one label: regression
};

/// Calls `visit` with each parameter and its name, in a fixed order. Names are those of the checkpoint, but
/// for the fused `attention.self.qkv` and the stacked `moe.experts.{up,up_bias,down,down_bias}`.
void visit_parameters(BertModel& model, const std::function<void(const std::string&, torch::Tensor&)>& visit);

/// Parameters in all, elements.
std::int64_t parameter_count(const BertModel& model);

/// N tokens of B packed sequences.
struct TokenBatch {
  torch::Tensor ids;    // [N] int64
  torch::Tensor types;  // [N] int64; undefined: all 0
  SequenceLayout layout;
};

struct Encoding {
  torch::Tensor hidden;        // [N, D]
  torch::Tensor balance_loss;  // scalar, summed over the MoE layers; undefined without any
};

/// The last block's output. Throws UserError for sequences longer than the position table and ids outside the
/// vocabulary.
Encoding encode(const BertModel& model, const TokenBatch& batch, const ForwardOptions& options);

/// Vocabulary logits of rows of hidden states: [M, D] -> [M, V].
torch::Tensor mlm_logits(const BertModel& model, const torch::Tensor& rows, const ForwardOptions& options);

/// Class scores (or the regression value) of each sequence: [N, D] -> [B, labels].
torch::Tensor classify(const BertModel& model, const torch::Tensor& hidden, const SequenceLayout& layout,
                       const ForwardOptions& options);

}  // namespace espalier
