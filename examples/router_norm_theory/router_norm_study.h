#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "artifacts/figures.h"
#include "base/progress.h"
#include "router_norm_theory/two_layer_moe.h"

namespace espalier::examples {

/// What is measured of the two-layer model: norm changes over widths d, and accuracy over pruning ratios at
/// `setting.patterns`.
struct StudyOptions {
  TheorySetting setting;
  std::vector<std::size_t> widths{100, 200, 400, 800};                    ///< d
  std::vector<std::size_t> drops{0, 10, 20, 26, 30, 32, 34, 36, 37, 38};  ///< of the experts
  std::size_t fine_tune_steps = 150;
  std::size_t test_samples = 2000;
  std::size_t seeds = 3;
  std::uint64_t seed = 42;
};

/// One trained model's experts.
struct NormChanges {
  std::size_t width = 0;
  std::uint64_t seed = 0;
  std::vector<double> change;    // [k] of the router row's norm
  std::vector<Leaning> leaning;  // [k]
  double accuracy = 0.0;
};

/// Accuracy after `dropped` experts went, by an order of dropping.
struct PrunedAccuracy {
  std::string order;  ///< "router_norm_change", "random"
  std::uint64_t seed = 0;
  std::size_t dropped = 0;
  double before = 0.0, after = 0.0;  ///< fine-tuning
};

struct StudyResult {
  std::vector<NormChanges> changes;    // widths x seeds
  std::vector<PrunedAccuracy> pruned;  // orders x seeds x drops
};

/// Trains and prunes. Throws UserError for impossible settings; Interrupted on Ctrl-C.
StudyResult run_study(const StudyOptions& options, const ProgressSink& progress);

struct MeanSpread {
  double mean = 0.0, least = 0.0, most = 0.0;
};
MeanSpread mean_spread(const std::vector<double>& values);

/// Mean of |change| of the experts that lean to o1 or o2, and of the others, over the seeds of a width.
struct WidthSummary {
  std::size_t width = 0;
  MeanSpread relevant, irrelevant;
  double least_relevant = 0.0, largest_irrelevant = 0.0;  ///< |change| of a single expert
};
std::vector<WidthSummary> summarise(const StudyResult& result);

/// Slope of log(irrelevant) over log(width), least squares; -0.5 is 1/sqrt(d).
double irrelevant_exponent(const std::vector<WidthSummary>& widths);

/// Mean accuracy over the seeds.
std::vector<PrunedAccuracy> mean_over_seeds(const std::vector<PrunedAccuracy>& pruned);

std::vector<Figure> study_figures(const StudyOptions& options, const StudyResult& result);

}  // namespace espalier::examples
