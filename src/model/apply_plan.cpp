#include "model/apply_plan.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include "arch/bert_config.h"
#include "base/error.h"
#include "model/surviving_rows.h"

namespace espalier {
namespace {

void apply_layer(const LayerPlan& layer, BertBlock& block) {
  auto& moe = std::get<MoeLayer>(block.feed_forward);
  MoeLayer pruned{surviving_rows(moe.router, layer),
                  {surviving_rows(moe.experts.up, layer, 0), surviving_rows(moe.experts.up_bias, layer, 0),
                   surviving_rows(moe.experts.down, layer, 1), surviving_rows(moe.experts.down_bias, layer)}};
  if (layer.keep.size() > 1) {
    moe = std::move(pruned);
    return;
  }
  const auto& expert = pruned.experts;
  block.feed_forward = FfnWeights{expert.up[0], expert.up_bias[0], expert.down[0], expert.down_bias[0]};
}

void check_fits(const LayerPlan& layer, const BertModel& model) {
  const auto experts =
      layer.layer < static_cast<int>(model.blocks.size()) ? model.config.experts_in(layer.layer) : 0;
  if (experts == 0)
    throw UserError(fmt::format("the plan prunes layer {}, which has no experts in this model", layer.layer),
                    "a plan speaks of the model it was made for: layers are block numbers, counted from 0");
  if (experts != layer.num_experts_before)
    throw UserError(fmt::format("the plan is for {} experts in layer {}, the model has {}",
                                layer.num_experts_before, layer.layer, experts),
                    "a plan speaks of the model it was made for: apply the plans of a run in their order");
}

}  // namespace

void apply_plan(const Plan& plan, BertModel& model) {
  if (plan.router == PlanRouter::kZeroOutput)
    throw UserError("the plan keeps router rows of dropped experts (router zero_output)",
                    "BERT-shaped checkpoints have no place for them: plan with router reroute");
  for (const auto& layer : plan.layers) check_fits(layer, model);
  const torch::NoGradGuard no_grad;
  for (const auto& layer : plan.layers)
    if (layer.keep.size() < static_cast<std::size_t>(layer.num_experts_before) || !layer.merge.empty())
      apply_layer(layer, model.blocks[static_cast<std::size_t>(layer.layer)]);
  describe_plan(plan, model.config);
}

}  // namespace espalier
