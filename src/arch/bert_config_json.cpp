#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "arch/bert_config.h"
#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"

namespace espalier {
namespace {

using nlohmann::json;

struct ProblemTypeRow {
  ProblemType type;
  std::string_view name;
};
constexpr std::array<ProblemTypeRow, 3> kProblemTypes{
    {{ProblemType::kSingleLabel, "single_label_classification"},
     {ProblemType::kMultiLabel, "multi_label_classification"},
     {ProblemType::kRegression, "regression"}}};

// What a misspelt MoE field is compared with: a plain BERT reader would carry "num_expert" over and train 0
// experts.
constexpr std::array<std::string_view, 7> kMoeFields{
    "moe_layers",    "num_experts",     "moe_placement",       "num_experts_per_tok",
    "router_jitter", "capacity_factor", "router_aux_loss_coef"};
constexpr std::size_t kTypoDistance = 2;
constexpr std::uint64_t kMostExpertsRead = 1u << 31;  // only against wrapping round; the limit is validate's

void read_model_type(JsonObject& object, BertMoeConfig& config) {
  config.model_type = object.string("model_type");
  if (config.model_type == kBertModelType || config.model_type == kBertMoeModelType) return;
  object.fail("model_type", fmt::format("found \"{}\", expected \"{}\" or \"{}\"", config.model_type,
                                        kBertModelType, kBertMoeModelType));
}

/// Fields that change what the encoder computes and that this reader knows in one setting only.
void check_fixed_fields(JsonObject& object) {
  const std::string activation = object.string("hidden_act", "gelu");
  if (activation != "gelu") {
    object.fail("hidden_act",
                fmt::format("found \"{}\", expected \"gelu\" (the exact one, by erf)", activation),
                "other activations, gelu's tanh approximation among them, are not supported");
  }
  const std::string positions = object.string("position_embedding_type", "absolute");
  if (positions != "absolute") {
    object.fail("position_embedding_type", fmt::format("found \"{}\", expected \"absolute\"", positions));
  }
  for (const std::string_view field : {"is_decoder", "add_cross_attention"}) {
    if (object.boolean(field, false)) object.fail(field, "decoders are not supported, expected false");
  }
  if (!object.boolean("tie_word_embeddings", true)) {
    object.fail("tie_word_embeddings", "the decoder always shares the word embeddings, expected true");
  }
}

void read_sizes(JsonObject& object, BertMoeConfig& config) {
  // Ranges are validate's: here only the types.
  config.vocab_size = object.integer("vocab_size");
  config.hidden_size = object.integer("hidden_size");
  config.num_hidden_layers = object.integer("num_hidden_layers");
  config.num_attention_heads = object.integer("num_attention_heads");
  config.intermediate_size = object.integer("intermediate_size");
  config.max_position_embeddings =
      object.integer("max_position_embeddings", {}, config.max_position_embeddings);
  config.type_vocab_size = object.integer("type_vocab_size", {}, config.type_vocab_size);
  config.pad_token_id = object.integer("pad_token_id", {}, config.pad_token_id);
  config.layer_norm_eps = object.number("layer_norm_eps", {}, config.layer_norm_eps);
  config.hidden_dropout_prob = object.number("hidden_dropout_prob", {}, config.hidden_dropout_prob);
  config.attention_probs_dropout_prob =
      object.number("attention_probs_dropout_prob", {}, config.attention_probs_dropout_prob);
  config.initializer_range = object.number("initializer_range", {}, config.initializer_range);
  if (object.has("classifier_dropout")) config.classifier_dropout = object.number("classifier_dropout");
}

void read_labels(JsonObject& object, BertMoeConfig& config) {
  if (object.has("problem_type")) {
    const std::string name = object.string("problem_type");
    for (const ProblemTypeRow& row : kProblemTypes) {
      if (row.name == name) config.problem_type = row.type;
    }
    if (!config.problem_type) {
      std::vector<std::string_view> names;
      for (const ProblemTypeRow& row : kProblemTypes) names.push_back(row.name);
      object.fail("problem_type", fmt::format("found \"{}\"", name), suggestion(name, names));
    }
  }
  if (object.has("id2label")) {
    JsonObject map = object.object("id2label");
    const std::size_t count = object.value("id2label").size();
    for (std::size_t i = 0; i < count; ++i) config.labels.push_back(map.string(std::to_string(i)));
  }
  if (object.has("num_labels")) {
    const std::int64_t count = object.integer("num_labels", {1, 1 << 16});
    if (config.labels.empty()) {
      for (std::int64_t i = 0; i < count; ++i) config.labels.push_back(fmt::format("LABEL_{}", i));
    } else if (count != config.num_labels()) {
      object.fail("num_labels",
                  fmt::format("found {}, but id2label has {} labels", count, config.num_labels()));
    }
  }
}

bool is_listed(const BertMoeConfig& config, std::size_t layer) {
  const std::vector<std::int64_t>& layers = config.moe_layers;
  return std::find(layers.begin(), layers.end(), static_cast<std::int64_t>(layer)) != layers.end();
}

/// num_experts is one number for all MoE layers, or a list with an entry for every block: null where it is
/// dense.
void read_expert_counts(JsonObject& object, BertMoeConfig& config) {
  const json& experts = object.value("num_experts");
  if (!experts.is_array()) {
    config.num_experts.assign(config.moe_layers.size(), object.integer("num_experts"));
    return;
  }
  if (static_cast<std::int64_t>(experts.size()) != config.num_hidden_layers) {
    object.fail("num_experts", fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                           experts.size(), config.num_hidden_layers));
  }
  for (std::size_t layer = 0; layer < experts.size(); ++layer) {
    const json& entry = experts[layer];
    if (!is_listed(config, layer)) {
      if (entry.is_null()) continue;
      object.fail(fmt::format("num_experts[{}]", layer),
                  "expected null, since the block is not in moe_layers");
    }
    const bool wraps = entry.is_number_unsigned() && entry.get<std::uint64_t>() > kMostExpertsRead;
    if (!entry.is_number_integer() || wraps) {
      object.fail(fmt::format("num_experts[{}]", layer),
                  fmt::format("found {}, expected a number of experts, since the block is in moe_layers",
                              entry.dump(-1, ' ', true, json::error_handler_t::replace)));
    }
    config.num_experts.push_back(entry.get<std::int64_t>());
  }
}

void check_placement(JsonObject& object) {
  const std::string placement = object.string("moe_placement", "replace");
  if (placement == "replace") return;
  if (placement == "extra") {
    object.fail("moe_placement",
                "\"extra\" (a MoE layer beside the FFN) is not supported yet, expected \"replace\"");
  }
  object.fail("moe_placement", fmt::format("found \"{}\", expected \"replace\"", placement));
}

void read_moe(JsonObject& object, BertMoeConfig& config) {
  config.moe_layers = object.integers("moe_layers");
  std::sort(config.moe_layers.begin(), config.moe_layers.end());
  if (!config.moe_layers.empty() || object.has("num_experts")) read_expert_counts(object, config);
  check_placement(object);
  config.num_experts_per_tok = object.integer("num_experts_per_tok", {}, config.num_experts_per_tok);
  config.router_jitter = object.number("router_jitter", {}, config.router_jitter);
  if (object.has("capacity_factor")) config.capacity_factor = object.number("capacity_factor");
  config.router_aux_loss_coef = object.number("router_aux_loss_coef", {}, config.router_aux_loss_coef);
}

void check_typos(JsonObject& object, const json& fields) {
  for (const auto& item : fields.items()) {
    for (const std::string_view known : kMoeFields) {
      if (item.key() == known || object.has(known) || edit_distance(item.key(), known) > kTypoDistance)
        continue;
      object.fail(item.key(), "unknown field", fmt::format("did you mean {}?", known));
    }
  }
}

json expert_counts(const BertMoeConfig& config) {
  const std::vector<std::int64_t>& counts = config.num_experts;
  if (std::adjacent_find(counts.begin(), counts.end(), std::not_equal_to<>()) == counts.end()) {
    return counts.empty() ? json(nullptr) : json(counts.front());
  }
  json list = json::array();
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    list.push_back(config.is_moe(layer) ? json(config.experts_in(layer)) : json(nullptr));
  }
  return list;
}

void write_labels(const BertMoeConfig& config, json& out) {
  if (config.problem_type) {
    for (const ProblemTypeRow& row : kProblemTypes) {
      if (row.type == *config.problem_type) out["problem_type"] = row.name;
    }
  }
  if (config.labels.empty()) return;
  out.erase("num_labels");  // id2label says it
  json& id2label = out["id2label"] = json::object();
  json& label2id = out["label2id"] = json::object();
  for (std::size_t i = 0; i < config.labels.size(); ++i) {
    id2label[std::to_string(i)] = config.labels[i];
    label2id[config.labels[i]] = i;
  }
}

void write_moe(const BertMoeConfig& config, json& out) {
  out["moe_layers"] = config.moe_layers;
  out["moe_placement"] = "replace";
  out["num_experts"] = expert_counts(config);
  out["num_experts_per_tok"] = config.num_experts_per_tok;
  out["router_jitter"] = config.router_jitter;
  out["capacity_factor"] = config.capacity_factor ? json(*config.capacity_factor) : json(nullptr);
  out["router_aux_loss_coef"] = config.router_aux_loss_coef;
}

}  // namespace

BertMoeConfig parse_bert_config(const json& fields, std::string_view source) {
  JsonObject object(fields, std::string(source));
  BertMoeConfig config;
  config.fields = fields;
  read_model_type(object, config);
  check_fixed_fields(object);
  read_sizes(object, config);
  read_labels(object, config);
  if (config.model_type == kBertMoeModelType) {
    check_typos(object, fields);
    read_moe(object, config);
  } else if (object.has("moe_layers")) {
    object.fail("moe_layers", "a plain \"bert\" has no MoE layers",
                fmt::format("set model_type to \"{}\"", kBertMoeModelType));
  }
  validate(config, source);
  return config;
}

json to_json(const BertMoeConfig& config) {
  const bool moe = config.model_type == kBertMoeModelType;
  if (!moe && !config.moe_layers.empty()) {
    throw InternalError(
        fmt::format("model_type {} with {} MoE layers", config.model_type, config.moe_layers.size()));
  }
  json out = config.fields;
  out["model_type"] = config.model_type;
  out["vocab_size"] = config.vocab_size;
  out["hidden_size"] = config.hidden_size;
  out["num_hidden_layers"] = config.num_hidden_layers;
  out["num_attention_heads"] = config.num_attention_heads;
  out["intermediate_size"] = config.intermediate_size;
  out["hidden_act"] = "gelu";
  out["max_position_embeddings"] = config.max_position_embeddings;
  out["type_vocab_size"] = config.type_vocab_size;
  out["pad_token_id"] = config.pad_token_id;
  out["layer_norm_eps"] = config.layer_norm_eps;
  out["hidden_dropout_prob"] = config.hidden_dropout_prob;
  out["attention_probs_dropout_prob"] = config.attention_probs_dropout_prob;
  out["classifier_dropout"] = config.classifier_dropout ? json(*config.classifier_dropout) : json(nullptr);
  out["initializer_range"] = config.initializer_range;
  write_labels(config, out);
  if (moe)
    write_moe(config, out);
  else
    for (const auto field : kMoeFields) out.erase(std::string(field));  // of the model it was pruned from
  return out;
}

}  // namespace espalier
