#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "artifacts/metrics.h"
#include "moe/router.h"
#include "prune/proficiency.h"
#include "prune/window_schedule.h"
#include "train/pruned_model.h"

namespace espalier {

/// Pruning while training (2206.00277, section 3): measures every expert over a window of steps, and at the
/// window's end scores, plans, writes both down (`scores-NNN.json`, `plan-NNN.json`) and applies the plan to
/// model and optimizer.
class WindowPruner {
 public:
  /// Throws UserError when the model has no MoE layer, and what `window_ends` throws.
  WindowPruner(const PrunedModel& model, const WindowRule& rule, std::uint64_t seed);

  /// Adds one step's routing of a MoE layer.
  void observe(std::int64_t block, const Routing& routing);

  /// Whether experts are dropped after `step`.
  bool ends_window(std::int64_t step) const;
  /// Ends the window of that step.
  void end_window(const std::filesystem::path& run_folder, PrunedModel& model, AdamW& optimizer);

  /// Puts the living experts into a line of metrics.jsonl, layers with one survivor included.
  void describe(MetricsLine& line) const;

  /// Window, sums and survivors, exactly; `restore` also drops what the run had dropped from a fresh model.
  nlohmann::json state() const;
  void restore(const nlohmann::json& state, PrunedModel& model);

 private:
  void start_window();

  WindowRule rule_;
  std::uint64_t seed_;
  std::vector<WindowEnd> ends_;
  std::size_t next_ = 0;                       // index into ends_
  std::map<int, std::vector<int>> survivors_;  // original numbers
  std::map<int, ProficiencySums> sums_;        // of layers with a router
};

/// Those options of the rule that decide a run's numbers, for its manifest.
nlohmann::json resolved_options_of(const WindowRule& rule);

/// Removes the plans and scores an older run left in `folder`.
void discard_windows(const std::filesystem::path& folder);

}  // namespace espalier
