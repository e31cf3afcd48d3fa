#pragma once

#include "artifacts/plan.h"
#include "model/trainable_decoder.h"

namespace espalier {

/// Applies a plan to a decoder in memory, as `apply_plan` does to an encoder: dropped experts, their router
/// rows and correction biases leave the tensors; merged ones become weighted sums. A layer with one survivor
/// loses its router: the expert (and a shared one beside it) takes every token. Tensors that change are new
/// ones without gradients.
///
/// Throws UserError when the plan is not of this model, and for the router `zero_output`.
void apply_plan(const Plan& plan, TrainableDecoder& model);

}  // namespace espalier
