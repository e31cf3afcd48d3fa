#pragma once

#include <span>

#include "pipeline/verb.h"

namespace espalier {

/// Every verb of this build, by place: those of pipeline/, and those that train, which take the place of one
/// of the same name.
std::span<const pipeline::Verb> verbs();

}  // namespace espalier
