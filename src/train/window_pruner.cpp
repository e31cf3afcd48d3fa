#include "train/window_pruner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "artifacts/scores.h"
#include "base/error.h"
#include "base/json.h"
#include "infer/threads.h"
#include "prune/window_plan.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

WindowRule for_model(WindowRule rule, const PrunedModel& model) {
  const auto experts = model.experts();
  if (experts.empty())
    throw UserError(
        "--prune: the model has no MoE layers, so there is nothing to prune",
        "name a Mixture-of-Experts model, make one with --upcycle 8 --moe-layers 1,3, or leave out "
        "--prune");
  rule.experts = 0;
  for (const auto& [layer, count] : experts) rule.experts = std::max<std::int64_t>(rule.experts, count);
  return rule;
}

/// The plan that leaves `survivors` (original numbers) of a model that still has all its experts.
Plan plan_of_survivors(const std::map<int, std::vector<int>>& survivors, const PrunedModel& model) {
  Plan plan;
  const auto before = model.experts();
  plan.experts_per_token = model.experts_per_token();
  for (const auto& [layer, keep] : survivors) {
    plan.layers.push_back({layer, before.at(layer), keep, {}, {}, {}});
    if (keep.size() > 1)
      plan.experts_per_token = std::min(plan.experts_per_token, static_cast<int>(keep.size()));
  }
  return plan;
}

}  // namespace

WindowPruner::WindowPruner(const PrunedModel& model, const WindowRule& rule, std::uint64_t seed)
    : rule_(for_model(rule, model)), seed_(seed), ends_(window_ends(rule_)) {
  for (const auto& [layer, count] : model.experts()) {
    auto& numbers = survivors_[layer];
    numbers.resize(static_cast<std::size_t>(count));
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

void WindowPruner::end_window(const fs::path& run_folder, PrunedModel& model, AdamW& optimizer) {
  const auto& end = ends_[next_];
  std::vector<LayerProficiency> layers;
  for (const auto& [layer, sums] : sums_) layers.push_back({layer, survivors_.at(layer), sums});
  const auto scores = window_scores(layers, rule_.criterion, end);
  const auto plan = window_plan(scores, rule_, end, seed_);
  write_scores(run_folder / fmt::format("scores-{:03}.json", end.index - 1), scores);
  write_plan(run_folder / fmt::format("plan-{:03}.json", end.index - 1), plan);
  if (drops_anything(plan)) {
    model.apply(plan, optimizer);
    infer::return_freed_memory();
  }
  for (const auto& layer : plan.layers) survivors_[layer.layer] = surviving_originals(layer);
  ++next_;
  start_window();
}

void WindowPruner::describe(MetricsLine& line) const {
  for (const auto& [layer, numbers] : survivors_) {
    line.survivors[layer] = static_cast<int>(numbers.size());
    line.survivors_original[layer] = numbers;
  }
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

void WindowPruner::restore(const nlohmann::json& state, PrunedModel& model) {
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
  model.apply(plan_of_survivors(survivors_, model));
}

nlohmann::json resolved_options_of(const WindowRule& rule) {
  if (rule.schedule == PruneSchedule::kNone) return {{"prune", prune_schedule_name(rule.schedule)}};
  return {{"prune", prune_schedule_name(rule.schedule)},
          {"criterion", proficiency_name(rule.criterion)},
          {"beta", rule.beta},
          {"gamma", rule.gamma},
          {"force_drop", force_drop_name(rule.force_drop)}};
}

void discard_windows(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const bool window = name.starts_with("plan-") || name.starts_with("scores-");
    if (window && name.ends_with(".json")) fs::remove(entry.path());
  }
}

}  // namespace espalier
