#include "arch/bert_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier {
namespace {

// Far above any model, and small enough that no product of sizes leaves 63 bits.
constexpr std::int64_t kMaxVocabulary = 1 << 24;
constexpr std::int64_t kMaxWidth = 1 << 16;
constexpr std::int64_t kMaxInnerWidth = 1 << 20;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxExperts = 4096;
constexpr std::int64_t kMaxLabels = 1 << 16;

/// Throws for one field of one config; every check below is a line.
class Checker {
 public:
  explicit Checker(std::string_view source) : source_(source) {}

  [[noreturn]] void fail(std::string_view field, const std::string& message, std::string hint = {}) const {
    throw UserError(fmt::format("{}: {}: {}", source_, field, message), std::move(hint));
  }
  void size(std::string_view field, std::int64_t value, std::int64_t max) const {
    if (value < 1 || value > max)
      fail(field, fmt::format("found {}, expected an integer from 1 to {}", value, max));
  }
  void probability(std::string_view field, double value) const {
    if (!(value >= 0.0 && value < 1.0)) {
      fail(field, fmt::format("found {}, expected a probability of at least 0 and below 1", value));
    }
  }
  void at_least_zero(std::string_view field, double value) const {
    if (!(std::isfinite(value) && value >= 0.0)) {
      fail(field, fmt::format("found {}, expected a finite number of at least 0", value));
    }
  }
  void positive(std::string_view field, double value) const {
    if (!(std::isfinite(value) && value > 0.0)) {
      fail(field, fmt::format("found {}, expected a finite number above 0", value));
    }
  }

 private:
  std::string_view source_;
};

void validate_sizes(const BertMoeConfig& config, const Checker& check) {
  check.size("vocab_size", config.vocab_size, kMaxVocabulary);
  check.size("hidden_size", config.hidden_size, kMaxWidth);
  check.size("num_hidden_layers", config.num_hidden_layers, kMaxLayers);
  check.size("num_attention_heads", config.num_attention_heads, kMaxWidth);
  check.size("intermediate_size", config.intermediate_size, kMaxInnerWidth);
  check.size("max_position_embeddings", config.max_position_embeddings, kMaxVocabulary);
  check.size("type_vocab_size", config.type_vocab_size, kMaxWidth);
  if (config.hidden_size % config.num_attention_heads != 0) {
    check.fail("num_attention_heads",
               fmt::format("{} heads do not divide the width {} (hidden_size)", config.num_attention_heads,
                           config.hidden_size),
               "the width must be a multiple of the number of heads");
  }
  if (config.pad_token_id < 0 || config.pad_token_id >= config.vocab_size) {
    check.fail("pad_token_id", fmt::format("found {}, expected a token of the vocabulary, 0 to {}",
                                           config.pad_token_id, config.vocab_size - 1));
  }
}

void validate_layer_list(const BertMoeConfig& config, const Checker& check) {
  const std::vector<std::int64_t>& layers = config.moe_layers;
  for (const std::int64_t layer : layers) {
    if (layer < 0 || layer >= config.num_hidden_layers) {
      check.fail("moe_layers", fmt::format("there is no block {}, the model has blocks 0 to {}", layer,
                                           config.num_hidden_layers - 1));
    }
    if (std::count(layers.begin(), layers.end(), layer) > 1) {
      check.fail("moe_layers", fmt::format("block {} is listed twice", layer));
    }
  }
  if (!std::is_sorted(layers.begin(), layers.end()) || config.num_experts.size() != layers.size()) {
    throw InternalError(
        fmt::format("moe_layers [{}] are not ascending, or num_experts [{}] does not match them",
                    fmt::join(layers, ", "), fmt::join(config.num_experts, ", ")));
  }
}

void validate_moe(const BertMoeConfig& config, const Checker& check) {
  validate_layer_list(config, check);
  check.size("num_experts_per_tok", config.num_experts_per_tok, kMaxExperts);
  for (std::size_t i = 0; i < config.moe_layers.size(); ++i) {
    check.size("num_experts", config.num_experts[i], kMaxExperts);
    if (config.num_experts_per_tok > config.num_experts[i]) {
      check.fail("num_experts_per_tok",
                 fmt::format("{} experts per token, but block {} has {} (num_experts)",
                             config.num_experts_per_tok, config.moe_layers[i], config.num_experts[i]));
    }
  }
  check.probability("router_jitter", config.router_jitter);
  if (config.capacity_factor) check.positive("capacity_factor", *config.capacity_factor);
  check.at_least_zero("router_aux_loss_coef", config.router_aux_loss_coef);
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

void validate(const BertMoeConfig& config, std::string_view source) {
  const Checker check(source);
  validate_sizes(config, check);
  check.positive("layer_norm_eps", config.layer_norm_eps);
  check.probability("hidden_dropout_prob", config.hidden_dropout_prob);
  check.probability("attention_probs_dropout_prob", config.attention_probs_dropout_prob);
  if (config.classifier_dropout) check.probability("classifier_dropout", *config.classifier_dropout);
  check.at_least_zero("initializer_range", config.initializer_range);
  if (config.labels.size() > static_cast<std::size_t>(kMaxLabels)) {
    check.fail("id2label", fmt::format("{} labels, at most {}", config.labels.size(), kMaxLabels));
  }
  validate_moe(config, check);
}

void check_vocabulary_size(const BertMoeConfig& config, std::int64_t pieces,
                           std::string_view vocabulary_source) {
  if (pieces <= config.vocab_size) return;
  throw UserError(fmt::format("{}: {} pieces, but the embeddings have {} rows (vocab_size)",
                              vocabulary_source, pieces, config.vocab_size),
                  "the vocabulary belongs to another model, or vocab_size in config.json is wrong");
}

}  // namespace espalier
