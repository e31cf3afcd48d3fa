#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/progress.h"

namespace espalier {
namespace train {
struct Transformer;  // the program includes this, and no tensors
}

/// Turn listed blocks' FFNs into experts before training (train/upcycle.h says what parts them).
struct UpcycleRequest {
  std::int64_t experts = 8;
  std::vector<std::int64_t> moe_layers;  ///< 0-based blocks
  double router_logits = 0.1, redraw = 0.0, noise = 0.0;
};

/// The model a run starts from: the checkpoint in a folder, or new weights for a config.json, upcycled where
/// asked. `note` hears what upcycling does about the gates. Throws UserError when there is nothing dense to
/// upcycle.
train::Transformer starting_model(const std::filesystem::path& config_or_checkpoint,
                                  const std::optional<UpcycleRequest>& upcycle, std::uint64_t seed,
                                  const NoteSink& note);

/// What identifies that model among a run's options: its config, the hash of its weights when they come from
/// a checkpoint, and the upcycling.
nlohmann::json starting_model_options(const std::filesystem::path& config_or_checkpoint,
                                      const std::optional<UpcycleRequest>& upcycle);

}  // namespace espalier
