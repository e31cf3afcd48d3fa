#include "arch/after_plan.h"

#include <numeric>

#include "arch/family.h"

namespace espalier::arch {
namespace {

std::vector<std::int64_t> rows_of(const MixtureOfExperts& moe) {
  if (!moe.router.expert_rows.empty()) return moe.router.expert_rows;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(moe.experts));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

/// Rows of experts that go stay where they are.
void leave_rows(const LayerPlan& plan, MixtureOfExperts& moe) {
  const auto before = rows_of(moe);
  moe.experts = static_cast<std::int64_t>(plan.keep.size());
  moe.router.expert_rows.clear();
  if (moe.experts == moe.router.rows) return;
  for (const int expert : plan.keep)
    moe.router.expert_rows.push_back(before[static_cast<std::size_t>(expert)]);
  moe.router.novices = moe.router.novices || !plan.novices.empty();
}

void drop_rows(const LayerPlan& plan, MixtureOfExperts& moe) {
  moe.experts = static_cast<std::int64_t>(plan.keep.size());
  moe.router.rows = moe.experts + moe.router.extra_rows;
  moe.router.expert_rows.clear();
  // Where experts choose, their fellows' going leaves what each takes as it was.
  if (moe.router.chooser == WhoChooses::kTokens) moe.router.capacity_experts = moe.experts;
}

const LayerPlan* planned(const Plan& plan, std::size_t layer) {
  for (const LayerPlan& candidate : plan.layers)
    if (candidate.layer == static_cast<int>(layer)) return &candidate;
  return nullptr;
}

}  // namespace

ModelSpec after_plan(const ModelSpec& spec, const Plan& plan) {
  const Capabilities& can = family_named(spec.family).can;
  ModelSpec after = spec;
  for (std::size_t layer = 0; layer < after.blocks.size(); ++layer) {
    BlockSpec& block = after.blocks[layer];
    if (block.moe() == nullptr) continue;
    MixtureOfExperts& moe = *block.moe();
    if (const LayerPlan* of_layer = planned(plan, layer)) {
      const bool rows_stay = can.keeps_router_rows && plan.router == PlanRouter::kZeroOutput;
      rows_stay ? leave_rows(*of_layer, moe) : drop_rows(*of_layer, moe);
    }
    if (moe.router.chooser == WhoChooses::kTokens) moe.router.rule.experts_per_token = plan.experts_per_token;
    if (can.lone_expert_is_dense && moe.experts == 1) block.feed_forward = FeedForward(moe.expert);
  }
  if (moe_layers(after).empty() && !can.without_experts.empty()) after.family = can.without_experts;
  return after;
}

}  // namespace espalier::arch
