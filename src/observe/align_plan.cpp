#include "observe/align_plan.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "observe/neuron_alignment.h"

namespace espalier {
namespace {

const infer::DecoderMoe& layer_of(const LayerPlan& layer, std::string_view where,
                                  const infer::DecoderModel& model) {
  const auto index = static_cast<std::size_t>(layer.layer);
  const infer::DecoderMoe* moe = index < model.blocks.size() ? model.blocks[index].moe() : nullptr;
  const std::size_t experts = moe == nullptr ? 0 : moe->experts.size();
  if (experts == static_cast<std::size_t>(layer.num_experts_before)) return *moe;
  throw UserError(fmt::format("{}: layer {}: the plan is for {} experts, the model has {}", where,
                              layer.layer, layer.num_experts_before, experts),
                  "a plan speaks of the model it was made for, in the numbers it has there");
}

void align(ExpertMerge& merge, const infer::DecoderMoe& moe) {
  const infer::GatedFfn& into = moe.experts[static_cast<std::size_t>(merge.into)];
  merge.neurons.assign(merge.from.size(), {});
  for (std::size_t i = 0; i < merge.from.size(); ++i) {
    if (interrupt_requested()) throw Interrupted("stopped; nothing is written");
    if (merge.from[i] == merge.into) continue;
    merge.neurons[i] = align_neurons(into, moe.experts[static_cast<std::size_t>(merge.from[i])]).order;
  }
}

}  // namespace

Plan align_plan(Plan plan, std::string_view where, const infer::DecoderModel& model,
                const ProgressSink& progress) {
  std::uint64_t done = 0, merges = 0;
  for (const LayerPlan& layer : plan.layers) merges += layer.merge.size();
  if (merges == 0)
    throw UserError(fmt::format("{}: the plan merges nothing", where), "make it with plan --action merge");
  for (LayerPlan& layer : plan.layers) {
    const infer::DecoderMoe& moe = layer_of(layer, where, model);
    for (ExpertMerge& merge : layer.merge) {
      if (progress) progress({"aligning neurons", done++, merges, "groups"});
      align(merge, moe);
    }
    for_each_weight(model.blocks[static_cast<std::size_t>(layer.layer)],
                    [](const infer::StoredWeight& weight) { release(weight); });
  }
  validate(plan, where);
  return plan;
}

}  // namespace espalier
