#pragma once

#include <map>

#include "artifacts/plan.h"
#include "train/adamw.h"
#include "train/tensor_weights.h"
#include "train/transformer.h"

namespace espalier {

/// Throws UserError for models that cannot lose experts while they are trained: routers whose gate of a lone
/// expert would still depend on the token (sigmoid scores), ensembles, whose members lose equally many, and
/// routers with rows of pruned experts.
void expect_prunable(const train::Transformer& model);

/// MoE layer -> experts now; layers with one survivor are not among them: nothing is chosen there any more.
std::map<int, int> experts_of(const train::Transformer& model);
/// K; where experts choose, one may be left in a layer whatever K is: 1.
int experts_per_token(const train::Transformer& model);
/// The weights of one of those layers, as they are now.
TensorWeights weights_of(const train::Transformer& model, int layer);

/// To the model and the optimizer's moments alike; the optimizer then has the model's new tensors.
void apply_plan(const Plan& plan, train::Transformer& model, AdamW& optimizer);

}  // namespace espalier
