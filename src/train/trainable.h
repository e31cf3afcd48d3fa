#pragma once

#include <string_view>

#include "arch/spec.h"

namespace espalier::train {

/// Throws UserError naming what training cannot do of a model that inference runs.
void expect_trains(const arch::ModelSpec& spec, std::string_view source);

}  // namespace espalier::train
