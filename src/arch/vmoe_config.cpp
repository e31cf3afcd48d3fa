#include "arch/vmoe_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

constexpr IntegerRange kSize{1, 1'000'000};
constexpr IntegerRange kCount{1, 65'536};
constexpr IntegerRange kBlock{0, 100'000};

std::vector<std::string> labels_of(JsonObject& object) {
  std::vector<std::string> labels;
  if (!object.has("id2label")) return labels;
  JsonObject named = object.object("id2label");
  const auto count = object.value("id2label").size();
  for (std::size_t i = 0; i < count; ++i) labels.push_back(named.string(std::to_string(i)));
  return labels;
}

/// One number for all layers, or a list with one for each.
std::vector<std::int64_t> per_layer(JsonObject& object, std::string_view key, std::size_t layers,
                                    std::vector<std::int64_t> fallback) {
  if (!object.has(key)) return fallback;
  if (!object.value(key).is_array()) return std::vector<std::int64_t>(layers, object.integer(key, kCount));
  auto list = object.integers(key, kCount);
  if (list.size() != layers)
    object.fail(key,
                fmt::format("{} entries, expected one for each of the {} moe_layers", list.size(), layers));
  return list;
}

std::vector<std::vector<std::int64_t>> rows_of(JsonObject& object, std::size_t layers) {
  std::vector<std::vector<std::int64_t>> rows(layers);
  const auto* value = object.find_value("expert_rows");
  if (value == nullptr) return rows;
  const auto whole = [](const nlohmann::json& row) {
    return row.is_number_integer() && row >= 0 && row < 65'536;
  };
  if (!value->is_array() || value->size() != layers)
    object.fail("expert_rows", fmt::format("expected a list for each of the {} moe_layers", layers));
  for (std::size_t i = 0; i < layers; ++i) {
    for (const auto& row : (*value)[i]) {
      if (!whole(row))
        object.fail("expert_rows", fmt::format("found {}, expected rows of the router", row.dump()));
      rows[i].push_back(row.get<std::int64_t>());
    }
  }
  return rows;
}

void read_novices(JsonObject& object, VmoeConfig& config) {
  if (!object.has("novice_layers")) return;
  for (const std::int64_t block : object.integers("novice_layers", kBlock)) {
    const auto layer = std::find_if(config.moe.begin(), config.moe.end(),
                                    [&](const VmoeLayer& candidate) { return candidate.block == block; });
    if (layer == config.moe.end())
      object.fail("novice_layers", fmt::format("block {} is not one of moe_layers", block));
    layer->novices = true;
  }
}

void read_layers(JsonObject& object, VmoeConfig& config) {
  if (!object.has("moe_layers")) return;
  const auto blocks = object.integers("moe_layers", kBlock);
  if (blocks.empty()) return;
  const auto experts = per_layer(object, "num_experts", blocks.size(), {});
  if (experts.empty()) object.fail("num_experts", "missing; there are moe_layers");
  const auto router_rows = per_layer(object, "router_rows", blocks.size(), experts);
  const auto capacity = per_layer(object, "capacity_experts", blocks.size(), router_rows);
  const auto rows = rows_of(object, blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i)
    config.moe.push_back({blocks[i], experts[i], router_rows[i], rows[i], capacity[i]});
  read_novices(object, config);
  config.num_experts_per_tok = object.integer("num_experts_per_tok", kCount, 1);
}

RouterKind router_of(JsonObject& object) {
  const std::string name = object.string("router", "token_choice");
  if (name == "token_choice") return RouterKind::kTokenChoice;
  if (name == "expert_choice") return RouterKind::kExpertChoice;
  object.fail("router", fmt::format("found \"{}\", expected \"token_choice\" or \"expert_choice\"", name));
}

void check_layer(const VmoeConfig& config, const VmoeLayer& layer, std::string_view source) {
  const auto fail = [&](std::string_view field, const std::string& what) {
    throw UserError(fmt::format("{}: {}: block {}: {}", source, field, layer.block, what));
  };
  if (layer.block >= config.num_hidden_layers)
    fail("moe_layers", fmt::format("there are {} blocks", config.num_hidden_layers));
  if (layer.router_rows < layer.experts)
    fail("router_rows", fmt::format("{} rows for {} experts", layer.router_rows, layer.experts));
  if (layer.novices && layer.router_rows == layer.experts)
    fail("novice_layers", "every row of the router has an expert");
  const bool all_rows = layer.expert_rows.empty();
  if (all_rows && layer.router_rows != layer.experts)
    fail("expert_rows",
         fmt::format("missing: the router has {} rows for {} experts", layer.router_rows, layer.experts));
  if (!all_rows && static_cast<std::int64_t>(layer.expert_rows.size()) != layer.experts)
    fail("expert_rows", fmt::format("{} rows for {} experts", layer.expert_rows.size(), layer.experts));
  for (std::size_t i = 0; i < layer.expert_rows.size(); ++i) {
    if (layer.expert_rows[i] >= layer.router_rows ||
        (i > 0 && layer.expert_rows[i] <= layer.expert_rows[i - 1]))
      fail("expert_rows", fmt::format("[{}], expected ascending rows under {}",
                                      fmt::join(layer.expert_rows, ", "), layer.router_rows));
  }
  if (layer.experts % config.ensemble_size != 0 || layer.router_rows % config.ensemble_size != 0)
    fail("ensemble_size", fmt::format("{} members do not divide {} experts and {} router rows",
                                      config.ensemble_size, layer.experts, layer.router_rows));
  const bool by_token = config.router == RouterKind::kTokenChoice;
  if (by_token && config.num_experts_per_tok > layer.router_rows / config.ensemble_size)
    fail("num_experts_per_tok",
         fmt::format("{} experts per token, but a token can reach {}", config.num_experts_per_tok,
                     layer.router_rows / config.ensemble_size));
}

}  // namespace

const VmoeLayer* VmoeConfig::moe_in(std::int64_t block) const {
  for (const VmoeLayer& layer : moe)
    if (layer.block == block) return &layer;
  return nullptr;
}

VmoeConfig parse_vmoe_config(const nlohmann::json& json, std::string_view source) {
  JsonObject object(json, std::string(source));
  VmoeConfig config;
  config.fields = json;
  config.image_size = object.integer("image_size", {1, 16'384});
  config.patch_size = object.integer("patch_size", {1, 16'384});
  config.hidden_size = object.integer("hidden_size", kSize);
  config.num_hidden_layers = object.integer("num_hidden_layers", kCount);
  config.num_attention_heads = object.integer("num_attention_heads", kCount);
  config.intermediate_size = object.integer("intermediate_size", kSize);
  config.layer_norm_eps = object.number("layer_norm_eps", {1e-20, 1.0}, config.layer_norm_eps);
  config.hidden_dropout_prob = object.number("hidden_dropout_prob", {0.0, 0.9}, config.hidden_dropout_prob);
  config.initializer_range = object.number("initializer_range", {0.0, 10.0}, config.initializer_range);
  config.labels = labels_of(object);
  config.ensemble_size = object.integer("ensemble_size", kCount, 1);
  config.router = router_of(object);
  read_layers(object, config);
  if (object.has("capacity_factor")) config.capacity_factor = object.number("capacity_factor", {1e-6, 1e6});
  config.batch_prioritized = object.boolean("batch_prioritized", false);
  config.router_noise = object.number("router_noise", {0.0, 1e3}, config.router_noise);
  validate(config, source);
  for (VmoeLayer& layer : config.moe)
    if (layer.router_rows == layer.experts) layer.expert_rows.clear();  // ascending and all of them
  return config;
}

void validate(const VmoeConfig& config, std::string_view source) {
  if (config.image_size % config.patch_size != 0)
    throw UserError(fmt::format("{}: patch_size: {} does not divide image_size {}", source, config.patch_size,
                                config.image_size));
  if (config.hidden_size % config.num_attention_heads != 0)
    throw UserError(fmt::format("{}: num_attention_heads: {} heads do not divide the width {}", source,
                                config.num_attention_heads, config.hidden_size));
  for (std::size_t i = 0; i < config.moe.size(); ++i) {
    if (i > 0 && config.moe[i].block <= config.moe[i - 1].block)
      throw UserError(fmt::format("{}: moe_layers: expected ascending blocks", source));
    check_layer(config, config.moe[i], source);
  }
  if (config.moe.empty() && config.ensemble_size > 1)
    throw UserError(fmt::format(
        "{}: ensemble_size: members differ in their experts, and there are no moe_layers", source));
  if (config.router == RouterKind::kExpertChoice && !config.capacity_factor)
    throw UserError(
        fmt::format("{}: capacity_factor: missing; experts that choose must know how many tokens", source),
        "1.0 lets a token have num_experts_per_tok experts on average");
}

nlohmann::json to_json(const VmoeConfig& config) {
  nlohmann::json json = config.fields;
  json["model_type"] = kVmoeModelType;
  json["image_size"] = config.image_size;
  json["patch_size"] = config.patch_size;
  json["hidden_size"] = config.hidden_size;
  json["num_hidden_layers"] = config.num_hidden_layers;
  json["num_attention_heads"] = config.num_attention_heads;
  json["intermediate_size"] = config.intermediate_size;
  json["layer_norm_eps"] = config.layer_norm_eps;
  json["hidden_dropout_prob"] = config.hidden_dropout_prob;
  json["initializer_range"] = config.initializer_range;
  json["id2label"] = nlohmann::json::object();
  for (std::size_t i = 0; i < config.labels.size(); ++i)
    json["id2label"][std::to_string(i)] = config.labels[i];
  for (const char* key :
       {"moe_layers", "num_experts", "router_rows", "capacity_experts", "expert_rows", "novice_layers"})
    json[key] = nlohmann::json::array();
  bool all_rows = true;
  for (const VmoeLayer& layer : config.moe) {
    json["moe_layers"].push_back(layer.block);
    json["num_experts"].push_back(layer.experts);
    json["router_rows"].push_back(layer.router_rows);
    json["capacity_experts"].push_back(layer.capacity_experts);
    auto rows = layer.expert_rows;
    if (rows.empty()) {
      rows.resize(static_cast<std::size_t>(layer.experts));
      std::iota(rows.begin(), rows.end(), std::int64_t{0});
    }
    all_rows = all_rows && layer.router_rows == layer.experts;
    json["expert_rows"].push_back(rows);
    if (layer.novices) json["novice_layers"].push_back(layer.block);
  }
  if (all_rows) json.erase("expert_rows");
  if (json["novice_layers"].empty()) json.erase("novice_layers");
  json["num_experts_per_tok"] = config.num_experts_per_tok;
  json["router"] = config.router == RouterKind::kTokenChoice ? "token_choice" : "expert_choice";
  if (config.capacity_factor) json["capacity_factor"] = *config.capacity_factor;
  json["batch_prioritized"] = config.batch_prioritized;
  json["router_noise"] = config.router_noise;
  json["ensemble_size"] = config.ensemble_size;
  return json;
}

}  // namespace espalier
