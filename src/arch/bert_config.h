#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/after_plan.h"

namespace espalier {

constexpr std::string_view kBertModelType = "bert";
constexpr std::string_view kBertMoeModelType = "espalier_bert_moe";

using arch::ProblemType;

/// config.json of a BERT encoder: model_type `bert` (as Hugging Face writes it) or `espalier_bert_moe` (the
/// same and the fields of the MoE layers). Members bear the names of the file's fields; defaults are Hugging
/// Face's.
struct BertMoeConfig {
  std::string model_type{kBertModelType};

  std::int64_t vocab_size = 0;           // V
  std::int64_t hidden_size = 0;          // D
  std::int64_t num_hidden_layers = 0;    // L
  std::int64_t num_attention_heads = 0;  // H
  std::int64_t intermediate_size = 0;    // F, of dense FFNs and of every expert
  std::int64_t max_position_embeddings = 512;
  std::int64_t type_vocab_size = 2;
  std::int64_t pad_token_id = 0;
  double layer_norm_eps = 1e-12;
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  std::optional<double> classifier_dropout;  // hidden_dropout_prob when absent
  double initializer_range = 0.02;           // standard deviation of new weights

  std::vector<std::string> labels;  // id2label; empty when the file names none
  std::optional<ProblemType> problem_type;

  std::vector<std::int64_t> moe_layers;   // blocks with a MoE layer in the FFN's place, ascending
  std::vector<std::int64_t> num_experts;  // E of each entry of moe_layers
  std::int64_t num_experts_per_tok = 1;   // K
  double router_jitter = 0.0;             // router input times uniform [1 - j, 1 + j] in training; 0 = off
  std::optional<double>
      capacity_factor;                 // expert capacity = ceil(factor * N * K / E) tokens; absent = no limit
  double router_aux_loss_coef = 0.01;  // of the balance loss

  nlohmann::json fields =
      nlohmann::json::object();  // the file as read; what is not above is carried over untouched

  std::int64_t head_size() const { return hidden_size / num_attention_heads; }
  bool is_moe(std::int64_t layer) const { return experts_in(layer) > 0; }
  std::int64_t experts_in(std::int64_t layer) const;  ///< E of a block; 0 where it is dense
  std::int64_t num_labels() const;  ///< 2 when the file says nothing (Hugging Face's default)
  double dropout_before_classifier() const { return classifier_dropout.value_or(hidden_dropout_prob); }

  /// Puts `experts` experts into each of `layers` and makes the model type `espalier_bert_moe`.
  void set_moe(std::vector<std::int64_t> layers, std::int64_t experts);
};

/// Throws UserError naming `source`, the field, what was found and what was expected: wrong types, impossible
/// sizes, heads that do not divide the width, more experts per token than experts, activations other than
/// exact GELU.
BertMoeConfig parse_bert_config(const nlohmann::json& config, std::string_view source);

/// The same checks on a config put together in memory. `source` opens the messages.
void validate(const BertMoeConfig& config, std::string_view source);

/// `fields` with every member above written into it; parse_bert_config of the result gives the config back.
nlohmann::json to_json(const BertMoeConfig& config);

/// The config of the model that a plan makes (`arch::after_plan`).
void describe_plan(const Plan& plan, BertMoeConfig& config);

/// Throws UserError when a vocabulary has more pieces than the embeddings have rows (fewer are padding).
void check_vocabulary_size(const BertMoeConfig& config, std::int64_t pieces,
                           std::string_view vocabulary_source);

}  // namespace espalier
