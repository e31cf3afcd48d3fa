#include "model/apply_plan_decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "model/surviving_rows.h"

namespace espalier {
namespace {

const TrainableMoe& layer_of(const LayerPlan& layer, const TrainableDecoder& model) {
  const bool exists = layer.layer < static_cast<int>(model.blocks.size());
  const auto* moe = exists ? model.blocks[static_cast<std::size_t>(layer.layer)].moe() : nullptr;
  if (moe == nullptr)
    throw UserError(fmt::format("the plan prunes layer {}, which has no experts in this model", layer.layer),
                    "a plan speaks of the model it was made for: layers are block numbers, counted from 0");
  if (moe->experts.count() != layer.num_experts_before)
    throw UserError(fmt::format("the plan is for {} experts in layer {}, the model has {}",
                                layer.num_experts_before, layer.layer, moe->experts.count()),
                    "a plan speaks of the model it was made for: apply the plans of a run in their order");
  return *moe;
}

void apply_layer(const LayerPlan& layer, TrainableDecoder& model) {
  auto& moe = *model.blocks[static_cast<std::size_t>(layer.layer)].moe();
  moe.experts = {surviving_rows(moe.experts.gate_up, layer, 0), surviving_rows(moe.experts.down, layer, 1)};
  if (moe.correction_bias.defined()) moe.correction_bias = surviving_rows(moe.correction_bias, layer);
  if (!moe.router.defined()) return;
  const bool alone = layer.keep.size() == 1 && model.config.router.score != GateScore::kSigmoid;
  moe.router = alone ? torch::Tensor() : surviving_rows(moe.router, layer);
}

}  // namespace

void apply_plan(const Plan& plan, TrainableDecoder& model) {
  if (plan.router == PlanRouter::kZeroOutput)
    throw UserError("the plan keeps router rows of dropped experts (router zero_output)",
                    "the families' checkpoints have no place for them: plan with router reroute");
  for (const auto& layer : plan.layers) layer_of(layer, model);
  const torch::NoGradGuard no_grad;
  for (const auto& layer : plan.layers) {
    if (layer.keep.size() == static_cast<std::size_t>(layer.num_experts_before) && layer.merge.empty())
      continue;
    apply_layer(layer, model);
    model.config.experts[static_cast<std::size_t>(layer.layer)] =
        static_cast<std::int64_t>(layer.keep.size());
  }
  model.config.router.experts_per_token = plan.experts_per_token;
}

}  // namespace espalier
