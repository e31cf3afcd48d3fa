#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "data/mlm_batches.h"
#include "train/adamw.h"

namespace espalier {

/// What a killed run needs to go on with the same numbers, beside the options in its manifest.
struct TrainProgress {
  std::int64_t step = 0;
  CorpusCursor cursor;
  std::int64_t tokens_seen = 0;
  double seconds = 0.0;  ///< of training, over all sessions of the run
};

/// Writes parameters, moments and progress into one file, atomically: `folder`/state.safetensors.
void save_train_state(const std::filesystem::path& folder, AdamW& optimizer, const TrainProgress& progress);

/// Removes the state an older run left in `folder`, so that a new one is never resumed from it.
void discard_train_state(const std::filesystem::path& folder);

/// Fills the optimizer's tensors in place. Empty when the folder has no state yet; throws UserError when the
/// state is of another model.
std::optional<TrainProgress> load_train_state(const std::filesystem::path& folder, AdamW& optimizer);

}  // namespace espalier
