#include "arch/config_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "arch/family.h"

namespace espalier::arch {
namespace {

constexpr IntegerRange kExpertCount{1, kMostExperts};

/// The entry of a list of counts for one block.
std::int64_t listed_count(const JsonObject& fields, std::string_view field, const nlohmann::json& entry,
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

JsonObject described(JsonObject& whole, const Family& family) {
  return family.config.nested.empty() ? whole : whole.object(family.config.nested);
}

}  // namespace

ConfigFields::ConfigFields(const nlohmann::json& config, std::string_view source, const Family& family)
    : family_(family),
      source_(source),
      whole_(config, source_),
      fields_(described(whole_, family)),
      json_(family.config.nested.empty() ? config : config.at(std::string(family.config.nested))) {}

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
  const std::string_view field = family_.config.experts;
  const nlohmann::json& value = fields_.value(field);
  std::vector<std::int64_t> counts;
  if (!value.is_array()) {
    const std::int64_t count = fields_.integer(field, kExpertCount);
    for (const bool is_sparse : sparse) counts.push_back(is_sparse ? count : 0);
    return counts;
  }
  if (value.size() != sparse.size())
    fields_.fail(field, fmt::format("the list has {} entries, expected one for each of the {} blocks",
                                    value.size(), sparse.size()));
  for (std::size_t block = 0; block < sparse.size(); ++block)
    counts.push_back(listed_count(fields_, field, value[block], block, sparse[block]));
  return counts;
}

std::int64_t ConfigFields::one_expert_count() {
  const std::string_view field = family_.config.experts;
  return fields_.value(field).is_array() ? 0 : fields_.integer(field, kExpertCount);
}

std::int64_t ConfigFields::experts_per_token() {
  const std::string_view field = family_.config.experts_per_token;
  return field.empty() ? 1 : fields_.integer(field, kExpertCount);
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
      fields.fail("n_group", fmt::format("{} groups do not divide the {} experts of block {}", rule.groups,
                                         moe->experts, block));
    const std::int64_t reachable = moe->experts / rule.groups * rule.top_groups;
    if (rule.experts_per_token > reachable)
      fields.fail(config.family().config.experts_per_token,
                  fmt::format("{} experts per token, but a token can reach {} in block {}",
                              rule.experts_per_token, reachable, block));
  }
}

}  // namespace espalier::arch
