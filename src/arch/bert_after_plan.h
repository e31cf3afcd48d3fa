#pragma once

#include "arch/bert_config.h"
#include "artifacts/plan.h"

namespace espalier {

/// `config` after the plan. A layer with one survivor is a plain FFN and no MoE layer any more, and a model
/// without MoE layers an ordinary BERT.
void describe_plan(const Plan& plan, BertMoeConfig& config);

}  // namespace espalier
