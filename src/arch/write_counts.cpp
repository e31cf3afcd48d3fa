#include "arch/write_counts.h"

#include <array>
#include <nlohmann/json.hpp>

#include "arch/family.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

/// Fields by which other versions of a library say the same.
constexpr std::array<const char*, 4> kCountFields{"num_local_experts", "num_experts", "n_routed_experts",
                                                  "moe_num_experts"};
constexpr std::array<const char*, 3> kTopKFields{"num_experts_per_tok", "experts_per_token",
                                                 "num_experts_per_token"};

/// Sets `field`, and the others of `fields` that are there with the same value.
template <std::size_t N>
void set(json& config, std::string_view field, const std::array<const char*, N>& fields, const json& value) {
  const json before = config.at(std::string(field));
  if (before == value) return;
  for (const char* other : fields) {
    if (const auto found = config.find(other); found != config.end() && *found == before) *found = value;
  }
  config[std::string(field)] = value;
}

void write_router(json& config, const ConfigNames& names, const RouterConfig& before,
                  const RouterConfig& now) {
  if (!names.experts_per_token.empty())
    set(config, names.experts_per_token, kTopKFields, now.experts_per_token);
  if (before.groups == now.groups && before.top_groups == now.top_groups) return;
  config["n_group"] = now.groups;
  config["topk_group"] = now.top_groups;
}

const RouterConfig* rule_of(const ModelSpec& spec) {
  const auto layers = moe_layers(spec);
  if (layers.empty()) return nullptr;
  return &spec.blocks[static_cast<std::size_t>(layers.front())].moe()->router.rule;
}

}  // namespace

json expert_counts_json(const ModelSpec& spec) {
  json list = json::array();
  json one;
  bool equal = true;
  for (const BlockSpec& block : spec.blocks) {
    const json count = block.moe() == nullptr ? json() : json(block.experts());
    list.push_back(count);
    if (count.is_null()) continue;
    equal = equal && (one.is_null() || one == count);
    one = count;
  }
  return equal ? one : list;
}

json write_counts(const ModelSpec& spec, const json& fields) {
  const ConfigNames& names = family_named(spec.family).config;
  const ModelSpec before = read_spec(fields, "config.json");
  json result = fields;
  json& described = names.nested.empty() ? result : result.at(std::string(names.nested));
  if (expert_counts_json(before) != expert_counts_json(spec))
    set(described, names.experts, kCountFields, expert_counts_json(spec));
  if (const RouterConfig* old = rule_of(before), *now = rule_of(spec); old != nullptr && now != nullptr)
    write_router(described, names, *old, *now);
  if (before.next_token.layers != spec.next_token.layers)
    described["num_nextn_predict_layers"] = spec.next_token.layers;
  return result;
}

}  // namespace espalier::arch
