#pragma once

#include <span>

#include "pipeline/verb.h"

namespace espalier::training {

/// Every verb of verbs/, by place.
std::span<const pipeline::Verb> verbs();

}  // namespace espalier::training
