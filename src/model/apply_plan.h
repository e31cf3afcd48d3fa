#pragma once

#include "artifacts/plan.h"
#include "model/bert.h"

namespace espalier {

/// Applies a plan in memory: dropped experts and their router rows leave the tensors, so that the softmax
/// runs over the survivors alone; merged experts and router rows become weighted sums, computed in float32. A
/// layer with one survivor becomes a plain FFN (alpha = 1, no router; 2206.00277, 3.3), and a model without
/// MoE layers an ordinary BERT. Tensors that change are new ones without gradients; the others are untouched.
///
/// The same function drops an optimizer's moments: they are tensors of the same names and shapes. A merge
/// there is the weighted sum of moments.
///
/// Throws UserError when the plan is not of this model (a layer without experts, another number of experts),
/// and for the router `zero_output`, which keeps rows of experts that are gone: this model format has none.
void apply_plan(const Plan& plan, BertModel& model);

}  // namespace espalier
