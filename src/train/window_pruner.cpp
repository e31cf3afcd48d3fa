#include "train/window_pruner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "artifacts/observation_fields.h"
#include "base/error.h"
#include "base/json.h"
#include "infer/threads.h"
#include "observe/accumulate.h"
#include "prune/score.h"
#include "prune/window_plan.h"
#include "prune/window_scores.h"
#include "train/apply_plan.h"
#include "train/weights_hash.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

WindowRule for_model(WindowRule rule, const train::Transformer& model) {
  expect_prunable(model);
  const auto experts = experts_of(model);
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
Plan plan_of_survivors(const std::map<int, std::vector<int>>& survivors, const train::Transformer& model) {
  Plan plan;
  const auto before = experts_of(model);
  plan.experts_per_token = experts_per_token(model);
  for (const auto& [layer, keep] : survivors) {
    plan.layers.push_back({layer, before.at(layer), keep, {}, {}, {}});
    if (keep.size() > 1)
      plan.experts_per_token = std::min(plan.experts_per_token, static_cast<int>(keep.size()));
  }
  return plan;
}

/// Calls `visit` with the name and the sums of all that `RoutingStatistics::kOfCriteria` and outputs add to:
/// one number of each expert.
template <typename Sums, typename Visit>
void for_each_sum(Sums& sums, Visit visit) {
  for (const ObservationField& field : observation_fields())
    if (field.shape == FieldShape::kExperts) visit(std::string(field.name), sums.*field.values);
}

}  // namespace

WindowPruner::WindowPruner(train::Transformer& model, const WindowRule& rule, std::uint64_t seed)
    : model_(model), rule_(for_model(rule, model)), seed_(seed), ends_(window_ends(rule_)) {
  for (const auto& [layer, count] : experts_of(model_)) {
    auto& numbers = survivors_[layer];
    numbers.resize(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
  }
  if (rule_.criterion->compares) before_ = reference();
  start_window();
}

/// Of the model that the rule names, or of the one that the run starts from.
std::map<int, std::vector<double>> WindowPruner::reference() const {
  std::map<int, std::vector<double>> values;
  if (rule_.reference) values = reference_values(Checkpoint::open(*rule_.reference), *rule_.criterion);
  for (const auto& [layer, count] : experts_of(model_)) {
    if (!rule_.reference) values[layer] = rule_.criterion->weights(weights_of(model_, layer));
    if (const auto found = values[layer].size(); found != static_cast<std::size_t>(count))
      throw UserError(fmt::format("--reference {}: block {} has {} experts, the model that is trained has {}",
                                  rule_.reference->string(), layer, found, count),
                      "name the model as it was before");
  }
  return values;
}

void WindowPruner::start_window() {
  sums_.clear();
  for (const auto& [layer, numbers] : survivors_)
    if (numbers.size() > 1) sums_.emplace(layer, LayerObservations(layer, numbers.size(), 0));
}

train::ForwardOptions WindowPruner::watched(const train::ForwardOptions& options) {
  train::ForwardOptions watched = options;
  watched.on_routing = [this, &options](std::int64_t block, const train::Routing& routing) {
    if (options.on_routing) options.on_routing(block, routing);
    add(block, routing);
  };
  if (rule_.criterion->input != CriterionInput::kOutputs) return watched;
  watched.on_outputs = [this](std::int64_t block, const ExpertOutputs& outputs) { add(block, outputs); };
  return watched;
}

void WindowPruner::add(std::int64_t block, const train::Routing& routing) {
  const auto found = sums_.find(static_cast<int>(block));
  if (found == sums_.end()) return;
  const auto in_memory = [](const torch::Tensor& tensor, torch::ScalarType type) {
    return tensor.detach().to(torch::kCPU, type).contiguous();
  };
  const auto alpha = in_memory(routing.unjittered, torch::kFloat32);
  const auto chosen = in_memory(routing.chosen, torch::kInt32);
  const auto gates = in_memory(routing.gates, torch::kFloat32);
  infer::RoutingView view;
  view.tokens = alpha.size(0);
  view.rows = alpha.size(1);
  view.slots = chosen.size(1);
  view.alpha = alpha.data_ptr<float>();
  view.chosen = chosen.data_ptr<std::int32_t>();
  view.gates = gates.data_ptr<float>();
  if (routing.chooser == arch::WhoChooses::kExperts) view.order = infer::SlotOrder::kByExpert;
  add_routing(view, RoutingStatistics::kOfCriteria, found->second);
}

void WindowPruner::add(std::int64_t block, const ExpertOutputs& outputs) {
  const auto found = sums_.find(static_cast<int>(block));
  if (found == sums_.end()) return;
  const std::span<const float> gates(outputs.gates, static_cast<std::size_t>(outputs.rows));
  add_outputs({outputs.expert, {}, gates, outputs.outputs}, outputs.width, found->second);
}

bool WindowPruner::ends_window(std::int64_t step) const {
  return next_ < ends_.size() && !sums_.empty() && ends_[next_].last_step == step;
}

std::vector<double> WindowPruner::weight_scores_of(int layer) const {
  std::vector<double> before;
  if (rule_.criterion->compares)
    for (const int original : survivors_.at(layer))
      before.push_back(before_.at(layer)[static_cast<std::size_t>(original)]);
  return weight_scores(*rule_.criterion, weights_of(model_, layer), before);
}

Scores WindowPruner::scores_of_window() const {
  std::vector<LayerWindow> layers;
  for (const auto& [layer, sums] : sums_) {
    LayerWindow window{survivors_.at(layer), sums, {}};
    if (rule_.criterion->input == CriterionInput::kWeights) window.weights = weight_scores_of(layer);
    layers.push_back(std::move(window));
  }
  return window_scores(layers, *rule_.criterion, ends_[next_], experts_per_token(model_), seed_);
}

void WindowPruner::end_window(const fs::path& run_folder, AdamW& optimizer) {
  const auto& end = ends_[next_];
  const auto scores = scores_of_window();
  const auto plan = window_plan(scores, rule_, end, seed_);
  write_scores(run_folder / fmt::format("scores-{:03}.json", end.index - 1), scores);
  write_plan(run_folder / fmt::format("plan-{:03}.json", end.index - 1), plan);
  if (drops_anything(plan)) {
    espalier::apply_plan(plan, model_, optimizer);
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
    if (const auto found = sums_.find(layer); found != sums_.end()) {
      entry["tokens"] = found->second.tokens;
      for_each_sum(found->second, [&](const std::string& name, const auto& sums) { entry[name] = sums; });
    }
    layers.push_back(std::move(entry));
  }
  return {{"windows_ended", next_}, {"layers", std::move(layers)}};
}

void WindowPruner::restore(const nlohmann::json& state) {
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
    found->second.tokens = layer.number("tokens");
    for_each_sum(found->second, [&](const std::string& name, auto& sums) { sums = layer.numbers(name); });
  }
  train::apply_plan(plan_of_survivors(survivors_, model_), model_);
}

nlohmann::json resolved_options_of(const WindowRule& rule) {
  if (rule.schedule == PruneSchedule::kNone) return {{"prune", prune_schedule_name(rule.schedule)}};
  nlohmann::json resolved{{"prune", prune_schedule_name(rule.schedule)},
                          {"criterion", rule.criterion->name},
                          {"beta", rule.beta},
                          {"gamma", rule.gamma},
                          {"force_drop", force_drop_name(rule.force_drop)}};
  if (rule.reference) resolved["reference_sha256"] = weights_hash(Checkpoint::open(*rule.reference));
  return resolved;
}

void discard_windows(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const bool window = name.starts_with("plan-") || name.starts_with("scores-");
    if (window && name.ends_with(".json")) fs::remove(entry.path());
  }
}

}  // namespace espalier
