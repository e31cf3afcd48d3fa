#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "artifacts/metrics.h"
#include "artifacts/observations.h"
#include "artifacts/scores.h"
#include "prune/window_schedule.h"
#include "train/adamw.h"
#include "train/forward.h"
#include "train/pruned_model.h"

namespace espalier {

/// Pruning while training (2206.00277, section 3): measures every expert over a window of steps, and at the
/// window's end scores, plans, writes both down (`scores-NNN.json`, `plan-NNN.json`) and applies the plan to
/// model and optimizer.
class WindowPruner {
 public:
  /// Throws UserError when the model has no MoE layer or is not the reference's, and what `window_ends`
  /// throws.
  WindowPruner(train::Transformer& model, const WindowRule& rule, std::uint64_t seed);

  /// The options of a training step, whose routing, and outputs where the criterion looks at them, are
  /// measured too.
  train::ForwardOptions watched(const train::ForwardOptions& options);

  /// Whether experts are dropped after `step`.
  bool ends_window(std::int64_t step) const;
  /// Ends the window of that step.
  void end_window(const std::filesystem::path& run_folder, AdamW& optimizer);

  /// Puts the living experts into a line of metrics.jsonl, layers with one survivor included.
  void describe(MetricsLine& line) const;

  /// Window, sums and survivors, exactly; `restore` also drops what the run had dropped from a fresh model.
  nlohmann::json state() const;
  void restore(const nlohmann::json& state);

 private:
  void start_window();
  void add(std::int64_t block, const train::Routing& routing);
  void add(std::int64_t block, const ExpertOutputs& outputs);
  std::map<int, std::vector<double>> reference() const;
  std::vector<double> weight_scores_of(int layer) const;
  Scores scores_of_window() const;

  train::Transformer& model_;
  WindowRule rule_;
  std::uint64_t seed_;
  std::vector<WindowEnd> ends_;
  std::size_t next_ = 0;                       // index into ends_
  std::map<int, std::vector<int>> survivors_;  // original numbers
  std::map<int, LayerObservations> sums_;      // of layers where something is chosen
  std::map<int, std::vector<double>> before_;  // of a criterion that compares: by layer and original number
};

/// Those options of the rule that decide a run's numbers, for its manifest.
nlohmann::json resolved_options_of(const WindowRule& rule);

/// Removes the plans and scores an older run left in `folder`.
void discard_windows(const std::filesystem::path& folder);

}  // namespace espalier
