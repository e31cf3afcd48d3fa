#include "train/apply_plan.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "arch/after_plan.h"
#include "base/error.h"
#include "train/surviving_rows.h"

namespace espalier::train {
namespace {

torch::Tensor kept(const torch::Tensor& stacked, const LayerPlan& layer,
                   std::optional<std::int64_t> neurons = {}) {
  return stacked.defined() ? surviving_rows(stacked, layer, neurons) : stacked;
}

/// Where an expert's neurons are: rows of the first projection (gate and up), columns of the second.
FeedForwardWeights kept(const FeedForwardWeights& experts, const LayerPlan& layer) {
  return {kept(experts.up, layer, 0), kept(experts.up_bias, layer, 0), kept(experts.down, layer, 1),
          kept(experts.down_bias, layer), experts.kind};
}

/// Whether a lone expert takes every token with a gate of 1, so that no router is needed.
bool needs_no_router(const arch::Router& router) {
  return router.chooser == arch::WhoChooses::kTokens && !router.capacity_factor &&
         router.rule.score != GateScore::kSigmoid;
}

void apply_layer(const LayerPlan& layer, const arch::BlockSpec& after, Block& block) {
  auto& moe = *block.moe();
  moe.experts = kept(moe.experts, layer);
  if (after.moe() == nullptr) {
    const auto lone = moe.experts.expert(0);
    block.feed_forward = lone;
    return;
  }
  moe.correction = kept(moe.correction, layer);
  moe.router = kept(moe.router, layer);
  if (layer.keep.size() == 1 && needs_no_router(after.moe()->router)) moe.router = torch::Tensor();
}

void check_fits(const LayerPlan& layer, const arch::ModelSpec& spec) {
  const auto* moe = layer.layer < static_cast<int>(spec.blocks.size())
                        ? spec.blocks[static_cast<std::size_t>(layer.layer)].moe()
                        : nullptr;
  if (moe == nullptr)
    throw UserError(fmt::format("the plan prunes layer {}, which has no experts in this model", layer.layer),
                    "a plan speaks of the model it was made for: layers are block numbers, counted from 0");
  if (moe->experts != layer.num_experts_before)
    throw UserError(fmt::format("the plan is for {} experts in layer {}, the model has {}",
                                layer.num_experts_before, layer.layer, moe->experts),
                    "a plan speaks of the model it was made for: apply the plans of a run in their order");
  if (moe->router.rows != moe->experts)
    throw UserError(fmt::format("layer {}: the router has {} rows for {} experts: an earlier plan kept them",
                                layer.layer, moe->router.rows, moe->experts),
                    "apply the plan to the files, with router zero_output");
}

}  // namespace

void apply_plan(const Plan& plan, Transformer& model) {
  if (plan.router == PlanRouter::kZeroOutput)
    throw UserError("the plan keeps router rows of dropped experts (router zero_output)",
                    "apply it to the files, or plan with router reroute");
  for (const auto& layer : plan.layers) check_fits(layer, model.spec);
  const torch::NoGradGuard no_grad;
  const auto after = arch::after_plan(model.spec, plan);
  for (const auto& layer : plan.layers) {
    const auto l = static_cast<std::size_t>(layer.layer);
    if (layer.keep.size() < static_cast<std::size_t>(layer.num_experts_before) || !layer.merge.empty())
      apply_layer(layer, after.blocks[l], model.blocks[l]);
  }
  model.spec = after;
}

}  // namespace espalier::train
