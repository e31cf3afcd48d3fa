#pragma once

#include <string>

#include "artifacts/observations.h"
#include "artifacts/plan.h"

namespace espalier {

/// For each expert the tokens that it handles more than its share, by lift, and some of them in their text: a
/// folded table for each layer. Empty where the observations have neither.
std::string tokens_section(const Observations& observations, const Plan* plan);

}  // namespace espalier
