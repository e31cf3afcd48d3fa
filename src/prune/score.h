#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "arch/topology.h"
#include "artifacts/observations.h"
#include "artifacts/scores.h"
#include "base/progress.h"
#include "checkpoint/checkpoint.h"
#include "prune/criteria/criterion.h"

namespace espalier {

/// Scores from a calibration run. Experts that got fewer than `min_tokens` (token, slot) pairs are recorded
/// as not to be dropped. Throws UserError for a criterion that needs weights.
Scores score_observations(const Observations& observations, const Criterion& criterion,
                          std::int64_t min_tokens, std::uint64_t seed);

/// Scores from weights alone, read one tensor at a time; multi-token-prediction layers are left out, as they
/// are from a calibration run. `reference`: the model before fine-tuning; without one the criterion may be
/// replaced by another (`Criterion::without_reference`). Throws UserError for a criterion that needs
/// observations, for models that do not fit each other and for weights that are no floating-point numbers.
Scores score_checkpoint(const Checkpoint& checkpoint, const Checkpoint* reference, const Criterion& criterion,
                        std::uint64_t seed, const ProgressSink& progress);

/// What a criterion of weights says of each MoE layer of a model, [E] by block, for others to be compared
/// with.
std::map<int, std::vector<double>> reference_values(const Checkpoint& reference, const Criterion& criterion);

/// Puts into scores what only the model's files say: bytes per expert, and K and groups where the scores do
/// not have them. Throws UserError where the scores are of another model.
void add_model_facts(Scores& scores, const Checkpoint& checkpoint);

/// Throws UserError for an unknown architecture, a damaged checkpoint and a model without experts.
Topology topology_with_experts(const Checkpoint& checkpoint);

}  // namespace espalier
