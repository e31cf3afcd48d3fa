#include "arch/vmoe_layers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

namespace espalier::arch {
namespace {

using nlohmann::json;

constexpr IntegerRange kCount{1, kMostExperts};
constexpr IntegerRange kBlock{0, 100'000};

/// One number for all layers, or a list with one for each.
std::vector<std::int64_t> per_layer(JsonObject& fields, std::string_view key, std::size_t layers,
                                    std::vector<std::int64_t> fallback) {
  if (!fields.has(key)) return fallback;
  if (!fields.value(key).is_array()) return std::vector<std::int64_t>(layers, fields.integer(key, kCount));
  auto list = fields.integers(key, kCount);
  if (list.size() != layers)
    fields.fail(key,
                fmt::format("{} entries, expected one for each of the {} moe_layers", list.size(), layers));
  return list;
}

std::vector<std::vector<std::int64_t>> rows_of(JsonObject& fields, std::size_t layers) {
  std::vector<std::vector<std::int64_t>> rows(layers);
  const json* value = fields.find_value("expert_rows");
  if (value == nullptr) return rows;
  const auto whole = [](const json& row) {
    return row.is_number_integer() && row >= 0 && row < kMostExperts;
  };
  if (!value->is_array() || value->size() != layers)
    fields.fail("expert_rows", fmt::format("expected a list for each of the {} moe_layers", layers));
  for (std::size_t i = 0; i < layers; ++i) {
    for (const auto& row : (*value)[i]) {
      if (!whole(row))
        fields.fail("expert_rows", fmt::format("found {}, expected rows of the router", row.dump()));
      rows[i].push_back(row.get<std::int64_t>());
    }
  }
  return rows;
}

/// What all layers share.
Router read_router(JsonObject& fields) {
  Router router;
  router.rule.normalise = false;
  const std::string name = fields.string("router", "token_choice");
  if (name != "token_choice" && name != "expert_choice")
    fields.fail("router", fmt::format("found \"{}\", expected \"token_choice\" or \"expert_choice\"", name));
  if (name == "expert_choice") router.chooser = WhoChooses::kExperts;
  if (fields.has("capacity_factor")) router.capacity_factor = fields.number("capacity_factor", {1e-6, 1e6});
  if (router.chooser == WhoChooses::kExperts && !router.capacity_factor)
    fields.fail("capacity_factor", "missing; experts that choose must know how many tokens",
                "1.0 lets a token have num_experts_per_tok experts on average");
  router.batch_prioritized = fields.boolean("batch_prioritized", false);
  router.noise = fields.number("router_noise", {0.0, 1e3}, 1.0);
  router.rule.experts_per_token = fields.integer("num_experts_per_tok", kCount, 1);
  return router;
}

void check_rows(JsonObject& fields, const MixtureOfExperts& moe, const std::string& where) {
  const Router& router = moe.router;
  if (router.rows < moe.experts)
    fields.fail("router_rows", fmt::format("{}: {} rows for {} experts", where, router.rows, moe.experts));
  if (router.novices && router.rows == moe.experts)
    fields.fail("novice_layers", fmt::format("{}: every row of the router has an expert", where));
  const auto& rows = router.expert_rows;
  if (rows.empty() && router.rows != moe.experts)
    fields.fail("expert_rows", fmt::format("{}: missing: the router has {} rows for {} experts", where,
                                           router.rows, moe.experts));
  if (!rows.empty() && static_cast<std::int64_t>(rows.size()) != moe.experts)
    fields.fail("expert_rows", fmt::format("{}: {} rows for {} experts", where, rows.size(), moe.experts));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] >= router.rows || (i > 0 && rows[i] <= rows[i - 1]))
      fields.fail("expert_rows", fmt::format("{}: [{}], expected ascending rows under {}", where,
                                             fmt::join(rows, ", "), router.rows));
  }
}

void check_layer(JsonObject& fields, const MixtureOfExperts& moe, std::int64_t members,
                 const std::string& where) {
  check_rows(fields, moe, where);
  const Router& router = moe.router;
  if (moe.experts % members != 0 || router.rows % members != 0)
    fields.fail("ensemble_size", fmt::format("{}: {} members do not divide {} experts and {} router rows",
                                             where, members, moe.experts, router.rows));
  const std::int64_t reachable = router.rows / members;
  if (router.chooser == WhoChooses::kTokens && router.rule.experts_per_token > reachable)
    fields.fail("num_experts_per_tok", fmt::format("{}: {} experts per token, but a token can reach {}",
                                                   where, router.rule.experts_per_token, reachable));
}

std::vector<std::int64_t> read_blocks(JsonObject& fields, const ModelSpec& spec) {
  if (!fields.has("moe_layers")) return {};
  const auto blocks = fields.integers("moe_layers", kBlock);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i > 0 && blocks[i] <= blocks[i - 1]) fields.fail("moe_layers", "expected ascending blocks");
    if (blocks[i] >= spec.layers())
      fields.fail("moe_layers", fmt::format("block {}: there are {} blocks", blocks[i], spec.layers()));
  }
  return blocks;
}

void read_novices(JsonObject& fields, ModelSpec& spec) {
  if (!fields.has("novice_layers")) return;
  for (const std::int64_t block : fields.integers("novice_layers", kBlock)) {
    auto* moe = block < spec.layers() ? spec.blocks[static_cast<std::size_t>(block)].moe() : nullptr;
    if (moe == nullptr) fields.fail("novice_layers", fmt::format("block {} is not one of moe_layers", block));
    moe->router.novices = true;
  }
}

}  // namespace

void read_vmoe_layers(ConfigFields& config, ModelSpec& spec) {
  JsonObject& fields = config.fields();
  const auto blocks = read_blocks(fields, spec);
  const Router shared = read_router(fields);
  if (blocks.empty()) {
    if (spec.members > 1)
      fields.fail("ensemble_size", "members differ in their experts, and there are no moe_layers");
    return;
  }
  const auto experts = per_layer(fields, "num_experts", blocks.size(), {});
  if (experts.empty()) fields.fail("num_experts", "missing; there are moe_layers");
  const auto rows = per_layer(fields, "router_rows", blocks.size(), experts);
  const auto capacity = per_layer(fields, "capacity_experts", blocks.size(), rows);
  const auto expert_rows = rows_of(fields, blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    BlockSpec& block = spec.blocks[static_cast<std::size_t>(blocks[i])];
    MixtureOfExperts moe{experts[i], std::get<FeedForward>(block.feed_forward), shared, {}};
    moe.router.rows = rows[i];
    moe.router.capacity_experts = capacity[i];
    moe.router.expert_rows = expert_rows[i];
    block.feed_forward = std::move(moe);
  }
  read_novices(fields, spec);
  for (const std::int64_t block : blocks) {
    MixtureOfExperts& moe = *spec.blocks[static_cast<std::size_t>(block)].moe();
    check_layer(fields, moe, spec.members, fmt::format("block {}", block));
    if (moe.router.rows == moe.experts) moe.router.expert_rows.clear();  // ascending and all of them
  }
}

void write_vmoe_layers(const ModelSpec& spec, json& config) {
  for (const char* key :
       {"moe_layers", "num_experts", "router_rows", "capacity_experts", "expert_rows", "novice_layers"})
    config[key] = json::array();
  bool all_rows = true;
  for (const std::int64_t block : moe_layers(spec)) {
    const MixtureOfExperts& moe = *spec.blocks[static_cast<std::size_t>(block)].moe();
    auto rows = moe.router.expert_rows;
    if (rows.empty()) {
      rows.resize(static_cast<std::size_t>(moe.experts));
      std::iota(rows.begin(), rows.end(), std::int64_t{0});
    }
    all_rows = all_rows && moe.router.rows == moe.experts;
    config["moe_layers"].push_back(block);
    config["num_experts"].push_back(moe.experts);
    config["router_rows"].push_back(moe.router.rows);
    config["capacity_experts"].push_back(moe.router.capacity_experts);
    config["expert_rows"].push_back(rows);
    if (moe.router.novices) config["novice_layers"].push_back(block);
  }
  if (all_rows) config.erase("expert_rows");
  if (config["novice_layers"].empty()) config.erase("novice_layers");
  const MixtureOfExperts* moe = first_moe(spec);
  if (moe == nullptr) return;
  config["num_experts_per_tok"] = moe->router.rule.experts_per_token;
  config["router"] = moe->router.chooser == WhoChooses::kTokens ? "token_choice" : "expert_choice";
  if (moe->router.capacity_factor) config["capacity_factor"] = *moe->router.capacity_factor;
  config["batch_prioritized"] = moe->router.batch_prioritized;
  config["router_noise"] = moe->router.noise;
}

}  // namespace espalier::arch
