#pragma once

#include "artifacts/plan.h"
#include "train/transformer.h"

namespace espalier::train {

/// Applies a plan in memory, as on files: dropped experts, their router rows and correction biases leave the
/// tensors, so that the softmax runs over the survivors alone; merged experts and router rows become weighted
/// sums, computed in float32. What becomes of a layer with one survivor, its family says
/// (`arch::after_plan`): a plain FFN (alpha = 1, no router; 2206.00277, 3.3), or a layer of one expert,
/// without a router where none is needed. Tensors that change are new ones without gradients; the others are
/// untouched.
///
/// The same function drops an optimizer's moments: they are tensors of the same names and shapes. A merge
/// there is the weighted sum of moments.
///
/// Throws UserError when the plan is not of this model (a layer without experts, another number of experts),
/// for the router `zero_output`, which is for files, and where an earlier plan left router rows behind.
void apply_plan(const Plan& plan, Transformer& model);

}  // namespace espalier::train
