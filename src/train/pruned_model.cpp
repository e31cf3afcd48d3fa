#include "train/pruned_model.h"

#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "train/apply_plan.h"

namespace espalier {
namespace {

std::map<std::string, torch::Tensor> parameters_of(train::Transformer& model) {
  std::map<std::string, torch::Tensor> tensors;
  visit_parameters(model,
                   [&](const std::string& name, torch::Tensor& tensor) { tensors.emplace(name, tensor); });
  return tensors;
}

/// The router that the model's MoE layers share but for their counts; nullptr without any.
const arch::Router* router_of(const train::Transformer& model) {
  for (const auto& block : model.spec.blocks)
    if (block.moe() != nullptr) return &block.moe()->router;
  return nullptr;
}

}  // namespace

void expect_prunable(const train::Transformer& model) {
  constexpr const char* kHint = "prune with `espalier prune` or a plan, and fine-tune the result";
  if (model.spec.members > 1)
    throw UserError("--prune: the members of an ensemble have experts of their own, and lose equally many",
                    kHint);
  for (std::size_t layer = 0; layer < model.spec.blocks.size(); ++layer) {
    const auto* moe = model.spec.blocks[layer].moe();
    if (moe == nullptr) continue;
    if (moe->router.rule.score == GateScore::kSigmoid)
      throw UserError(
          "--prune: routers with sigmoid scores still weigh a lone expert token by token, so it "
          "would not be a plain MLP",
          kHint);
    if (moe->router.rows != moe->experts)
      throw UserError(
          fmt::format("--prune: the router of block {} has {} rows for {} experts: an earlier plan "
                      "kept them",
                      layer, moe->router.rows, moe->experts),
          kHint);
  }
}

std::map<int, int> experts_of(const train::Transformer& model) {
  std::map<int, int> experts;
  for (std::size_t layer = 0; layer < model.spec.blocks.size(); ++layer)
    if (const auto count = model.spec.blocks[layer].experts(); count > 1)
      experts[static_cast<int>(layer)] = static_cast<int>(count);
  return experts;
}

int experts_per_token(const train::Transformer& model) {
  const auto* router = router_of(model);
  if (router == nullptr || router->chooser == arch::WhoChooses::kExperts) return 1;
  return static_cast<int>(router->rule.experts_per_token);
}

TensorWeights weights_of(const train::Transformer& model, int layer) {
  const auto& moe = *model.blocks[static_cast<std::size_t>(layer)].moe();
  const auto& e = moe.experts;
  std::vector<torch::Tensor> stacked;
  for (const auto& tensor : {e.up, e.up_bias, e.down, e.down_bias})
    if (tensor.defined()) stacked.push_back(tensor);
  return {moe.router, std::move(stacked), e.up};
}

/// Model and moments of the same structure: what a plan does to one it does to all three.
void apply_plan(const Plan& plan, train::Transformer& model, AdamW& optimizer) {
  std::map<std::string, OptimizedParameter> before;
  for (auto& p : optimizer.parameters()) before.emplace(p.name, p);
  const auto moments = [&](torch::Tensor OptimizedParameter::*moment) {
    auto copy = model;
    visit_parameters(copy, [&](const std::string& name, torch::Tensor& tensor) {
      if (const auto found = before.find(name); found != before.end()) tensor = found->second.*moment;
    });
    train::apply_plan(plan, copy);
    return parameters_of(copy);
  };
  const auto firsts = moments(&OptimizedParameter::first_moment);
  const auto seconds = moments(&OptimizedParameter::second_moment);
  train::apply_plan(plan, model);
  std::vector<OptimizedParameter> after;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& value) {
    value.set_requires_grad(true);
    after.push_back({name, value, firsts.at(name), seconds.at(name), weight_decays(name)});
  });
  optimizer.replace_parameters(std::move(after));
}

}  // namespace espalier
