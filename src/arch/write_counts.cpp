#include "arch/write_counts.h"

#include <nlohmann/json.hpp>

#include "arch/config_fields.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

/// Sets `field`, and the others of `fields` that are there with the same value.
void set(json& config, std::string_view field, std::span<const std::string_view> fields, const json& value) {
  const json before = config.at(std::string(field));
  if (before == value) return;
  for (const std::string_view other : fields) {
    const auto found = config.find(std::string(other));
    if (found != config.end() && *found == before) *found = value;
  }
  config[std::string(field)] = value;
}

/// The same where a nested model's counts stand beside it too.
void set_outside(json& whole, std::string_view field, const json& before, const json& value) {
  const auto found = whole.find(std::string(field));
  if (found != whole.end() && *found == before) *found = value;
}

void write_groups(json& described, const ConfigNames& names, const RouterConfig& before,
                  const RouterConfig& now) {
  if (before.groups == now.groups && before.top_groups == now.top_groups) return;
  described[std::string(names.groups)] = now.groups;
  described[std::string(names.top_groups)] = now.top_groups;
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
  const ModelSpec before = read_spec(fields, "config.json");
  json result = fields;
  const Family& family = family_named(spec.family);
  json& described = *described_part(result, family.config.nested);
  const ConfigNames names = resolved(family.config, described);
  json& counts = *counts_part(described, names);
  const auto write = [&](std::string_view field, std::span<const std::string_view> others,
                         const json& value) {
    const json old = counts.at(std::string(field));
    set(counts, field, others, value);
    if (!names.nested.empty()) set_outside(result, field, old, value);
  };
  if (expert_counts_json(before) != expert_counts_json(spec))
    write(names.experts, kExpertFields, expert_counts_json(spec));
  if (const RouterConfig* old = rule_of(before), *now = rule_of(spec); old != nullptr && now != nullptr) {
    if (!names.experts_per_token.empty() && old->experts_per_token != now->experts_per_token)
      write(names.experts_per_token, kTopKFields, now->experts_per_token);
    write_groups(described, names, *old, *now);
  }
  if (before.next_token.layers != spec.next_token.layers)
    described[std::string(names.next_token_layers)] = spec.next_token.layers;
  return result;
}

}  // namespace espalier::arch
