#include "train/pruned_model.h"

#include <map>
#include <string>

#include "base/error.h"
#include "model/apply_plan.h"
#include "model/apply_plan_decoder.h"

namespace espalier {
namespace {

template <typename Model>
std::map<std::string, torch::Tensor> parameters_of(Model& model) {
  std::map<std::string, torch::Tensor> tensors;
  visit_parameters(model,
                   [&](const std::string& name, torch::Tensor& tensor) { tensors.emplace(name, tensor); });
  return tensors;
}

/// Model and moments of the same structure: what a plan does to one it does to all three.
template <typename Model>
void apply_to_training(const Plan& plan, Model& model, AdamW& optimizer) {
  std::map<std::string, OptimizedParameter> before;
  for (auto& p : optimizer.parameters()) before.emplace(p.name, p);
  const auto moments = [&](torch::Tensor OptimizedParameter::*moment) {
    auto copy = model;
    visit_parameters(copy, [&](const std::string& name, torch::Tensor& tensor) {
      if (const auto found = before.find(name); found != before.end()) tensor = found->second.*moment;
    });
    apply_plan(plan, copy);
    return parameters_of(copy);
  };
  const auto firsts = moments(&OptimizedParameter::first_moment);
  const auto seconds = moments(&OptimizedParameter::second_moment);
  apply_plan(plan, model);
  std::vector<OptimizedParameter> after;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& value) {
    value.set_requires_grad(true);
    after.push_back({name, value, firsts.at(name), seconds.at(name), weight_decays(name)});
  });
  optimizer.replace_parameters(std::move(after));
}

class PrunedBert final : public PrunedModel {
 public:
  explicit PrunedBert(BertModel& model) : model_(model) {}
  std::map<int, int> experts() const override {
    std::map<int, int> experts;
    for (const auto layer : model_.config.moe_layers)
      experts[static_cast<int>(layer)] = static_cast<int>(model_.config.experts_in(layer));
    return experts;
  }
  int experts_per_token() const override { return static_cast<int>(model_.config.num_experts_per_tok); }
  void apply(const Plan& plan) override { apply_plan(plan, model_); }
  void apply(const Plan& plan, AdamW& optimizer) override { apply_to_training(plan, model_, optimizer); }

 private:
  BertModel& model_;
};

class PrunedDecoder final : public PrunedModel {
 public:
  explicit PrunedDecoder(TrainableDecoder& model) : model_(model) {
    if (model.config.router.score == GateScore::kSigmoid)
      throw UserError(
          "--prune: routers with sigmoid scores still weigh a lone expert token by token, so it "
          "would not be a plain MLP",
          "prune with `espalier prune` or a plan, and fine-tune the result");
  }
  std::map<int, int> experts() const override {
    std::map<int, int> experts;
    for (std::size_t layer = 0; layer < model_.blocks.size(); ++layer)
      if (const auto* moe = model_.blocks[layer].moe(); moe != nullptr && moe->router.defined())
        experts[static_cast<int>(layer)] = static_cast<int>(moe->experts.count());
    return experts;
  }
  int experts_per_token() const override { return static_cast<int>(model_.config.router.experts_per_token); }
  void apply(const Plan& plan) override { apply_plan(plan, model_); }
  void apply(const Plan& plan, AdamW& optimizer) override { apply_to_training(plan, model_, optimizer); }

 private:
  TrainableDecoder& model_;
};

}  // namespace

std::unique_ptr<PrunedModel> pruned_model(BertModel& model) {
  return std::make_unique<PrunedBert>(model);
}
std::unique_ptr<PrunedModel> pruned_model(TrainableDecoder& model) {
  return std::make_unique<PrunedDecoder>(model);
}

}  // namespace espalier
