#include "prune/keep_list_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace espalier {
namespace {

const MoeLayerTensors& layer_of(const Topology& topology, int block, std::string_view where) {
  const MoeLayerTensors* layer = topology.find(block);
  if (layer != nullptr && layer->kind == MoeLayerKind::kBlock) return *layer;
  std::vector<std::int64_t> known;
  for (const MoeLayerTensors& candidate : topology.layers) known.push_back(candidate.layer);
  throw UserError(fmt::format("{}: block {} of the model has no experts", where, block),
                  known.empty() ? "the model has none at all"
                                : fmt::format("blocks with experts: {}", fmt::join(known, ", ")));
}

LayerPlan layer_plan(const MoeLayerTensors& layer, const std::vector<int>& keep, std::string_view where) {
  if (keep.back() >= layer.num_experts) {
    throw UserError(fmt::format("{}: there is no expert {} in block {}, expected 0 to {}", where, keep.back(),
                                layer.layer, layer.num_experts - 1),
                    "experts are numbered from 0 on, as in the model's files");
  }
  LayerPlan plan;
  plan.layer = static_cast<int>(layer.layer);
  plan.num_experts_before = static_cast<int>(layer.num_experts);
  plan.keep = keep;
  for (int expert = 0; expert < plan.num_experts_before; ++expert) {
    if (!std::binary_search(keep.begin(), keep.end(), expert)) plan.reason[expert] = "not in the keep-list";
  }
  return plan;
}

}  // namespace

Plan keep_list_plan(const KeepList& list, std::string_view where, const Topology& topology, PlanRouter router,
                    std::optional<int> experts_per_token) {
  Plan plan;
  plan.provenance.criterion = "keep_list";
  plan.provenance.schedule = "one_shot";
  plan.provenance.topology_sha256 = topology.sha256;
  plan.router = router;
  plan.experts_per_token =
      experts_per_token.value_or(static_cast<int>(std::max<std::int64_t>(1, topology.experts_per_token)));
  for (const auto& [block, keep] : list) {
    plan.layers.push_back(layer_plan(layer_of(topology, block, where), keep, where));
    if (router == PlanRouter::kZeroOutput || static_cast<int>(keep.size()) >= plan.experts_per_token)
      continue;
    throw UserError(fmt::format("{}: {} experts of block {} stay, but a token visits {}", where, keep.size(),
                                block, plan.experts_per_token),
                    fmt::format("keep more, or pass --experts-per-token {}", keep.size()));
  }
  validate(plan, where);
  return plan;
}

}  // namespace espalier
