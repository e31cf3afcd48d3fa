#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "arch/topology.h"
#include "artifacts/observations.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

/// One MoE layer of a checkpoint, and of the one it was fine-tuned from.
struct LayerWeights {
  const Checkpoint& checkpoint;
  const MoeLayerTensors& layer;
  const Checkpoint* reference = nullptr;  ///< the same tensors before; nullptr where there is none
  const MoeLayerTensors* reference_layer = nullptr;
};

/// What a random criterion draws from: nothing else of a layer matters to it.
struct LayerDraw {
  int layer = 0;
  std::size_t experts = 0;  // E
  std::uint64_t seed = 0;
};

/// One criterion: how an expert's score comes about. It has one of the three functions, or, if it needs
/// nothing but the number of experts, `drawn`. Each returns [E], higher = keep; NaN where there is nothing to
/// say.
struct Criterion {
  std::string_view name;
  std::string_view definition;  ///< one line, for `--help` and tables
  std::vector<double> (*observed)(const LayerObservations& layer) = nullptr;
  std::vector<double> (*weights)(const LayerWeights& layer) = nullptr;
  std::vector<double> (*drawn)(const LayerDraw& layer) = nullptr;
};

/// The table. `alpha` and `hit_rate` of training (prune/window_rule.h) are here too, from observations.
std::span<const Criterion> criteria();

/// Throws UserError that names the nearest one.
const Criterion& find_criterion(std::string_view name);

}  // namespace espalier
