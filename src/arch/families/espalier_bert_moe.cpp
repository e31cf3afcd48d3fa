#include <fmt/format.h>

#include <algorithm>

#include "arch/bert_parts.h"
#include "arch/write_counts.h"
#include "base/nearest.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

constexpr std::size_t kTypoDistance = 2;
constexpr std::int64_t kMostExpertsOfEncoder = 4096;

/// A misspelt field would be carried over and silently train another model.
void check_typos(ConfigFields& config) {
  for (const auto& item : config.json().items()) {
    for (const std::string_view known : kBertMoeFields) {
      if (item.key() == known || config.fields().has(known) ||
          edit_distance(item.key(), known) > kTypoDistance)
        continue;
      config.fields().fail(item.key(), "unknown field", fmt::format("did you mean {}?", known));
    }
  }
}

void check_placement(JsonObject& fields) {
  const std::string placement = fields.string("moe_placement", "replace");
  if (placement == "replace") return;
  fields.fail("moe_placement", placement == "extra"
                                   ? "\"extra\" (a MoE layer beside the FFN) is not supported yet, expected "
                                     "\"replace\""
                                   : fmt::format("found \"{}\", expected \"replace\"", placement));
}

/// [blocks] whether "moe_layers" lists a block.
std::vector<bool> read_layers(JsonObject& fields, std::int64_t blocks) {
  std::vector<bool> sparse(static_cast<std::size_t>(blocks), false);
  for (const std::int64_t layer : fields.integers("moe_layers")) {
    if (layer < 0 || layer >= blocks)
      fields.fail("moe_layers",
                  fmt::format("there is no block {}, the model has blocks 0 to {}", layer, blocks - 1));
    if (sparse[static_cast<std::size_t>(layer)])
      fields.fail("moe_layers", fmt::format("block {} is listed twice", layer));
    sparse[static_cast<std::size_t>(layer)] = true;
  }
  return sparse;
}

Router read_router(ConfigFields& config) {
  JsonObject& fields = config.fields();
  Router router;
  router.rule.normalise = false;
  router.rule.experts_per_token = fields.integer("num_experts_per_tok", {1, kMostExpertsOfEncoder}, 1);
  router.jitter = probability(config, "router_jitter", 0.0);
  if (fields.has("capacity_factor")) {
    router.capacity_factor = fields.number("capacity_factor");
    if (!(*router.capacity_factor > 0.0))
      fields.fail("capacity_factor",
                  fmt::format("found {}, expected a finite number above 0", *router.capacity_factor));
  }
  router.balance_coef = at_least_zero(config, "router_aux_loss_coef", 0.01);
  return router;
}

ModelSpec read(ConfigFields& config) {
  ModelSpec spec = read_bert(config);
  JsonObject& fields = config.fields();
  check_typos(config);
  const auto sparse = read_layers(fields, spec.layers());
  check_placement(fields);
  const Router router = read_router(config);
  const bool any = std::find(sparse.begin(), sparse.end(), true) != sparse.end();
  if (!any && !fields.has("num_experts")) return spec;
  const auto counts = config.expert_counts(sparse);
  for (std::size_t layer = 0; layer < counts.size(); ++layer) {
    if (counts[layer] == 0) continue;
    if (counts[layer] > kMostExpertsOfEncoder)
      fields.fail("num_experts", fmt::format("found {}, expected an integer from 1 to {}", counts[layer],
                                             kMostExpertsOfEncoder));
    const auto& network = std::get<FeedForward>(spec.blocks[layer].feed_forward);
    MixtureOfExperts moe{counts[layer], network, router, {}};
    moe.router.rows = moe.router.capacity_experts = counts[layer];
    spec.blocks[layer].feed_forward = std::move(moe);
  }
  check_routing(config, spec);
  return spec;
}

json write(const ModelSpec& spec, const json& fields) {
  json out = write_bert(spec, fields);
  out["moe_layers"] = moe_layers(spec);
  out["moe_placement"] = "replace";
  out["num_experts"] = expert_counts_json(spec);
  const MixtureOfExperts* moe = first_moe(spec);
  if (moe == nullptr) return out;
  const Router& router = moe->router;
  out["num_experts_per_tok"] = router.rule.experts_per_token;
  out["router_jitter"] = router.jitter;
  out["capacity_factor"] = router.capacity_factor ? json(*router.capacity_factor) : json(nullptr);
  out["router_aux_loss_coef"] = router.balance_coef;
  return out;
}

}  // namespace

Family espalier_bert_moe() {
  Family family = bert_family("espalier_bert_moe", "BERT encoder with MoE layers");
  family.read = read;
  family.write = write;
  return family;
}

}  // namespace espalier::arch
