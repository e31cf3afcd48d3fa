#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "artifacts/observations.h"
#include "prune/criteria/layer_weights.h"

namespace espalier {

/// What a random criterion draws from: nothing else of a layer matters to it.
struct LayerDraw {
  int layer = 0;
  std::size_t experts = 0;  // E
  std::uint64_t seed = 0;
};

/// What a criterion looks at.
enum class CriterionInput {
  kRouting,  ///< what the router decided of tokens
  kOutputs,  ///< that, and what the experts computed of them
  kWeights,  ///< weights alone
  kSeed      ///< nothing of the model
};

/// What numbers its scores are.
enum class ScoreScale {
  kShares,    ///< not negative, and 1 in sum over a layer's experts
  kPositive,  ///< not negative: divided by their sum they are shares
  kSigned     ///< may be negative: they rank, and are no shares of anything
};

/// One criterion: how an expert's score comes about. It has one of the three functions. Each returns [E],
/// higher = keep; NaN where there is nothing to say.
struct Criterion {
  std::string_view name;
  std::string_view definition;  ///< one line, for `--help` and tables
  CriterionInput input = CriterionInput::kRouting;
  ScoreScale scale = ScoreScale::kPositive;
  std::vector<double> (*observed)(const LayerObservations& layer) = nullptr;
  std::vector<double> (*weights)(const LayerWeights& layer) = nullptr;
  std::vector<double> (*drawn)(const LayerDraw& layer) = nullptr;
  /// The score is the change of what `weights` says since a reference: the model before fine-tuning.
  bool compares = false;
  /// The criterion that stands in where there is no reference; empty: none does.
  std::string_view without_reference = {};
};

/// Whether its scores come from a calibration run rather than from weights or a seed.
inline bool needs_observations(const Criterion& criterion) {
  return criterion.input == CriterionInput::kRouting || criterion.input == CriterionInput::kOutputs;
}

/// The table; fine-tuning scores its windows by it too (prune/window_scores.h).
std::span<const Criterion> criteria();

/// Throws UserError that names the nearest one.
const Criterion& find_criterion(std::string_view name);

/// [E] scores of a criterion of weights. `before`: [E] what its function says of the reference, empty without
/// one. Throws UserError where it compares and there is none.
std::vector<double> weight_scores(const Criterion& criterion, const LayerWeights& layer,
                                  std::span<const double> before);

}  // namespace espalier
