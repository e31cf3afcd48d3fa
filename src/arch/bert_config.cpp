#include "arch/bert_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/family.h"
#include "base/error.h"

namespace espalier {
namespace {

arch::BlockSpec block_of(const BertMoeConfig& config) {
  arch::GroupedAttention attention;
  attention.heads = attention.key_value_heads = config.num_attention_heads;
  attention.key_width = attention.value_width = config.head_size();
  attention.scale = 1.0 / std::sqrt(static_cast<double>(config.head_size()));
  attention.causal = false;
  attention.query_key_value_bias = attention.output_bias = true;
  return {arch::NormPlacement::kPost,
          {arch::NormKind::kLayer, config.layer_norm_eps},
          attention,
          arch::FeedForward{config.intermediate_size, false, arch::Activation::kGelu, true}};
}

arch::Router router_of(const BertMoeConfig& config, std::int64_t experts) {
  arch::Router router;
  router.rule.experts_per_token = config.num_experts_per_tok;
  router.rule.normalise = false;
  router.capacity_factor = config.capacity_factor;
  router.rows = router.capacity_experts = experts;
  router.jitter = config.router_jitter;
  router.balance_coef = config.router_aux_loss_coef;
  return router;
}

arch::ModelSpec spec_of(const BertMoeConfig& config) {
  arch::ModelSpec spec;
  spec.family = config.model_type;
  arch::TextInput input;
  input.vocabulary = config.vocab_size;
  input.positions = config.max_position_embeddings;
  input.position_table = true;
  input.token_types = config.type_vocab_size;
  input.pad_token = config.pad_token_id;
  input.norm = arch::Norm{arch::NormKind::kLayer, config.layer_norm_eps};
  spec.input = input;
  spec.width = config.hidden_size;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    arch::BlockSpec block = block_of(config);
    if (const auto experts = config.experts_in(layer); experts > 0)
      block.feed_forward = arch::MixtureOfExperts{
          experts, std::get<arch::FeedForward>(block.feed_forward), router_of(config, experts), {}};
    spec.blocks.push_back(std::move(block));
  }
  spec.heads.masked_words = spec.heads.pooler = spec.heads.classifier = true;
  spec.heads.labels = config.labels;
  spec.heads.problem_type = config.problem_type;
  spec.training = {config.hidden_dropout_prob, config.attention_probs_dropout_prob, config.classifier_dropout,
                   config.initializer_range};
  return spec;
}

void set_moe_layers(const arch::ModelSpec& spec, BertMoeConfig& config) {
  for (const std::int64_t layer : arch::moe_layers(spec)) {
    const arch::MixtureOfExperts& moe = *spec.blocks[static_cast<std::size_t>(layer)].moe();
    config.moe_layers.push_back(layer);
    config.num_experts.push_back(moe.experts);
    config.num_experts_per_tok = moe.router.rule.experts_per_token;
    config.router_jitter = moe.router.jitter;
    config.capacity_factor = moe.router.capacity_factor;
    config.router_aux_loss_coef = moe.router.balance_coef;
  }
}

}  // namespace

std::int64_t BertMoeConfig::experts_in(std::int64_t layer) const {
  const auto found = std::find(moe_layers.begin(), moe_layers.end(), layer);
  return found == moe_layers.end() ? 0 : num_experts.at(static_cast<std::size_t>(found - moe_layers.begin()));
}

std::int64_t BertMoeConfig::num_labels() const {
  return labels.empty() ? 2 : static_cast<std::int64_t>(labels.size());
}

void BertMoeConfig::set_moe(std::vector<std::int64_t> layers, std::int64_t experts) {
  std::sort(layers.begin(), layers.end());
  model_type = kBertMoeModelType;
  num_experts.assign(layers.size(), experts);
  moe_layers = std::move(layers);
}

namespace {

BertMoeConfig config_of(const arch::ModelSpec& spec, nlohmann::json fields) {
  const arch::BlockSpec& block = spec.blocks.front();
  BertMoeConfig config;
  config.model_type = spec.family;
  config.vocab_size = spec.text().vocabulary;
  config.hidden_size = spec.width;
  config.num_hidden_layers = spec.layers();
  config.num_attention_heads = std::get<arch::GroupedAttention>(block.mixer).heads;
  config.intermediate_size =
      block.moe() ? block.moe()->expert.width : std::get<arch::FeedForward>(block.feed_forward).width;
  config.max_position_embeddings = spec.positions();
  config.type_vocab_size = spec.text().token_types;
  config.pad_token_id = spec.text().pad_token.value_or(0);
  config.layer_norm_eps = block.norm.epsilon;
  config.hidden_dropout_prob = spec.training.hidden_dropout;
  config.attention_probs_dropout_prob = spec.training.attention_dropout;
  config.classifier_dropout = spec.training.classifier_dropout;
  config.initializer_range = spec.training.initializer_range;
  config.labels = spec.heads.labels;
  config.problem_type = spec.heads.problem_type;
  set_moe_layers(spec, config);
  config.fields = std::move(fields);
  return config;
}

}  // namespace

BertMoeConfig parse_bert_config(const nlohmann::json& fields, std::string_view source) {
  const arch::ModelSpec spec = arch::read_spec(fields, source);
  if (!spec.heads.masked_words)
    throw UserError(fmt::format("{}: model_type: found \"{}\", expected an encoder: \"{}\" or \"{}\"", source,
                                spec.family, kBertModelType, kBertMoeModelType));
  return config_of(spec, fields);
}

void validate(const BertMoeConfig& config, std::string_view source) {
  nlohmann::json json = to_json(config);
  if (!config.moe_layers.empty()) json["moe_layers"] = config.moe_layers;  // also those outside the model
  arch::read_spec(json, source);
}

nlohmann::json to_json(const BertMoeConfig& config) {
  return arch::write_spec(spec_of(config), config.fields);
}

void describe_plan(const Plan& plan, BertMoeConfig& config) {
  config = config_of(arch::after_plan(spec_of(config), plan), config.fields);
}

void check_vocabulary_size(const BertMoeConfig& config, std::int64_t pieces,
                           std::string_view vocabulary_source) {
  if (pieces <= config.vocab_size) return;
  throw UserError(fmt::format("{}: {} pieces, but the embeddings have {} rows (vocab_size)",
                              vocabulary_source, pieces, config.vocab_size),
                  "the vocabulary belongs to another model, or vocab_size in config.json is wrong");
}

}  // namespace espalier
