#include "artifacts/observations_json.h"

#include "artifacts/json_fields.h"
#include "artifacts/layer_entry.h"
#include "artifacts/router_config_json.h"

namespace espalier {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::int64_t kMostWidth = 1 << 24;  // far above any model
constexpr std::int64_t kMostSamples = std::int64_t{1} << 32;
constexpr std::int64_t kMostTokenId = INT32_MAX;

ordered_json data_to_json(const ObservedData& data) {
  return {{"source", data.source},       {"sha256", data.sha256}, {"seed", data.seed},
          {"sequences", data.sequences}, {"tokens", data.tokens}, {"sequence_length", data.sequence_length},
          {"weight", data.weight}};
}

ObservedData data_from(JsonObject object) {
  ObservedData data;
  data.source = object.string("source");
  data.sha256 = object.string("sha256");
  data.seed = whole_number(object, "seed");
  data.sequences = object.integer("sequences", {0});
  data.tokens = object.integer("tokens", {0});
  data.sequence_length = object.integer("sequence_length", {0});
  data.weight = object.number("weight");
  object.finish();
  return data;
}

ordered_json moments_to_json(const ExpertMoments& moments) {
  return {{"inputs", moments.inputs}, {"projected", moments.projected}, {"seed", moments.seed}};
}

ExpertMoments moments_from(JsonObject object) {
  ExpertMoments moments;
  moments.inputs = object.number("inputs", {.min = 0});
  moments.projected = static_cast<std::size_t>(object.integer("projected", {0, kMostWidth}));
  moments.seed = whole_number(object, "seed");
  object.finish();
  return moments;
}

ordered_json layer_to_json(const LayerObservations& layer) {
  ordered_json item{{"layer", layer.layer},   {"experts", layer.experts()},
                    {"width", layer.width()}, {"expert_bytes", layer.expert_bytes},
                    {"tokens", layer.tokens}, {"entropy_sum", layer.entropy_sum}};
  if (layer.every_expert) item["every_expert"] = moments_to_json(*layer.every_expert);
  if (layer.probes) item["probes"] = moments_to_json(*layer.probes);
  if (layer.samples) item["samples"] = layer.samples->tokens();
  if (!layer.weight_cosine.empty()) item["weight_cosine"] = true;
  if (!layer.correction_bias.empty()) item["correction_bias"] = true;
  return item;
}

void add_layer(JsonObject object, ObservationsHead& head) {
  LayerObservations layer;
  layer.layer = block_number(object, "layer");
  head.experts.push_back(object.integer("experts", {1, kMostExperts}));
  head.widths.push_back(object.integer("width", {0, kMostWidth}));
  layer.expert_bytes = whole_number(object, "expert_bytes");
  layer.tokens = object.number("tokens", {.min = 0});
  layer.entropy_sum = object.number("entropy_sum", {.min = 0});
  if (object.has("every_expert")) layer.every_expert = moments_from(object.object("every_expert"));
  if (object.has("probes")) layer.probes = moments_from(object.object("probes"));
  std::optional<std::size_t>& samples = head.samples.emplace_back();
  if (object.has("samples")) samples = static_cast<std::size_t>(object.integer("samples", {0, kMostSamples}));
  head.weight_cosine.push_back(object.boolean("weight_cosine", false));
  head.correction_bias.push_back(object.boolean("correction_bias", false));
  object.finish();
  head.observations.layers.push_back(std::move(layer));
}

ordered_json example_to_json(const TokenExample& example) {
  return {{"layer", example.layer},
          {"expert", example.expert},
          {"token", example.token},
          {"source", example.source},
          {"sequence", example.sequence},
          {"position", example.position},
          {"gate", number_or_null(example.gate)},
          {"before", example.before},
          {"after", example.after}};
}

TokenExample example_from(JsonObject object) {
  TokenExample example;
  example.layer = block_number(object, "layer");
  example.expert = static_cast<int>(object.integer("expert", {0, kMostExperts - 1}));
  example.token = object.integer("token", {0, kMostTokenId});
  example.source = small_count(object, "source", 0);
  example.sequence = object.integer("sequence", {0});
  example.position = object.integer("position", {0});
  example.gate = object.number("gate");
  example.before = object.string("before");
  example.after = object.string("after");
  object.finish();
  return example;
}

}  // namespace

ordered_json head_to_json(const Observations& observations) {
  ordered_json head{{"model", observations.model},
                    {"model_type", observations.model_type},
                    {"topology_sha256", observations.topology_sha256},
                    {"experts_per_token", observations.experts_per_token},
                    {"router_groups", observations.router_groups},
                    {"router_top_groups", observations.router_top_groups},
                    {"version", observations.version},
                    {"hidden_dtype", observations.hidden_dtype},
                    {"data", ordered_json::array()},
                    {"layers", ordered_json::array()}};
  if (observations.router) head["router"] = router_config_to_json(*observations.router);
  for (const ObservedData& data : observations.data) head["data"].push_back(data_to_json(data));
  for (const LayerObservations& layer : observations.layers) head["layers"].push_back(layer_to_json(layer));
  return head;
}

ObservationsHead head_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  ObservationsHead head;
  Observations& observations = head.observations;
  observations.model = object.string("model");
  observations.model_type = object.string("model_type");
  observations.topology_sha256 = object.string("topology_sha256");
  observations.experts_per_token = small_count(object, "experts_per_token", 1);
  observations.router_groups = small_count(object, "router_groups", 1);
  observations.router_top_groups = small_count(object, "router_top_groups", 1);
  observations.version = object.string("version");
  observations.hidden_dtype = object.string("hidden_dtype");
  if (object.has("router")) observations.router = router_config_from_json(object.object("router"));
  for (JsonObject& data : object.objects("data")) observations.data.push_back(data_from(std::move(data)));
  for (JsonObject& layer : object.objects("layers")) add_layer(std::move(layer), head);
  object.finish();
  return head;
}

ordered_json texts_to_json(const Observations& observations) {
  ordered_json texts{{"examples", ordered_json::array()}, {"token_text", ordered_json::object()}};
  for (const TokenExample& example : observations.examples) {
    texts["examples"].push_back(example_to_json(example));
  }
  json by_id = json::object();  // ordered_json looks keys up one by one
  for (const auto& [id, text] : observations.token_text) by_id[std::to_string(id)] = text;
  texts["token_text"] = std::move(by_id);
  return texts;
}

void texts_from_json(std::string_view text, std::string_view where, Observations& observations) {
  JsonObject object(parse_json(text, where), std::string(where));
  for (JsonObject& example : object.objects("examples")) {
    observations.examples.push_back(example_from(std::move(example)));
  }
  const json& texts = object.value("token_text");
  if (!texts.is_object()) object.fail("token_text", "expected an object of texts by token id");
  for (const auto& [key, value] : texts.items()) {
    const auto id = key_as_number(key, INT32_MAX);
    if (!id) object.fail("token_text." + key, "not a token id");
    if (!value.is_string()) object.fail("token_text." + key, "expected a string");
    observations.token_text[*id] = value.get<std::string>();
  }
  object.finish();
}

}  // namespace espalier
