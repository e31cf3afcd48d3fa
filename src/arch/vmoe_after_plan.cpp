#include "arch/vmoe_after_plan.h"

#include <numeric>

namespace espalier {
namespace {

std::vector<std::int64_t> rows_of(const VmoeLayer& layer) {
  if (!layer.expert_rows.empty()) return layer.expert_rows;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(layer.experts));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

void keep_experts(const LayerPlan& plan, PlanRouter router, RouterKind kind, VmoeLayer& layer) {
  const auto before = rows_of(layer);
  layer.experts = static_cast<std::int64_t>(plan.keep.size());
  layer.expert_rows.clear();
  if (router == PlanRouter::kReroute) {
    layer.router_rows = layer.experts;
    if (kind == RouterKind::kTokenChoice) layer.capacity_experts = layer.experts;
    return;
  }
  if (layer.experts == layer.router_rows) return;
  for (const int expert : plan.keep) layer.expert_rows.push_back(before[static_cast<std::size_t>(expert)]);
  layer.novices = layer.novices || !plan.novices.empty();
}

}  // namespace

void describe_plan(const Plan& plan, VmoeConfig& config) {
  for (VmoeLayer& layer : config.moe) {
    for (const LayerPlan& planned : plan.layers)
      if (planned.layer == layer.block) keep_experts(planned, plan.router, config.router, layer);
  }
  if (config.router == RouterKind::kTokenChoice) config.num_experts_per_tok = plan.experts_per_token;
}

}  // namespace espalier
