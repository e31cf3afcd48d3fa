#include <fmt/format.h>

#include "artifacts/json_fields.h"
#include "artifacts/layer_entry.h"
#include "artifacts/plan.h"
#include "base/files.h"
#include "base/nearest.h"

namespace espalier {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr PlanRouter kRouters[] = {PlanRouter::kReroute, PlanRouter::kZeroOutput};

PlanRouter router_from(JsonObject& object) {
  const std::string found = object.string("router");
  std::vector<std::string_view> names;
  for (const PlanRouter router : kRouters) {
    names.push_back(plan_router_name(router));
    if (found == names.back()) return router;
  }
  object.fail("router", fmt::format("found \"{}\", expected {} or {}", found, names[0], names[1]),
              suggestion(found, names));
}

std::optional<std::int64_t> count_from_one(JsonObject& object, std::string_view key) {
  return object.has(key) ? std::optional(object.integer(key, {1})) : std::nullopt;
}

PlanProvenance provenance_from(JsonObject object) {
  PlanProvenance provenance;
  provenance.criterion = object.string("criterion");
  provenance.schedule = object.string("schedule");
  provenance.seed = whole_number(object, "seed");
  provenance.topology_sha256 = optional_string(object, "topology_sha256");
  provenance.window = count_from_one(object, "window");
  provenance.step = count_from_one(object, "step");
  object.finish();
  return provenance;
}

/// A list of lists; numbers beyond `kMostNeurons` are far above any model.
std::vector<std::vector<int>> neurons_from(JsonObject& object) {
  constexpr std::int64_t kMostNeurons = 1 << 24;
  std::vector<std::vector<int>> neurons;
  const json& found = object.value("neurons");
  if (!found.is_array()) object.fail("neurons", "expected a list of lists of numbers");
  for (const json& list : found) {
    if (!list.is_array()) object.fail("neurons", "expected a list of lists of numbers");
    std::vector<int>& order = neurons.emplace_back();
    for (const json& neuron : list) {
      if (!neuron.is_number_unsigned() || neuron.get<std::uint64_t>() >= kMostNeurons)
        object.fail("neurons", fmt::format("found {}, expected the number of a neuron", neuron.dump()));
      order.push_back(neuron.get<int>());
    }
  }
  return neurons;
}

ExpertMerge merge_from(JsonObject object) {
  ExpertMerge merge;
  merge.into = static_cast<int>(object.integer("into", {0, kMostExperts - 1}));
  merge.from = expert_numbers(object, "from");
  merge.weights = object.numbers("weights");
  if (object.has("neurons")) merge.neurons = neurons_from(object);
  object.finish();
  return merge;
}

std::map<int, std::string> reasons_from(JsonObject& object) {
  std::map<int, std::string> reasons;
  const json* found = object.find_value("reason");
  if (found == nullptr) return reasons;
  if (!found->is_object()) object.fail("reason", "expected an object of texts by expert");
  for (const auto& [key, text] : found->items()) {
    const auto expert = key_as_number(key, kMostExperts);
    if (!expert) object.fail("reason." + key, "not the number of an expert");
    if (!text.is_string()) object.fail("reason." + key, "expected a string");
    reasons[*expert] = text.get<std::string>();
  }
  return reasons;
}

std::map<int, std::vector<float>> novices_from(JsonObject& object) {
  std::map<int, std::vector<float>> novices;
  if (!object.has("novices")) return novices;
  JsonObject found = object.object("novices");
  for (const auto& [key, value] : object.value("novices").items()) {
    const auto expert = key_as_number(key, kMostExperts);
    if (!expert) object.fail("novices." + key, "not the number of an expert");
    const std::vector<double> numbers = found.numbers(key);
    novices[*expert].assign(numbers.begin(), numbers.end());
  }
  return novices;
}

/// Numbers as short as a float allows.
json numbers_to_json(const std::vector<float>& numbers) {
  json list = json::array();
  for (const float number : numbers) list.push_back(std::stod(fmt::format("{}", number)));
  return list;
}

LayerPlan layer_from(JsonObject object) {
  LayerPlan layer;
  layer.layer = block_number(object, "layer");
  layer.num_experts_before = static_cast<int>(object.integer("num_experts_before", {1, kMostExperts}));
  layer.keep = expert_numbers(object, "keep");
  if (object.has("merge")) {
    for (JsonObject& merge : object.objects("merge")) layer.merge.push_back(merge_from(std::move(merge)));
  }
  layer.novices = novices_from(object);
  layer.reason = reasons_from(object);
  if (object.has("original")) {
    layer.original = expert_numbers(object, "original");
    if (layer.original.empty()) object.fail("original", "0 entries, expected one for each expert");
  }
  object.finish();
  return layer;
}

ordered_json provenance_to_json(const PlanProvenance& provenance) {
  ordered_json object{
      {"criterion", provenance.criterion}, {"schedule", provenance.schedule}, {"seed", provenance.seed}};
  if (provenance.topology_sha256) object["topology_sha256"] = *provenance.topology_sha256;
  if (provenance.window) object["window"] = *provenance.window;
  if (provenance.step) object["step"] = *provenance.step;
  return object;
}

ordered_json layer_to_json(const LayerPlan& layer) {
  ordered_json object{
      {"layer", layer.layer}, {"num_experts_before", layer.num_experts_before}, {"keep", layer.keep}};
  for (const ExpertMerge& merge : layer.merge) {
    ordered_json item{{"into", merge.into}, {"from", merge.from}, {"weights", merge.weights}};
    if (!merge.neurons.empty()) item["neurons"] = merge.neurons;
    object["merge"].push_back(std::move(item));
  }
  for (const auto& [expert, output] : layer.novices)
    object["novices"][std::to_string(expert)] = numbers_to_json(output);
  for (const auto& [expert, text] : layer.reason) object["reason"][std::to_string(expert)] = text;
  if (!layer.original.empty()) object["original"] = layer.original;
  return object;
}

}  // namespace

std::string plan_to_json(const Plan& plan) {
  ordered_json object{{"format", "espalier.plan/1"},
                      {"provenance", provenance_to_json(plan.provenance)},
                      {"router", plan_router_name(plan.router)},
                      {"experts_per_token", plan.experts_per_token},
                      {"layers", ordered_json::array()}};
  for (const LayerPlan& layer : plan.layers) object["layers"].push_back(layer_to_json(layer));
  return to_readable_json_text(object);
}

Plan plan_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("plan", 1);
  Plan plan;
  plan.provenance = provenance_from(object.object("provenance"));
  plan.router = router_from(object);
  plan.experts_per_token = small_count(object, "experts_per_token", 1);
  for (JsonObject& layer : object.objects("layers")) plan.layers.push_back(layer_from(std::move(layer)));
  object.finish();
  validate(plan, where);
  return plan;
}

void write_plan(const std::filesystem::path& file, const Plan& plan) {
  write_file(file, plan_to_json(plan));
}

Plan read_plan(const std::filesystem::path& file) {
  return plan_from_json(read_file(file), file.string());
}

}  // namespace espalier
