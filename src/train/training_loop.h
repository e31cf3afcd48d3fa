#pragma once

#include <string_view>

#include "train/objective.h"
#include "train/training_options.h"

namespace espalier {

/// Runs or resumes a training run in `options.out` (manifest.json, metrics.jsonl, state.safetensors, and what
/// the objective saves): AdamW, linear warm-up and decay, clipping. Ctrl-C saves and throws Interrupted; a
/// loss that is not finite is a UserError naming the step, and the last state stays. `verb` names the run in
/// its manifest.
TrainingSummary run_training(std::string_view verb, Objective& objective, const TrainingOptions& options);

}  // namespace espalier
