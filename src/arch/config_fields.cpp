#include "arch/config_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "arch/family.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

constexpr IntegerRange kExpertCount{1, kMostExperts};

/// The entry of a list of counts for one block.
std::int64_t listed_count(const JsonObject& fields, std::string_view field, const json& entry,
                          std::size_t block, bool sparse) {
  const std::string place = fmt::format("{}[{}]", field, block);
  const std::string found = entry.is_structured() ? "no number" : dump_json(entry);
  const std::string_view shown = std::string_view(found).substr(0, found.find('\n'));
  if (!sparse) {
    if (!entry.is_null())
      fields.fail(place, fmt::format("found {}, expected null: block {} is dense", shown, block));
    return 0;
  }
  const bool whole = entry.is_number_integer() && (entry.is_number_unsigned() || entry >= 0);
  if (!whole || entry.get<std::uint64_t>() < 1 ||
      entry.get<std::uint64_t>() > static_cast<std::uint64_t>(kExpertCount.max))
    fields.fail(place,
                fmt::format("found {}, expected a number of experts from 1 to {}", shown, kExpertCount.max));
  return static_cast<std::int64_t>(entry.get<std::uint64_t>());
}

/// "a.b" -> "a", and "b" is left.
std::string_view take_segment(std::string_view& path) {
  const auto point = path.find('.');
  const std::string_view segment = path.substr(0, point);
  path = point == std::string_view::npos ? std::string_view() : path.substr(point + 1);
  return segment;
}

JsonObject described(JsonObject& whole, const Family& family) {
  JsonObject object = whole;
  for (std::string_view path = family.config.nested; !path.empty();)
    object = object.object(take_segment(path));
  const std::string_view expected = family.config.nested_type;
  if (!expected.empty() && object.string("model_type") != expected)
    object.fail("model_type", fmt::format("found \"{}\", expected \"{}\" in a \"{}\"",
                                          object.string("model_type"), expected, family.model_type));
  return object;
}

JsonObject counts_of(JsonObject& described, const ConfigNames& names) {
  return names.experts_in.empty() ? described : described.object(names.experts_in);
}

constexpr std::string_view kExperts[] = {"num_experts", "num_local_experts", "n_routed_experts",
                                         "moe_num_experts"};
constexpr std::string_view kTopK[] = {
    "num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_top_k", "moe_k",
    "top_k_experts"};

std::string_view there(std::string_view own, std::span<const std::string_view> others, const json& fields) {
  const auto has = [&](std::string_view key) {
    const auto found = fields.find(std::string(key));
    return found != fields.end() && !found->is_null();
  };
  if (own.empty() || has(own)) return own;
  const auto other = std::find_if(others.begin(), others.end(), has);
  return other == others.end() ? own : *other;
}

}  // namespace

const std::span<const std::string_view> kExpertFields = kExperts, kTopKFields = kTopK;

ConfigNames resolved(const ConfigNames& names, const json& described) {
  json copy = described;
  const json* counts = counts_part(copy, names);
  ConfigNames result = names;
  if (counts == nullptr || !counts->is_object()) return result;
  result.experts = there(names.experts, kExpertFields, *counts);
  result.experts_per_token = there(names.experts_per_token, kTopKFields, *counts);
  return result;
}

json* described_part(json& config, std::string_view nested) {
  json* part = &config;
  for (std::string_view path = nested; !path.empty() && part != nullptr;) {
    const auto found = part->find(std::string(take_segment(path)));
    part = found == part->end() ? nullptr : &*found;
  }
  return part;
}

json* counts_part(json& described, const ConfigNames& names) {
  return described_part(described, names.experts_in);
}

ConfigFields::ConfigFields(const nlohmann::json& config, std::string_view source, const Family& family)
    : family_(family),
      source_(source),
      whole_(config, source_),
      fields_(described(whole_, family)),
      json_([&] {
        nlohmann::json copy = config;
        return *described_part(copy, family.config.nested);
      }()),
      names_(resolved(family.config, json_)),
      counts_(counts_of(fields_, names_)) {
  expect_nested_agrees();
}

/// Tools that do not know a nested model write its counts beside the object that has them.
void ConfigFields::expect_nested_agrees() {
  if (names_.nested.empty()) return;
  for (const std::string_view key : {names_.experts, names_.experts_per_token, names_.layers}) {
    const nlohmann::json* outer = key.empty() ? nullptr : whole_.find_value(key);
    const nlohmann::json* inner = key.empty() ? nullptr : fields_.find_value(key);
    if (outer != nullptr && inner != nullptr && *outer != *inner)
      whole_.fail(key,
                  fmt::format("found {}, but {}.{} is {}", outer->dump(), names_.nested, key, inner->dump()),
                  "which of the two counts? Take the other out of config.json");
  }
}

std::string_view ConfigFields::first_of(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (fields_.has(key)) return key;
  return *keys.begin();
}

std::string ConfigFields::expect(std::string_view key, std::initializer_list<std::string_view> known,
                                 std::string_view fallback) {
  std::string value = fields_.string(key, fallback);
  if (std::find(known.begin(), known.end(), value) == known.end())
    fields_.fail(key, fmt::format("found \"{}\", expected {}", value, fmt::join(known, " or ")));
  return value;
}

std::vector<std::string> ConfigFields::per_block(std::string_view key, std::size_t blocks) {
  auto list = fields_.strings(key);
  if (list.size() != blocks)
    fields_.fail(key, fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                  list.size(), blocks));
  return list;
}

std::vector<std::int64_t> ConfigFields::expert_counts(const std::vector<bool>& sparse) {
  const std::string_view field = names_.experts;
  const nlohmann::json& value = counts_.value(field);
  std::vector<std::int64_t> counts;
  if (!value.is_array()) {
    const std::int64_t count = counts_.integer(field, kExpertCount);
    for (const bool is_sparse : sparse) counts.push_back(is_sparse ? count : 0);
    return counts;
  }
  if (value.size() != sparse.size())
    counts_.fail(field, fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                    value.size(), sparse.size()));
  for (std::size_t block = 0; block < sparse.size(); ++block)
    counts.push_back(listed_count(counts_, field, value[block], block, sparse[block]));
  return counts;
}

std::int64_t ConfigFields::one_expert_count() {
  return counts_.value(names_.experts).is_array() ? 0 : counts_.integer(names_.experts, kExpertCount);
}

std::int64_t ConfigFields::one_for_all(JsonObject& fields, std::string_view key, IntegerRange range) {
  const nlohmann::json* value = fields.find_value(key);
  if (value == nullptr || !value->is_array() || value->empty()) return fields.integer(key, range);
  const auto list = fields.integers(key, range);
  for (std::size_t block = 1; block < list.size(); ++block)
    if (list[block] != list[0])
      fields.fail(key, fmt::format("found {} for block {} and {} for block 0, expected one for all blocks",
                                   list[block], block, list[0]));
  return list[0];
}

std::int64_t ConfigFields::experts_per_token() {
  const std::string_view field = names_.experts_per_token;
  return field.empty() ? 1 : one_for_all(counts_, field, kExpertCount);
}

std::vector<std::string> ConfigFields::labels() {
  std::vector<std::string> labels;
  if (!fields_.has("id2label")) return labels;
  JsonObject named = fields_.object("id2label");
  const std::size_t count = fields_.value("id2label").size();
  for (std::size_t i = 0; i < count; ++i) labels.push_back(named.string(std::to_string(i)));
  return labels;
}

void check_routing(ConfigFields& config, const ModelSpec& spec) {
  JsonObject& fields = config.fields();
  for (std::size_t block = 0; block < spec.blocks.size(); ++block) {
    const MixtureOfExperts* moe = spec.blocks[block].moe();
    if (moe == nullptr) continue;
    const RouterConfig& rule = moe->router.rule;
    if (moe->experts % rule.groups != 0)
      fields.fail(config.names().groups, fmt::format("{} groups do not divide the {} experts of block {}",
                                                     rule.groups, moe->experts, block));
    const std::int64_t reachable = moe->experts / rule.groups * rule.top_groups;
    if (rule.experts_per_token > reachable)
      fields.fail(config.names().experts_per_token,
                  fmt::format("{} experts per token, but a token can reach {} in block {}",
                              rule.experts_per_token, reachable, block));
  }
}

}  // namespace espalier::arch
