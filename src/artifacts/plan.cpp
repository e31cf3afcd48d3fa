#include "artifacts/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "artifacts/layer_entry.h"
#include "base/error.h"

namespace espalier {
namespace {

bool is_kept(const LayerPlan& layer, int expert) {
  return std::binary_search(layer.keep.begin(), layer.keep.end(), expert);
}

void validate_keep(const LayerPlan& layer, const LayerEntry& entry) {
  if (layer.num_experts_before < 1 || layer.num_experts_before > kMostExperts) {
    entry.fail("num_experts_before",
               fmt::format("found {}, expected 1 to {}", layer.num_experts_before, kMostExperts));
  }
  if (layer.keep.empty()) entry.fail("keep", "no expert is left", "keep at least one expert in each layer");
  entry.expect_distinct("keep", layer.keep, layer.num_experts_before);
  const auto later = std::is_sorted_until(layer.keep.begin(), layer.keep.end());
  if (later != layer.keep.end()) {
    entry.fail(fmt::format("keep[{}]", later - layer.keep.begin()),
               fmt::format("expert {} comes after expert {}", *later, *std::prev(later)),
               "list the experts ascending");
  }
}

void validate_neurons(const ExpertMerge& merge, const std::string& path, const LayerEntry& entry) {
  if (merge.neurons.empty()) return;
  entry.expect_length(path + ".neurons", merge.neurons.size(), merge.from.size());
  std::size_t neurons = 0;
  for (std::size_t i = 0; i < merge.neurons.size(); ++i) {
    const std::vector<int>& order = merge.neurons[i];
    if (order.empty()) continue;
    const std::string item = fmt::format("{}.neurons[{}]", path, i);
    if (neurons == 0) neurons = order.size();
    entry.expect_length(item, order.size(), neurons);
    entry.expect_distinct(item, order, static_cast<int>(neurons));
  }
}

void validate_merge(const LayerPlan& layer, std::size_t index, std::set<int>& merged,
                    const LayerEntry& entry) {
  const ExpertMerge& merge = layer.merge[index];
  const std::string path = fmt::format("merge[{}]", index);
  if (!is_kept(layer, merge.into)) {
    entry.fail(path + ".into", fmt::format("expert {} is not kept", merge.into), "name an expert of keep");
  }
  entry.expect_distinct(path + ".from", merge.from, layer.num_experts_before);
  if (std::find(merge.from.begin(), merge.from.end(), merge.into) == merge.from.end()) {
    entry.fail(path + ".from", fmt::format("expert {} itself is missing", merge.into),
               "list it with its weight, which may be 0");
  }
  for (const int expert : merge.from) {
    if (expert != merge.into && is_kept(layer, expert)) {
      entry.fail(path + ".from", fmt::format("expert {} is kept itself", expert));
    }
    if (!merged.insert(expert).second) {
      entry.fail(path + ".from", fmt::format("expert {} is in two merges", expert));
    }
  }
  entry.expect_length(path + ".weights", merge.weights.size(), merge.from.size());
  for (std::size_t i = 0; i < merge.weights.size(); ++i) {
    if (!std::isfinite(merge.weights[i])) {
      entry.fail(fmt::format("{}.weights[{}]", path, i), fmt::format("found {}", merge.weights[i]));
    }
  }
  validate_neurons(merge, path, entry);
}

void validate_novices(const LayerPlan& layer, PlanRouter router, const LayerEntry& entry) {
  if (layer.novices.empty()) return;
  if (router != PlanRouter::kZeroOutput)
    entry.fail("novices", "constants answer to the router rows of dropped experts, which reroute takes out",
               "set router to zero_output");
  const std::size_t width = layer.novices.begin()->second.size();
  for (const auto& [expert, output] : layer.novices) {
    const std::string path = fmt::format("novices.{}", expert);
    if (expert < 0 || expert >= layer.num_experts_before)
      entry.fail(
          path, fmt::format("there is no expert {}, expected 0 to {}", expert, layer.num_experts_before - 1));
    if (is_kept(layer, expert)) entry.fail(path, fmt::format("expert {} is kept", expert));
    if (output.empty()) entry.fail(path, "0 numbers, expected one for each hidden dimension");
    entry.expect_length(path, output.size(), width);
    const auto wrong =
        std::find_if_not(output.begin(), output.end(), [](float v) { return std::isfinite(v); });
    if (wrong != output.end()) entry.fail(path, fmt::format("found {}", *wrong));
  }
}

void validate_layer(const LayerPlan& layer, PlanRouter router, const LayerEntry& entry) {
  validate_keep(layer, entry);
  validate_novices(layer, router, entry);
  std::set<int> merged;
  for (std::size_t i = 0; i < layer.merge.size(); ++i) validate_merge(layer, i, merged, entry);
  for (const auto& [expert, text] : layer.reason) {
    if (expert < 0 || expert >= layer.num_experts_before) {
      entry.fail("reason", fmt::format("there is no expert {}, expected 0 to {}", expert,
                                       layer.num_experts_before - 1));
    }
  }
  if (layer.original.empty()) return;
  entry.expect_length("original", layer.original.size(), static_cast<std::size_t>(layer.num_experts_before));
  entry.expect_distinct("original", layer.original, kMostExperts);
}

/// A router must have K rows to choose from. One that keeps its rows has them; a lone survivor needs no
/// router.
void expect_enough_experts(const Plan& plan, const LayerPlan& layer, const LayerEntry& entry) {
  const auto survivors = layer.keep.size();
  if (plan.router == PlanRouter::kZeroOutput || survivors == 1) return;
  if (static_cast<std::size_t>(plan.experts_per_token) <= survivors) return;
  entry.fail("keep",
             fmt::format("{} experts stay, but experts_per_token is {}", survivors, plan.experts_per_token),
             "keep more experts, or lower experts_per_token");
}

}  // namespace

std::string_view plan_router_name(PlanRouter router) {
  return router == PlanRouter::kReroute ? "reroute" : "zero_output";
}

void validate(const Plan& plan, std::string_view where) {
  if (plan.provenance.topology_sha256) {
    expect_sha256(*plan.provenance.topology_sha256, where, "provenance.topology_sha256");
  }
  if (plan.experts_per_token < 1) {
    throw UserError(
        fmt::format("{}: experts_per_token: found {}, expected at least 1", where, plan.experts_per_token),
        "a token visits one expert at least");
  }
  int before = -1;
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const LayerEntry entry(where, i);
    entry.expect_layer_after(plan.layers[i].layer, before);
    before = plan.layers[i].layer;
    validate_layer(plan.layers[i], plan.router, entry);
    expect_enough_experts(plan, plan.layers[i], entry);
  }
}

bool drops_anything(const Plan& plan) {
  return std::any_of(plan.layers.begin(), plan.layers.end(), [](const LayerPlan& layer) {
    return layer.keep.size() < static_cast<std::size_t>(layer.num_experts_before);
  });
}

std::vector<int> surviving_originals(const LayerPlan& layer) {
  if (layer.original.empty()) return layer.keep;
  std::vector<int> originals;
  for (const int expert : layer.keep)
    originals.push_back(layer.original.at(static_cast<std::size_t>(expert)));
  return originals;
}

}  // namespace espalier
