#pragma once

#include "arch/family.h"

namespace espalier {

// The functions of a row of `families()` that stands for a row of `moe_families()`.

ModelSizes language_model_sizes(const nlohmann::json& config, std::string_view source);
/// The embeddings against vocabulary and width. What only the forward pass reads is not looked at.
void check_language_model(const Checkpoint& checkpoint);
/// Also checks the routers' and experts' shapes against width and expert width, where weights are stored as
/// numbers of one element each.
Topology language_model_topology(const Checkpoint& checkpoint);

}  // namespace espalier
