#include "train/window_pruner.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <numeric>

#include "artifacts/scores.h"
#include "base/error.h"
#include "base/json.h"
#include "model/apply_plan.h"
#include "nn/threads.h"
#include "prune/window_plan.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

WindowRule for_model(WindowRule rule, const BertModel& model) {
  const auto& counts = model.config.num_experts;
  if (counts.empty())
    throw UserError(
        "--prune: the model has no MoE layers, so there is nothing to prune",
        "name a Mixture-of-Experts model, make one with --upcycle 8 --moe-layers 1,3, or leave out "
        "--prune");
  rule.experts = *std::max_element(counts.begin(), counts.end());
  return rule;
}

/// Model and moments of the same structure: what a plan does to one it does to all three.
void apply_to_training(const Plan& plan, BertModel& model, AdamW& optimizer) {
  std::map<std::string, OptimizedParameter> before;
  for (auto& p : optimizer.parameters()) before.emplace(p.name, p);
  auto first = model, second = model;
  const auto moments = [&](BertModel& copy, torch::Tensor OptimizedParameter::*moment) {
    visit_parameters(copy, [&](const std::string& name, torch::Tensor& tensor) {
      if (const auto found = before.find(name); found != before.end()) tensor = found->second.*moment;
    });
    apply_plan(plan, copy);
  };
  moments(first, &OptimizedParameter::first_moment);
  moments(second, &OptimizedParameter::second_moment);
  apply_plan(plan, model);
  std::vector<OptimizedParameter> after;
  const auto collect = [](BertModel& from) {
    std::vector<torch::Tensor> tensors;
    visit_parameters(from, [&](const std::string&, torch::Tensor& tensor) { tensors.push_back(tensor); });
    return tensors;
  };
  const auto firsts = collect(first), seconds = collect(second);
  std::size_t i = 0;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& value) {
    value.set_requires_grad(true);
    after.push_back({name, value, firsts[i], seconds[i], weight_decays(name)});
    ++i;
  });
  optimizer.replace_parameters(std::move(after));
}

/// The plan that leaves `survivors` (original numbers) of a model that still has all its experts.
Plan plan_of_survivors(const std::map<int, std::vector<int>>& survivors, const BertModel& model) {
  Plan plan;
  plan.experts_per_token = static_cast<int>(model.config.num_experts_per_tok);
  for (const auto& [layer, keep] : survivors) {
    plan.layers.push_back({layer, static_cast<int>(model.config.experts_in(layer)), keep, {}, {}, {}});
    if (keep.size() > 1)
      plan.experts_per_token = std::min(plan.experts_per_token, static_cast<int>(keep.size()));
  }
  return plan;
}

}  // namespace

WindowPruner::WindowPruner(const BertModel& model, const WindowRule& rule, std::uint64_t seed)
    : rule_(for_model(rule, model)), seed_(seed), ends_(window_ends(rule_)) {
  for (const auto layer : model.config.moe_layers) {
    auto& numbers = survivors_[static_cast<int>(layer)];
    numbers.resize(static_cast<std::size_t>(model.config.experts_in(layer)));
    std::iota(numbers.begin(), numbers.end(), 0);
  }
  start_window();
}

void WindowPruner::start_window() {
  sums_.clear();
  for (const auto& [layer, numbers] : survivors_)
    if (numbers.size() > 1) sums_.emplace(layer, ProficiencySums(numbers.size()));
}

void WindowPruner::observe(std::int64_t block, const Routing& routing) {
  auto& sums = sums_.at(static_cast<int>(block));
  const auto alpha = routing.unjittered.sum(0, /*keepdim=*/false, torch::kFloat64).cpu().contiguous();
  const auto routed = routed_counts(routing).cpu().contiguous();
  for (std::size_t e = 0; e < sums.alpha.size(); ++e) {
    sums.alpha[e] += alpha.data_ptr<double>()[e];
    sums.routed[e] += routed.data_ptr<std::int64_t>()[e];
  }
  sums.tokens += routing.unjittered.size(0);
}

bool WindowPruner::ends_window(std::int64_t step) const {
  return next_ < ends_.size() && !sums_.empty() && ends_[next_].last_step == step;
}

void WindowPruner::end_window(const fs::path& run_folder, BertModel& model, AdamW& optimizer) {
  const auto& end = ends_[next_];
  std::vector<LayerProficiency> layers;
  for (const auto& [layer, sums] : sums_) layers.push_back({layer, survivors_.at(layer), sums});
  const auto scores = window_scores(layers, rule_.criterion, end);
  const auto plan = window_plan(scores, rule_, end, seed_);
  write_scores(run_folder / fmt::format("scores-{:03}.json", end.index - 1), scores);
  write_plan(run_folder / fmt::format("plan-{:03}.json", end.index - 1), plan);
  if (drops_anything(plan)) {
    apply_to_training(plan, model, optimizer);
    return_freed_memory();
  }
  for (const auto& layer : plan.layers) survivors_[layer.layer] = surviving_originals(layer);
  ++next_;
  start_window();
}

nlohmann::json WindowPruner::state() const {
  auto layers = nlohmann::json::array();
  for (const auto& [layer, numbers] : survivors_) {
    nlohmann::json entry{{"layer", layer}, {"survivors", numbers}};
    if (const auto found = sums_.find(layer); found != sums_.end())
      entry.update({{"alpha", found->second.alpha},
                    {"routed", found->second.routed},
                    {"tokens", found->second.tokens}});
    layers.push_back(std::move(entry));
  }
  return {{"windows_ended", next_}, {"layers", std::move(layers)}};
}

void WindowPruner::restore(const nlohmann::json& state, BertModel& model) {
  JsonObject object(state, "state.safetensors", "objective.pruning");
  next_ =
      static_cast<std::size_t>(object.integer("windows_ended", {0, static_cast<std::int64_t>(ends_.size())}));
  auto layers = object.objects("layers");
  for (auto& layer : layers) {
    auto& numbers = survivors_.at(static_cast<int>(layer.integer("layer", {0, 100'000})));
    numbers.clear();
    for (const auto number : layer.integers("survivors", {0, rule_.experts - 1}))
      numbers.push_back(static_cast<int>(number));
  }
  start_window();
  for (auto& layer : layers) {
    const auto found = sums_.find(static_cast<int>(layer.integer("layer")));
    if (found == sums_.end()) continue;
    found->second.alpha = layer.numbers("alpha");
    found->second.routed = layer.integers("routed");
    found->second.tokens = layer.integer("tokens");
  }
  apply_plan(plan_of_survivors(survivors_, model), model);
}

void discard_windows(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const bool window = name.starts_with("plan-") || name.starts_with("scores-");
    if (window && name.ends_with(".json")) fs::remove(entry.path());
  }
}

}  // namespace espalier
