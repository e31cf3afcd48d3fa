#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/checkpoint.h"
#include "data/epoch_order.h"
#include "train/adamw.h"

namespace espalier {

/// What a killed run needs to go on with the same numbers, beside the options in its manifest.
struct TrainProgress {
  std::int64_t step = 0;
  CorpusCursor cursor;
  std::int64_t tokens_seen = 0;
  double seconds = 0.0;                                 ///< of training, over all sessions of the run
  nlohmann::json objective = nlohmann::json::object();  ///< the objective's own state (train/objective.h)
};

/// Writes parameters, moments and progress into one file, atomically: `folder`/state.safetensors.
void save_train_state(const std::filesystem::path& folder, AdamW& optimizer, const TrainProgress& progress);

/// Removes the state an older run left in `folder`, so that a new one is never resumed from it.
void discard_train_state(const std::filesystem::path& folder);

/// A saved state: its progress at once, its tensors when there is a model of their shapes.
class TrainState {
 public:
  /// Empty when the folder has no state yet; throws UserError when the file is no state.
  static std::optional<TrainState> open(const std::filesystem::path& folder);

  const TrainProgress& progress() const { return progress_; }
  /// Fills the optimizer's tensors in place. Throws UserError when the state is of another model, with
  /// nothing changed.
  void restore(AdamW& optimizer) const;

 private:
  TrainState(std::filesystem::path path, SafetensorsFile file);

  std::filesystem::path path_;
  SafetensorsFile file_;
  TrainProgress progress_;
};

}  // namespace espalier
